# SPDX-License-Identifier: Apache-2.0
"""The trust policy: what admins signed about who may say what in one workspace.

The constructor refuses the unsafe, so that a policy that exists can be reasoned about.
It reaches verifiers as a TUF target; nothing in it is read before TUF said that it is
the admins'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from signer.claims import custody_of, holder_of, require_distinct_claims
from signer.custody import CustodyTable
from signer.errors import (
    RevokedError,
    SuspendedError,
    UnknownIdentityError,
    UnknownSignerError,
    UnsafeTrustPolicyError,
)
from signer.form import Custody, Form
from signer.identity import Identity
from signer.instances import (
    Instances,
    instance_of,
    instances_to_json,
    read_instances,
    require_distinct_instances,
)
from signer.limits import MAX_IDENTITIES, MAX_TRUST_POLICY_BYTES
from signer.pins import Floor, Freshness, LayerPins
from signer.revocation import Revocation
from signer.trust_laws import (
    THRESHOLDS,
    require_distinct,
    require_distinct_keys,
    require_few,
    require_known,
    require_reachable,
)

FORMAT: Final = "https://trustacks.com/formats/trust-policy/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """One version of a workspace's trust.

    Attributes:
        workspace: SHA-256 of the genesis root.
        version: From 1.
        identities: Distinct by id, and by key or OIDC subject.
        thresholds: Distinct principals that each of ``THRESHOLDS`` needs.
        revocations: At most one for an identity; never withdrawn.
        layers: The pinned constitution and packs.
        custody: Of logs, authorities, CAs, CT logs and issuers.
        floor: Where a Runner without state begins.
        freshness: How old evidence may be.
        withdrawn_waivers: Digests of waivers that count no more.
        instances: Sigstore instances by name, each with CAs and CT logs of its own.

    Raises:
        UnsafeTrustPolicyError: Contradictions, and what nobody can mean.
        UnknownCustodyError: A part of an instance whose custody no admin signed.
        KeyReusedError: One key under two identities, or an identity's key that is a
            layer publisher's.
    """

    workspace: Digest
    version: int
    identities: tuple[Identity, ...]
    thresholds: Mapping[str, int]
    revocations: tuple[Revocation, ...]
    layers: LayerPins
    custody: CustodyTable
    floor: Floor | None = None
    freshness: Freshness = field(default_factory=Freshness)
    withdrawn_waivers: frozenset[Digest] = frozenset()
    instances: Instances = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.version < 1:
            raise UnsafeTrustPolicyError(
                f"trust policy: expected a version from 1, got {self.version}"
            )
        require_distinct("identity", [one.id for one in self.identities])
        require_distinct("revocation", [one.identity for one in self.revocations])
        require_distinct_keys(self.identities, self.layers.publishers)
        require_known(self.revocations, {one.id for one in self.identities})
        require_few(self.named_releases)
        require_distinct_instances(self.instances, self.custody)
        require_distinct_claims(self.identities, self._ends, self.instances)
        for name, threshold in self.thresholds.items():
            require_reachable(name, threshold, self.identities)

    def identity(self, identity_id: str) -> Identity:
        """Return the identity of that id, revoked or not.

        Raises:
            UnknownIdentityError: There is none.
        """
        for one in self.identities:
            if one.id == identity_id:
                return one
        raise UnknownIdentityError(
            f"expected an identity of the trust policy, got {identity_id!r}"
        )

    def identity_by_key(self, key_id: str) -> Identity:
        """Return the identity whose key has that id, revoked or not.

        Raises:
            UnknownSignerError: There is none.
        """
        for one in self.identities:
            if one.public_key is not None and one.public_key.key_id == key_id:
                return one
        raise UnknownSignerError(
            f"expected the key of a registered identity, got {key_id[:16]}",
            hint="an admin registers it: trustacks identity register",
            key_id=key_id,
        )

    def instance_of(self, authority: Digest) -> str:
        """Return the name of the one instance that a CA belongs to.

        Args:
            authority: SHA-256 of the certificate of the CA that certified.

        Raises:
            WrongInstanceError: None.
        """
        return instance_of(authority, self.instances)

    def identity_by_claim(
        self, instance: str, issuer: str, subjects: Sequence[str], *, issued: datetime
    ) -> Identity:
        """Return the identity that a certificate speaks for, revoked or not.

        Args:
            instance: Whose CA certified (``instance_of``).
            issuer: As the certificate names it.
            subjects: Every subject alternative name; one only can be meant.
            issued: The begin of the certificate's validity.

        Raises:
            WrongInstanceError: The subject is registered with another instance only.
            UnknownSignerError: It is not registered.
        """
        claim = (instance, issuer, subjects)
        return holder_of(self.identities, self._ends, claim, issued=issued)

    def revocation(self, identity_id: str) -> Revocation | None:
        """Return the revocation of an identity, if there is one."""
        return next((r for r in self.revocations if r.identity == identity_id), None)

    def survives(self, identity: Identity, digest: Digest) -> bool:
        """Return whether the admins kept this very attestation beyond the end.

        That is one way of three to survive: ``signer.trust.Trust.survives``.
        """
        revocation = self.revocation(identity.id)
        return revocation is not None and digest in revocation.survivors.attestations

    def require_not_revoked(self, identity: Identity, digest: Digest) -> None:
        """Refuse what a revoked identity signed, unless it is kept by its digest.

        No time matters: who stole a key can date its signatures as they like, and the
        Control Plane could stamp them (DESIGN T3).

        Raises:
            RevokedError: It is void; for a time, if ``SuspendedError``.
        """
        revocation = self.revocation(identity.id)
        if revocation is not None and not self.survives(identity, digest):
            refusal = RevokedError if revocation.final else SuspendedError
            ended = "revoked" if revocation.final else "suspended"
            raise refusal(
                f"{identity.id}: expected an identity in force, got one {ended} at "
                f"{format_instant(revocation.revoked_at)}: {revocation.reason}",
                identity=identity.id,
                reason=revocation.reason,
            )

    @property
    def named_releases(self) -> frozenset[Digest]:
        """The releases that admins named by digest: the floor, and survivors (T3)."""
        named = {d for one in self.revocations for d in one.survivors.releases}
        return frozenset(named | ({self.floor.digest} if self.floor else set()))

    def require_custody(self, form: Form) -> None:
        """Refuse a policy that hands the Control Plane what T1 keeps from it.

        Raises:
            CustodyError: An identity that the Control Plane can sign as, by itself,
                its CA or its issuer, holds such a permission.
        """
        for one in self.identities:
            if self.revocation(one.id) is None:
                self.require_custody_of(one, form)

    def require_custody_of(self, identity: Identity, form: Form) -> None:
        """Refuse an identity that the Control Plane can sign as.

        Raises:
            CustodyError: In the sovereign form, with a permission that T1 keeps.
        """
        identity.require_custody(form, self.custody_of(identity))

    def custody_of(self, identity: Identity) -> Custody:
        """Return who can cause its signatures, directly or through CA or issuer."""
        return custody_of(identity, self.instances, self.custody)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a trust policy.

        Raises:
            FormatError: Not one, or too large.
            UnsafeTrustPolicyError: Contradictions, and what nobody can mean.
            KeyReusedError: One key in two places.
        """
        value = loads_json(data, max_bytes=MAX_TRUST_POLICY_BYTES, what="trust policy")
        fields = Fields(value, "trust policy")
        fields.constant("format", FORMAT)
        identities = fields.objects("identities", max_items=MAX_IDENTITIES)
        revocations = fields.objects("revocations", max_items=MAX_IDENTITIES)
        floor = None if fields.is_null("floor") else Floor.parse(fields.object("floor"))
        policy = cls(
            workspace=fields.digest("workspace"),
            version=fields.integer("version", minimum=1),
            identities=tuple(map(Identity.parse, identities)),
            thresholds=_thresholds(fields),
            revocations=tuple(map(Revocation.parse, revocations)),
            layers=LayerPins.parse(fields.object("layers")),
            custody=CustodyTable.parse(fields.object("custody")),
            floor=floor,
            freshness=Freshness.parse(fields.object("freshness")),
            withdrawn_waivers=frozenset(
                map(Digest.parse, fields.texts("withdrawn_waivers"))
            ),
            instances=read_instances(fields),
        )
        fields.done()
        return policy

    def to_bytes(self) -> bytes:
        """Return the policy as the bytes of its TUF target."""
        return dumps_json(
            {
                "format": FORMAT,
                "workspace": str(self.workspace),
                "version": self.version,
                "identities": [one.to_json() for one in self.identities],
                "thresholds": dict(self.thresholds),
                "revocations": [one.to_json() for one in self.revocations],
                "layers": self.layers.to_json(),
                "custody": self.custody.to_json(),
                "floor": None if self.floor is None else self.floor.to_json(),
                "freshness": self.freshness.to_json(),
                "withdrawn_waivers": sorted(map(str, self.withdrawn_waivers)),
            }
            | instances_to_json(self.instances)
        )

    @property
    def _ends(self) -> dict[str, Revocation]:
        return {one.identity: one for one in self.revocations}


def _thresholds(fields: Fields) -> dict[str, int]:
    found = fields.object("thresholds")
    names = fields.mapping("thresholds", max_items=len(THRESHOLDS))
    return {name: found.integer(name) for name in names}
