# SPDX-License-Identifier: Apache-2.0
"""Make a workspace: keys, genesis root, an empty log, the first trust policy.

Order of writes:

0. the layers' signatures hold                        refused: nothing happened
1. keys, each made once and used by every later try
2. a storage that nobody sees (``control_plane.stores``): genesis root, empty log,
   targets 1, the trust-change attestation in the log, snapshot and timestamp
3. the storage gets the workspace's name: THE COMMIT
4. rows in the registry                               a crash: the next start adds them

Before 3 nothing has been shown to anybody, so that a new try begins anew.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bundle.gate.candidate import (
    CONSTITUTION_SIGNATURE_TARGET,
    CONSTITUTION_TARGET,
    TRUSTED_ROOT_TARGET,
    pack_signature_target,
    pack_target,
)
from bundle.tuf.root import build_root
from control_plane.errors import (
    WorkspaceExistsError,
)
from control_plane.keystore import ADMIN, LOG, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from control_plane.log import Log
from control_plane.registry import repository as index
from control_plane.registry.models import WorkspaceRow
from control_plane.services import Services
from control_plane.workflows.layer_checks import LayerFiles, check_layers
from control_plane.workflows.ledger import catch_up
from control_plane.workflows.trust import TrustChange, change_trust
from control_plane.workspaces import (
    Workspace,
    require_workspace_name,
)
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.credential import KeyCredential
from signer.custody import CustodyTable
from signer.form import Custody
from signer.identity import ANY_NAMESPACE, Identity, IdentityTerms
from signer.pins import LayerPins
from signer.predicates.trust_change import WORKSPACE_CREATED, Change
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot

# Days. The embedded admin lives as long as the embedded timestamp authority.
_ADMIN_DAYS: Final = 3650


def create_workspace(
    services: Services,
    name: str,
    *,
    constitution: LayerFiles,
    packs: Sequence[LayerFiles] = (),
) -> Workspace:
    """Make a workspace of the embedded form.

    Raises:
        UsageError: Not a name.
        WorkspaceExistsError: There is one of that name.
        VerificationError: A layer's signature does not hold.
        LayerMismatchError: A layer is not what it is handed in as.
        LayerUnsafeError: A layer that overlays must not stand on.
        StorageError: It was not made; do it again.
    """
    require_workspace_name(name)
    check_layers(services.engine, constitution, packs)
    at = services.clock()
    with services.workspaces.creating:
        require_new(services, name)
        _stage(services, name, constitution, packs, at)
        services.workspaces.commit(name)
    return index_workspace(services, name)


def require_new(services: Services, name: str) -> None:
    """Refuse a name that is taken; one that a crash left without a row gets it.

    Raises:
        WorkspaceExistsError: It is.
    """
    if services.workspaces.find(name) is not None:
        index_workspace(services, name)
        raise WorkspaceExistsError(f"expected a new name, got {name!r}", name=name)


def index_workspace(services: Services, name: str) -> Workspace:
    """Add a workspace that was made to the registry; again is success.

    Raises:
        NotFoundError: It was not made.
        StorageError: The registry or the workspace cannot be used.
    """
    found = services.workspaces.find(name)
    if found is None:
        raise NotFoundError(f"expected a workspace, got {name!r}")
    policy = found.published().trust.policy
    begun = min(one.not_before for one in policy.identities if one.may("admin"))
    with services.registry.write() as session:
        if index.find_workspace(session, name) is None:
            session.add(
                WorkspaceRow(
                    name=name,
                    digest=str(policy.workspace),
                    created_at=format_instant(begun),
                )
            )
    workspace = services.workspaces.open(name)
    catch_up(services, workspace)
    return workspace


def _stage(
    services: Services,
    name: str,
    constitution: LayerFiles,
    packs: Sequence[LayerFiles],
    at: datetime,
) -> None:
    key = services.workspaces.ensure_keys(name)
    workspace = services.workspaces.stage(name)
    root = build_root(
        root_keys=[key(ROOT)],
        targets_keys=[key(TARGETS).public_key],
        snapshot_key=key(SNAPSHOT).public_key,
        timestamp_key=key(TIMESTAMP).public_key,
        custody=Custody.CONTROL_PLANE,
        at=at,
    )
    workspace.repository.create(root)
    Log.create(workspace.storage, origin=services.workspaces.origin(name), key=key(LOG))
    trusted_root = services.workspaces.trusted_root(name, start=at)
    files = {TRUSTED_ROOT_TARGET: trusted_root}
    files |= _layer_targets(constitution, packs)
    policy = _first_policy(
        Digest.of(root),
        admin=_admin(key(ADMIN).public_key, at),
        layers=LayerPins(constitution.pin, {str(p.name): p.pin for p in packs}),
        trusted_root=TrustedRoot.parse(trusted_root),
    )
    if services.sigstore is not None:
        pinned = services.sigstore.pinned_in(policy, trusted_root)
        policy, files[TRUSTED_ROOT_TARGET] = pinned.policy, pinned.trusted_root
    begin = TrustChange(policy, files, Change(kind=WORKSPACE_CREATED), previous=None)
    change_trust(services, workspace, begin, at=at, indexed=False)


def _layer_targets(
    constitution: LayerFiles, packs: Sequence[LayerFiles]
) -> dict[str, bytes]:
    files = {
        CONSTITUTION_TARGET: constitution.archive,
        CONSTITUTION_SIGNATURE_TARGET: constitution.attestation,
    }
    for pack in packs:
        files[pack_target(str(pack.name))] = pack.archive
        files[pack_signature_target(str(pack.name))] = pack.attestation
    return files


def _admin(key: PublicKey, at: datetime) -> Identity:
    terms = IdentityTerms(
        id=ADMIN,
        principal="control-plane",
        custody=Custody.CONTROL_PLANE,
        permissions=frozenset({"admin"}),
        namespaces=frozenset({ANY_NAMESPACE}),
        not_before=at,
        not_after=at + timedelta(days=_ADMIN_DAYS),
    )
    return Identity.of(terms, KeyCredential(key))


def _first_policy(
    workspace: Digest,
    *,
    admin: Identity,
    layers: LayerPins,
    trusted_root: TrustedRoot,
) -> TrustPolicy:
    return TrustPolicy(
        workspace=workspace,
        version=1,
        identities=(admin,),
        thresholds={"rule": 1, "release": 1},
        revocations=(),
        layers=layers,
        custody=CustodyTable(
            logs={log.log_id: Custody.CONTROL_PLANE for log in trusted_root.logs},
            authorities={
                authority.digest: Custody.CONTROL_PLANE
                for authority in trusted_root.authorities
            },
        ),
    )
