# SPDX-License-Identifier: Apache-2.0
"""Log attestations of many callers in one commit, each verified under its own trust.

Order of writes: that of ``workflows.ledger``, for all that wait at once:

1. each attestation's bytes, by the thread that brings it
2. all their leaves, in one commit of the log
3. all their rows, in one transaction

What a caller verified, it verified before it waited. Trust may have changed by then:
whoever commits holds the workspace's lock, and takes nothing that was verified under
another trust than that in force. Its caller verifies again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from control_plane.services import Services
from control_plane.workflows import ledger
from control_plane.workflows.bodies import store_body
from control_plane.workflows.deposits import require_fits
from control_plane.workflows.ledger import Recorded, Signed
from control_plane.workspaces import Workspace
from keys.public import PublicKey
from signer.attestation import Attestation
from signer.trust import Trust

# Changes of trust in a row that a caller verifies again for before it takes the lock.
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Verified:
    """An attestation that holds.

    Attributes:
        attestation: Without a log entry; its bytes are stored.
        key: The key that it was verified with.
        trust: The trust that it was verified under.
    """

    attestation: Attestation
    key: PublicKey
    trust: Trust


# Verifies what is to be logged, under the trust in force.
Verify = Callable[[Trust], Signed]


def record_verified(
    services: Services, workspace: Workspace, verify: Verify
) -> Recorded:
    """Verify, and log with whatever else is waiting; what is logged stays as it is.

    The caller holds no lock: whoever commits for it takes the workspace's.

    Raises:
        TrustacksError: What ``verify`` says; nothing was logged.
        EntryTakenError: The log has another signature of the key over the statement.
        StorageError: It may or may not be in the log; repeat the call.
    """
    for _ in range(_TRIES):
        trust = workspace.published().trust
        attestation, key = verify(trust)
        require_fits(services, workspace, attestation, key)
        stored = store_body(workspace, attestation)
        ours = (Verified(stored, key, trust),)
        done: Recorded | None
        (done,) = workspace.recording.submit(
            ours, partial(_commit, services, workspace)
        )
        if done is not None:
            return done
    with workspace.lock:
        attestation, key = verify(workspace.published().trust)
        return ledger.record(services, workspace, attestation.raw, key)


def _commit(
    services: Services, workspace: Workspace, waiting: Sequence[Verified]
) -> list[Recorded | None]:
    """Log what is not logged yet; for what another trust was asked, return None."""
    with workspace.lock:
        trust = workspace.published().trust
        valid = [one for one in waiting if one.trust is trust]
        done = ledger.record_all(
            services, workspace, [(one.attestation, one.key) for one in valid]
        )
    found = dict(zip(map(id, valid), done, strict=True))
    return [found.get(id(one)) for one in waiting]
