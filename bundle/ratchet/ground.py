# SPDX-License-Identifier: Apache-2.0
"""Formulas without quantifiers, so that the solver always knows.

"Some element" becomes a new name for that element. "All elements" becomes one
instance for every element that anything else names. Leaving instances out only
weakens what is asserted: a contradiction stays one, so a proof stays a proof. What
the solver then finds instead of a contradiction is a candidate, not a counterexample.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import z3

from bundle.ratchet.formula import (
    All,
    Atom,
    Element,
    Formula,
    Not,
    Some,
    Term,
    Test,
    UnknownError,
)
from bundle.ratchet.limits import MAX_INSTANCES, MAX_ROUNDS
from bundle.ratchet.terms import Terms
from bundle.ratchet.values import INPUT, VALUE

_NUMBER: Final = VALUE.number


@dataclass(slots=True)
class _Universal:
    """``guard`` implies that no element of the collection makes ``element`` hold."""

    guard: Test
    element: Element
    done: set[Any] = field(default_factory=set)


class Ground:
    """Assertions that are being freed of quantifiers.

    Attributes:
        tests: What is asserted.
        keys: The names that were made for elements.
        terms: The terms that they are made of.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._universals: list[_Universal] = []
        self._instances = 0
        self._filled = 0
        self.tests: list[Test] = [VALUE.is_object(INPUT)]
        self.keys: list[Term] = []

    def add(self, formula: Formula, *, holds: bool = True) -> None:
        """Assert a formula, or that it does not hold."""
        self.tests.append(self._lower(formula, holds=holds))

    def close(self, everywhere: tuple[tuple[Term, Term], ...] = ()) -> None:
        """Add instances until no element is new, or there are enough of them.

        Args:
            everywhere: Collections and keys that are known besides.
        """
        for collection, key in everywhere:
            self.terms.present(collection, key)
        for _ in range(MAX_ROUNDS):
            before = self._instances
            self._fill()
            for universal in list(self._universals):
                self._instantiate(universal)
            if self._instances == before:
                break
        self.tests += list(self._counts())
        self.tests += self.terms.facts

    def _instantiate(self, universal: _Universal) -> None:
        element = universal.element
        for collection, key in list(self.terms.pairs):
            known = key.get_id() in universal.done
            if known or not _may_be(collection, element.collection):
                continue
            universal.done.add(key.get_id())
            self._instances += 1
            if self._instances > MAX_INSTANCES:
                raise UnknownError("more elements than a proof may name")
            value = self.terms.get(element.collection, key)
            body = self._lower(element.body(key, value), holds=False)
            here = self.terms.present(element.collection, key)
            self.tests.append(z3.Implies(z3.And(universal.guard, here), body))

    def _lower(self, formula: Formula, *, holds: bool) -> Test:
        match formula:
            case Atom(test=test):
                return test if holds else z3.Not(test)
            case Not(part=part):
                return self._lower(part, holds=not holds)
            case All(parts=parts):
                lowered = [self._lower(part, holds=holds) for part in parts]
                return z3.And(*lowered) if holds else z3.Or(*lowered)
            case Some(parts=parts):
                lowered = [self._lower(part, holds=holds) for part in parts]
                return z3.Or(*lowered) if holds else z3.And(*lowered)
            case Element():
                return self._some(formula) if holds else self._none(formula)

    def _some(self, element: Element) -> Test:
        key = z3.FreshConst(VALUE, "key")
        self.keys.append(key)
        value = self.terms.get(element.collection, key)
        body = self._lower(element.body(key, value), holds=True)
        return z3.And(self.terms.present(element.collection, key), body)

    def _none(self, element: Element) -> Test:
        guard = z3.FreshConst(z3.BoolSort(), "none")
        self._universals.append(_Universal(guard, element))
        return guard

    def _fill(self) -> None:
        """Name an element of every collection that is counted, if it has one."""
        for collection in self.terms.sizes[self._filled :]:
            key = z3.FreshConst(VALUE, "key")
            self.keys.append(key)
            here = self.terms.present(collection, key)
            self.tests.append(z3.Implies(self.terms.size(collection) >= 1, here))
        self._filled = len(self.terms.sizes)

    def _counts(self) -> Iterator[Test]:
        """Yield what the number of elements says about single elements, and back."""
        for collection in list(self.terms.sizes):
            size = self.terms.size(collection)
            yield size >= 0
            mine = [k for c, k in self.terms.pairs if c.eq(collection)]
            for index, key in enumerate(mine):
                here = self.terms.present(collection, key)
                yield z3.Implies(here, size >= 1)
                for other in mine[:index]:
                    both = z3.And(
                        here, self.terms.present(collection, other), key != other
                    )
                    yield z3.Implies(both, size >= 2)  # noqa: PLR2004 - two elements
                if z3.is_app(key) and key.decl() == _NUMBER:
                    yield from _indexed(collection, key, here, size)


def _indexed(collection: Term, key: Term, here: Test, size: Term) -> Iterator[Test]:
    """An array has exactly the indices below its size."""
    amount = z3.simplify(key.arg(0))
    if z3.is_rational_value(amount) and amount.denominator_as_long() == 1:
        index = amount.numerator_as_long()
        below = z3.And(index >= 0, size > index)
        yield z3.Implies(VALUE.is_array(collection), here == below)


def _may_be(collection: Term, other: Term) -> bool:
    """Return whether two collections are plainly the same, or one is a constant."""
    return bool(collection.eq(other)) or _is_name(collection) or _is_name(other)


def _is_name(collection: Term) -> bool:
    return bool(collection.num_args() == 1 and z3.is_int_value(collection.arg(0)))
