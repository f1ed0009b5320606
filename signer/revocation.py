# SPDX-License-Identifier: Apache-2.0
"""The end of an identity, for good or for a time, and what outlives it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.errors import UnsafeTrustPolicyError
from signer.limits import MAX_CHECKPOINT_CHARS, MAX_NAMED_RELEASES
from signer.tlog.checkpoint import Checkpoint, parse_checkpoint
from signer.tlog.note import parse_note


@dataclass(frozen=True, slots=True)
class Survivors:
    """What of a revoked identity stays valid (DESIGN T3).

    Attributes:
        attestations: SHA-256 of the PAE of single attestations.
        releases: The same of releases: they stay, and all that they list stays,
            whoever signed it.
        checkpoint: A signed note of the workspace's log: what the identity signed
            stays if it is proved to be in the tree of that very note.

    Raises:
        NoteFormatError: The checkpoint is none.
        UnsafeTrustPolicyError: More releases than a Runner would fetch.
    """

    attestations: frozenset[Digest] = frozenset()
    releases: frozenset[Digest] = frozenset()
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        _ = self.tree
        if len(self.releases) > MAX_NAMED_RELEASES:
            raise UnsafeTrustPolicyError(
                f"survivors: expected at most {MAX_NAMED_RELEASES} releases, "
                f"got {len(self.releases)}"
            )

    @property
    def tree(self) -> Checkpoint | None:
        """The tree that keeps what is in it; who signed the note is not looked at."""
        if self.checkpoint is None:
            return None
        return parse_checkpoint(parse_note(self.checkpoint.encode()).text)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse what survives."""
        checkpoint = None
        if not fields.is_null("checkpoint"):
            checkpoint = fields.text("checkpoint", max_chars=MAX_CHECKPOINT_CHARS)
        survivors = cls(
            attestations=frozenset(map(Digest.parse, fields.texts("attestations"))),
            releases=frozenset(map(Digest.parse, fields.texts("releases"))),
            checkpoint=checkpoint,
        )
        fields.done()
        return survivors

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "attestations": sorted(map(str, self.attestations)),
            "releases": sorted(map(str, self.releases)),
            "checkpoint": self.checkpoint,
        }


NOTHING: Final = Survivors()


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of an identity (DESIGN T3): it voids what it signed, at any time.

    Attributes:
        identity: The id.
        revoked_at: When the admins said so.
        reason: Why.
        survivors: What stays valid.
        final: Whether it is for ever; a suspension may be lifted.
    """

    identity: str
    revoked_at: datetime
    reason: str
    survivors: Survivors = NOTHING
    final: bool = True

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a revocation."""
        revocation = cls(
            identity=fields.text("identity"),
            revoked_at=fields.instant("revoked_at"),
            reason=fields.text("reason"),
            survivors=Survivors.parse(fields.object("survivors")),
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
            "survivors": self.survivors.to_json(),
            "final": self.final,
        }
