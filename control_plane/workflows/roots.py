# SPDX-License-Identifier: Apache-2.0
"""New roots of a sovereign workspace, and new online keys for them to name.

Order of writes: (1) everything is verified, (2) the admin's root-change attestation in
the log, (3) the order of ``bundle.tuf.adopt``, in which the root is the commit.
"""

from tuf.api.metadata import Root

from bundle.tuf.adopt import adopt_root, check_root
from bundle.tuf.committed import read_roots
from bundle.tuf.errors import TrustProposalMismatchError
from bundle.tuf.keys import identify
from bundle.tuf.metadata import parse_metadata
from control_plane.keystore import RELEASE, SNAPSHOT, TIMESTAMP
from control_plane.services import Services
from control_plane.workflows.ledger import catch_up, record
from control_plane.workflows.proposal_checks import Ground
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import UsageError
from keys.public import PublicKey
from signer.predicates.root_change import RootChangePredicate
from signer.trust import Expected
from signer.verify import verify_attestation

ROTATED = (RELEASE, SNAPSHOT, TIMESTAMP)


def new_online_key(services: Services, name: str, role: str) -> PublicKey:
    """Make a further online key; it signs when metadata names it.

    Raises:
        NotFoundError: No such workspace.
        NotSovereignError: This server holds the admin keys.
        UsageError: Not an online role.
        KeyProviderError: It cannot be made.
    """
    if role not in ROTATED:
        raise UsageError(f"expected {' or '.join(ROTATED)}, got {role[:32]!r}")
    workspace = services.workspaces.open(name)
    with workspace.lock:
        Ground.of(workspace, services.clock())
        return services.keystore.add(name, role).public_key


def publish_root(services: Services, name: str, root: bytes, event: bytes) -> int:
    """Publish a root that the admins signed; return its version. Again is success.

    Raises:
        NotFoundError: No such workspace.
        NotSovereignError: This server holds the admin keys.
        TrustProposalMismatchError: The event says something else, or the root names an
            online key that is not here.
        RootOrphansTargetsError: The targets in force would hold no longer.
        VerificationError: Root or event do not hold.
        StorageError: It may or may not be published; repeat the call.
    """
    workspace = services.workspaces.open(name)
    at = services.clock()
    with workspace.lock:
        Ground.of(workspace, at)
        new = check_root(workspace.storage, root, at=at)
        require_online(workspace, new)
        roots = read_roots(workspace.storage).raw
        if root != roots[-1]:
            key = _verified_event(services, workspace, root, roots[-1], event)
            catch_up(services, workspace)
            record(services, workspace, event, key)
        keys = services.workspaces.role_keys(name)
        adopt_root(workspace.storage, keys, root, at=at)
        return new.version


def require_online(workspace: Workspace, root: Root) -> None:
    """Refuse a root under which this server could not renew snapshot and timestamp.

    Raises:
        TrustProposalMismatchError: It names other online keys than are here.
    """
    held = {key.public_key.key_id for key in workspace.further()}
    held |= {workspace.key(role).public_key.key_id for role in (SNAPSHOT, TIMESTAMP)}
    for role in (SNAPSHOT, TIMESTAMP):
        named = {identify(root.get_key(k)) for k in root.roles[role].keyids}
        if not named & held:
            raise TrustProposalMismatchError(
                f"expected a {role} key of this server in the root, got others",
                hint="make one: trustacks root online",
            )


def _verified_event(
    services: Services, workspace: Workspace, root: bytes, previous: bytes, event: bytes
) -> PublicKey:
    trust = workspace.published().trust
    evidence = verify_attestation(
        event,
        trust=trust,
        expected=Expected(RootChangePredicate.type, (Digest.of(root),)),
        at=services.clock(),
        pending=True,
    ).require()
    said = evidence.said(RootChangePredicate)
    version = parse_metadata(root, Root, "root").signed.version
    if (said.root_version, said.previous) != (version, Digest.of(previous)):
        raise TrustProposalMismatchError(
            f"expected an event of root {version} after {Digest.of(previous)}, "
            f"got one of {said.root_version} after {said.previous}"
        )
    return evidence.identity.require_key()
