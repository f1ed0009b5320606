# SPDX-License-Identifier: Apache-2.0
"""The trust policy: what admins signed about who may say what in one workspace.

The constructor refuses the unsafe, so that a policy that exists can be reasoned about.
It reaches verifiers as a TUF target; nothing in it is read before TUF said that it is
the admins'.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import FieldFormatError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json
from signer.errors import (
    KeyReusedError,
    RevokedError,
    SuspendedError,
    UnknownIdentityError,
    UnknownSignerError,
    UnsafeTrustPolicyError,
)
from signer.form import Form
from signer.identity import Identity
from signer.limits import MAX_IDENTITIES, MAX_TRUST_POLICY_BYTES
from signer.pins import CustodyTable, Floor, Freshness, LayerPins
from signer.revocation import Revocation

FORMAT: Final = "https://trustacks.com/formats/trust-policy/v1"

# What a threshold can be set for, and the permission that is counted.
THRESHOLDS: Final = {
    "release": "release",
    "rule": "author",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """One version of a workspace's trust.

    Attributes:
        workspace: SHA-256 of the genesis root.
        version: From 1.
        identities: Distinct by id and by key.
        thresholds: Distinct principals that each of ``THRESHOLDS`` needs.
        revocations: At most one for an identity; never withdrawn.
        layers: The pinned constitution and packs.
        custody: Of logs and timestamp authorities.
        floor: Where a Runner without state begins.
        freshness: How old evidence may be.
        withdrawn_waivers: Digests of waivers that count no more.

    Raises:
        UnsafeTrustPolicyError: Contradictions, and what nobody can mean.
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

    def __post_init__(self) -> None:
        if self.version < 1:
            raise UnsafeTrustPolicyError(
                f"trust policy: expected a version from 1, got {self.version}"
            )
        _require_distinct("identity", [one.id for one in self.identities])
        _require_distinct("revocation", [one.identity for one in self.revocations])
        _require_distinct_keys(self.identities, self.layers.publishers)
        _require_known(self.revocations, {one.id for one in self.identities})
        for name, threshold in self.thresholds.items():
            _require_reachable(name, threshold, self.identities)

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
            if one.public_key.key_id == key_id:
                return one
        raise UnknownSignerError(
            f"expected the key of a registered identity, got {key_id[:16]}",
            hint="an admin registers it: trustacks identity register",
            key_id=key_id,
        )

    def revocation(self, identity_id: str) -> Revocation | None:
        """Return the revocation of an identity, if there is one."""
        return next((r for r in self.revocations if r.identity == identity_id), None)

    def survives(self, identity: Identity, digest: Digest) -> bool:
        """Return whether the admins kept an attestation beyond its identity's end."""
        revocation = self.revocation(identity.id)
        return revocation is not None and digest in revocation.survivors

    def require_not_revoked(self, identity: Identity, digest: Digest) -> None:
        """Refuse what a revoked identity signed, unless it survives.

        No time matters: who stole a key can date its signatures as they like, and the
        Control Plane could stamp them (DESIGN T3).

        Raises:
            RevokedError: It is void; for a time, if ``SuspendedError``.
        """
        revocation = self.revocation(identity.id)
        if revocation is not None and digest not in revocation.survivors:
            refusal = RevokedError if revocation.final else SuspendedError
            ended = "revoked" if revocation.final else "suspended"
            raise refusal(
                f"{identity.id}: expected an identity in force, got one {ended} at "
                f"{format_instant(revocation.revoked_at)}: {revocation.reason}",
                identity=identity.id,
                reason=revocation.reason,
            )

    def require_custody(self, form: Form) -> None:
        """Refuse a policy that hands the Control Plane what T1 keeps from it.

        Raises:
            CustodyError: An identity in control-plane custody holds such a permission.
        """
        for one in self.identities:
            if self.revocation(one.id) is None:
                one.require_custody(form)

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
        )


def _thresholds(fields: Fields) -> dict[str, int]:
    found = fields.object("thresholds")
    names = fields.mapping("thresholds", max_items=len(THRESHOLDS))
    return {name: found.integer(name) for name in names}


def _require_distinct(what: str, ids: list[str]) -> None:
    twice = [one for one, count in Counter(ids).items() if count > 1]
    if twice:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected every {what} once, got {twice[0]!r} twice"
        )


def _require_distinct_keys(
    identities: tuple[Identity, ...], publishers: frozenset[str]
) -> None:
    """DESIGN 9, Principals: "One key, one purpose"."""
    seen = set(publishers)
    for one in identities:
        if one.public_key.key_id in seen:
            raise KeyReusedError(
                f"trust policy: expected a key of its own for {one.id}, "
                "got one that is in use",
                identity=one.id,
                key_id=one.public_key.key_id,
            )
        seen.add(one.public_key.key_id)


def _require_known(revocations: tuple[Revocation, ...], ids: set[str]) -> None:
    for revocation in revocations:
        if revocation.identity not in ids:
            raise UnsafeTrustPolicyError(
                "trust policy: expected a revocation of an identity, "
                f"got {revocation.identity!r}"
            )


def _require_reachable(
    name: str, threshold: int, identities: tuple[Identity, ...]
) -> None:
    """Refuse a threshold that counts nothing, or that nobody can reach."""
    permission = THRESHOLDS.get(name)
    if permission is None:
        raise FieldFormatError(
            f"trust policy: expected thresholds of {' or '.join(sorted(THRESHOLDS))}, "
            f"got {name!r}"
        )
    principals = {one.principal for one in identities if one.may(permission)}
    # A workspace begins with nobody, and a threshold of 1 then waits for the first.
    most = max(len(principals), 1)
    if not 1 <= threshold <= most:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected a threshold of 1 to {most} for {name}, "
            f"got {threshold}"
        )
