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

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bundle.ratchet import calls, collections, operators
from bundle.ratchet.bound import Bound, Env, Lazy, Listing, Made
from bundle.ratchet.canonical import Canon
from bundle.ratchet.formula import (
    FALSE,
    TRUE,
    All,
    Any_,
    Atom,
    Element,
    Formula,
    Not,
    Term,
)
from bundle.ratchet.limits import MAX_CALL_DEPTH, MAX_NODES
from bundle.ratchet.program import Clause, Path, Program
from bundle.ratchet.values import (
    DATA,
    GET,
    INPUT,
    UnknownError,
    is_defined,
    literal,
    present,
)
from bundle.rego.ast import (
    COMPARISONS,
    Assignment,
    Call,
    Collection,
    Comprehension,
    Condition,
    Every,
    Expr,
    Membership,
    ObjectTerm,
    Operation,
    Ref,
    Scalar,
    SomeIn,
    SomeVars,
    Statement,
    Var,
    walk,
)

Then = Callable[[Bound, Env], Formula]
Next = Callable[[Env], Formula]


class Encoder:
    """One side's rules as formulas.

    Args:
        program: Its modules.
        parameters: Terms that stand for paths of ``data``.

    Attributes:
        program: Its modules.
        facts: What holds of the terms that were made on the way, whatever they mean.
        open_terms: The terms whose meaning stayed open, by their function's name.
    """

    def __init__(
        self, program: Program, parameters: Mapping[Path, Term] | None = None
    ) -> None:
        self.program = program
        self._parameters = parameters or {}
        self.facts: list[Any] = []
        self.open_terms: dict[Any, tuple[str, tuple[Term, ...], Any]] = {}
        self._canon = Canon(program)
        self._depth = 0
        self._left = MAX_NODES

    def denies(self, package: Path, rule_id: str | None = None) -> Formula:
        """Return when a package, or one rule of it, denies.

        Raises:
            UnknownError: Its rules use something that has no formula here.
        """
        clauses = self.program.denies(package, rule_id)
        return Any_(tuple(self._member(clause, lambda _: TRUE) for clause in clauses))

    def known_denies(self, package: Path) -> Formula:
        """Return when those rules of a package deny that have a formula here."""
        parts = []
        for clause in self.program.denies(package, None):
            try:
                parts.append(self._member(clause, lambda _: TRUE))
            except UnknownError:
                continue
        return Any_(tuple(parts))

    # -- statements

    def query(self, body: tuple[Statement, ...], env: Env, then: Next) -> Formula:
        """Return that all statements hold, and then ``then``."""
        if not body:
            return then(env)
        self._spend()
        rest = body[1:]
        outer = env.later
        here = env.before(outer | _names(rest))
        return self._statement(
            body[0], here, lambda e: self.query(rest, e.before(outer), then)
        )

    def _statement(self, statement: Statement, env: Env, then: Next) -> Formula:
        if statement.changes:
            raise UnknownError("with")
        match statement:
            case Condition(negated=True):
                if not self.program.is_portable(statement):
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
        fresh = env.unbind(*_names((node.key, node.value)))

        def of(collection: Bound, _: Env) -> Formula:
            def body(key: Term, value: Bound) -> Formula:
                if node.key is None:
                    return self.match(node.value, value, fresh, then)
                if key is None:
                    raise UnknownError("the index in an array comprehension")
                return self.match(
                    node.key, key, fresh, lambda e: self.match(node.value, value, e, then)
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
        self._spend()
        match expr:
            case Assignment(operator=":="):
                fresh = env.unbind(*_names(expr.left))
                return self.value(
                    expr.right, env, lambda b, _: self.match(expr.left, b, fresh, then)
                )
            case Assignment(left=Var() as left) if self._unbound(left, env):
                return self.value(
                    expr.right, env, lambda b, e: then(e.bind(left.name, b))
                )
            case Assignment():
                return self._pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: All((Atom(a == b), then(e))),
                )
            case Operation(operator=operator) if operator in COMPARISONS:
                return self._pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: All(
                        (Atom(operators.compare(self, operator, a, b)), then(e))
                    ),
                )
            case Membership():
                return self._membership(expr, env, lambda f, e: All((f, then(e))))
            case _:
                return self.value(
                    expr,
                    env,
                    lambda b, e: All(
                        (Atom(self.term(b) != literal(value=False)), then(e))
                    ),
                )

    # -- expressions

    def value(self, expr: Expr, env: Env, then: Then) -> Formula:
        """Return that an expression has a value for which ``then`` holds."""
        self._spend()
        match expr:
            case Scalar(value=value):
                return then(literal(value), env)
            case Var(name=name) if name in env.names:
                return then(env.names[name], env)
            case Var() | Ref():
                return self._reference(expr, env, then)
            case Call():
                return calls.call(self, expr, env, then)
            case Collection() | ObjectTerm():
                return collections.written(self, expr, env, then)
            case Comprehension():
                return then(Lazy(expr, env.inside()), env)
            case Operation(operator=operator) if operator in COMPARISONS:
                return self._pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: then(
                        operators.truth(operators.compare(self, operator, a, b)), e
                    ),
                )
            case Operation():
                return self._pair(
                    expr.left,
                    expr.right,
                    env,
                    lambda a, b, e: operators.compute(
                        self, expr.operator, a, b, lambda t: then(t, e)
                    ),
                )
            case Membership():
                return self._membership(expr, env, lambda f, e: _either(f, e, then))
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

    def _pair(
        self,
        left: Expr,
        right: Expr,
        env: Env,
        then: Callable[[Term, Term, Env], Formula],
    ) -> Formula:
        return self.values(
            (left, right), env, lambda v, e: then(self.term(v[0]), self.term(v[1]), e)
        )

    def _membership(
        self, expr: Membership, env: Env, then: Callable[[Formula, Env], Formula]
    ) -> Formula:
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

    # -- names and references

    def _reference(self, expr: Var | Ref, env: Env, then: Then) -> Formula:
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
        rule = self.program.rule_at(full)
        if rule is not None:
            rest = steps[len(rule) - 1 :]
            return self._rule(rule, env, lambda b, e: self._walk(b, rest, e, then))
        for end in range(len(full), 0, -1):
            if full[:end] in self._parameters:
                term = self._parameters[full[:end]]
                return self._walk(term, steps[end - 1 :], env, then)
        if not self.program.is_outside(full):
            raise UnknownError("a reference to a package, or past its rules")
        return self._walk(DATA, steps, env, then)

    def _walk(
        self, bound: Bound, steps: tuple[Expr, ...], env: Env, then: Then
    ) -> Formula:
        self._spend()
        if not steps:
            if isinstance(bound, Lazy | Made | Listing):
                return then(bound, env)
            return All((Atom(is_defined(bound)), then(bound, env)))
        step, rest = steps[0], steps[1:]
        if isinstance(step, Var) and self._unbound(step, env):

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
            here = Atom(present(base, key))
            return All((here, self._walk(GET(base, key), rest, e, then)))

        return self.value(step, env, at)

    def _unbound(self, var: Var, env: Env) -> bool:
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

    # -- collections and rules

    def iterate(
        self, bound: Bound, body: Callable[[Term, Bound], Formula]
    ) -> Formula:
        """Return that the body holds for some element; its key may be unknown."""
        match bound:
            case Listing():
                return Any_(tuple(body(key, value) for key, value in bound.pairs))
            case Lazy():
                return self._comprehended(bound, body)
            case Made(path=path):
                clauses = self.program.rules[path]
                return Any_(
                    tuple(self._member(c, lambda t: body(t, t)) for c in clauses)
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

    def _member(self, clause: Clause, then: Callable[[Term], Formula]) -> Formula:
        """Return that a clause of a set makes a member for which ``then`` holds."""
        key = clause.rule.key
        if clause.rule.kind != "set" or key is None or not self._is_plain(clause):
            raise UnknownError(f"the form of {clause.rule.root}")
        return self._bodies(
            clause,
            Env(clause.scope),
            lambda e: self.value(key, e, lambda b, _: then(self.term(b))),
        )

    def _rule(self, path: Path, env: Env, then: Then) -> Formula:
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
        return Any_((found, All((missing, then(literal(value.value), env)))))

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
            parts.append(All((Any_(held), then(literal(value=True)))))
        return Any_(tuple(parts)) if parts else FALSE

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
        self._depth += 1
        if self._depth > MAX_CALL_DEPTH:
            raise UnknownError(f"more than {MAX_CALL_DEPTH} helpers deep")
        try:
            bodies = clause.rule.bodies
            if not bodies:
                return then(env)
            # What the head needs is said after the body, and is the body's to bind.
            return Any_(tuple(self.query(b.statements, env, then) for b in bodies))
        finally:
            self._depth -= 1

    def _is_plain(self, clause: Clause) -> bool:
        rule = clause.rule
        return isinstance(rule.name, Var) and not any(b.is_else for b in rule.bodies)

    # -- patterns

    def match(self, pattern: Expr, bound: Bound, env: Env, then: Next) -> Formula:
        """Return that a value has the form of a pattern, whose names it binds."""
        match pattern:
            case Var(name="_"):
                return then(env)
            case Var(name=name) if self._unbound(pattern, env):
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
        self, patterns: tuple[Expr, ...], bounds: tuple[Bound, ...], env: Env, then: Next
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

    # -- terms

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
                self.facts.append(collections.is_kind(kind, term))
        return term

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise UnknownError("a formula of too many nodes")


def _either(test: Formula, env: Env, then: Then) -> Formula:
    yes = All((test, then(literal(value=True), env)))
    return Any_((yes, All((Not(test), then(literal(value=False), env)))))


def _static(steps: tuple[Expr, ...]) -> Iterator[str]:
    for step in steps:
        if not isinstance(step, Scalar) or not isinstance(step.value, str):
            return
        yield step.value


def _names(node: object) -> frozenset[str]:
    found = {n.name for n in walk(node) if isinstance(n, Var) and n.name != "_"}
    return frozenset(found)
