# SPDX-License-Identifier: Apache-2.0
"""Statements of a body: conditions, ``some``, ``every``."""

from collections.abc import Callable
from typing import Any

from bundle.ratchet import operators
from bundle.ratchet.bound import Bound, Env, names_beside, names_of
from bundle.ratchet.formula import (
    TRUE,
    All,
    Atom,
    Formula,
    Not,
    Term,
    UnknownError,
)
from bundle.ratchet.part import Next, Part
from bundle.ratchet.values import literal
from bundle.rego.ast import (
    COMPARISONS,
    Assignment,
    Condition,
    Every,
    Expr,
    Membership,
    Operation,
    SomeIn,
    SomeVars,
    Statement,
    Var,
)


class Statements(Part):
    """Bodies as formulas."""

    def query(self, body: tuple[Statement, ...], env: Env, then: Next) -> Formula:
        """Return that all statements hold, and then ``then``."""
        if not body:
            return then(env)
        self.spend()
        rest = body[1:]
        outer = env.later
        here = env.before(outer | names_of(rest) | names_beside(body[0]))
        return self._statement(
            body[0], here, lambda e: self.query(rest, e.before(outer), then)
        )

    def _statement(self, statement: Statement, env: Env, then: Next) -> Formula:
        if statement.changes:
            raise UnknownError("with")
        match statement:
            case Condition(negated=True):
                if not self.program.is_portable(statement, env.scope):
                    raise UnknownError("a negation that engines read differently")
                inner = self.condition(statement.expr, env.inside(), lambda _: TRUE)
                return All((Not(inner), then(env)))
            case Condition(expr=expr):
                return self.condition(expr, env, then)
            case SomeVars(names=names):
                return then(env.unbind(*names))
            case SomeIn():
                return self._some(statement, env, then)
            case Every():
                return self._every(statement, env, then)

    def _some(self, node: SomeIn, env: Env, then: Next) -> Formula:
        declared = names_of((node.key, node.value))

        def of(collection: Bound, outer: Env) -> Formula:
            fresh = outer.unbind(*declared)

            def body(key: Term, value: Bound) -> Formula:
                if node.key is None:
                    return self.match(node.value, value, fresh, then)
                if key is None:
                    raise UnknownError("the index in an array comprehension")
                return self.match(
                    node.key,
                    key,
                    fresh,
                    lambda e: self.match(node.value, value, e, then),
                )

            return self.iterate(collection, body)

        return self.value(node.collection, env, of)

    def _every(self, node: Every, env: Env, then: Next) -> Formula:
        def of(domain: Bound, outer: Env) -> Formula:
            def fails(key: Term, value: Bound) -> Formula:
                inner = outer.inside().bind(node.value, value)
                if node.key is not None:
                    if key is None:
                        raise UnknownError("the index in an array comprehension")
                    inner = inner.bind(node.key, key)
                return Not(self.query(node.body, inner, lambda _: TRUE))

            held = Not(self.iterate(domain, fails))
            return All((*operators.require_collection(domain), held, then(outer)))

        return self.value(node.domain, env, of)

    def condition(self, expr: Expr, env: Env, then: Next) -> Formula:
        """Return that an expression holds: it is defined and not false."""
        self.spend()
        match expr:
            case Assignment(operator=":="):
                declared = names_of(expr.left)
                return self.value(
                    expr.right,
                    env,
                    lambda b, e: self.match(expr.left, b, e.unbind(*declared), then),
                )
            case Assignment(left=Var() as left) if self.is_unbound(left, env):
                return self.value(
                    expr.right, env, lambda b, e: then(e.bind(left.name, b))
                )
            case Assignment():
                return self.pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: All((Atom(a == b), then(e))),
                )
            case Operation(operator=operator) if operator in COMPARISONS:
                return self.pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: All(
                        (Atom(operators.compare(self.terms, operator, a, b)), then(e))
                    ),
                )
            case Membership():
                return self.membership(expr, env, lambda f, e: All((f, then(e))))
            case _:
                return self.value(
                    expr,
                    env,
                    lambda b, e: All(
                        (Atom(self.term(b) != literal(value=False)), then(e))
                    ),
                )

    def pair(
        self,
        left: Expr,
        right: Expr,
        env: Env,
        then: Callable[[Term, Term, Env], Formula],
    ) -> Formula:
        """Return that two expressions have values for which ``then`` holds."""
        return self.values(
            (left, right), env, lambda v, e: then(self.term(v[0]), self.term(v[1]), e)
        )

    def membership(
        self, expr: Membership, env: Env, then: Callable[[Formula, Env], Formula]
    ) -> Formula:
        """Return ``then`` of the formula that a value is in a collection."""
        asked = (expr.value,) if expr.key is None else (expr.value, expr.key)

        def of(values: Any, e: Env) -> Formula:
            collection, value, *keys = values
            wanted = [self.term(v) for v in (value, *keys)]

            def same(key: Term, found: Bound) -> Formula:
                if keys and key is None:
                    raise UnknownError("the index in an array comprehension")
                got = (self.term(found), key)
                return All(
                    tuple(Atom(w == g) for w, g in zip(wanted, got, strict=False))
                )

            return then(self.iterate(collection, same), e)

        return self.values((expr.collection, *asked), env, of)
