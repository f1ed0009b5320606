# SPDX-License-Identifier: Apache-2.0
"""Rules and functions of the module, written in where they are used."""

from collections.abc import Callable

from bundle.ratchet import collections
from bundle.ratchet.bound import Bound, Env, Made
from bundle.ratchet.formula import (
    FALSE,
    TRUE,
    All,
    Atom,
    Formula,
    Not,
    Some,
    Term,
    UnknownError,
)
from bundle.ratchet.limits import MAX_CALL_DEPTH
from bundle.ratchet.part import Next, Part, Then
from bundle.ratchet.program import Clause, Path
from bundle.ratchet.values import literal
from bundle.rego.ast import (
    Collection,
    Expr,
    Ref,
    Scalar,
    Var,
)


class Clauses(Part):
    """Helpers as formulas."""

    def member(self, clause: Clause, then: Callable[[Term], Formula]) -> Formula:
        """Return that a clause of a set makes a member for which ``then`` holds."""
        key = clause.rule.key
        if clause.rule.kind != "set" or key is None or not self._is_plain(clause):
            raise UnknownError(f"the form of {clause.rule.root}")
        return self._bodies(
            clause,
            Env(clause.scope),
            lambda e: self.value(key, e, lambda b, _: then(self.term(b))),
        )

    def rule(self, path: Path, env: Env, then: Then) -> Formula:
        """Return that the rule at a path has a value for which ``then`` holds."""
        clauses = self.program.rules[path]
        if any(c.rule.kind == "set" for c in clauses):
            return then(Made(path), env)
        default = [c for c in clauses if c.rule.kind == "default"]
        others = [c for c in clauses if c.rule.kind != "default"]
        if any(c.rule.kind != "complete" or not self._is_plain(c) for c in others):
            raise UnknownError(f"the form of {path[-1]}")
        found = self.clauses(others, (), lambda b: then(b, env))
        if not default:
            return found
        (clause,) = default
        missing = Not(self.clauses(others, (), lambda _: TRUE))
        value = clause.rule.value
        if not isinstance(value, Scalar):
            raise UnknownError(f"the default of {path[-1]}")
        return Some((found, All((missing, then(literal(value.value), env)))))

    def clauses(
        self,
        clauses: list[Clause],
        arguments: tuple[Bound, ...],
        then: Callable[[Bound], Formula],
    ) -> Formula:
        """Return that a clause of a rule or function gives a value to ``then``.

        Two values at once are an evaluation error, and need no formula.
        """
        plain = [c for c in clauses if c.rule.value is None]
        held = tuple(self._applied(c, arguments, lambda _: TRUE) for c in plain)
        parts = [self._applied(c, arguments, then) for c in clauses if c not in plain]
        if held:
            parts.append(All((Some(held), then(literal(value=True)))))
        return Some(tuple(parts)) if parts else FALSE

    def _applied(
        self,
        clause: Clause,
        arguments: tuple[Bound, ...],
        then: Callable[[Bound], Formula],
    ) -> Formula:
        rule = clause.rule
        if len(rule.arguments) != len(arguments):
            raise UnknownError(f"the arguments of {rule.root}")

        def held(env: Env) -> Formula:
            if rule.value is None:
                return then(literal(value=True))
            return self.value(rule.value, env, lambda b, _: then(b))

        def bodies(env: Env) -> Formula:
            return self._bodies(clause, env, held)

        return self.matches(rule.arguments, arguments, Env(clause.scope), bodies)

    def _bodies(self, clause: Clause, env: Env, then: Next) -> Formula:
        self.program.require_plain_names(clause)
        self._depth += 1
        if self._depth > MAX_CALL_DEPTH:
            raise UnknownError(f"more than {MAX_CALL_DEPTH} helpers deep")
        try:
            bodies = clause.rule.bodies
            if not bodies:
                return then(env)
            # What the head needs is said after the body, and is the body's to bind.
            return Some(tuple(self.query(b.statements, env, then) for b in bodies))
        finally:
            self._depth -= 1

    def _is_plain(self, clause: Clause) -> bool:
        rule = clause.rule
        return isinstance(rule.name, Var) and not any(b.is_else for b in rule.bodies)

    def match(self, pattern: Expr, bound: Bound, env: Env, then: Next) -> Formula:
        """Return that a value has the form of a pattern, whose names it binds."""
        match pattern:
            case Var(name="_"):
                return then(env)
            case Var(name=name) if self.is_unbound(pattern, env):
                return then(env.bind(name, bound))
            case Collection(kind="array", items=items):
                return collections.destructure(self, items, bound, env, then)
            case Var() | Scalar() | Ref():
                return self.value(
                    pattern,
                    env,
                    lambda b, e: All((Atom(self.term(b) == self.term(bound)), then(e))),
                )
            case _:
                raise UnknownError("a pattern of this form")

    def matches(
        self,
        patterns: tuple[Expr, ...],
        bounds: tuple[Bound, ...],
        env: Env,
        then: Next,
    ) -> Formula:
        """Return that values have the forms of as many patterns."""
        if not patterns:
            return then(env)
        return self.match(
            patterns[0],
            bounds[0],
            env,
            lambda e: self.matches(patterns[1:], bounds[1:], e, then),
        )
