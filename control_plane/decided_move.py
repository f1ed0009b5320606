# SPDX-License-Identifier: Apache-2.0
"""A move to the sovereign form that was decided: all that carrying it out needs.

One object, written once everything in it was verified and before anything of it shows.
From then on the move is carried out, by whichever server comes to it.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from bundle.limits import MAX_ROOT_BYTES, MAX_TARGETS_BYTES
from keys.fields import Fields
from keys.strict import b64encode, dumps_json, loads_json
from signer.limits import MAX_ATTESTATION_BYTES

FORMAT: Final = "https://trustacks.com/formats/decided-move/v1"
# Base64 of the three, and a little JSON around them.
MAX_DECIDED_BYTES: Final = 2 * (
    MAX_ROOT_BYTES + MAX_TARGETS_BYTES + MAX_ATTESTATION_BYTES
)


@dataclass(frozen=True, slots=True)
class DecidedMove:
    """What will be published.

    Attributes:
        root: The next root, signed by the new admins and with the embedded key.
        targets: The first targets under it, signed by both.
        event: A new admin's attestation of the targets, not logged.
    """

    root: bytes = field(repr=False)
    targets: bytes = field(repr=False)
    event: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse what ``to_bytes`` wrote.

        Raises:
            FormatError: Something else.
        """
        value = loads_json(data, max_bytes=MAX_DECIDED_BYTES, what="decided move")
        fields = Fields(value, "decided move")
        fields.constant("format", FORMAT)
        decided = cls(
            root=fields.base64("root", max_bytes=MAX_ROOT_BYTES),
            targets=fields.base64("targets", max_bytes=MAX_TARGETS_BYTES),
            event=fields.base64("event", max_bytes=MAX_ATTESTATION_BYTES),
        )
        fields.done()
        return decided

    def to_bytes(self) -> bytes:
        """Return it as an object of the storage."""
        parts = {"root": self.root, "targets": self.targets, "event": self.event}
        return dumps_json(
            {"format": FORMAT} | {name: b64encode(data) for name, data in parts.items()}
        )
