# SPDX-License-Identifier: Apache-2.0
"""Rego as formulas, by an allow-list: what is not written here is unknown.

A body holds if there are values for its locals such that all statements hold. So an
expression is not a value but a question passed on: ``value(expr, env, then)`` is the
formula "``expr`` has a value, and ``then`` holds for it", and an expression with
several values, such as ``input.files[_]``, asks for one of them. Undefined needs no
case of its own: where there is no value, nothing is passed on.

An evaluation error has no formula. The proofs are about inputs on which both sides
answer; no answer is a deny wherever rules are asked (``bundle.decide``).
"""

from collections.abc import Callable
from typing import Any

from bundle.ratchet import calls, collections, operators
from bundle.ratchet.bound import Bound, Env, Lazy, Listing, Made
from bundle.ratchet.clauses import Clauses
from bundle.ratchet.formula import (
    TRUE,
    All,
    Formula,
    Not,
    Some,
    Term,
    UnknownError,
)
from bundle.ratchet.part import Then
from bundle.ratchet.program import Path
from bundle.ratchet.references import References
from bundle.ratchet.statements import Statements
from bundle.ratchet.values import literal
from bundle.rego.ast import (
    COMPARISONS,
    Assignment,
    Call,
    Collection,
    Comprehension,
    Expr,
    Membership,
    ObjectTerm,
    Operation,
    Ref,
    Scalar,
    Var,
)


class Encoder(Statements, References, Clauses):
    """One side's rules as formulas; see ``part.Part``."""

    def denies(self, package: Path, rule_id: str | None = None) -> Formula:
        """Return when a package, or one rule of it, denies.

        Raises:
            UnknownError: Its rules use something that has no formula here.
        """
        clauses = self.program.denies(package, rule_id)
        return Some(tuple(self.member(clause, lambda _: TRUE) for clause in clauses))

    def known_denies(self, package: Path) -> Formula:
        """Return when those rules of a package deny that have a formula here."""
        parts = []
        for clause in self.program.denies(package, None):
            try:
                parts.append(self.member(clause, lambda _: TRUE))
            except UnknownError:
                continue
        return Some(tuple(parts))

    def value(  # noqa: C901, PLR0911 - one case for each form
        self, expr: Expr, env: Env, then: Then
    ) -> Formula:
        """Return that an expression has a value for which ``then`` holds."""
        self.spend()
        match expr:
            case Scalar(value=value):
                return then(literal(value), env)
            case Var(name=name) if name in env.names:
                return then(env.names[name], env)
            case Var() | Ref():
                return self.reference(expr, env, then)
            case Call():
                return calls.call(self, expr, env, then)
            case Collection() | ObjectTerm():
                return collections.written(self, expr, env, then)
            case Comprehension():
                return then(Lazy(expr, env.inside()), env)
            case Operation(operator=operator) if operator in COMPARISONS:
                return self.pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: then(
                        operators.truth(operators.compare(self.terms, operator, a, b)),
                        e,
                    ),
                )
            case Operation():
                return self.pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: operators.compute(
                        self.terms, expr.operator, a, b, lambda t: then(t, e)
                    ),
                )
            case Membership():
                return self.membership(expr, env, lambda f, e: _either(f, e, then))
            case Assignment():
                raise UnknownError("an assignment as a value")

    def values(
        self, exprs: tuple[Expr, ...], env: Env, then: Callable[[Any, Env], Formula]
    ) -> Formula:
        """Return that all expressions have values for which ``then`` holds."""
        if not exprs:
            return then((), env)
        return self.value(
            exprs[0],
            env,
            lambda b, e: self.values(exprs[1:], e, lambda bs, f: then((b, *bs), f)),
        )

    def term(self, bound: Bound) -> Term:
        """Return one term of the solver for whatever a name is bound to."""
        match bound:
            case Listing():
                return bound.term
            case Lazy(node=node, env=env):
                name, captured = self._canon.comprehension(node, env)
                kinds = {"array": "is_array", "set": "is_set", "object": "is_object"}
                terms = tuple(self.term(env.names[c]) for c in captured)
                return self.open(name, terms, kinds[node.kind], (node, captured))
            case Made(path=path):
                return self.open(self._canon.rule(path), (), "is_set", path)
            case _:
                return bound

    def open(
        self, name: str, terms: tuple[Term, ...], kind: str | None, origin: Any
    ) -> Term:
        """Return the value of a function whose meaning stays open."""
        term = collections.apply(name, terms)
        if term not in self.open_terms:
            self.open_terms[term] = (name, terms, origin)
            if kind is not None:
                self.terms.facts.append(collections.is_kind(kind, term))
        return term


def _either(test: Formula, env: Env, then: Then) -> Formula:
    yes = All((test, then(literal(value=True), env)))
    return Some((yes, All((Not(test), then(literal(value=False), env)))))
