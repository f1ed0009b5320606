# SPDX-License-Identifier: Apache-2.0
"""The first trust of a workspace that its admins make sovereign (DESIGN 9, T8).

Nothing is carried over because it was there: layers come from the admins' own files,
identities stay because an admin named them, and everybody else ends. What the release
in force rests on survives by digest, so that no rule is lost; numbers begin at their
defaults, thresholds excepted, which nobody has to lower.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bundle.embedded import EmbeddedGround
from keys.digest import Digest
from keys.public import PublicKey
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.form import Custody
from signer.identity import Identity
from signer.instances import SigstoreInstance
from signer.pins import Floor, LayerPins
from signer.revocation import Revocation, Survivors
from signer.trust_laws import THRESHOLDS
from signer.trust_policy import TrustPolicy
from trustacks.ceremony_parts import admin_identity

REASON = "not kept when the workspace became sovereign"


@dataclass(frozen=True, slots=True)
class Wish:
    """What admins say of the first trust.

    Attributes:
        layers: Constitution and packs.
        admins: Keys of the new admin identities, by id; the id is the principal.
        keep: Ids of identities that stay.
    """

    layers: LayerPins
    admins: Mapping[str, PublicKey]
    keep: Collection[str]


def moved_policy(ground: EmbeddedGround, wish: Wish, *, at: datetime) -> TrustPolicy:
    """Return the first trust policy under the new root.

    Raises:
        UnknownIdentityError: One to keep that is not registered.
        UnsafeTrustPolicyError: What nobody can mean.
    """
    old, head = ground.trust.policy, ground.head
    kept = [old.identity(name).id for name in wish.keep]
    ends = _ends(ground, kept, at)
    came = tuple(admin_identity(name, key, at) for name, key in wish.admins.items())
    instances = _instances(old)
    return TrustPolicy(
        workspace=old.workspace,
        version=old.version + 1,
        identities=(*old.identities, *came),
        thresholds=_thresholds(old, {one.identity for one in ends}),
        revocations=ends,
        layers=wish.layers,
        custody=_custody(ground, instances.values()),
        floor=Floor(head.release.revision, head.digest) if head else None,
        withdrawn_waivers=old.withdrawn_waivers,
        instances=instances,
    )


def _instances(old: TrustPolicy) -> dict[str, SigstoreInstance]:
    """Return the instances without which an identity could not be read."""
    named = (one.credential for one in old.identities)
    needed = {one.instance for one in named if isinstance(one, OidcCredential)}
    return {name: one for name, one in old.instances.items() if name in needed}


def _custody(
    ground: EmbeddedGround, instances: Collection[SigstoreInstance]
) -> CustodyTable:
    """Take every log and authority for the Control Plane's, and CAs as they were."""
    trusted, old = ground.trust.trusted_root, ground.trust.policy.custody
    authorities = {ca for one in instances for ca in one.certificate_authorities}
    logs = {log_id for one in instances for log_id in one.ct_logs}
    issuers = {issuer for one in instances for issuer in one.issuers}
    return CustodyTable(
        {log.log_id: Custody.CONTROL_PLANE for log in trusted.logs},
        {one.digest: Custody.CONTROL_PLANE for one in trusted.authorities},
        {ca: old.of_certificate_authority(ca) for ca in authorities},
        {log_id: old.of_ct_log(log_id) for log_id in logs},
        {issuer: old.of_issuer(issuer) for issuer in issuers},
    )


def _ends(
    ground: EmbeddedGround, kept: Collection[str], at: datetime
) -> tuple[Revocation, ...]:
    """End everybody who is not kept; what the release rests on survives."""
    ends = []
    for one in ground.trust.policy.identities:
        before = ground.trust.policy.revocation(one.id)
        signed = frozenset(d for d, by in ground.rests_on.items() if one.id in by)
        if before is not None and (before.final or one.id in kept):
            ends.append(_again(before, signed))
        elif one.id not in kept:
            ends.append(Revocation(one.id, at, REASON, Survivors(signed)))
    return tuple(ends)


def _again(before: Revocation, signed: frozenset[Digest]) -> Revocation:
    """An end that was there stays; what survived survives where it is in force."""
    return replace(before, survivors=Survivors(signed))


def _thresholds(old: TrustPolicy, ended: set[str]) -> dict[str, int]:
    """A threshold stays, unless too few are left to meet it."""
    left = [one for one in old.identities if one.id not in ended]
    found = {}
    for name, threshold in old.thresholds.items():
        counted = THRESHOLDS[name]
        most = max(len(counted.principals(left)), counted.least)
        found[name] = min(threshold, most)
    return found


def in_force(policy: TrustPolicy) -> tuple[Identity, ...]:
    """Return the identities that have not ended, suspended ones included."""
    return tuple(
        one
        for one in policy.identities
        if not (end := policy.revocation(one.id)) or not end.final
    )
