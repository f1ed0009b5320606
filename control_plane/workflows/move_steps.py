# SPDX-License-Identifier: Apache-2.0
"""Carry out a move that was decided; ``make_sovereign`` has the order of writes.

Each step looks first whether it was done: whoever comes to it goes on, after a crash
anywhere.
"""

from typing import Final

from bundle.gate.candidate import POLICY_TARGET
from bundle.trust_proposal import proposed_files
from bundle.tuf.adopt import adopt_root
from bundle.tuf.handed_in import stage_targets
from bundle.tuf.proposal import Base, TrustProposal
from bundle.tuf.rootchain import is_sovereign
from control_plane.decided_move import DecidedMove
from control_plane.errors import MoveDecidedError
from control_plane.keystore import ADMIN, ROOT, TARGETS, identity_purpose
from control_plane.proposal_store import ProposalStore
from control_plane.registry import repository as index
from control_plane.services import Services
from control_plane.workflows.ledger import LocalNotary, catch_up, record
from control_plane.workspaces import Workspace
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.form import Custody
from signer.predicates.base import ROOT_CHANGE
from signer.predicates.root_change import RootChangePredicate
from signer.sign import attest
from signer.statement import Subject, build_statement
from signer.trust_policy import TrustPolicy

# Leaves about one root: its event, and what crashes may have left of other tries.
_MOST_EVENTS: Final = 16


def finish_moves(services: Services, name: str) -> None:
    """Carry out what was decided before the last end of this server, if anything was.

    Raises:
        StorageError: Repeat the call.
    """
    if not services.keystore.has(name, ROOT):
        return
    workspace = services.workspaces.open(name)
    with workspace.lock:
        for proposal_id in _pending(workspace):
            carry_out(services, workspace, proposal_id)
        _destroy_keys(services, workspace)


def require_no_move(services: Services, workspace: Workspace) -> None:
    """Refuse any other change between the decision and the end of a move.

    A release would lie above the floor that admins signed, by people who have ended.

    Raises:
        MoveDecidedError: There is one.
    """
    # Who has no embedded root key has been moved, or never was of that form.
    if services.keystore.has(workspace.name, ROOT) and _pending(workspace):
        raise MoveDecidedError(
            f"{workspace.name}: expected an embedded workspace, got one that is being "
            "made sovereign",
            hint="finish it: trustacks ceremony finish",
        )


def carry_out(services: Services, workspace: Workspace, proposal_id: Digest) -> None:
    """Do what of a decided move was not done; the caller holds the workspace's lock.

    Raises:
        TrustProposalStaleError: Other targets are in force.
        StorageError: Repeat the call.
    """
    store = ProposalStore(workspace.storage)
    proposal, decided = store.proposal(proposal_id), store.decided(proposal_id)
    if decided is None or not services.keystore.has(workspace.name, ROOT):
        return
    if workspace.published().committed.top != proposal.signed:
        _put_in_force(services, workspace, proposal, decided)
    if workspace.published().committed.roots[-1] != decided.root:
        keys = services.workspaces.role_keys(workspace.name)
        adopt_root(workspace.storage, keys, decided.root, at=services.clock())
    _destroy_keys(services, workspace)


def _pending(workspace: Workspace) -> list[Digest]:
    """Return the moves that were decided on what is in force, or are in force."""
    store = ProposalStore(workspace.storage)
    decided = store.decisions()
    if not decided:
        return []
    committed = workspace.published().committed
    base = Base(committed.top.version, Digest.of(committed.targets))
    found = {one: store.proposal(one) for one in decided}
    return [
        one
        for one, proposal in found.items()
        if proposal.base == base or proposal.signed == committed.top
    ]


def _put_in_force(
    services: Services,
    workspace: Workspace,
    proposal: TrustProposal,
    decided: DecidedMove,
) -> None:
    committed, at = workspace.published().committed, services.clock()
    proposal.require_base(Base(committed.top.version, Digest.of(committed.targets)))
    given = ProposalStore(workspace.storage).files(proposal.id).values()
    files = proposed_files(proposal, given, None)
    policy = TrustPolicy.parse(files[POLICY_TARGET])
    staged = stage_targets(
        workspace.storage, decided.targets, files, at=at, root=decided.root
    )
    catch_up(services, workspace)
    _log_root(services, workspace, decided.root)
    key_id = parse_attestation(decided.event).key_id
    signer = policy.identity_by_key(key_id).require_key()
    record(services, workspace, decided.event, signer)
    workspace.repository.publish_targets(staged, at=at)
    services.metrics.published("trust")


def _log_root(services: Services, workspace: Workspace, root: bytes) -> None:
    """Log the embedded admin's event about the root, unless an earlier try has.

    Its key is trusted until the event about the trust is in the log, and not a leaf
    longer.
    """
    digest = Digest.of(root)
    with services.registry.read() as session:
        rows = index.leaves_about(
            session, workspace.name, digest, start=0, limit=_MOST_EVENTS
        )
        if any(row.predicate_type == ROOT_CHANGE for row in rows):
            return
    chain = workspace.published().committed.chain
    version = chain.current.version + 1
    predicate = RootChangePredicate(
        workspace=chain.workspace,
        root_version=version,
        previous=chain.digest,
        at=services.clock(),
        checkpoint=workspace.log.checkpoint().decode(),
    )
    statement = build_statement([Subject(f"{version}.root.json", digest)], predicate)
    key = workspace.key(ADMIN)
    attest(statement, key=key, notary=LocalNotary(services, workspace, key.public_key))


def _destroy_keys(services: Services, workspace: Workspace) -> None:
    """Destroy what the sovereign form has no use for, once it is there.

    The root's key goes last: while it is there, the next start does this again.
    """
    published = workspace.published()
    if not is_sovereign(published.committed.chain.current):
        return
    everybody = published.trust.policy.identities
    held = [one.id for one in everybody if one.custody is Custody.CONTROL_PLANE]
    for purpose in (*map(identity_purpose, held), ADMIN, TARGETS, ROOT):
        services.keystore.destroy(workspace.name, purpose)
    # Whoever asks next opens it without the targets key.
    services.workspaces.forget(workspace.name)
