# SPDX-License-Identifier: Apache-2.0
"""Revoke, suspend and resume overlay-signing identities.

Order of writes: that of ``workflows.trust``, with the revocation in the next policy, or
out of it. In the sovereign form admins propose the same (``workflows.proposals``).
"""

from dataclasses import replace

from control_plane.errors import (
    IdentityNotSuspendedError,
    IdentityRevokedError,
    LastAdminError,
    SurvivorUnknownError,
)
from control_plane.keystore import ADMIN
from control_plane.services import Services
from control_plane.workflows.identities import Registered, identity_of, shown
from control_plane.workflows.release_chain import open_release, read_chain
from control_plane.workflows.trust import change_trust, following
from control_plane.workspaces import Workspace
from keys.errors import FormatError, NotFoundError, VerificationError
from signer.predicates.trust_change import (
    IDENTITY_RESUMED,
    IDENTITY_REVOKED,
    IDENTITY_SUSPENDED,
    Change,
)
from signer.revocation import NOTHING, Revocation, Survivors
from signer.tlog.checkpoint import open_checkpoint
from signer.trust_policy import TrustPolicy


def revoke(
    services: Services,
    name: str,
    identity_id: str,
    *,
    reason: str,
    survivors: Survivors = NOTHING,
    final: bool = True,
) -> Registered:
    """End an identity: all that it signed is void but ``survivors`` (DESIGN 9, T3).

    Args:
        services: The server.
        name: The workspace.
        identity_id: Whom.
        reason: Why.
        survivors: What of it stays valid.
        final: Whether for ever; else it is a suspension, which ``resume`` lifts.

    Raises:
        NotFoundError: No such workspace or identity.
        IdentityRevokedError: It was revoked, or suspended, before.
        LastAdminError: Nobody could change trust afterwards.
        SurvivorUnknownError: A release or a checkpoint that is not this workspace's.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        require_survivors(workspace, survivors)
        at = services.clock()
        published = workspace.published()
        policy = published.trust.policy
        identity = identity_of(policy, identity_id)
        before = policy.revocation(identity_id)
        if before is not None and (before.final or not final):
            ended = "revoked" if before.final else "suspended"
            raise IdentityRevokedError(
                f"expected an identity in force, got {identity_id}, which is {ended}"
            )
        if identity_id == ADMIN:
            raise LastAdminError(
                f"expected another identity than {ADMIN}: it signs every trust change"
            )
        revocation = Revocation(identity_id, at, reason, survivors, final)
        kind = IDENTITY_REVOKED if final else IDENTITY_SUSPENDED
        others = _ends_of_others(policy, identity_id)
        ends = (*others, revocation)
        return shown(_end(services, workspace, ends, kind, identity_id), identity)


def resume(services: Services, name: str, identity_id: str) -> Registered:
    """Lift a suspension: what the identity signed counts again.

    Raises:
        NotFoundError: No such workspace or identity.
        IdentityNotSuspendedError: It is in force, or revoked for ever.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    with workspace.lock:
        policy = workspace.published().trust.policy
        identity = identity_of(policy, identity_id)
        end = policy.revocation(identity_id)
        if end is None or end.final:
            state = "in force" if end is None else "revoked for ever"
            raise IdentityNotSuspendedError(
                f"expected a suspended identity, got {identity_id}, which is {state}"
            )
        others = _ends_of_others(policy, identity_id)
        resumed = _end(services, workspace, others, IDENTITY_RESUMED, identity_id)
        return shown(resumed, identity)


def require_survivors(workspace: Workspace, survivors: Survivors) -> None:
    """Refuse to keep what is not there: every Runner would stop, or keep nothing.

    Raises:
        SurvivorUnknownError: A release or a checkpoint that is not this workspace's.
    """
    for digest in survivors.releases:
        try:
            open_release(read_chain(workspace, digest))
        except (NotFoundError, FormatError) as error:
            raise SurvivorUnknownError(
                f"expected a published release, got {digest}"
            ) from error
    if survivors.checkpoint is None:
        return
    raw, log = survivors.checkpoint.encode(), workspace.log
    try:
        open_checkpoint(raw, origin=log.origin, key=log.key)
    except VerificationError as error:
        raise SurvivorUnknownError(
            f"expected a checkpoint of {log.origin}: {error.message}"
        ) from error


def _ends_of_others(policy: TrustPolicy, identity_id: str) -> tuple[Revocation, ...]:
    return tuple(one for one in policy.revocations if one.identity != identity_id)


def _end(
    services: Services,
    workspace: Workspace,
    ends: tuple[Revocation, ...],
    kind: str,
    identity_id: str,
) -> TrustPolicy:
    """Put these revocations in force; return the policy that says so."""
    published = workspace.published()
    policy = published.trust.policy
    following_policy = replace(policy, version=policy.version + 1, revocations=ends)
    change = Change(kind=kind, identity=identity_id)
    next_trust = following(published, following_policy, change)
    change_trust(services, workspace, next_trust, at=services.clock())
    return following_policy
