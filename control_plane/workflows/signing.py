# SPDX-License-Identifier: Apache-2.0
"""Sign with a custodial identity, and verify anybody's attestation.

``sign`` builds the statement itself, from digests and a predicate type, and only
``artifact/v1``: nothing that this server can be asked to sign changes what Runners
trust or decide. The token's subject must be the identity's principal, because a role
grants calls and never a signing right (DESIGN 8).

Writes: those of ``workflows.ledger``. Verifying writes nothing.
"""

from collections.abc import Sequence
from functools import partial

from bundle.gate.named import keep_named
from control_plane.auth.roles import Caller
from control_plane.errors import SigningNotAllowedError
from control_plane.keystore import identity_purpose
from control_plane.services import Services
from control_plane.workflows.ledger import LocalNotary, Recorded, Signed
from control_plane.workflows.recording import record_verified
from control_plane.workflows.release_chain import read_chain
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.attestation import parse_attestation
from signer.errors import UnknownIdentityError
from signer.form import Custody
from signer.identity import Identity
from signer.predicates.artifact import ArtifactPredicate
from signer.predicates.base import ARTIFACT, PERMISSION
from signer.result import VerificationResult
from signer.sign import attest_pending
from signer.statement import Subject, build_statement
from signer.trust import Trust
from signer.verify import Expected, verify_attestation


def sign(
    services: Services,
    name: str,
    *,
    caller: Caller,
    identity_id: str,
    predicate_type: str,
    subjects: Sequence[Subject],
) -> Recorded:
    """Sign a statement about subjects with a custodial identity.

    Raises:
        NotFoundError: No such workspace or identity.
        SigningNotAllowedError: Another predicate type, an identity whose key is not
            here, that is not the caller's, or that is revoked or out of its window.
        StorageError: Repeat the call.
    """
    if predicate_type != ARTIFACT:
        raise SigningNotAllowedError(
            f"expected {ARTIFACT}, got {predicate_type[:100]!r}",
            hint="rules, releases and trust changes are signed by their own identities",
        )
    workspace = services.workspaces.open(name)

    def signed(trust: Trust) -> Signed:
        identity = _usable(services, trust, name, identity_id, caller)
        key = services.keystore.key(name, identity_purpose(identity.id))
        said = ArtifactPredicate(
            workspace=trust.workspace, identity=identity.id, signed_at=services.clock()
        )
        notary = LocalNotary(services, workspace, key.public_key)
        raw = attest_pending(
            build_statement(subjects, said), key=key, timestamp=notary.timestamp
        )
        return parse_attestation(raw), key.public_key

    return record_verified(services, workspace, signed)


def verify(
    services: Services,
    name: str,
    *,
    attestation: bytes,
    predicate_type: str,
    subject: Digest,
) -> VerificationResult:
    """Verify an attestation under the trust in force now; refused is an answer too.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    trust = keep_named(workspace.published().trust, partial(read_chain, workspace))
    expected = Expected(predicate_type, (subject,))
    at = services.clock()
    return verify_attestation(attestation, trust=trust, expected=expected, at=at).result


def _usable(
    services: Services, trust: Trust, name: str, identity_id: str, caller: Caller
) -> Identity:
    policy = trust.policy
    try:
        identity = policy.identity(identity_id)
    except UnknownIdentityError as error:
        raise NotFoundError(
            f"expected a registered identity, got {identity_id[:64]!r}"
        ) from error
    purpose = identity_purpose(identity.id)
    known = identity.public_key is not None
    held = known and services.keystore.has(name, purpose)
    if identity.custody is not Custody.CONTROL_PLANE or not held:
        raise SigningNotAllowedError(
            f"expected an identity whose key is here, got {identity.id}",
            hint="whoever has the key signs with it: trustacks sign",
        )
    if caller.subject != identity.principal:
        raise SigningNotAllowedError(
            f"expected the token of {identity.principal}, got one of {caller.subject}"
        )
    at = services.clock()
    in_window = identity.not_before <= at <= identity.not_after
    if policy.revocation(identity.id) is not None or not in_window:
        raise SigningNotAllowedError(
            f"expected an identity in force, got {identity.id}, which is not"
        )
    if not identity.permissions & PERMISSION[ARTIFACT]:
        raise SigningNotAllowedError(
            f"expected an identity that may sign artifacts, got {identity.id}"
        )
    return identity
