# SPDX-License-Identifier: Apache-2.0
"""Formulas: the solver's tests, joined, and "some element of a collection".

An element's body is a function, so that it can be asked again for another element:
that is how ``ground`` removes quantifiers. Nothing here decides anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

# A z3 expression. The solver's package has no types, so these are names for readers.
Term = Any
Test = Any


class UnknownError(Exception):
    """Rego that the encoding does not know; the answer is "unknown", never a guess."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A test of the solver."""

    test: Test


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; none means true."""

    parts: "tuple[Formula, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """A part holds; none means false."""

    parts: "tuple[Formula, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Formula"


@dataclass(frozen=True, slots=True)
class Element:
    """Some key of a collection is present, and the body holds for key and value."""

    collection: Term
    body: "Callable[[Term, Term], Formula]"


Formula = Atom | All | Some | Not | Element

TRUE: Final = All(())
FALSE: Final = Some(())
