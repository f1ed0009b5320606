# SPDX-License-Identifier: Apache-2.0
"""Rego's values for the solver: a datatype with one case more, for "undefined".

Arrays, objects and sets are names (numbers) of their contents: two are equal when
their names are. What a name contains is said by ``get``, as far as a rule asks.
Functions without meaning here stay open: a proof then holds for all their meanings.
"""

import re
from functools import lru_cache
from typing import Any, Final

import z3

from bundle.ratchet.formula import Term, Test, UnknownError

_LARGEST_CHARACTER: Final = 0x2FFFF  # SMT-LIB 2.6, theory of strings
_ESCAPE: Final = re.compile(r"\\u\{([0-9a-fA-F]{1,5})\}")


def _declare() -> Any:
    value = z3.Datatype("Value")
    value.declare("undefined")
    value.declare("null")
    value.declare("boolean", ("truth", z3.BoolSort()))
    value.declare("number", ("amount", z3.RealSort()))
    value.declare("text", ("characters", z3.StringSort()))
    value.declare("array", ("array_name", z3.IntSort()))
    value.declare("object", ("object_name", z3.IntSort()))
    value.declare("set", ("set_name", z3.IntSort()))
    return value.create()


VALUE: Final = _declare()
INPUT: Final = z3.Const("input", VALUE)
DATA: Final = z3.Const("data", VALUE)
GET: Final = z3.Function("get", VALUE, VALUE, VALUE)
SIZE: Final = z3.Function("size", VALUE, z3.IntSort())
# How many letters a text has: regorus counts in units of UTF-16, OPA in characters.
LETTERS: Final = z3.Function("letters", VALUE, z3.IntSort())
# Rego's order of types.
ORDER: Final = ("null", "boolean", "number", "text", "array", "object", "set")
_SCALARS: Final = ORDER[:4]
_BEFORE: Final = z3.Function("before", VALUE, VALUE, z3.BoolSort())


@lru_cache(maxsize=4_096)
def _literal(kind: type, value: Any) -> Term:
    if value is None:
        return VALUE.null
    if kind is bool:
        return VALUE.boolean(z3.BoolVal(value))
    if kind is str:
        return VALUE.text(text(value))
    return VALUE.number(z3.RealVal(str(value)))


def literal(value: Any) -> Term:
    """Return the constant of a string, number, boolean or null."""
    return _literal(value.__class__, value)


def text(value: str) -> Term:
    """Return a constant of the solver's own strings."""
    if any(ord(c) > _LARGEST_CHARACTER for c in value):
        raise UnknownError("a character that the solver's strings do not have")
    return z3.StringVal(value.replace("\\", "\\u{5c}"))


def plain_text(value: Term) -> str:
    """Return the Python string of a constant of the solver's strings."""
    return _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), value.as_string())


def boolean(test: Test) -> Term:
    """Return the Rego boolean of a test."""
    return VALUE.boolean(test)


def is_defined(value: Term) -> Test:
    """Return whether a value is one."""
    return value != VALUE.undefined


def is_collection(value: Term) -> Test:
    """Return whether a value has elements."""
    return z3.Or(VALUE.is_array(value), VALUE.is_object(value), VALUE.is_set(value))


def less(left: Term, right: Term) -> Test:
    """Return ``left < right``. The order of two collections of a type stays open.

    So does that of an object and a set: regorus has sets first, OPA objects.

    Source: OPA documentation, policy reference, "Comparison": null, booleans,
    numbers, strings, arrays, objects, sets.
    """
    known = _kind(left) or _kind(right)
    cases = ORDER if known is None else (known,)
    tests = [test for kind in cases for test in _less(kind, left, right)]
    return z3.Or(*tests, z3.And(_crossed(left, right), _BEFORE(left, right)))


def order_facts(left: Term, right: Term) -> list[Test]:
    """Return what holds of the open order: it is strict and total."""
    if _kind(left) in _SCALARS or _kind(right) in _SCALARS:
        return []
    facts = []
    for kind in ("array", "object", "set"):
        both = z3.And(_is(kind, left), _is(kind, right))
        one, other = _BEFORE(left, right), _BEFORE(right, left)
        strict = z3.If(left == right, z3.Not(z3.Or(one, other)), one != other)
        facts.append(z3.Implies(both, strict))
    one, other = _BEFORE(left, right), _BEFORE(right, left)
    facts.append(z3.Implies(_crossed(left, right), one != other))
    return facts


def _crossed(left: Term, right: Term) -> Test:
    """Return whether one is an object and the other a set."""
    here = z3.And(VALUE.is_object(left), VALUE.is_set(right))
    return z3.Or(here, z3.And(VALUE.is_set(left), VALUE.is_object(right)))


def _less(kind: str, left: Term, right: Term) -> list[Test]:
    """Return how the left is less if one of both is of a kind: within it, or beside."""
    left_kind, right_kind = _kind(left), _kind(right)
    within = z3.And(_is(kind, left), _is(kind, right), _within(kind, left, right))
    tests = [] if kind == "null" else [within]
    place = ORDER.index(kind)
    if right_kind is None:  # the left is of the kind
        above = [_is(o, right) for o in ORDER[place + 1 :] if not _open(kind, o)]
        return [*tests, z3.And(_is(kind, left), z3.Or(*above))]
    if left_kind is None:
        below = [_is(o, left) for o in ORDER[:place] if not _open(kind, o)]
        return [*tests, z3.Or(*below)]
    if left_kind != right_kind:
        if _open(left_kind, right_kind):
            return []
        return [z3.BoolVal(ORDER.index(left_kind) < ORDER.index(right_kind))]
    return tests


def _open(one: str, other: str) -> bool:
    """Return whether engines differ in the order of two types."""
    return {one, other} == {"object", "set"}


def _within(kind: str, left: Term, right: Term) -> Test:
    match kind:
        case "boolean":
            return z3.And(z3.Not(VALUE.truth(left)), VALUE.truth(right))
        case "number":
            return VALUE.amount(left) < VALUE.amount(right)
        case "text":
            return VALUE.characters(left) < VALUE.characters(right)
        case _:
            return _BEFORE(left, right)


def _is(kind: str, value: Term) -> Test:
    return getattr(VALUE, f"is_{kind}")(value)


def _kind(value: Term) -> str | None:
    """Return the type of a value that was made as one of it."""
    name = value.decl().name()
    return name if name in ORDER else None


@lru_cache(maxsize=4_096)
def function(name: str, arity: int) -> Any:
    """Return a function without meaning, the same for the same name."""
    return z3.Function(f"{name}/{arity}", *([VALUE] * (arity + 1)))
