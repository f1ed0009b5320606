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

from bundle.ratchet.encode import Encoder
from bundle.ratchet.formula import All, Any_, Atom, Element, Formula, Not, Term, Test
from bundle.ratchet.limits import MAX_INSTANCES, MAX_ROUNDS
from bundle.ratchet.values import GET, INPUT, SIZE, VALUE, UnknownError, present

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
        pairs: Every collection and key that a test mentions.
        sizes: Every collection whose number of elements a test mentions.
    """

    def __init__(self, *encoders: Encoder) -> None:
        self._encoders = encoders
        self._universals: list[_Universal] = []
        self._seen: set[int] = set()
        self._kept: list[Any] = []
        self._noted = 0
        self._instances = 0
        self.tests: list[Test] = [VALUE.is_object(INPUT)]
        self.keys: list[Term] = []
        self.pairs: list[tuple[Term, Term]] = []
        self.sizes: list[Term] = []

    def assert_(self, formula: Formula, *, holds: bool = True) -> None:
        """Assert a formula, or that it does not hold."""
        self.tests.append(self._lower(formula, holds=holds))

    def close(self, everywhere: tuple[tuple[Term, Term], ...] = ()) -> None:
        """Add instances until no element is new, or there are enough of them.

        Args:
            everywhere: Collections and keys that are known besides.
        """
        for collection, key in everywhere:
            self._pair(collection, key)
        for _ in range(MAX_ROUNDS):
            self._scan()
            before = self._instances
            for universal in list(self._universals):
                self._instantiate(universal)
            if self._instances == before:
                break
        self._scan()
        self.tests += self._counts()

    def _instantiate(self, universal: _Universal) -> None:
        element = universal.element
        for collection, key in list(self.pairs):
            known = key.get_id() in universal.done
            if known or not _may_be(collection, element.collection):
                continue
            universal.done.add(key.get_id())
            self._instances += 1
            if self._instances > MAX_INSTANCES:
                raise UnknownError("more elements than a proof may name")
            value = GET(element.collection, key)
            body = self._lower(element.body(key, value), holds=False)
            here = present(element.collection, key)
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
            case Any_(parts=parts):
                lowered = [self._lower(part, holds=holds) for part in parts]
                return z3.Or(*lowered) if holds else z3.And(*lowered)
            case Element():
                return self._some(formula) if holds else self._none(formula)

    def _some(self, element: Element) -> Test:
        key = z3.FreshConst(VALUE, "key")
        self.keys.append(key)
        value = GET(element.collection, key)
        body = self._lower(element.body(key, value), holds=True)
        return z3.And(present(element.collection, key), body)

    def _none(self, element: Element) -> Test:
        guard = z3.FreshConst(z3.BoolSort(), "none")
        self._universals.append(_Universal(guard, element))
        return guard

    def _scan(self) -> None:
        """Note what the encoders said, and collect what all tests mention."""
        facts = [fact for encoder in self._encoders for fact in encoder.facts]
        for encoder in self._encoders:
            encoder.facts.clear()
        self.tests += facts
        ahead = list(self.tests[self._noted :])
        self._noted = len(self.tests)
        while ahead:
            term = ahead.pop()
            if term.get_id() in self._seen:
                continue
            self._seen.add(term.get_id())
            self._kept.append(term)  # an id is free again when its term is
            ahead += term.children()
            if z3.is_app(term) and term.decl() == GET:
                self._pair(term.arg(0), term.arg(1))
            elif z3.is_app(term) and term.decl() == SIZE:
                self.sizes.append(term.arg(0))

    def _pair(self, collection: Term, key: Term) -> None:
        self.pairs.append((collection, key))

    def _counts(self) -> Iterator[Test]:
        """Yield what the number of elements says about single elements, and back."""
        for collection in list(self.sizes):
            size = SIZE(collection)
            yield size >= 0
            mine = [k for c, k in self.pairs if c.eq(collection)]
            for index, key in enumerate(mine):
                here = present(collection, key)
                yield z3.Implies(here, size >= 1)
                for other in mine[:index]:
                    both = z3.And(here, present(collection, other), key != other)
                    yield z3.Implies(both, size >= 2)  # noqa: PLR2004 - two elements
                if z3.is_app(key) and key.decl() == _NUMBER:
                    yield from _indexed(collection, key, size)
            some = z3.FreshConst(VALUE, "key")
            self.keys.append(some)
            self.pairs.append((collection, some))
            yield z3.Implies(size >= 1, present(collection, some))


def _indexed(collection: Term, key: Term, size: Term) -> Iterator[Test]:
    """An array has exactly the indices below its size."""
    amount = z3.simplify(key.arg(0))
    if z3.is_rational_value(amount) and amount.denominator_as_long() == 1:
        index = amount.numerator_as_long()
        below = z3.And(index >= 0, size > index)
        yield z3.Implies(
            VALUE.is_array(collection), present(collection, key) == below
        )


def _may_be(collection: Term, other: Term) -> bool:
    """Return whether two collections are plainly the same, or one is a constant."""
    return collection.eq(other) or _is_name(collection) or _is_name(other)


def _is_name(collection: Term) -> bool:
    return collection.num_args() == 1 and z3.is_int_value(collection.arg(0))
