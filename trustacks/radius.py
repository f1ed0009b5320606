# SPDX-License-Identifier: Apache-2.0
"""What rests on an identity now: what its revocation would stop, said beforehand.

All of it comes from what the admins and the newest release signed, verified from the
pin: whoever decides about a revocation need not believe the Control Plane.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keys.digest import Digest
from keys.errors import TrustacksError
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.release import RetiredItem
from signer.signers import find_signer
from signer.trust import Trust
from trustacks.pinned import Head, Pinned


@dataclass(frozen=True, slots=True)
class Radius:
    """What of the newest release an identity signed.

    Attributes:
        identity: Whose.
        revision: Of the newest release; none before the first.
        rules: Rules in force that it wrote, or signed too.
        approvals: Rules in force or retired that rest on its word.
        retirements: Rules that it retired.
        waivers: Waivers that it asked for or approved, by digest.
        release: Whether it signed the release itself.
        kept: Whether the trust policy keeps all of that (a floor, survivors).
    """

    identity: Identity
    revision: int | None
    rules: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    retirements: tuple[str, ...] = ()
    waivers: tuple[str, ...] = ()
    release: bool = False
    kept: bool = False

    @property
    def stops(self) -> bool:
        """Whether Runners would deny everything until somebody signs again."""
        signed = self.rules or self.approvals or self.retirements or self.release
        return bool(signed) and not self.kept

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "identity": self.identity.id,
            "principal": self.identity.principal,
            "permissions": sorted(self.identity.permissions),
            "revision": self.revision,
            "rules": list(self.rules),
            "approvals": list(self.approvals),
            "retirements": list(self.retirements),
            "waivers": list(self.waivers),
            "release": self.release,
            "kept": self.kept,
            "stops": self.stops,
        }


def radius_of(identity_id: str, pinned: Pinned, head: Head | None) -> Radius:
    """Return what rests on an identity.

    Raises:
        UnknownIdentityError: The trust policy has none of that id.
    """
    trust = pinned.trust
    identity = trust.policy.identity(identity_id)
    if head is None:
        return Radius(identity, None)
    by = _signed(head, identity, trust)
    listed = head.release.listed
    ends = [item for item in listed if isinstance(item, RetiredItem)]
    wrote = [item for item in head.release.inventory if by.get(item.head)]
    signed = {digest for digest, mine in by.items() if mine}
    released = _released(head, identity, trust)
    rests = signed - set(head.release.waivers) | ({head.digest} if released else set())
    return Radius(
        identity,
        head.release.revision,
        rules=tuple(item.rule_id for item in wrote),
        approvals=tuple(i.rule_id for i in listed if signed.intersection(i.approvals)),
        retirements=tuple(item.rule_id for item in ends if by.get(item.head)),
        waivers=tuple(str(one) for one in head.release.waivers if by.get(one)),
        release=released,
        kept=rests <= _kept(head, identity, trust),
    )


def _signed(head: Head, identity: Identity, trust: Trust) -> Mapping[Digest, bool]:
    """Return of each published statement whether the identity is among its signers."""
    return {
        digest: any(
            _is_by(one, identity, trust)
            for one in (raw, *head.cosigned.get(digest, ()))
        )
        for digest, raw in head.attestations.items()
    }


def _kept(head: Head, identity: Identity, trust: Trust) -> frozenset[Digest]:
    """Return what outlives the identity whatever becomes of it.

    Releases that admins named keep what was said, by whoever said it first; a further
    signature is kept by its own signer's end only.
    """
    listed = frozenset[Digest]().union(*trust.kept.values())
    further = {
        digest
        for digest, raws in head.cosigned.items()
        if any(_is_by(raw, identity, trust) for raw in raws)
    }
    return listed - further


def _released(head: Head, identity: Identity, trust: Trust) -> bool:
    further = head.cosigned.get(head.digest, ())
    named = head.release.identity == identity.id
    return named or any(_is_by(raw, identity, trust) for raw in further)


def _is_by(raw: bytes, identity: Identity, trust: Trust) -> bool:
    try:
        return find_signer(parse_attestation(raw), trust).identity.id == identity.id
    except TrustacksError:
        return False


def sentences(radius: Radius) -> Iterator[str]:
    """Yield, for people, what would become of it."""
    if radius.revision is None:
        yield "nothing is released yet"
        return
    signed = radius.rules or radius.approvals or radius.retirements or radius.release
    if radius.stops:
        yield "a revocation without survivors stops every Runner until"
        for what, names in (
            ("signed again by another author", radius.rules),
            ("approved by another, under a raised floor", radius.approvals),
            ("retired by another", radius.retirements),
        ):
            yield from (f"  {name} is {what}" for name in names)
        if radius.release:
            yield "  another release identity releases"
        yield f"or keeps what is released: --survivor release:{radius.revision}"
    elif signed:
        yield "what it signed is kept by the trust policy: a revocation stops nothing"
    else:
        yield "nothing in force rests on it: a revocation stops nothing"
    if radius.waivers:
        yield f"{len(radius.waivers)} of its waivers would count no more"
