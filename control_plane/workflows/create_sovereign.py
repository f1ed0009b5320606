# SPDX-License-Identifier: Apache-2.0
"""Make a workspace of the sovereign form: admins bring its root and its first trust.

This server gives its online keys first (``online_keys``). Admins put them into a root,
sign it, sign the first trust under it, and bring both. No admin key is ever here.

Order of writes, as for the embedded form: (0) everything is verified, (1) the online
keys, (2) a storage that nobody sees: root, empty log, the admins' targets, their event
in the log, snapshot and timestamp, (3) its name: THE COMMIT, (4) the registry's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bundle.gate.candidate import TRUSTED_ROOT_TARGET
from bundle.tuf.errors import TrustProposalMismatchError
from bundle.tuf.handed_in import stage_targets
from bundle.tuf.proposal import ProposalSignature, TrustProposal
from bundle.tuf.proposal_signing import assemble
from bundle.tuf.roles import SNAPSHOT, TIMESTAMP
from bundle.tuf.rootchain import open_roots
from control_plane import keystore as purposes
from control_plane.log import Log
from control_plane.services import Services
from control_plane.workflows.create_workspace import (
    index_workspace,
    require_new,
)
from control_plane.workflows.layer_checks import check_pinned_layers
from control_plane.workflows.ledger import log_unindexed
from control_plane.workflows.proposal_checks import Ground
from control_plane.workspaces import (
    ONLINE,
    Workspace,
    require_workspace_name,
)
from keys.digest import Digest
from keys.public import PublicKey
from signer.trusted_root import TrustedRoot


@dataclass(frozen=True, slots=True)
class OnlineKeys:
    """What of a workspace is this server's, before the workspace is there.

    Attributes:
        release: Key of the delegated role.
        snapshot: Key of the role.
        timestamp: Key of the role.
        log: Key of the log.
        origin: The log's name.
        checkpoint: The signed note of the empty log.
        trusted_root: The log and this server's timestamp authority.
    """

    release: PublicKey
    snapshot: PublicKey
    timestamp: PublicKey
    log: PublicKey
    origin: str
    checkpoint: bytes
    trusted_root: bytes


@dataclass(frozen=True, slots=True)
class Genesis:
    """What admins bring.

    Attributes:
        root: ``1.root.json``, signed.
        proposal: The first trust.
        signatures: The admins' signatures of it.
        files: Every file that it lists.
        event: An admin's attestation of it, stamped and not logged.
    """

    root: bytes
    proposal: TrustProposal
    signatures: Sequence[ProposalSignature]
    files: Mapping[Digest, bytes]
    event: bytes


def online_keys(services: Services, name: str) -> OnlineKeys:
    """Make the online keys of a workspace to be; again gives the same.

    Raises:
        UsageError: Not a name.
        WorkspaceExistsError: There is one of that name.
        KeyProviderError: A key cannot be made.
    """
    require_workspace_name(name)
    with services.workspaces.creating:
        require_new(services, name)
        key = services.workspaces.ensure_keys(name, ONLINE)
    origin = services.workspaces.origin(name)
    return OnlineKeys(
        release=key(purposes.RELEASE).public_key,
        snapshot=key(purposes.SNAPSHOT).public_key,
        timestamp=key(purposes.TIMESTAMP).public_key,
        log=key(purposes.LOG).public_key,
        origin=origin,
        checkpoint=Log.empty_checkpoint(origin, key(purposes.LOG)),
        trusted_root=services.workspaces.trusted_root(name, start=services.clock()),
    )


def create_sovereign(services: Services, name: str, genesis: Genesis) -> Workspace:
    """Make a workspace from what its admins signed.

    Raises:
        UsageError: Not a name.
        WorkspaceExistsError: There is one of that name.
        NotSovereignError: A root in which this server would count among the admins.
        TrustProposalMismatchError: Online keys or log of another workspace.
        VerificationError: Root, trust or event do not hold.
        StorageError: It was not made; do it again.
    """
    require_workspace_name(name)
    with services.workspaces.creating:
        require_new(services, name)
        services.workspaces.ensure_keys(name, ONLINE)
        _stage(services, services.workspaces.stage(name), genesis)
        services.workspaces.commit(name)
    return index_workspace(services, name)


def _stage(services: Services, workspace: Workspace, genesis: Genesis) -> None:
    _require_online_keys(workspace, genesis.root)
    workspace.repository.create(genesis.root)
    Log.create(
        workspace.storage,
        origin=workspace.log.origin,
        key=workspace.key(purposes.LOG),
    )
    ground = Ground.of(workspace, services.clock())
    files = ground.files_of(genesis.proposal, genesis.files.values())
    trust = ground.require_publishable(genesis.proposal, files)
    _require_own_log(workspace, files)
    check_pinned_layers(services.engine, trust.policy.layers, files)
    targets = assemble(genesis.proposal, ground.roots.current, genesis.signatures)
    key = ground.require_event(
        genesis.event, genesis.proposal, targets=targets, proposed=trust
    )
    staged = stage_targets(workspace.storage, targets, files, at=ground.at)
    log_unindexed(workspace, genesis.event, key)
    workspace.repository.publish_targets(staged, at=ground.at)


def _require_online_keys(workspace: Workspace, root: bytes) -> None:
    keys = open_roots([root]).keys
    for role, purpose in (
        (SNAPSHOT, purposes.SNAPSHOT),
        (TIMESTAMP, purposes.TIMESTAMP),
    ):
        if keys.get(workspace.key(purpose).public_key.key_id) != role:
            raise TrustProposalMismatchError(
                f"expected this server's {role} key in the root, got another",
                hint="begin the ceremony with this server's keys",
            )


def _require_own_log(workspace: Workspace, files: Mapping[str, bytes]) -> None:
    logs = TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]).logs
    if [log.key.key_id for log in logs] != [workspace.log.key.key_id]:
        raise TrustProposalMismatchError(
            "expected this workspace's log in the trusted root, got another"
        )
