# SPDX-License-Identifier: Apache-2.0
"""The journal: which entries come next, decided before any of them is written.

It holds the newest batch and the tree that the batch extends. Tiles and bundles are
immutable objects, and a crash can leave some of a batch behind; because the journal
says what the batch was, whoever comes next can only write the same bytes again.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from control_plane.log.errors import LogDamagedError
from control_plane.log.limits import MAX_BATCH_ENTRIES, MAX_JOURNAL_BYTES
from keys.errors import FieldFormatError
from keys.fields import Fields
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.tlog.checkpoint import Checkpoint

_FORMAT: Final = "https://trustacks.com/formats/log-journal/v1"


@dataclass(frozen=True, slots=True)
class Journal:
    """A batch, and what it is appended to.

    Attributes:
        size: Leaves before the batch.
        root: Root before the batch.
        bodies: The batch.
    """

    size: int
    root: bytes
    bodies: tuple[bytes, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse a journal.

        Raises:
            FormatError: Not a journal.
        """
        value = loads_json(raw, max_bytes=MAX_JOURNAL_BYTES, what="log journal")
        fields = Fields(value, "log journal")
        fields.constant("format", _FORMAT)
        bodies = fields.items("bodies", max_items=MAX_BATCH_ENTRIES)
        journal = cls(
            fields.integer("size"),
            b64decode(fields.text("root"), what="log journal root"),
            tuple(_body(value) for value in bodies),
        )
        fields.done()
        return journal

    def to_bytes(self) -> bytes:
        """Return the journal as stored."""
        return dumps_json(
            {
                "format": _FORMAT,
                "size": self.size,
                "root": b64encode(self.root),
                "bodies": [b64encode(body) for body in self.bodies],
            }
        )

    def unfinished_at(self, head: Checkpoint) -> bool:
        """Return whether the batch still has to be written.

        Raises:
            LogDamagedError: The checkpoint is not one before or after the batch: it
                went back, or belongs to another log.
        """
        if (self.size, self.root) == (head.size, head.root):
            return True
        if self.size < head.size == self.size + len(self.bodies):
            return False
        raise LogDamagedError(
            f"expected a checkpoint of size {self.size} or"
            f" {self.size + len(self.bodies)}, got one of size {head.size}"
            " or of another tree",
            size=head.size,
            journal=self.size,
        )


def _body(value: Any) -> bytes:
    if not isinstance(value, str):
        raise FieldFormatError("log journal: expected base64 text, got another type")
    return b64decode(value, what="log journal body")
