# SPDX-License-Identifier: Apache-2.0
"""What a value can be, and how large, for an input that the schema admits.

A Runner decides on nothing that the schema refuses, so ``input.context.pull_request.
body`` is a text of at most so many characters, or missing. What is not known is
``ANY``, which fits no builtin that wants something.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from bundle.limits import MAX_INPUT_BYTES
from bundle.rego.schema import input_schema

# What the Runner sets from its clock: a text that is always an instant.
_INSTANT: Final = "evaluated_at"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Attributes:
        name: ``any``, ``text``, ``instant`` (a text), ``number``, ``nanoseconds`` (a
            number), ``boolean``, ``null``, ``array``, ``set`` or ``object``.
        size: At most so many characters or elements.
        item: What an element is.
        fields: What the fields of an object are that can have no others.
    """

    name: str
    size: int = MAX_INPUT_BYTES
    item: "Kind | None" = None
    fields: tuple[tuple[str, "Kind"], ...] | None = None

    def is_a(self, wanted: str) -> bool:
        """Return whether every value of this kind is also one of another."""
        return wanted in ("any", self.name, _WIDER.get(self.name))

    def field(self, name: str) -> "Kind":
        """Return what a field is, if it is there."""
        known = dict(self.fields or ())
        return known.get(name) or self.item or ANY

    @property
    def element(self) -> "Kind":
        """What each element is while all are walked through: together they fit in."""
        items = [
            *([self.item] if self.item else []),
            *(k for _, k in self.fields or ()),
        ]
        found = items[0] if items else ANY
        for item in items[1:]:
            found = joined(found, item)
        return _shared(found, max(1, self.size)) if items else ANY


_WIDER: Final = {"instant": "text", "nanoseconds": "number"}

ANY: Final = Kind("any")
BOOLEAN: Final = Kind("boolean", 1)
NULL: Final = Kind("null", 1)
NUMBER: Final = Kind("number", 20)
NANOSECONDS: Final = Kind("nanoseconds", 20)
TEXT: Final = Kind("text")


def joined(one: Kind, other: Kind) -> Kind:
    """Return the kind of what is either."""
    size = max(one.size, other.size)
    if one.name != other.name:
        for name in ("text", "number"):
            if one.is_a(name) and other.is_a(name):
                return Kind(name, size)
        return ANY
    if one == replace(other, size=one.size):
        return replace(one, size=size)
    if one.fields is None and other.fields is None:
        item = joined(one.item or ANY, other.item or ANY)
        return Kind(one.name, size, item)
    return Kind(one.name, size)


def of_scalar(value: Any) -> Kind:
    """Return the kind of a constant."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return Kind("text", len(value.encode()))
    return NULL if value is None else NUMBER


@cache
def input_kind() -> Kind:
    """Return what the input document is."""
    schema = input_schema()
    return _of_schema(schema, schema["$defs"], "")


def _of_schema(  # noqa: PLR0911 - one case for each form
    part: Mapping[str, Any], defs: Mapping[str, Any], name: str
) -> Kind:
    if "$ref" in part:
        return _of_schema(defs[part["$ref"].rpartition("/")[2]], defs, name)
    if "enum" in part:
        return Kind("text", max(len(option) for option in part["enum"]))
    match part.get("type"):
        case "string":
            size = part.get("maxLength", MAX_INPUT_BYTES)
            return Kind("instant" if name == _INSTANT else "text", size)
        case "array":
            item = _of_schema(part["items"], defs, "")
            return Kind("array", part.get("maxItems", MAX_INPUT_BYTES), item)
        case "object" if "properties" in part:
            named = part["properties"].items()
            fields = tuple((key, _of_schema(p, defs, key)) for key, p in named)
            return Kind("object", len(fields), None, fields)
        case "object":
            return Kind("object", MAX_INPUT_BYTES, ANY)
        case _:
            return ANY


def _shared(kind: Kind, count: int) -> Kind:
    """Return what one of many is: all of them are parts of one input."""
    size = min(kind.size, MAX_INPUT_BYTES // count + 1)
    fields = kind.fields and tuple((n, _shared(k, count)) for n, k in kind.fields)
    return replace(kind, size=size, fields=fields)
