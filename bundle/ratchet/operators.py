# SPDX-License-Identifier: Apache-2.0
"""Comparisons and arithmetic."""

from collections.abc import Callable
from typing import Any, Final

import z3

from bundle.ratchet.bound import Bound, Lazy, Listing, Made
from bundle.ratchet.formula import All, Atom, Formula, Some, Term, Test
from bundle.ratchet.limits import MAX_EXACT
from bundle.ratchet.terms import Terms
from bundle.ratchet.values import (
    VALUE,
    boolean,
    function,
    is_collection,
    is_defined,
    less,
    order_facts,
)

_EXACT: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}


def compare(terms: Terms, operator: str, left: Term, right: Term) -> Test:
    """Return a comparison of two values that are defined."""
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    terms.facts += order_facts(left, right)
    match operator:
        case "<":
            return less(left, right)
        case ">":
            return less(right, left)
        case "<=":
            return z3.Not(less(right, left))
        case _:
            return z3.Not(less(left, right))


def truth(test: Test) -> Term:
    """Return the value of a comparison."""
    return boolean(test)


def compute(
    terms: Terms,
    operator: str,
    left: Term,
    right: Term,
    then: Callable[[Term], Formula],
) -> Formula:
    """Return that an operation has a value for which ``then`` holds.

    Whole numbers are exact as far as floats are. What else a number can be, and what a
    set operation, a division or a remainder gives, stays open: it is the same for the
    same operands, and nothing else is known of it.
    """
    numbers = z3.And(VALUE.is_number(left), VALUE.is_number(right))
    other = function(f"operator:{operator}", 2)(left, right)
    open_ = All((Atom(is_defined(other)), then(other)))
    if operator not in _EXACT:
        return open_
    terms.facts.append(z3.Implies(numbers, VALUE.is_number(other)))
    amounts = VALUE.amount(left), VALUE.amount(right)
    found = _EXACT[operator](*amounts)
    whole = z3.simplify(z3.And(*(_is_exact(n) for n in (*amounts, found))))
    value = z3.simplify(z3.If(whole, VALUE.number(found), other))
    known = All((Atom(numbers), then(value)))
    if operator != "-":
        return known
    sets = Atom(z3.And(VALUE.is_set(left), VALUE.is_set(right)))
    return Some((known, All((sets, open_))))


def _is_exact(amount: Term) -> Test:
    """Return whether every engine has this number, and sums of it, without rounding."""
    return z3.And(z3.IsInt(amount), amount <= MAX_EXACT, amount >= -MAX_EXACT)


def require_collection(bound: Bound) -> tuple[Formula, ...]:
    """Return that something has elements at all, if that is not plain."""
    if isinstance(bound, Lazy | Made | Listing):
        return ()
    return (Atom(is_collection(bound)),)
