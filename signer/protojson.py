# SPDX-License-Identifier: Apache-2.0
"""Read protobuf's JSON as others write it: Sigstore's bundles and trusted roots.

Strict as ``Fields`` but for what writers in the field do and readers in the field take:
absent and null are the same, and base64 has line breaks, as base64(1) makes them. None
of it can make two readers see two documents.
"""

from typing import Final

from keys.errors import Base64FormatError, FieldFormatError
from keys.fields import Fields
from keys.strict import b64decode

# base64(1) breaks lines after 76 characters, others after 64, and some write CR too.
_BREAK_EVERY: Final = 32


class ProtoFields(Fields):
    """A reader of one message; every method raises ``FieldFormatError`` as there."""

    __slots__ = ()

    def has(self, name: str) -> bool:
        """Return whether the field has a value: null is none, and counts as read."""
        value = self._value.get(name)
        if value is None:
            self._left.discard(name)
        return value is not None

    def base64(self, name: str, *, max_bytes: int) -> bytes:
        """Return the bytes of canonical base64 with or without line breaks."""
        chars = 4 * -(-max_bytes // 3)
        text = self.text(name, max_chars=chars + chars // _BREAK_EVERY + 2)
        if "\n" in text:
            text = text.replace("\r\n", "").replace("\n", "")
        try:
            data = b64decode(text)
        except Base64FormatError:
            data = b64decode(text, what=self._at(name))  # says where
        if not 0 < len(data) <= max_bytes:
            raise FieldFormatError(
                f"{self._at(name)}: expected 1 to {max_bytes} bytes, got {len(data)}"
            )
        return data

    def unread(self) -> tuple[str, ...]:
        """Return the fields that nobody read, sorted."""
        return tuple(sorted(self._left))
