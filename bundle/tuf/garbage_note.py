# SPDX-License-Identifier: Apache-2.0
"""What the last look for garbage found, and since when: ``garbage/note.json``.

Not served, not signed. Whoever can write it can delete the objects just as well.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from keys.clock import format_instant, parse_instant
from keys.errors import FieldFormatError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

NOTE_NAME: Final = "garbage/note.json"
# Objects that wait at once; what is beyond waits for its turn to begin waiting.
MAX_NOTED: Final = 10_000
# Bytes: names of 512 characters at most, with an instant each.
MAX_NOTE_BYTES: Final = 6 * 1024 * 1024
_FORMAT: Final = "https://trustacks.com/formats/garbage-note/v1"


@dataclass(frozen=True, slots=True)
class Judged:
    """How far a look came.

    Attributes:
        snapshot: The committed snapshot's version.
        release: The committed release role's version.
        revision: The lowest revision that it lists; 0 if it lists none.
    """

    snapshot: int
    release: int
    revision: int


@dataclass(frozen=True, slots=True)
class Note:
    """What a look found.

    Attributes:
        at: When it was.
        judged: How far it came.
        since: Each object that nobody needs, and the first look that said so.
    """

    at: datetime
    judged: Judged
    since: Mapping[str, datetime]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse a note.

        Raises:
            FormatError: Not a note.
        """
        value = loads_json(raw, max_bytes=MAX_NOTE_BYTES, what="garbage note")
        fields = Fields(value, "garbage note")
        fields.constant("format", _FORMAT)
        place = fields.object("judged")
        judged = Judged(*map(place.integer, ("snapshot", "release", "revision")))
        place.done()
        since = fields.mapping("since", max_items=MAX_NOTED)
        note = cls(
            fields.instant("at"),
            judged,
            {name: _instant(text) for name, text in since.items()},
        )
        fields.done()
        return note

    def to_bytes(self) -> bytes:
        """Return the note as stored."""
        judged = self.judged
        since = {name: format_instant(at) for name, at in sorted(self.since.items())}
        return dumps_json(
            {
                "format": _FORMAT,
                "at": format_instant(self.at),
                "judged": {
                    "snapshot": judged.snapshot,
                    "release": judged.release,
                    "revision": judged.revision,
                },
                "since": since,
            }
        )

    def due(self, grace: timedelta) -> list[str]:
        """Return what has been garbage for so long, in the order of its waiting."""
        waited = [
            (at, name) for name, at in self.since.items() if at + grace <= self.at
        ]
        return [name for _, name in sorted(waited)]


def note_of(
    garbage: Collection[str], judged: Judged, *, before: Note | None, at: datetime
) -> Note:
    """Return the note of a look: what was garbage before keeps its time."""
    known = before.since if before else {}
    since = {name: known[name] for name in garbage if name in known}
    room = MAX_NOTED - len(since)
    new = sorted(name for name in garbage if name not in since)[: max(room, 0)]
    return Note(at, judged, {**since, **dict.fromkeys(new, at)})


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise FieldFormatError("garbage note: expected an instant, got another type")
    return parse_instant(value)
