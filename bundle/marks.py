# SPDX-License-Identifier: Apache-2.0
"""What a Runner has seen, and below which it never goes again (DESIGN 9, T7).

Marks are values: the gate reads them and proposes higher ones, the Runner stores them
in its own durable file, never in TUF's cache. No marks at all is *fresh*, which is a
state of its own and is reported as such.

Not here: where marks are stored (``bundle.runner.state``), and marks of TUF's
timestamp, snapshot and release role, which guard availability, not freshness (T6).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields


@dataclass(frozen=True, slots=True)
class Known:
    """A release at a known place: this digest and no other has this revision.

    Attributes:
        revision: The release's revision, from 1.
        digest: SHA-256 of the release attestation's PAE.
    """

    revision: int
    digest: Digest

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``{revision, digest}``.

        Raises:
            FieldFormatError: Missing, unknown or ill-typed fields.
        """
        known = cls(fields.integer("revision", minimum=1), fields.digest("digest"))
        fields.done()
        return known

    def to_json(self) -> dict[str, Any]:
        """Return the value as it is stored."""
        return {"revision": self.revision, "digest": str(self.digest)}


@dataclass(frozen=True, slots=True)
class LogMark:
    """The largest log that was seen under one origin.

    Attributes:
        origin: The log's name, as in its checkpoints.
        size: Its leaves.
        tree_hash: Its Merkle root at that size, 32 bytes.
    """

    origin: str
    size: int
    tree_hash: Digest

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read ``{origin, size, tree_hash}``.

        Raises:
            FieldFormatError: Missing, unknown or ill-typed fields.
        """
        mark = cls(
            fields.text("origin", max_chars=255),
            fields.integer("size"),
            fields.digest("tree_hash"),
        )
        fields.done()
        return mark

    def to_json(self) -> dict[str, Any]:
        """Return the value as it is stored."""
        return {
            "origin": self.origin,
            "size": self.size,
            "tree_hash": str(self.tree_hash),
        }


@dataclass(frozen=True, slots=True)
class Marks:
    """The highest of everything that may not go backwards.

    Attributes:
        workspace: SHA-256 of the genesis root: marks belong to one workspace.
        root_version: TUF root version.
        root_digest: SHA-256 of that root's bytes.
        targets_version: TUF targets version.
        targets_digest: SHA-256 of those targets' bytes.
        at: The instant of the last acceptance; time may not go below it.
        release: The highest release, or ``None`` before the first.
        log: The largest log, or ``None`` before the first checkpoint.
    """

    workspace: Digest
    root_version: int
    root_digest: Digest
    targets_version: int
    targets_digest: Digest
    at: datetime
    release: Known | None = None
    log: LogMark | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Read marks as ``to_json`` writes them.

        Raises:
            FieldFormatError: Missing, unknown or ill-typed fields.
        """
        release = fields.any("release")
        log = fields.any("log")
        marks = cls(
            workspace=fields.digest("workspace"),
            root_version=fields.integer("root_version", minimum=1),
            root_digest=fields.digest("root_digest"),
            targets_version=fields.integer("targets_version", minimum=1),
            targets_digest=fields.digest("targets_digest"),
            at=fields.instant("at"),
            release=release and Known.parse(fields.object("release")),
            log=log and LogMark.parse(fields.object("log")),
        )
        fields.done()
        return marks

    def to_json(self) -> dict[str, Any]:
        """Return the value as it is stored."""
        return {
            "workspace": str(self.workspace),
            "root_version": self.root_version,
            "root_digest": str(self.root_digest),
            "targets_version": self.targets_version,
            "targets_digest": str(self.targets_digest),
            "at": format_instant(self.at),
            "release": self.release and self.release.to_json(),
            "log": self.log and self.log.to_json(),
        }

    def over(self, older: "Marks | None") -> Self:
        """Return these marks, and of ``older`` what these do not have or exceed.

        The gate has refused whatever is lower already; ``over`` only keeps a release
        or a later time that these marks, made from metadata alone, cannot know.
        """
        if older is None:
            return self
        return replace(
            self,
            at=max(self.at, older.at),
            release=self.release or older.release,
            log=_larger(self.log, older.log),
        )


def _larger(log: LogMark | None, older: LogMark | None) -> LogMark | None:
    if log is None or older is None:
        return log or older
    return older if older.origin == log.origin and older.size > log.size else log
