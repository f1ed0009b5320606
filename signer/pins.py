# SPDX-License-Identifier: Apache-2.0
"""What admins pin besides identities: layers, a floor, and ages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from signer.errors import UnsafeTrustPolicyError
from signer.limits import (
    MAX_PACKS,
    MAX_RELEASE_LIFE_S,
    MAX_TARGETS_LIFE_S,
)
from signer.predicates.parts import optional_instant, require_pack_name

# Seconds. DESIGN T6: "7 days by default"; targets "expire within 90 days".
DEFAULT_RELEASE_LIFE_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class LayerPin:
    """A pinned layer.

    Attributes:
        digest: SHA-256 of its archive.
        publisher: The key whose ``layer/v1`` attestation it needs.
    """

    digest: Digest
    publisher: PublicKey

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read the pin; the caller says when ``fields`` are done."""
        publisher = PublicKey.from_pem(fields.text("publisher"))
        return cls(fields.digest("digest"), publisher)

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"digest": str(self.digest), "publisher": self.publisher.pem}


@dataclass(frozen=True, slots=True)
class LayerPins:
    """The layers below the overlay.

    Attributes:
        constitution: The constitution.
        packs: By name.
    """

    constitution: LayerPin
    packs: Mapping[str, LayerPin]

    @property
    def publishers(self) -> frozenset[str]:
        """The key ids of all publishers."""
        pins = (self.constitution, *self.packs.values())
        return frozenset(pin.publisher.key_id for pin in pins)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the pins.

        Raises:
            FormatError: Another shape.
            UnsafeTrustPolicyError: A pack twice.
        """
        constitution = fields.object("constitution")
        pins = cls(LayerPin.read(constitution), _packs(fields))
        constitution.done()
        fields.done()
        return pins

    def to_json(self) -> dict[str, Any]:
        """Return them as a document."""
        packs = sorted(self.packs.items())
        return {
            "constitution": self.constitution.to_json(),
            "packs": [{"name": name} | pin.to_json() for name, pin in packs],
        }


@dataclass(frozen=True, slots=True)
class Floor:
    """Where a Runner without state begins (DESIGN T4).

    Attributes:
        revision: The lowest revision that it may start from.
        digest: SHA-256 of the PAE of that revision's release attestation.
    """

    revision: int
    digest: Digest

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a floor."""
        floor = cls(fields.integer("revision", minimum=1), fields.digest("digest"))
        fields.done()
        return floor

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"revision": self.revision, "digest": str(self.digest)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old evidence may be (DESIGN T6).

    Attributes:
        release_max_seconds: From a release's issue to its end.
        targets_max_seconds: The same of targets metadata.
        stale_until: The end of *decide and mark*; none means deny at once.
        revocation_grace_seconds: How long an active bundle that fails under the current
            trust still decides.
    """

    release_max_seconds: int = DEFAULT_RELEASE_LIFE_S
    targets_max_seconds: int = MAX_TARGETS_LIFE_S
    stale_until: datetime | None = None
    revocation_grace_seconds: int = 0

    def __post_init__(self) -> None:
        _within("release_max_seconds", self.release_max_seconds, MAX_RELEASE_LIFE_S)
        _within("targets_max_seconds", self.targets_max_seconds, MAX_TARGETS_LIFE_S)
        if self.revocation_grace_seconds:  # without end it would be no revocation
            grace = self.revocation_grace_seconds
            _within("revocation_grace_seconds", grace, MAX_RELEASE_LIFE_S)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the ages.

        Raises:
            UnsafeTrustPolicyError: Longer than DESIGN T6 allows.
        """
        freshness = cls(
            release_max_seconds=fields.integer("release_max_seconds"),
            targets_max_seconds=fields.integer("targets_max_seconds"),
            stale_until=optional_instant(fields, "stale_until"),
            revocation_grace_seconds=fields.integer("revocation_grace_seconds"),
        )
        fields.done()
        return freshness

    def to_json(self) -> dict[str, Any]:
        """Return them as a document."""
        stale = self.stale_until
        return {
            "release_max_seconds": self.release_max_seconds,
            "targets_max_seconds": self.targets_max_seconds,
            "stale_until": None if stale is None else format_instant(stale),
            "revocation_grace_seconds": self.revocation_grace_seconds,
        }


def _within(name: str, value: int, longest: int) -> None:
    if not 0 < value <= longest:
        raise UnsafeTrustPolicyError(
            f"trust policy {name}: expected 1 to {longest} seconds, got {value}"
        )


def _packs(fields: Fields) -> dict[str, LayerPin]:
    packs: dict[str, LayerPin] = {}
    for one in fields.objects("packs", max_items=MAX_PACKS):
        name = require_pack_name(one.text("name"))
        if name in packs:
            raise UnsafeTrustPolicyError(f"expected pack {name} once, got it twice")
        packs[name] = LayerPin.read(one)
        one.done()
    return packs
