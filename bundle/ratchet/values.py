# SPDX-License-Identifier: Apache-2.0
"""Rego's values for the solver: a datatype with one case more, for "undefined".

Arrays, objects and sets are names (numbers) of their contents: two are equal when
their names are. What a name contains is said by ``get``, as far as a rule asks.
Functions without meaning here stay open: a proof then holds for all their meanings.
"""

import re
from functools import cache
from typing import Any, Final

import z3

from bundle.ratchet.formula import Term, Test

_LARGEST_CHARACTER: Final = 0x2FFFF  # SMT-LIB 2.6, theory of strings
_ESCAPE: Final = re.compile(r"\\u\{([0-9a-fA-F]{1,5})\}")


class UnknownError(Exception):
    """Rego that the encoding does not know; the answer is "unknown", never a guess."""


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
_BEFORE: Final = z3.Function("before", VALUE, VALUE, z3.BoolSort())


def literal(value: str | int | float | bool | None) -> Term:
    """Return a constant."""
    if value is None:
        return VALUE.null
    if isinstance(value, bool):
        return VALUE.boolean(z3.BoolVal(value))
    if isinstance(value, str):
        return VALUE.text(text(value))
    return VALUE.number(z3.RealVal(str(value)))


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


def present(collection: Term, key: Term) -> Test:
    """Return whether a collection has a key.

    Arrays have numbers for keys, and the keys of a set are its members.
    """
    found = GET(collection, key)
    return z3.And(
        is_defined(found),
        z3.Or(
            VALUE.is_object(collection),
            z3.And(VALUE.is_array(collection), VALUE.is_number(key)),
            z3.And(VALUE.is_set(collection), found == key),
        ),
    )


def rank(value: Term) -> Term:
    """Return the place of a value's type in Rego's order of all values.

    Source: OPA documentation, policy reference, "Comparison": null, booleans,
    numbers, strings, arrays, objects, sets.
    """
    order = ("null", "boolean", "number", "text", "array", "object")
    place = z3.IntVal(len(order))
    for index, name in reversed(list(enumerate(order))):
        place = z3.If(getattr(VALUE, f"is_{name}")(value), z3.IntVal(index), place)
    return place


def less(left: Term, right: Term) -> Test:
    """Return ``left < right``. The order of two collections of a type stays open."""
    amounts = VALUE.amount(left) < VALUE.amount(right)
    texts = VALUE.characters(left) < VALUE.characters(right)
    truths = z3.And(z3.Not(VALUE.truth(left)), VALUE.truth(right))
    same = _both("null", left, right, test=z3.BoolVal(val=False), otherwise=_BEFORE)
    same = _both("boolean", left, right, test=truths, otherwise=same)
    same = _both("text", left, right, test=texts, otherwise=same)
    same = _both("number", left, right, test=amounts, otherwise=same)
    ranks = rank(left), rank(right)
    return z3.simplify(z3.If(ranks[0] == ranks[1], same, ranks[0] < ranks[1]))


def order_facts(left: Term, right: Term) -> Test:
    """Return what holds of the open order: it is strict and total."""
    same = z3.And(is_collection(left), rank(left) == rank(right))
    one, other = _BEFORE(left, right), _BEFORE(right, left)
    return z3.Implies(
        same, z3.If(left == right, z3.And(z3.Not(one), z3.Not(other)), one != other)
    )


def _both(name: str, left: Term, right: Term, *, test: Test, otherwise: Any) -> Test:
    if otherwise is _BEFORE:
        otherwise = _BEFORE(left, right)
    is_it = getattr(VALUE, f"is_{name}")
    return z3.If(z3.And(is_it(left), is_it(right)), test, otherwise)


@cache
def function(name: str, arity: int) -> Any:
    """Return a function without meaning, the same for the same name."""
    return z3.Function(f"{name}/{arity}", *([VALUE] * (arity + 1)))
