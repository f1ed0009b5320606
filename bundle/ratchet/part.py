# SPDX-License-Identifier: Apache-2.0
"""What the parts of the encoder have in common, and what they ask of each other.

The encoder is one class in four files: ``statements``, ``references``, ``clauses``,
and ``encode``, which joins them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from bundle.ratchet.bound import Bound, Env
from bundle.ratchet.canonical import Canon
from bundle.ratchet.formula import Formula, Term, UnknownError
from bundle.ratchet.limits import MAX_NODES
from bundle.ratchet.program import Clause, Path, Program
from bundle.ratchet.terms import Terms
from bundle.rego.ast import Expr, Membership, Ref, Statement, Var

Then = Callable[[Bound, Env], Formula]
Next = Callable[[Env], Formula]


class Part(ABC):
    """One side's rules as formulas.

    Args:
        program: Its modules.
        terms: The question's, if there is another side.
        parameters: Terms that stand for paths of ``data``.

    Attributes:
        program: Its modules.
        terms: What was made on the way.
        open_terms: The terms whose meaning stayed open: name, arguments, origin.
    """

    def __init__(
        self,
        program: Program,
        terms: Terms | None = None,
        parameters: Mapping[Path, Term] | None = None,
    ) -> None:
        self.program = program
        self.terms = terms or Terms()
        self._parameters = parameters or {}
        self.open_terms: dict[Any, tuple[str, tuple[Term, ...], Any]] = {}
        self._canon = Canon(program)
        self._depth = 0
        self._left = MAX_NODES

    def spend(self) -> None:
        """Count one node more of the formula."""
        self._left -= 1
        if self._left < 0:
            raise UnknownError("a formula of too many nodes")

    # Each of these is in one of the parts.

    @abstractmethod
    def query(self, body: tuple[Statement, ...], env: Env, then: Next) -> Formula:
        """Return that all statements hold, and then ``then``."""

    @abstractmethod
    def condition(self, expr: Expr, env: Env, then: Next) -> Formula:
        """Return that an expression holds: it is defined and not false."""

    @abstractmethod
    def value(self, expr: Expr, env: Env, then: Then) -> Formula:
        """Return that an expression has a value for which ``then`` holds."""

    @abstractmethod
    def values(
        self, exprs: tuple[Expr, ...], env: Env, then: Callable[[Any, Env], Formula]
    ) -> Formula:
        """Return that all expressions have values for which ``then`` holds."""

    @abstractmethod
    def pair(
        self,
        left: Expr,
        right: Expr,
        env: Env,
        then: Callable[[Term, Term, Env], Formula],
    ) -> Formula:
        """Return that two expressions have values for which ``then`` holds."""

    @abstractmethod
    def membership(
        self, expr: Membership, env: Env, then: Callable[[Formula, Env], Formula]
    ) -> Formula:
        """Return ``then`` of the formula that a value is in a collection."""

    @abstractmethod
    def reference(self, expr: Var | Ref, env: Env, then: Then) -> Formula:
        """Return that a name or reference has a value for which ``then`` holds."""

    @abstractmethod
    def is_unbound(self, var: Var, env: Env) -> bool:
        """Return whether a name is a local that gets its value here."""

    @abstractmethod
    def iterate(self, bound: Bound, body: Callable[[Term, Bound], Formula]) -> Formula:
        """Return that the body holds for some element; its key may be unknown."""

    @abstractmethod
    def member(self, clause: Clause, then: Callable[[Term], Formula]) -> Formula:
        """Return that a clause of a set makes a member for which ``then`` holds."""

    @abstractmethod
    def rule(self, path: Path, env: Env, then: Then) -> Formula:
        """Return that the rule at a path has a value for which ``then`` holds."""

    @abstractmethod
    def match(self, pattern: Expr, bound: Bound, env: Env, then: Next) -> Formula:
        """Return that a value has the form of a pattern, whose names it binds."""

    @abstractmethod
    def term(self, bound: Bound) -> Term:
        """Return one term of the solver for whatever a name is bound to."""
