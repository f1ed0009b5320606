# SPDX-License-Identifier: Apache-2.0
"""Make an embedded workspace sovereign: admins bring its next root and first trust.

``hand_over`` adds this server's own signature to the targets, which has no effect by
itself; a new admin attests what both signed; ``finish`` makes it so. Order of writes:

1. the proposal and its files, not served
2. root, targets and event, signed by everybody, as one object: DECIDED
3. files and ``N.targets.json``, not reachable
4. in the log: the embedded admin's event of the root, the new admin's of the trust
5. snapshot and timestamp: the trust is in force, for whoever is pinned lower
6. the order of ``bundle.tuf.adopt``, in which the root is THE COMMIT: sovereign
7. the embedded keys are destroyed: custodial identities, admin, targets, root

Targets hold under both roots, so that clients find something that holds in between. A
crash before 2 leaves an embedded workspace and nothing else; behind it the move is
carried out by the same call or by the next start, and no other move, change of trust or
release is taken before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tuf.api.metadata import Root

from bundle.tuf.errors import TrustProposalMismatchError
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import ProposalSignature, TrustProposal
from bundle.tuf.proposal_signing import assemble, sign_proposal
from bundle.tuf.root_draft import sign_root
from control_plane.decided_move import DecidedMove
from control_plane.keystore import RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from control_plane.proposal_store import ProposalStore
from control_plane.services import Services
from control_plane.workflows.move_checks import MoveGround
from control_plane.workflows.move_steps import carry_out, require_no_move
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.public import PublicKey


@dataclass(frozen=True, slots=True)
class NextKeys:
    """The online keys that the next root, and the targets under it, are to name.

    Attributes:
        release: Of the delegated role.
        snapshot: Of the role.
        timestamp: Of the role.
        checkpoint: The log's signed note.
    """

    release: PublicKey
    snapshot: PublicKey
    timestamp: PublicKey
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What admins bring to finish.

    Attributes:
        root: The next root, as it was handed over.
        signatures: Of the targets: the new admins' and the embedded key's.
        event: A new admin's attestation of the targets that they make, not logged.
    """

    root: bytes
    signatures: Sequence[ProposalSignature]
    event: bytes


def next_keys(services: Services, name: str) -> NextKeys:
    """Make online keys that never had a role; again gives the same.

    Raises:
        NotFoundError: No such workspace.
        AlreadySovereignError: Its admins rotate them (``workflows.roots``).
        KeyProviderError: One cannot be made.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        used = MoveGround.of(workspace, services.clock()).embedded.view.role_keys

        def unused(role: str) -> PublicKey:
            for key in services.keystore.further(name, role):
                if key.public_key.key_id not in used:
                    return key.public_key
            return services.keystore.add(name, role).public_key

        return NextKeys(
            unused(RELEASE),
            unused(SNAPSHOT),
            unused(TIMESTAMP),
            workspace.log.checkpoint(),
        )


def hand_over(
    services: Services,
    name: str,
    proposal: TrustProposal,
    *,
    root: bytes,
    signatures: Sequence[ProposalSignature],
    files: Sequence[bytes],
) -> ProposalSignature:
    """Keep what admins signed, and add the embedded key's signature to the targets.

    Args:
        services: The server.
        name: The workspace.
        proposal: The first trust under the next root.
        root: That root, signed by its own threshold.
        signatures: The new admins', of the proposal.
        files: What it lists; what is in force already may be left out.

    Raises:
        NotFoundError: No such workspace.
        AlreadySovereignError: It has been moved.
        TufSignatureError: Too few of the new admins signed.
        VerificationError: As ``MoveGround.require``.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        ground = MoveGround.of(workspace, services.clock())
        drafted = ground.require(services, root, proposal, files)
        # Nothing is lent to less than a whole move.
        assemble(proposal, drafted.root.current, signatures)
        ProposalStore(workspace.storage).keep(proposal, drafted.files.values())
        old = ground.embedded.chain.current
        return sign_proposal(proposal, old, workspace.key(TARGETS))


def finish(services: Services, name: str, proposal_id: Digest, signed: Signed) -> None:
    """Make the workspace sovereign; one that is, by this proposal, is success.

    Raises:
        NotFoundError: No such workspace, or it was not handed over.
        AlreadySovereignError: By another proposal.
        MoveDecidedError: Another proposal has been decided.
        TrustProposalStaleError: Other targets are in force meanwhile.
        VerificationError: Root, trust, signatures or event do not hold.
        StorageError: It may or may not be sovereign; repeat the call.
    """
    workspace = services.workspaces.open(name)
    store = ProposalStore(workspace.storage)
    with workspace.lock:
        decided = store.decided(proposal_id)
        if decided is None:
            require_no_move(services, workspace)
            decided = _decide(services, workspace, store.proposal(proposal_id), signed)
            store.decide(proposal_id, decided)
        _require_same_root(decided.root, signed.root)
        carry_out(services, workspace, proposal_id)


def _decide(
    services: Services, workspace: Workspace, proposal: TrustProposal, signed: Signed
) -> DecidedMove:
    """Verify a move whole; return it with the embedded key's signature of the root."""
    ground = MoveGround.of(workspace, services.clock())
    given = ProposalStore(workspace.storage).files(proposal.id).values()
    drafted = ground.require(services, signed.root, proposal, given)
    targets = ground.require_whole(drafted, signed.signatures, signed.event)
    old = ground.embedded.chain.current
    root = sign_root(signed.root, workspace.key(ROOT), previous=old)
    return DecidedMove(root, targets, signed.event)


def _require_same_root(decided: bytes, root: bytes) -> None:
    """Refuse another root than the one that was decided.

    Raises:
        TrustProposalMismatchError: It is another.
    """
    kept, given = (parse_metadata(one, Root, "root").signed for one in (decided, root))
    if kept != given:
        raise TrustProposalMismatchError(
            "expected the root with which the move was decided, got another"
        )
