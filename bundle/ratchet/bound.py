# SPDX-License-Identifier: Apache-2.0
"""What a name can be bound to while a rule is encoded.

A term of the solver; or something whose elements are known better than the solver
could say: a comprehension, a set that rules make, a collection that is written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bundle.ratchet.formula import Term
from bundle.ratchet.program import Path
from bundle.rego.ast import Comprehension, Condition, Every, Statement, Var, walk
from bundle.rego.scope import Scope


@dataclass(frozen=True, slots=True)
class Lazy:
    """A comprehension, and the names around it."""

    node: Comprehension
    env: "Env"


@dataclass(frozen=True, slots=True)
class Made:
    """The set that the rules at a path make."""

    path: Path


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection that is written out: keys, values, and the term for the whole."""

    kind: str
    pairs: tuple[tuple[Term, Term], ...]
    term: Term


Bound = Any  # Term | Lazy | Made | Listing; the solver's terms have no type


@dataclass(frozen=True, slots=True)
class Env:
    """The names at one point of a rule.

    Attributes:
        scope: The module's names.
        names: What the locals are bound to.
        later: Names that stand beside a closure, or in the rest of the bodies.
        closed: Of these, the ones that a closure may not bind for itself.
    """

    scope: Scope
    names: Mapping[str, Bound] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def bind(self, name: str, bound: Bound) -> "Env":
        """Return the names with one more, or another meaning of one."""
        return replace(self, names={**self.names, name: bound})

    def unbind(self, *names: str) -> "Env":
        """Return the names after ``some x``: declared, and not yet bound."""
        left = {n: b for n, b in self.names.items() if n not in names}
        closed = self.closed - frozenset(names)
        return replace(self, names=left, closed=closed)

    def before(self, later: frozenset[str]) -> "Env":
        """Return the names at a statement, when others follow it."""
        return replace(self, later=later)

    def inside(self) -> "Env":
        """Return the names in a closure: what follows it is not its to bind."""
        return replace(self, closed=self.closed | self.later)


def names_of(node: object) -> frozenset[str]:
    """Return the names in a node."""
    found = {n.name for n in walk(node) if isinstance(n, Var) and n.name != "_"}
    return frozenset(found)


def names_beside(statement: Statement) -> frozenset[str]:
    """Return the names in a statement that its closures do not have for themselves.

    What such a name is bound to there, a closure of the same statement sees too.
    """
    if isinstance(statement, Condition) and statement.negated:
        return frozenset()  # a closure as a whole
    if isinstance(statement, Every):
        return _beside(statement.domain)
    return _beside(statement)


def _beside(node: object) -> frozenset[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        match waiting.pop():
            case Comprehension():
                continue
            case Var(name=name):
                found.add(name)
            case tuple() as parts:
                waiting.extend(parts)
            case other:
                names = getattr(other, "__match_args__", ())
                waiting.extend(getattr(other, name) for name in names)
    return frozenset(found - {"_"})
