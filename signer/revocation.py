# SPDX-License-Identifier: Apache-2.0
"""The end of an identity, for good or for a time, and what outlives it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of an identity (DESIGN T3): it voids what it signed, at any time.

    Attributes:
        identity: The id.
        revoked_at: When the admins said so.
        reason: Why.
        survivors: SHA-256 of the PAE of attestations that stay valid.
        final: Whether it is for ever; a suspension may be lifted.
    """

    identity: str
    revoked_at: datetime
    reason: str
    survivors: frozenset[Digest] = frozenset()
    final: bool = True

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a revocation."""
        revocation = cls(
            identity=fields.text("identity"),
            revoked_at=fields.instant("revoked_at"),
            reason=fields.text("reason"),
            survivors=frozenset(map(Digest.parse, fields.texts("survivors"))),
            final=fields.boolean("final"),
        )
        fields.done()
        return revocation

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "identity": self.identity,
            "revoked_at": format_instant(self.revoked_at),
            "reason": self.reason,
            "survivors": sorted(map(str, self.survivors)),
            "final": self.final,
        }
