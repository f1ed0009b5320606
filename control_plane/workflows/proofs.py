# SPDX-License-Identifier: Apache-2.0
"""Take in the proof that somebody holds the key that a trust proposal registers.

It is verified while its challenge is open, and logged with the proposal: admins may
need days to sign, and a proof alone grants nothing.
"""

from bundle.tuf.errors import TrustProposalMismatchError
from control_plane.services import Services
from control_plane.workflows import challenges
from control_plane.workflows.ledger import find, record
from control_plane.workspaces import Workspace
from keys.public import PublicKey
from signer.attestation import parse_attestation
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.trust_change import Change
from signer.statement import parse_statement
from signer.verify import verify_possession


def require(
    services: Services,
    workspace: Workspace,
    change: Change,
    proof: tuple[bytes, PublicKey] | None,
) -> None:
    """Refuse a registration whose proof is neither here nor in the log already.

    Raises:
        TrustProposalMismatchError: It is not there, or not the one that is named.
        VerificationError: It does not hold, or answers no open challenge.
        StorageError: Repeat the call.
    """
    if change.proof is not None and find(services, workspace, change.proof):
        return
    if proof is not None:
        _accept(services, workspace, change, *proof)
    elif change.proof is not None:
        raise TrustProposalMismatchError(
            f"expected the proof {change.proof} with the proposal, got none",
            hint="hand it in with the proposal: identity register --proof FILE",
        )


def _accept(
    services: Services,
    workspace: Workspace,
    change: Change,
    proof: bytes,
    public_key: PublicKey,
) -> None:
    """Verify a proof, log it, and close its challenge."""
    attestation = parse_attestation(proof)
    said = parse_statement(attestation.envelope.payload)
    claimed = IdentityProofPredicate.parse(said.predicate)
    named = (change.proof, change.identity)
    if named != (attestation.digest, claimed.identity.id):
        raise TrustProposalMismatchError(
            f"expected the proof {change.proof} of {change.identity}, "
            f"got {attestation.digest} of {claimed.identity.id}"
        )
    trust = workspace.published().trust
    accepted = verify_possession(
        proof,
        public_key=public_key,
        workspace=trust.workspace,
        trusted_root=trust.trusted_root,
        challenge=claimed.challenge,
        at=services.clock(),
        pending=True,
    ).require()
    challenges.require_answered(services, workspace, accepted, public_key)
    record(services, workspace, proof, public_key)
    challenges.close(services, workspace, accepted.challenge)
