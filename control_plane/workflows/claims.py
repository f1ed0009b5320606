# SPDX-License-Identifier: Apache-2.0
"""Register identities that are OIDC subjects, and renew them under a new id.

Order of writes: that of ``workflows.trust``. There is no proof of possession and no
challenge: a subject has no key to prove before somebody signs, and whoever the issuer
names may then sign. Issuer and subject are the admins' word alone (ADR 0037), so the
same request again finds its identity in force and is answered with it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bundle.trust_event import require_true
from control_plane.errors import IdentityRevokedError, LastAdminError
from control_plane.keystore import ADMIN
from control_plane.services import Services
from control_plane.workflows.ends import require_survivors
from control_plane.workflows.identities import (
    Registered,
    identity_of,
    require_new_id,
    shown,
)
from control_plane.workflows.trust import change_trust, following
from control_plane.workspaces import Workspace
from signer.credential import OidcCredential
from signer.identity import Identity, IdentityTerms
from signer.limits import MAX_CLOCK_SKEW_S
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_ROTATED,
    Change,
)
from signer.revocation import NOTHING, Revocation, Survivors
from signer.trust_policy import TrustPolicy


def register(
    services: Services,
    name: str,
    *,
    terms: IdentityTerms,
    credential: OidcCredential,
    replaces: str | None = None,
    survivors: Survivors = NOTHING,
) -> Registered:
    """Register an OIDC subject; in the place of an identity, if one is named.

    Args:
        services: The server.
        name: The workspace.
        terms: What it may sign, and when.
        credential: Instance, issuer and subject.
        replaces: The id that ends in the same change; the same principal's.
        survivors: What of that one stays valid.

    Raises:
        NotFoundError: No such workspace, or no identity to replace.
        IdentityExistsError: The id is taken.
        IdentityRevokedError: The one to replace ended before.
        LastAdminError: The one to replace is this server's admin.
        SurvivorUnknownError: A release or a checkpoint that is not this workspace's.
        UnsafeTrustPolicyError: Another has the subject, or no pinned instance speaks
            for its issuer.
        TrustEventUntrueError: The one to replace is another principal's.
        StorageError: Repeat the call.
    """
    workspace = services.workspaces.open(name)
    identity = Identity.of(terms, credential)
    with workspace.lock:
        policy = workspace.published().trust.policy
        if identity in policy.identities:
            return shown(policy, identity)
        require_new_id(policy, identity.id)
        kind = IDENTITY_ROTATED if replaces else IDENTITY_REGISTERED
        change = Change(kind=kind, identity=identity.id, replaces=replaces)
        return _register(services, workspace, identity, change, survivors)


def _register(
    services: Services,
    workspace: Workspace,
    identity: Identity,
    change: Change,
    survivors: Survivors,
) -> Registered:
    at = services.clock()
    published = workspace.published()
    policy = published.trust.policy
    ends = policy.revocations
    if change.replaces is not None:
        _require_in_force(policy, change.replaces)
        require_survivors(workspace, survivors)
        reason = f"rotated to {identity.id}"
        ended = _end_for(identity, at)
        ends += (Revocation(change.replaces, ended, reason, survivors),)
    next_policy = replace(
        policy,
        version=policy.version + 1,
        identities=(*policy.identities, identity),
        revocations=ends,
    )
    require_true(policy, next_policy, change)
    change_trust(services, workspace, following(published, next_policy, change), at=at)
    return shown(next_policy, identity)


def _require_in_force(policy: TrustPolicy, identity_id: str) -> None:
    identity_of(policy, identity_id)
    if identity_id == ADMIN:
        raise LastAdminError(
            f"expected another identity than {ADMIN}: it signs every trust change"
        )
    if policy.revocation(identity_id) is not None:
        raise IdentityRevokedError(
            f"expected an identity in force to replace, got {identity_id}, which ended"
        )


def _end_for(successor: Identity, at: datetime) -> datetime:
    """Return when the old one ends: where its successor begins, if that is now.

    The client's clock may be behind ours, and one subject has one identity at a time.
    """
    earliest = at - timedelta(seconds=MAX_CLOCK_SKEW_S)
    return min(at, max(earliest, successor.not_before))
