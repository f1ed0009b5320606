# SPDX-License-Identifier: Apache-2.0
"""Names and references, and what it means to walk through a collection."""

from collections.abc import Callable, Iterator
from typing import Any

from bundle.ratchet.bound import Bound, Env, Lazy, Listing, Made
from bundle.ratchet.formula import (
    All,
    Atom,
    Element,
    Formula,
    Some,
    Term,
    UnknownError,
)
from bundle.ratchet.part import Part, Then
from bundle.ratchet.values import DATA, INPUT
from bundle.rego.ast import (
    Expr,
    Ref,
    Scalar,
    Var,
)


class References(Part):
    """References as formulas."""

    def reference(self, expr: Var | Ref, env: Env, then: Then) -> Formula:
        """Return that a name or reference has a value for which ``then`` holds."""
        root = expr if isinstance(expr, Var) else expr.root
        steps: tuple[Expr, ...] = () if isinstance(expr, Var) else expr.steps
        if not isinstance(root, Var):
            return self.value(root, env, lambda b, e: self._walk(b, steps, e, then))
        if root.name in env.names:
            return self._walk(env.names[root.name], steps, env, then)
        path = self.program.path(env.scope, root.name)
        steps = (*(Scalar(expr.place, name) for name in path[1:]), *steps)
        if path[0] == "input":
            return self._walk(INPUT, steps, env, then)
        if path[0] != "data":
            raise UnknownError(f"the name {root.name} before it is bound")
        full = ("data", *_static(steps))
        for end in range(len(full), 0, -1):
            if full[:end] in self._parameters:
                term = self._parameters[full[:end]]
                return self._walk(term, steps[end - 1 :], env, then)
        if any(parameter[: len(full)] == full for parameter in self._parameters):
            raise UnknownError("a reference to all parameters")
        rule = self.program.rule_at(full)
        if rule is not None:
            rest = steps[len(rule) - 1 :]
            return self.rule(rule, env, lambda b, e: self._walk(b, rest, e, then))
        if not self.program.is_outside(full):
            raise UnknownError("a reference to a package, or past its rules")
        return self._walk(DATA, steps, env, then)

    def _walk(
        self, bound: Bound, steps: tuple[Expr, ...], env: Env, then: Then
    ) -> Formula:
        self.spend()
        if not steps:
            return then(bound, env)
        step, rest = steps[0], steps[1:]
        if isinstance(step, Var) and self.is_unbound(step, env):

            def each(key: Term, value: Bound) -> Formula:
                if step.name == "_":
                    return self._walk(value, rest, env, then)
                if key is None:
                    raise UnknownError("the index in an array comprehension")
                return self._walk(value, rest, env.bind(step.name, key), then)

            return self.iterate(bound, each)

        def at(index: Bound, e: Env) -> Formula:
            key = self.term(index)
            if isinstance(bound, Made):
                return self.iterate(
                    bound,
                    lambda k, _: All((Atom(k == key), self._walk(k, rest, e, then))),
                )
            base = self.term(bound)
            here = Atom(self.terms.present(base, key))
            return All((here, self._walk(self.terms.get(base, key), rest, e, then)))

        return self.value(step, env, at)

    def is_unbound(self, var: Var, env: Env) -> bool:
        """Return whether a name is a local that gets its value here."""
        if var.name == "_":
            return True
        if var.name in env.names:
            return False
        path = self.program.path(env.scope, var.name)
        if path != (var.name,) or path[0] in ("input", "data"):
            return False
        if var.name in env.closed:
            raise UnknownError(f"the name {var.name} in a closure before it is bound")
        return True

    def iterate(self, bound: Bound, body: Callable[[Term, Bound], Formula]) -> Formula:
        """Return that the body holds for some element; its key may be unknown."""
        match bound:
            case Listing():
                return Some(tuple(body(key, value) for key, value in bound.pairs))
            case Lazy():
                return self._comprehended(bound, body)
            case Made(path=path):
                clauses = self.program.rules[path]
                return Some(
                    tuple(self.member(c, lambda t: body(t, t)) for c in clauses)
                )
            case _:
                return Element(bound, body)

    def _comprehended(
        self, lazy: Lazy, body: Callable[[Term, Bound], Formula]
    ) -> Formula:
        node, env = lazy.node, lazy.env

        def head(values: Any, _: Env) -> Formula:
            if node.kind == "object":
                return body(self.term(values[0]), values[1])
            key = self.term(values[0]) if node.kind == "set" else None
            return body(key, values[0])

        return self.query(node.body, env, lambda e: self.values(node.head, e, head))


def _static(steps: tuple[Expr, ...]) -> Iterator[str]:
    for step in steps:
        if not isinstance(step, Scalar) or not isinstance(step.value, str):
            return
        yield step.value
