# SPDX-License-Identifier: Apache-2.0
"""``waiver/v1``: two people let a pack's rule not count, somewhere and for a while.

One asks and signs; another signs the very statement. The subject is the archive of the
pack: a waiver is of the rule as it is in these bytes, and no upgrade inherits it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.limits import (
    MAX_SCOPE_NAMES,
    MAX_WAIVER_LIFE_S,
    MIN_JUSTIFICATION_CHARS,
)
from signer.predicates.base import WAIVER
from signer.predicates.parts import must, namespace_of, require_pack_name

# Where in the input document a part of a scope is looked for.
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "services": ("service",),
    "targets": ("target", "name"),
    "tiers": ("target", "tier"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverScope:
    """Which proposals a waiver is for; a part that is none holds for all.

    Attributes:
        services: Of ``input.context.service``.
        targets: Of ``input.context.target.name``.
        tiers: Of ``input.context.target.tier``.
    """

    services: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None
    tiers: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for names in (self.services, self.targets, self.tiers):
            must(names is None or bool(names), "names in a scope, or null for all")
            must(names is None or list(names) == sorted(set(names)), "names in order")

    def covers(self, context: Mapping[str, Any]) -> bool:
        """Return whether a proposal is in the scope.

        A proposal that does not say what the scope asks for is not.

        Args:
            context: ``input.context``.
        """
        return all(
            (names := getattr(self, part)) is None or _at(context, place) in names
            for part, place in _PLACES.items()
        )

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a scope."""
        scope = cls(**{part: _names(fields, part) for part in _PLACES})
        fields.done()
        return scope

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        parts = {part: getattr(self, part) for part in _PLACES}
        return {p: None if names is None else list(names) for p, names in parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaivedPack:
    """The pack that a waiver is of.

    Attributes:
        name: Its name.
        digest: SHA-256 of its archive; the subject.
    """

    name: str
    digest: Digest

    def __post_init__(self) -> None:
        require_pack_name(self.name)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a pack."""
        pack = cls(name=fields.text("name"), digest=fields.digest("digest"))
        fields.done()
        return pack

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"name": self.name, "digest": str(self.digest)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverPredicate:
    """The word of two people for one exception.

    Attributes:
        workspace: SHA-256 of the genesis root.
        rule_id: Which rule of the pack.
        pack: Which pack.
        scope: For which proposals.
        identity: Who asks, and signs first; who approves signs the same statement.
        signed_at: When, as the signer says; not a trusted time.
        not_before: From when it counts, inclusive.
        expires: Until when, exclusive; 90 days later at most.
        justification: Why, in 40 characters or more.

    Raises:
        PredicateFormatError: What no waiver may say.
    """

    type: ClassVar[str] = WAIVER
    workspace: Digest
    rule_id: str
    pack: WaivedPack
    scope: WaiverScope
    identity: str
    signed_at: datetime
    not_before: datetime
    expires: datetime
    justification: str

    def __post_init__(self) -> None:
        namespace_of(self.rule_id)
        life = self.expires - self.not_before
        longest = timedelta(seconds=MAX_WAIVER_LIFE_S)
        held = timedelta(0) < life <= longest
        ends = f"{format_instant(self.not_before)} to {format_instant(self.expires)}"
        must(held, "to end after it begins, within 90 days", ends)
        least, said = MIN_JUSTIFICATION_CHARS, len(" ".join(self.justification.split()))
        must(said >= least, f"a justification of {least} characters or more", str(said))

    @property
    def signer(self) -> str:
        """The id that signs first."""
        return self.identity

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespace of the rule."""
        return frozenset({namespace_of(self.rule_id)})

    def live(self, at: datetime) -> bool:
        """Return whether ``at`` is in its time."""
        return self.not_before <= at < self.expires

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape, or what no waiver may say.
        """
        fields = Fields(predicate, "waiver")
        parsed = cls(
            workspace=fields.digest("workspace"),
            rule_id=fields.text("rule_id"),
            pack=WaivedPack.parse(fields.object("pack")),
            scope=WaiverScope.parse(fields.object("scope")),
            identity=fields.text("identity"),
            signed_at=fields.instant("signed_at"),
            not_before=fields.instant("not_before"),
            expires=fields.instant("expires"),
            justification=fields.text("justification"),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "rule_id": self.rule_id,
            "pack": self.pack.to_json(),
            "scope": self.scope.to_json(),
            "identity": self.identity,
            "signed_at": format_instant(self.signed_at),
            "not_before": format_instant(self.not_before),
            "expires": format_instant(self.expires),
            "justification": self.justification,
        }


def _names(fields: Fields, part: str) -> tuple[str, ...] | None:
    if fields.is_null(part):
        return None
    return fields.texts(part, max_items=MAX_SCOPE_NAMES)


def _at(context: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = context
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
