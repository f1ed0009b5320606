# SPDX-License-Identifier: Apache-2.0
"""The builtins that give an answer for whatever fits their signature.

Measured in the embedded engine, which has an error for an argument of another type and
for a value that it cannot read. What is not here may have no answer.
"""

from collections.abc import Callable, Sequence
from typing import Final

from bundle.ratchet.kinds import (
    ANY,
    BOOLEAN,
    NANOSECONDS,
    NUMBER,
    TEXT,
    Kind,
)

Wanted = str | tuple[str, ...]

_TEXT_TEST: Final = """
    startswith endswith contains strings.any_prefix_match strings.any_suffix_match
"""
_TEXT_PART: Final = """
    lower trim trim_left trim_right trim_prefix trim_suffix trim_space
    strings.reverse
"""
_KIND_TEST: Final = """
    is_array is_boolean is_null is_number is_object is_set is_string
"""
_TEXTS: Final = ("text", "texts")


def result(name: str, arguments: Sequence[Kind]) -> Kind | None:
    """Return what a call gives if it surely has no error; none if it may have."""
    entry = TOTAL.get(name)
    if entry is None:
        return None
    wanted, gives = entry
    fits = len(arguments) == len(wanted) and all(map(_fits, arguments, wanted))
    return gives(arguments) if fits else None


def _fits(kind: Kind, wanted: Wanted) -> bool:
    if isinstance(wanted, tuple):
        return any(_fits(kind, one) for one in wanted)
    if wanted == "texts":
        listed = kind.name in ("array", "set") and kind.item is not None
        return listed and kind.item is not None and kind.item.is_a("text")
    return kind.is_a(wanted)


def _same(arguments: Sequence[Kind]) -> Kind:
    return Kind("text", arguments[0].size)


def _split(arguments: Sequence[Kind]) -> Kind:
    size = arguments[0].size
    return Kind("array", size + 1, Kind("text", size))


def _joined(arguments: Sequence[Kind]) -> Kind:
    between, parts = arguments
    size = parts.size * (between.size + (parts.item or TEXT).size)
    return Kind("text", size)


def _items(arguments: Sequence[Kind]) -> Kind:
    return Kind("array", sum(a.size for a in arguments), arguments[0].item)


def _numbers(_: Sequence[Kind]) -> Kind:
    return Kind("array", 3, NUMBER)


def _table() -> dict[str, tuple[tuple[Wanted, ...], Callable[..., Kind]]]:
    listed: Wanted = ("array", "set")
    table: dict[str, tuple[tuple[Wanted, ...], Callable[..., Kind]]] = {
        "array.reverse": (("array",), _items),
        "concat": (("text", "texts"), _joined),
        "count": ((("text", "array", "set", "object"),), lambda _: NUMBER),
        "indexof": (("text", "text"), lambda _: NUMBER),
        "max": ((listed,), lambda a: a[0].item or ANY),
        "min": ((listed,), lambda a: a[0].item or ANY),
        "object.keys": (("object",), lambda a: Kind("set", a[0].size, TEXT)),
        "sort": ((listed,), _items),
        "split": (("text", "text"), _split),
        "time.clock": (("nanoseconds",), _numbers),
        "time.date": (("nanoseconds",), _numbers),
        "time.parse_rfc3339_ns": (("instant",), lambda _: NANOSECONDS),
        "time.weekday": (("nanoseconds",), lambda _: Kind("text", 9)),
        "type_name": (("any",), lambda _: Kind("text", 7)),
    }
    for name in _TEXT_TEST.split():
        many = name.startswith("strings")
        wanted: tuple[Wanted, ...] = (_TEXTS, _TEXTS) if many else ("text", "text")
        table[name] = (wanted, lambda _: BOOLEAN)
    for name in _TEXT_PART.split():
        two = name in ("trim", "trim_left", "trim_right", "trim_prefix", "trim_suffix")
        table[name] = (("text", "text") if two else ("text",), _same)
    for name in _KIND_TEST.split():
        table[name] = (("any",), lambda _: BOOLEAN)
    return table


TOTAL: Final = _table()
