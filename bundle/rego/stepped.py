# SPDX-License-Identifier: Apache-2.0
"""A module with probes behind it: its bodies, statement by statement.

For every body there is a row of rules: its first statement, its first two, and so on,
and at last the value of its head; and for what a statement reads, a rule with its
value. All are made of the module's own text, and only an engine says what they are.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from bundle.rego.ast import (
    COMPARISONS,
    Assignment,
    Body,
    Call,
    Condition,
    Operation,
    Ref,
    Rule,
    Scalar,
    SomeIn,
    Statement,
    Syntax,
    Var,
    walk,
)
from bundle.rego.engine import Module
from bundle.rego.scope import Scope


@dataclass(frozen=True, slots=True)
class Probe:
    """The statements of a body up to one of them, as a rule of its own."""

    name: str
    line: int
    text: str
    body: str
    statement: Statement | None
    reads: tuple[str, ...]


class Stepped:
    """One module, taken apart.

    Attributes:
        scope: Its names.
        own: The path of its package.
        bodies: Each with its rule, in the order of the file.
        reads: What the statements read, by the name of its probe: a label for people,
            and the rest of the probe's rule.
    """

    def __init__(self, module: Module, syntax: Syntax) -> None:
        self.scope = Scope(syntax)
        self.own = ("data", *syntax.package)
        self.bodies: list[tuple[Rule, tuple[Probe, ...]]] = []
        self.reads: dict[str, tuple[str, str]] = {}
        self._module = module
        self._prefix = _unused(module.source)
        source = module.source.encode()
        for rule in syntax.rules:
            if rule.kind in ("set", "complete") and rule.root != "rule_metadata":
                for body in rule.bodies or (None,):
                    self.bodies.append((rule, tuple(self._probes(source, rule, body))))

    def module(self) -> Module:
        """Return the module with its probes."""
        source = "\n".join([self._module.source, "", *self._rules()])
        return Module(self._module.path, source)

    def _probes(self, source: bytes, rule: Rule, body: Body | None) -> Iterator[Probe]:
        name = f"{self._prefix}_{len(self.bodies)}"
        before = ""
        for number, statement in enumerate(body.statements if body else ()):
            first = body.statements[0].place.start if body else 0
            place = statement.place
            text = source[place.start : place.end].decode()
            reads = (
                *self._read(statement),
                *self._locals(body, number, before),
                *self._results(source, statement, before),
            )
            before = source[first : place.end].decode()
            yield Probe(f"{name}_{number}", place.line, text, before, statement, reads)
        if head := _head(source, rule, body):
            bound = f"{before}\n{self._prefix}_head := {head}"
            reads = tuple(self._read((rule.key, rule.value)))
            yield Probe(f"{name}_head", rule.place.line, head, bound, None, reads)

    def _read(self, node: object) -> Iterator[str]:
        """Yield the probes of what a statement reads: input, platform, constants."""
        for expr, path in self.scope.references(node):
            steps = expr.steps if isinstance(expr, Ref) else ()
            if len(path) > 1 and all(isinstance(step, Scalar) for step in steps):
                if path[0] == "input" or path[:2] == ("data", "overlay_lib"):
                    yield self._value(self._label(path), f":= {_reference(path)}")
                elif path[:-1] == self.own and self._is_plain(path[-1]):
                    yield self._value(path[-1], f":= {path[-1]}")

    def _locals(self, body: Body | None, number: int, before: str) -> Iterator[str]:
        """Yield the probes of what the statements before one gave it."""
        statements = body.statements if body else ()
        given = set(_given(statements[:number]))
        used = [n.name for n in walk(statements[number]) if isinstance(n, Var)]
        for name in dict.fromkeys(used):
            if name in given:
                yield self._value(name, f"contains {name} if {{\n{before}\n}}")

    def _results(
        self, source: bytes, statement: Statement, before: str
    ) -> Iterator[str]:
        """Yield the probes of the calls that a statement compares."""
        expr = statement.expr if isinstance(statement, Condition) else None
        if isinstance(expr, Operation) and expr.operator in COMPARISONS:
            for side in (expr.left, expr.right):
                text = source[side.place.start : side.place.end].decode()
                whole = isinstance(side, Call) and text.startswith(f"{side.name}(")
                if whole and text.endswith(")"):
                    rule = f"contains {text} if {{\n{before}\ntrue\n}}"
                    yield self._value(" ".join(text.split()), rule)

    def _value(self, label: str, rule: str) -> str:
        known = (name for name, known in self.reads.items() if known == (label, rule))
        name = next(known, f"{self._prefix}_value_{len(self.reads)}")
        self.reads[name] = (label, rule)
        return name

    def _label(self, path: tuple[str, ...]) -> str:
        aliases = (a for a, known in self.scope.imports.items() if known == path)
        return next(aliases, ".".join(path))

    def _is_plain(self, name: str) -> bool:
        rules = self.scope.rules.get(name, ())
        return bool(rules) and not any(r.bodies or r.arguments for r in rules)

    def _rules(self) -> Iterator[str]:
        for _, probes in self.bodies:
            for probe in probes:
                yield f"{probe.name} if {{\n{probe.body}\n}}\n"
        for name, (_, rule) in self.reads.items():
            yield f"{name} {rule}\n"


def _reference(path: tuple[str, ...]) -> str:
    return path[0] + "".join(f"[{json.dumps(step)}]" for step in path[1:])


def _given(statements: tuple[Statement, ...]) -> Iterator[str]:
    """Yield the names that statements bind for those behind them."""
    for statement in statements:
        pattern: object = ()
        if isinstance(statement, SomeIn):
            pattern = (statement.key, statement.value)
        elif isinstance(statement, Condition):
            expr = statement.expr
            pattern = expr.left if isinstance(expr, Assignment) else ()
        yield from (n.name for n in walk(pattern) if isinstance(n, Var))


def _head(source: bytes, rule: Rule, body: Body | None) -> str | None:
    """Return the text of what the head adds or says, if it is not just ``true``."""
    end = body.place.start if body else rule.place.end
    text = source[rule.name.place.end : end].decode()
    if rule.kind == "set":
        return text.partition("contains")[2].strip() or None
    if rule.value is None:
        return None
    return text.partition("=")[2].strip() or None


def _unused(source: str) -> str:
    name = "trustacks_step"
    while name in source:
        name += "_"
    return name
