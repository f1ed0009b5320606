# SPDX-License-Identifier: Apache-2.0
"""Does a rule answer every input that a Runner may ask it about?

No answer is a deny. Where an old version gives none and a new one allows, the new one
loosened, and no comparison of answers sees it. So ``equal`` and ``stricter`` are
claimed only of an old version for which all of this holds:

- every builtin gets what it can read, by the input schema (``kinds``, ``answers``);
- what ``some ... in`` walks through is a collection;
- no rule or function can have two values, and no object two values for a key;
- the work is bounded, far below what a Runner gives one decision.

An allow-list over the typed syntax: what is not written here may have no answer. A
name has one kind in a body, the join of all places that bind it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Final

from bundle.ratchet.expressions import Looks, Names, NoAnswerError
from bundle.ratchet.formula import UnknownError
from bundle.ratchet.kinds import ANY, BOOLEAN, Kind, joined
from bundle.ratchet.limits import MAX_CALL_DEPTH, MAX_STEPS
from bundle.ratchet.patterns import Site, key_of, sites_of
from bundle.ratchet.program import Clause, Path, Program
from bundle.ratchet.sides import Question
from bundle.rego.ast import (
    Assignment,
    Call,
    Comprehension,
    Condition,
    Every,
    Expr,
    Place,
    Scalar,
    SomeIn,
    SomeVars,
    Statement,
    Var,
)
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import EvaluationError

_PATTERNS: Final = """package patterns

import rego.v1

