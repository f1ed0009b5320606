# SPDX-License-Identifier: Apache-2.0
"""Comparisons and arithmetic."""

from collections.abc import Callable

import z3

from bundle.ratchet.bound import Bound, Lazy, Listing, Made
from bundle.ratchet.formula import All, Atom, Formula, Some, Term, Test
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
    operator: str,
    left: Term,
    right: Term,
    then: Callable[[Term], Formula],
) -> Formula:
    """Return that an operation has a value for which ``then`` holds.

    Numbers are exact. What a set operation, a division or a remainder gives stays
    open, so it is the same for the same operands and nothing else is known of it.
    """
    amounts = VALUE.amount(left), VALUE.amount(right)
    numbers = Atom(z3.And(VALUE.is_number(left), VALUE.is_number(right)))
    exact = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
    }
    other = function(f"operator:{operator}", 2)(left, right)
    open_ = All((Atom(is_defined(other)), then(other)))
    if operator not in exact:
        return open_
    known = All((numbers, then(VALUE.number(exact[operator](*amounts)))))
    if operator != "-":
        return known
    sets = Atom(z3.And(VALUE.is_set(left), VALUE.is_set(right)))
    return Some((known, All((sets, open_))))


def require_collection(bound: Bound) -> tuple[Formula, ...]:
    """Return that something has elements at all, if that is not plain."""
    if isinstance(bound, Lazy | Made | Listing):
        return ()
    return (Atom(is_collection(bound)),)
