# SPDX-License-Identifier: Apache-2.0
"""Read a JSON object field by field, and refuse what was not read.

Example:
    >>> fields = Fields({"id": "a", "size": 3}, "thing")
    >>> fields.text("id"), fields.integer("size"), fields.done()
    ('a', 3, None)
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Self

from keys.clock import parse_instant
from keys.digest import Digest
from keys.errors import Base64FormatError, FieldFormatError
from keys.strict import b64decode

# No text of our documents is longer: a description is prose, an id is short.
MAX_TEXT_CHARS: Final = 4096
# The largest list in a document of ours is the inventory of a release.
MAX_ITEMS: Final = 10_000


class Fields:
    """A strict reader of one JSON object.

    Args:
        value: The parsed JSON value; anything but an object is refused.
        where: The place, for messages, such as ``trust policy identity 3``.
        above: The object that it is in, whose place comes first.

    Every method raises ``FieldFormatError`` for a field that is missing or of another
    type; ``done`` raises it for a field that nobody asked for.
    """

    __slots__ = ("_above", "_left", "_name", "_value")

    def __init__(self, value: Any, where: str, above: "Fields | None" = None) -> None:
        self._name = where
        self._above = above
        if not isinstance(value, dict):
            raise FieldFormatError(
                f"{self.where}: expected an object, got {_kind(value)}"
            )
        self._value: Mapping[str, Any] = value
        self._left = set(value)

    @property
    def where(self) -> str:
        """The place, for messages; put together when there is something to say."""
        if self._above is None:
            return self._name
        return f"{self._above.where}.{self._name}"

    def has(self, name: str) -> bool:
        """Return whether the field is present."""
        return name in self._value

    def names(self) -> tuple[str, ...]:
        """Return the fields that are present, sorted: for objects that are maps."""
        return tuple(sorted(self._value))

    def is_null(self, name: str) -> bool:
        """Return whether the field, which must be present, is null."""
        return self.any(name) is None

    def any(self, name: str) -> Any:
        """Return the field as parsed."""
        if name not in self._value:
            raise FieldFormatError(f"{self.where}: expected a field {name!r}, got none")
        self._left.discard(name)
        return self._value[name]

    def text(
        self, name: str, *, max_chars: int = MAX_TEXT_CHARS, empty: bool = False
    ) -> str:
        """Return a string, not empty unless ``empty``."""
        value = self._value.get(name)
        # What nearly every call finds; the rest says what is wrong.
        if type(value) is str and len(value) <= max_chars and (value or empty):
            self._left.discard(name)
            return value
        value = self._typed(name, str, "a string")
        if len(value) > max_chars or (not value and not empty):
            raise FieldFormatError(
                f"{self._at(name)}: expected 1 to {max_chars} characters, "
                f"got {len(value)}"
            )
        return str(value)

    def constant(self, name: str, expected: str) -> str:
        """Return the string if it equals ``expected``."""
        return self.one_of(name, (expected,))

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return the string if it is one of ``allowed``."""
        value = self.text(name)
        if value not in allowed:
            raise FieldFormatError(
                f"{self._at(name)}: expected {' or '.join(allowed)}, got {value!r}"
            )
        return value

    def integer(self, name: str, *, minimum: int = 0) -> int:
        """Return an integer of at least ``minimum``."""
        value = self._typed(name, int, "an integer")
        if value < minimum:
            raise FieldFormatError(
                f"{self._at(name)}: expected at least {minimum}, got {value}"
            )
        return int(value)

    def boolean(self, name: str) -> bool:
        """Return a boolean."""
        return bool(self._typed(name, bool, "true or false"))

    def digest(self, name: str) -> Digest:
        """Return a ``sha256:<hex>`` digest."""
        return Digest.parse(self.text(name))

    def base64(self, name: str, *, max_bytes: int) -> bytes:
        """Return the bytes of canonical base64, at least one."""
        # Four characters of three bytes; nothing larger is decoded.
        text = self.text(name, max_chars=4 * -(-max_bytes // 3))
        try:
            data = b64decode(text)
        except Base64FormatError:
            data = b64decode(text, what=self._at(name))  # says where
        if len(data) > max_bytes:
            raise FieldFormatError(
                f"{self._at(name)}: expected at most {max_bytes} bytes, got {len(data)}"
            )
        return data

    def instant(self, name: str) -> datetime:
        """Return an RFC 3339 UTC instant."""
        return parse_instant(self.text(name))

    def object(self, name: str) -> Self:
        """Return a reader of a nested object, of the same class."""
        return type(self)(self.any(name), name, self)

    def mapping(self, name: str, *, max_items: int = MAX_ITEMS) -> dict[str, Any]:
        """Return an object whose keys are data, of bounded size."""
        value = self._typed(name, dict, "an object")
        if len(value) > max_items:
            raise FieldFormatError(
                f"{self._at(name)}: expected at most {max_items} keys, got {len(value)}"
            )
        return dict(value)

    def items(self, name: str, *, max_items: int = MAX_ITEMS) -> list[Any]:
        """Return a list of bounded length."""
        value = self._typed(name, list, "a list")
        if len(value) > max_items:
            raise FieldFormatError(
                f"{self._at(name)}: expected at most {max_items} items, "
                f"got {len(value)}"
            )
        return list(value)

    def texts(self, name: str, *, max_items: int = MAX_ITEMS) -> tuple[str, ...]:
        """Return a list of distinct non-empty strings."""
        values = self.items(name, max_items=max_items)
        if not all(isinstance(v, str) and v for v in values):
            raise FieldFormatError(f"{self._at(name)}: expected non-empty strings")
        if len(set(values)) != len(values):
            raise FieldFormatError(f"{self._at(name)}: expected distinct strings")
        return tuple(values)

    def objects(self, name: str, *, max_items: int = MAX_ITEMS) -> list[Self]:
        """Return readers of a list of objects, of the same class."""
        values = self.items(name, max_items=max_items)
        return [type(self)(v, f"{name}[{i}]", self) for i, v in enumerate(values)]

    def done(self) -> None:
        """Refuse fields that nobody read."""
        if self._left:
            names = ", ".join(sorted(self._left)[:5])
            raise FieldFormatError(f"{self.where}: unknown field {names}")

    def _typed(self, name: str, kind: type, said: str) -> Any:
        value = self.any(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise FieldFormatError(
                f"{self._at(name)}: expected {said}, got {_kind(value)}"
            )
        return value

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}"


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
