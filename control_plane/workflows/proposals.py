# SPDX-License-Identifier: Apache-2.0
"""Trust proposals of a sovereign workspace: kept, passed on, and published when signed.

Nothing here decides. Whatever a client may send is judged by the functions that admins
and Runners use; what this server adds is order, the log, and the online roles.

Order of writes. To propose: (1) the proof of possession, if there is one, in the log,
(2) files, (3) ``proposal.json``. To sign: one object for each key. To publish:
(4) files and ``N.targets.json``, with the admins' signatures, not reachable, (5) the
admin's trust-change attestation over those bytes, in the log, (6) snapshot and
timestamp: THE COMMIT. A crash behind any of them is repaired by the same call.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from bundle.tuf.handed_in import stage_targets
from bundle.tuf.proposal import Base, ProposalSignature, TrustProposal
from bundle.tuf.proposal_signing import assemble, signers_of, threshold_of
from control_plane.proposal_store import ProposalStore
from control_plane.services import Services
from control_plane.workflows import proofs
from control_plane.workflows.layer_checks import check_pinned_layers
from control_plane.workflows.ledger import catch_up, record
from control_plane.workflows.proposal_checks import Ground
from keys.digest import Digest
from keys.errors import VerificationError
from keys.public import PublicKey


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal and how far it is.

    Attributes:
        proposal: The proposal.
        signatures: Those that hold, by the digest of the public key.
        threshold: How many are needed.
        base: The targets in force.
        in_force: Whether they are this proposal's.
    """

    proposal: TrustProposal
    signatures: Mapping[str, ProposalSignature]
    threshold: int
    base: Base | None
    in_force: bool

    @property
    def status(self) -> str:
        """``open``, ``signed`` (ready to be published), ``in-force`` or ``stale``."""
        if self.in_force:
            return "in-force"
        if self.base != self.proposal.base:
            return "stale"
        return "signed" if len(self.signatures) >= self.threshold else "open"


def create(
    services: Services,
    name: str,
    raw: bytes,
    files: Mapping[Digest, bytes],
    *,
    proof: tuple[bytes, PublicKey] | None = None,
) -> Proposed:
    """Keep a proposal; the same again is success.

    Args:
        services: The server.
        name: The workspace.
        raw: The proposal.
        files: What it lists, by digest; what is in force already may be left out.
        proof: Possession of the key that it registers, and the key.

    Raises:
        NotFoundError: No such workspace.
        NotSovereignError: This server holds the admin keys; nobody proposes.
        TrustProposalStaleError: Made on other targets than those in force.
        TrustProposalMismatchError: It could not be published as it is.
        LayerMismatchError: Other layers than its trust policy pins.
        VerificationError: The trust that it proposes contradicts itself.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    proposal = TrustProposal.parse(raw)
    with workspace.lock:
        ground = Ground.of(workspace, services.clock())
        if ground.is_in_force(proposal):  # an answer was lost, and much came since
            return _standing(ground, proposal)
        found = ground.files_of(proposal, files.values())
        trust = ground.require_publishable(proposal, found)
        check_pinned_layers(services.engine, trust.policy.layers, found)
        proofs.require(services, workspace, proposal.change, proof)
        ProposalStore(workspace.storage).keep(proposal, found.values())
        return _standing(ground, proposal)


def index(services: Services, name: str) -> list[Proposed]:
    """Return every proposal, lowest version first.

    Raises:
        NotFoundError: No such workspace.
    """
    workspace = services.workspaces.open(name)
    ground = Ground.of(workspace, services.clock())
    store = ProposalStore(workspace.storage)
    found = [_standing(ground, store.proposal(one)) for one in store.ids()]
    return sorted(found, key=lambda one: (one.proposal.version, one.proposal.id.hex))


def show(services: Services, name: str, proposal_id: Digest) -> Proposed:
    """Return a proposal.

    Raises:
        NotFoundError: No such workspace or proposal.
    """
    workspace = services.workspaces.open(name)
    proposal = ProposalStore(workspace.storage).proposal(proposal_id)
    return _standing(Ground.of(workspace, services.clock()), proposal)


def file(services: Services, name: str, proposal_id: Digest, digest: Digest) -> bytes:
    """Return a file that a proposal lists.

    Raises:
        NotFoundError: No such workspace, proposal or file.
    """
    storage = services.workspaces.open(name).storage
    return ProposalStore(storage).file(proposal_id, digest)


def sign(
    services: Services, name: str, proposal_id: Digest, signature: ProposalSignature
) -> Proposed:
    """Keep an admin's signature; the same key again is success.

    Raises:
        NotFoundError: No such workspace or proposal.
        TufKeyError: The root does not name the key for targets.
        TufSignatureError: It does not hold.
        TrustProposalStaleError: Other targets are in force meanwhile.
    """
    workspace = services.workspaces.open(name)
    store = ProposalStore(workspace.storage)
    with workspace.lock:
        ground = Ground.of(workspace, services.clock())
        proposal = store.proposal(proposal_id)
        held = _standing(ground, proposal).signatures
        (spki,) = signers_of(proposal, ground.roots.current, [signature])
        if spki not in held:
            proposal.require_base(ground.base)
            store.sign(proposal_id, spki, signature)
        return _standing(ground, proposal)


def publish(
    services: Services, name: str, proposal_id: Digest, event: bytes
) -> Proposed:
    """Put a signed proposal in force; one that is in force is success.

    Args:
        services: The server.
        name: The workspace.
        proposal_id: Which proposal.
        event: An admin's trust-change attestation over the assembled bytes, stamped
            and not logged.

    Raises:
        NotFoundError: No such workspace or proposal.
        TufSignatureError: Too few admins signed.
        TrustProposalStaleError: Other targets are in force meanwhile.
        TrustProposalMismatchError: The event says something else.
        VerificationError: The event, or the trust, does not hold.
        StorageError: It may or may not be in force; repeat the call.
    """
    workspace = services.workspaces.open(name)
    store = ProposalStore(workspace.storage)
    with workspace.lock:
        ground = Ground.of(workspace, services.clock())
        proposal = store.proposal(proposal_id)
        before = _standing(ground, proposal)
        if before.status == "in-force":
            return before
        files = ground.files_of(proposal, store.files(proposal_id).values())
        trust = ground.require_publishable(proposal, files)
        signatures = tuple(before.signatures.values())
        targets = assemble(proposal, ground.roots.current, signatures)
        key = ground.require_event(event, proposal, targets=targets, proposed=trust)
        staged = stage_targets(workspace.storage, targets, files, at=ground.at)
        catch_up(services, workspace)
        record(services, workspace, event, key)
        workspace.repository.publish_targets(staged, at=ground.at)
        services.metrics.published("trust")
    return show(services, name, proposal_id)


def _standing(ground: Ground, proposal: TrustProposal) -> Proposed:
    root = ground.roots.current
    held: dict[str, ProposalSignature] = {}
    for one in ProposalStore(ground.workspace.storage).signatures(proposal.id):
        with suppress(VerificationError):  # its key may have left the root since
            held |= signers_of(proposal, root, [one])
    return Proposed(
        proposal, held, threshold_of(root), ground.base, ground.is_in_force(proposal)
    )