read contains p if {
	some p in input.patterns
	regex.match(p, "")
}
"""


def may_fail(question: Question, *, engine: Engine, work: bool = True) -> str | None:
    """Return why a side may have no answer to an input, or none if it always has one.

    Args:
        question: The denies in question, with all that they are loaded with.
        engine: Reads the regular expressions.
        work: Whether the amount of work counts, too.

    Raises:
        EvaluationError: The engine does not start.
    """
    analysis = _Analysis(question.program)
    try:
        for package in question.packages:
            for clause in question.program.denies(package, question.rule_id):
                analysis.member(clause)
    except NoAnswerError as error:
        return f"line {error.place.line}: {error.reason}"
    except UnknownError as error:
        return str(error)
    if work and analysis.total > MAX_STEPS:
        return f"the largest inputs may take {analysis.total} steps of work"
    if analysis.patterns and not _are_read(analysis.patterns, engine):
        return "a regular expression that the engine does not read"
    return None


def _are_read(patterns: set[str], engine: Engine) -> bool:
    policy = engine.load([Module("patterns.rego", _PATTERNS)])
    try:
        policy.evaluate("data.patterns.read", {"patterns": sorted(patterns)})
    except EvaluationError:
        return False
    finally:
        policy.close()
    return True


class _Analysis(Looks):
    """The rules of one side; ``total`` is the work of those that were looked at."""

    total = 0

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._kinds: dict[Path, Kind] = {}
        self._open: list[Path] = []

    def member(self, clause: Clause) -> Kind:
        """Return what a clause of a set makes."""
        rule = clause.rule
        if rule.kind != "set" or rule.key is None:
            raise NoAnswerError(rule.place, f"the form of {rule.root}")
        with self._apart():
            kind = self._clause(clause, {}, rule.key)
            self.total += self.steps
            return Kind("set", self.loops, kind)

    def rule(self, path: Path, place: Place) -> Kind:
        """Return what the rule at a path is; its work is done once."""
        if path not in self._kinds:
            if path in self._open or len(self._open) > MAX_CALL_DEPTH:
                raise NoAnswerError(place, "a rule that depends on itself")
            self._open.append(path)
            with self._apart(lenient=False):
                self._kinds[path] = self._made(path)
            self._open.pop()
        return self._kinds[path]

    def _made(self, path: Path) -> Kind:
        clauses = self._program.rules[path]
        if all(c.rule.kind == "set" for c in clauses):
            sets = [self.member(clause) for clause in clauses]
            size = sum(one.size for one in sets)
            return Kind("set", size, reduce(joined, (s.item or ANY for s in sets)))
        values = []
        others = [c for c in clauses if c.rule.kind != "default"]
        for clause in clauses:
            with self._apart():
                self._require_kind(clause, ("complete", "default"))
                values.append(self._clause(clause, {}, clause.rule.value))
                self._require_one(clause, others)
                self.total += self.steps
        return reduce(joined, values)

    def function(self, path: Path, arguments: tuple[Kind, ...], call: Call) -> Kind:
        """Return what a function of ours gives, written in where it is called."""
        clauses = self._program.rules[path]
        if len(self._open) > MAX_CALL_DEPTH:
            raise NoAnswerError(call.place, "functions too deep")
        self._open.append(path)
        values, steps = [], 0
        for clause in clauses:
            with self._apart():
                self._require_kind(clause, ("function",))
                names = self._arguments(clause, arguments, call)
                values.append(self._clause(clause, names, clause.rule.value))
                self._require_one(clause, list(clauses))
                steps += self.steps
        self._open.pop()
        self.steps += steps
        return reduce(joined, values)

    def comprehension(self, node: Comprehension, names: Names) -> Kind:
        """Return what a comprehension is."""
        if node.kind == "object":
            return self.fail(node.place, "an object may have two values for a key")
        with self._apart():
            kind = self._body(node.body, node.head, names)[0]
            found, steps = Kind(node.kind, self.loops, kind), self.steps
        self.steps += steps
        return found

    def _clause(
        self, clause: Clause, known: dict[str, Kind], head: Expr | None
    ) -> Kind:
        """Return what the head of a clause is, ``true`` if it has none."""
        heads = () if head is None else (head,)
        names, kinds = Names(clause.scope, known), []
        self._program.require_plain_names(clause)
        bodies = [body.statements for body in clause.rule.bodies] or [()]
        if any(body.is_else for body in clause.rule.bodies) or len(bodies) > 1:
            raise NoAnswerError(clause.rule.place, "more than one body")
        for statements in bodies:
            kinds += self._body(statements, heads, names)
        return reduce(joined, kinds) if kinds else BOOLEAN

    def _body(
        self, statements: tuple[Statement, ...], head: tuple[Expr, ...], outer: Names
    ) -> list[Kind]:
        """Look at all statements and the head; ``steps`` is what all of it takes."""
        names = self._settled(statements, head, outer)
        self.loops, self.many, self.steps = 1, False, 0
        for statement in statements:
            self._statement(statement, names)
        kinds = [self.kind(expr, names) for expr in head]
        self.steps = self.loops * (1 + len(statements) + self.steps)
        return kinds

    def _statement(self, statement: Statement, names: Names) -> None:
        if statement.changes:
            raise NoAnswerError(statement.place, "a `with`")
        match statement:
            case Condition(expr=Assignment(operator=":=", right=right)):
                self.kind(right, names)
            case Condition(expr=expr):
                self.kind(expr, names)
            case SomeIn(collection=collection):
                kind = self.kind(collection, names)
                if not any(kind.is_a(name) for name in ("array", "set", "object")):
                    self.fail(statement.place, "`some` may walk through no collection")
                self.walk_through(kind)
            case Every(key=key, value=value, domain=domain, body=body):
                kind = self.kind(domain, names)
                known = {**names.known, value: kind.element}
                known |= {} if key is None else {key: key_of(kind)}
                with self._apart():
                    self._body(body, (), Names(names.scope, known))
                    steps = self.steps * max(1, kind.size)
                self.steps += steps
            case SomeVars():
                pass

    def _settled(
        self, statements: tuple[Statement, ...], head: tuple[Expr, ...], outer: Names
    ) -> Names:
        """Return the names of a body with what each of them is."""
        found = sites_of((statements, head))
        if found is None:
            raise NoAnswerError(statements[0].place, "a pattern of this form")
        declared = {n for s in statements if isinstance(s, SomeVars) for n in s.names}
        seen = outer.known.keys() - declared
        indices = frozenset(
            name
            for name in found[1]
            if name not in seen and self._program.path(outer.scope, name) == (name,)
        )
        sites = [s for s in found[0] if s.name not in found[1] or s.name in indices]
        free = {n: k for n, k in outer.known.items() if n not in declared}
        names = Names(outer.scope, free, indices)
        for _ in range(len(sites) + 2):
            known = self._round(sites, names, free)
            if known == names.known:
                return names
            names = Names(outer.scope, known, indices)
        raise NoAnswerError(statements[0].place, "names that depend on each other")

    def _round(
        self, sites: list[Site], names: Names, free: dict[str, Kind]
    ) -> dict[str, Kind]:
        found: dict[str, Kind] = {}
        with self._apart(lenient=True):
            for site in sites:
                kind = site.kind(self.kind(site.source, names))
                known = found.get(site.name)
                found[site.name] = kind if known is None else joined(known, kind)
        return {**free, **found}

    def _arguments(
        self, clause: Clause, arguments: tuple[Kind, ...], call: Call
    ) -> dict[str, Kind]:
        names: dict[str, Kind] = {}
        if len(clause.rule.arguments) != len(arguments):
            raise NoAnswerError(call.place, f"the arguments of {call.name}")
        for pattern, kind in zip(clause.rule.arguments, arguments, strict=True):
            if isinstance(pattern, Var):
                names[pattern.name] = kind
            elif not isinstance(pattern, Scalar):
                raise NoAnswerError(pattern.place, "a pattern of this form")
        return names

    @staticmethod
    def _require_kind(clause: Clause, kinds: tuple[str, ...]) -> None:
        rule = clause.rule
        if rule.kind not in kinds or not isinstance(rule.name, Var):
            raise NoAnswerError(rule.place, f"the form of {rule.root}")

    def _require_one(self, clause: Clause, clauses: list[Clause]) -> None:
        """Refuse a rule that may have two values for one input."""
        values = {_constant(c.rule.value) for c in clauses}
        if len(values) == 1 and None not in values:
            return
        if self.many or len(clauses) > 1:
            where, name = clause.rule.place, clause.rule.root
            raise NoAnswerError(where, f"{name} may have two values")

    @contextmanager
    def _apart(self, *, lenient: bool | None = None) -> Iterator[None]:
        """Look at something whose loops and steps are counted on their own."""
        before = self.loops, self.many, self.steps, self._lenient
        self._lenient = self._lenient if lenient is None else lenient
        self.loops, self.many, self.steps = 1, False, 0
        yield
        self.loops, self.many, self.steps, self._lenient = before


def _constant(value: Expr | None) -> object:
    """Return a constant with its type, ``true`` if there is none written."""
    if value is None:
        return (bool, True)
    return (type(value.value), value.value) if isinstance(value, Scalar) else None
