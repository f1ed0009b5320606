# SPDX-License-Identifier: Apache-2.0
"""Propose a change of trust: from the pinned policy to the next one.

Order of work: (1) refresh the pin; (2) change the policy; (3) take the log's newest
checkpoint, verified with the pinned key; (4) build the proposal on the pinned targets,
under a version above every one proposed so far; (5) judge it as any admin will; (6)
hand it in, with the files that are new.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from securesystemslib.signer import Key

from bundle.gate.candidate import POLICY_TARGET
from bundle.tuf.keys import role_key
from bundle.tuf.proposal import TrustProposal, build_proposal
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64encode
from signer.form import Custody
from signer.predicates.trust_change import Change
from signer.tlog.limits import MAX_NOTE_BYTES
from signer.trust_policy import TrustPolicy
from trustacks.client import segment
from trustacks.pinned import Pinned
from trustacks.possession import Proof
from trustacks.trusting import Reviewed, TrustDesk, in_force, review

_MOST_OPEN: Final = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change of trust.

    Attributes:
        change: What the event will say.
        policy: Makes the next policy of the one in force; its version is set here.
        files: Trust files and layers that change besides.
        proof: Possession of the key that is registered.
        release_key: An online key that offers releases from now on.
    """

    change: Change
    policy: Callable[[TrustPolicy], TrustPolicy]
    files: Mapping[str, bytes] | None = None
    proof: Proof | None = None
    release_key: PublicKey | None = None


def propose(desk: TrustDesk, wanted: Wanted) -> Reviewed:
    """Propose a change of trust.

    Raises:
        TrustacksError: As ``bundle.trust_proposal.judge_proposal``.
        ControlPlaneRefusalError: It is not taken.
    """
    at = desk.clock()
    pinned = desk.store.refresh(at=at)
    now = in_force(pinned)
    files = {**now.files, **(wanted.files or {})}
    files[POLICY_TARGET] = _next(pinned, wanted).to_bytes()
    proposal = _built(desk, pinned, wanted, files)
    roots = open_roots(pinned.fetched.roots)
    reviewed = review(proposal, roots, now, files, [], at=at)
    known = {Digest.of(data) for data in now.files.values()}
    new = [data for data in files.values() if Digest.of(data) not in known]
    sent: dict[str, Any] = {
        "proposal": b64encode(proposal.to_bytes()),
        "files": [b64encode(data) for data in new],
    }
    if wanted.proof is not None:
        sent["possession"] = wanted.proof.to_request()
    desk.api.post("/trust/proposals", sent)
    return reviewed


def _next(pinned: Pinned, wanted: Wanted) -> TrustPolicy:
    policy = pinned.trust.policy
    return replace(wanted.policy(policy), version=policy.version + 1)


def _release_key(pinned: Pinned, wanted: Wanted) -> Key:
    if wanted.release_key is None:
        return pinned.release_key
    return role_key(wanted.release_key, Custody.CONTROL_PLANE)


def _built(
    desk: TrustDesk, pinned: Pinned, wanted: Wanted, files: Mapping[str, bytes]
) -> TrustProposal:
    name = segment(desk.api.name)
    note = desk.api.client.fetch(f"/w/{name}/log/checkpoint", max_bytes=MAX_NOTE_BYTES)
    pinned.checkpoint(note)
    base = in_force(pinned).base
    proposed = [Fields(one, "proposal").integer("version") for one in desk.proposals()]
    # A server that names absurd versions must not use up the numbers there are.
    highest = max(min(n, base.version + _MOST_OPEN) for n in (base.version, *proposed))
    return build_proposal(
        pinned.view.workspace,
        base,
        highest + 1,
        files,
        _release_key(pinned, wanted),
        wanted.change,
        checkpoint=note.decode(),
        at=desk.clock(),
    )
