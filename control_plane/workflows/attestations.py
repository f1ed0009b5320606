# SPDX-License-Identifier: Apache-2.0
"""Take attestations of registered identities into the log.

Everything but the log entry is verified first: what cannot be believed now is not
logged, and nothing is written. Then the order of ``workflows.ledger``.

What authors, approvers and releasers say comes in here. Trust changes and proofs of
possession are logged by the workflows that act on them, reports by theirs, which keeps
them in sequence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from control_plane.errors import AttestationNotAcceptedError
from control_plane.registry import repository as index
from control_plane.registry.models import LeafRow
from control_plane.services import Services
from control_plane.workflows.deposits import unlogged
from control_plane.workflows.ledger import Recorded, Signed, at_index, find
from control_plane.workflows.recording import record_verified
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.attestation import parse_attestation
from signer.errors import UnknownIdentityError, UnknownSignerError
from signer.predicates.base import (
    APPROVAL,
    ARTIFACT,
    LINT,
    PROVENANCE,
    RELEASE,
    RETIREMENT,
    RULE,
    SUMMARY,
    SVR,
    TEST_RESULT,
    WAIVER,
)
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.verify import Evidence, Expected, verify_attestation

ACCEPTED: Final = frozenset(
    {APPROVAL, ARTIFACT, LINT, RELEASE, RETIREMENT, RULE, WAIVER}
    | {PROVENANCE, SUMMARY, SVR, TEST_RESULT}
)


@dataclass(frozen=True, slots=True)
class Logged:
    """A leaf of the log, described.

    Attributes:
        recorded: The completed attestation.
        predicate_type: What it says; empty if its bytes are missing.
        identity: Who signed it, if they are registered.
    """

    recorded: Recorded
    predicate_type: str
    identity: str | None


def submit(services: Services, name: str, raw: bytes) -> Recorded:
    """Verify an attestation, log it, and return it completed.

    Raises:
        NotFoundError: No such workspace.
        AttestationNotAcceptedError: A predicate type that comes in elsewhere.
        UnknownSignerError: The key is not a registered identity's.
        VerificationError: It does not hold; nothing was logged.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)

    def verified(trust: Trust) -> Signed:
        pending = unlogged(workspace, raw)
        evidence = verify_pending(services, workspace, pending, trust)
        if evidence.statement.predicate_type not in ACCEPTED:
            raise AttestationNotAcceptedError(
                "expected what an author, approver or releaser says, "
                f"got {evidence.statement.predicate_type}",
                hint="reports and trust changes have endpoints of their own",
            )
        return evidence.attestation, evidence.signer.verifier.key

    return record_verified(services, workspace, verified)


def verify_pending(
    services: Services, workspace: Workspace, raw: bytes, trust: Trust
) -> Evidence:
    """Verify an attestation that is to be logged, as what it claims to be.

    Of a rule that is in the log, a further signature of the same statement may come.

    Raises:
        FormatError: Not an attestation.
        VerificationError: It does not hold.
    """
    attestation = parse_attestation(raw)
    first = find(services, workspace, attestation.digest)
    cosigned = first is not None and parse_attestation(first.raw).hint != (
        attestation.hint
    )
    return verify_attestation(
        raw,
        trust=trust,
        expected=Expected.as_claimed(attestation, cosigned=cosigned),
        at=services.clock(),
        pending=True,
    ).require()


def about(
    services: Services, name: str, subject: Digest, *, start: int, limit: int
) -> list[Logged]:
    """Return the logged attestations that name a subject, oldest first.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    policy = workspace.published().trust.policy
    with services.registry.read() as session:
        rows = index.leaves_about(session, name, subject, start=start, limit=limit)
        return _logged(workspace, policy, rows)


def signed_by(
    services: Services,
    name: str,
    identity_id: str,
    *,
    kind: str | None,
    start: int,
    limit: int,
) -> list[Logged]:
    """Return the logged attestations that an identity signed, oldest first.

    Raises:
        NotFoundError: No such workspace, or no such identity.
    """
    workspace = services.workspaces.open(name)
    policy = workspace.published().trust.policy
    try:
        identity = policy.identity(identity_id)
    except UnknownIdentityError as error:
        raise NotFoundError(
            f"expected a registered identity, got {identity_id[:64]!r}"
        ) from error
    key = identity.public_key
    with services.registry.read() as session:
        rows = index.leaves_by(
            session,
            name,
            identity.id,
            key_id=key.key_id if key else None,
            kind=kind,
            start=start,
            limit=limit,
        )
        return _logged(workspace, policy, rows)


def _logged(
    workspace: Workspace, policy: TrustPolicy, rows: Iterable[LeafRow]
) -> list[Logged]:
    return [
        Logged(
            at_index(workspace, row.leaf_index),
            row.predicate_type,
            row.identity or signer_of(policy, row.key_id),
        )
        for row in rows
    ]


def signer_of(policy: TrustPolicy, key_id: str) -> str | None:
    """Return the id of the identity that has this key."""
    try:
        return policy.identity_by_key(key_id).id
    except UnknownSignerError:
        return None
