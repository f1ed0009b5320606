# SPDX-License-Identifier: Apache-2.0
"""Which conditions of a rule held for an input, as the engine says.

For every body a row of probes is added to the module: its first statement, its first
two, and so on, and at last the value of its head. The first probe that is undefined is
the statement that did not hold. Loops, ``every``, calls and ``with`` are so computed by
the engine itself; nothing is guessed from the text.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bundle.rego.ast import Body, Ref, Rule, Scalar, Statement, Syntax
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import EvaluationError
from bundle.rego.facts import Conditions, State, Step
from bundle.rego.scope import Scope
from bundle.rego.suite import Suite


@dataclass(frozen=True, slots=True)
class _Probe:
    """The statements of a body up to one of them, as a rule of its own."""

    name: str
    line: int
    text: str
    body: str
    statement: Statement | None
    reads: tuple[tuple[str, ...], ...]


class Tracer:
    """One module with probes, loaded.

    Args:
        suite: The rule and its tests.
        module: The rule's module, or that of its tests.
        syntax: What it says.

    Raises:
        RegoParseError: The probes make a module that the engine refuses.
        EvaluationError: The engine gave no answer.
    """

    def __init__(self, suite: Suite, module: Module, syntax: Syntax) -> None:
        self._path = module.path
        self._scope = Scope(syntax)
        self._prefix = _unused(module.source)
        self._own = ("data", *syntax.package)
        self._bodies: list[tuple[Rule, tuple[_Probe, ...]]] = []
        self._reads: dict[tuple[str, ...], str] = {}
        source = module.source.encode()
        for rule in syntax.rules:
            if rule.kind in ("set", "complete") and rule.root != "rule_metadata":
                for body in rule.bodies or (None,):
                    probes = tuple(self._probes(source, rule, body))
                    self._bodies.append((rule, probes))
        probed = "\n".join([module.source, "", *self._rules()])
        others = () if module is suite.rule else (suite.rule,)
        self._policy = suite.load(Module(module.path, probed), *others)

    def _probes(self, source: bytes, rule: Rule, body: Body | None) -> Iterator[_Probe]:
        name = f"{self._prefix}_{len(self._bodies)}"
        before = ""
        for number, statement in enumerate(body.statements if body else ()):
            first = body.statements[0].place.start if body else 0
            place = statement.place
            before = source[first : place.end].decode()
            text = source[place.start : place.end].decode()
            reads = tuple(self._read(statement))
            yield _Probe(f"{name}_{number}", place.line, text, before, statement, reads)
        if head := _head(source, rule, body):
            bound = f"{before}\n{self._prefix}_head := {head}"
            reads = tuple(self._read((rule.key, rule.value)))
            yield _Probe(f"{name}_head", rule.place.line, head, bound, None, reads)

    def _read(self, node: object) -> Iterator[tuple[str, ...]]:
        """Yield the paths that a statement reads and that are not the rule's own."""
        for expr, path in self._scope.references(node):
            steps = expr.steps if isinstance(expr, Ref) else ()
            fixed = all(isinstance(step, Scalar) for step in steps)
            foreign = path[0] == "input" or path[:2] == ("data", "overlay_lib")
            if fixed and foreign and len(path) > 1:
                name = f"{self._prefix}_value_{len(self._reads)}"
                self._reads.setdefault(path, name)
                yield path

    def _rules(self) -> Iterator[str]:
        for _, probes in self._bodies:
            for probe in probes:
                yield f"{probe.name} if {{\n{probe.body}\n}}\n"
        for path, name in self._reads.items():
            steps = "".join(f"[{json.dumps(step)}]" for step in path[1:])
            yield f"{name} := {path[0]}{steps}\n"

    def conditions(
        self, root: str, document: Any, *, fired: bool = False
    ) -> list[Conditions]:
        """Return the bodies of a rule for an input, and of helpers that matter.

        A helper matters if a statement that decided names it, and takes no argument.

        Args:
            root: The rule's name.
            document: The input.
            fired: Leave out the rule's bodies that did not hold.

        Raises:
            EvaluationError: The engine gave no answer at all.
        """
        values = self._values(document)
        found, ahead, seen = [], [root], {root}
        while ahead:
            name = ahead.pop(0)
            for rule, probes in self._bodies:
                if rule.root != name:
                    continue
                one = self._conditions(rule, probes, values)
                if name == root and fired and one.decided:
                    continue
                if rule.bodies or one.decided:
                    found.append(one)
                more = self._named(probes, one) - seen
                seen |= more
                ahead += sorted(more)
        return found

    def _values(self, document: Any) -> dict[str, Any]:
        names = [probe.name for _, probes in self._bodies for probe in probes]
        names += self._reads.values()
        paths = [".".join((*self._own, name)) for name in names]
        return dict(
            zip(names, self._policy.evaluate_many(paths, document), strict=True)
        )

    def _conditions(
        self, rule: Rule, probes: tuple[_Probe, ...], values: dict[str, Any]
    ) -> Conditions:
        steps: list[Step] = []
        for probe in probes:
            state, reason = _state(values[probe.name])
            if steps and steps[-1].state != "held":
                state, reason = "not reached", None
            if probe.statement is None and state in ("held", "not reached"):
                continue  # the head says something only where it is what failed
            read: tuple[tuple[str, Any], ...] = ()
            if state in ("did not hold", "no answer"):
                read = tuple(self._said(path, values) for path in probe.reads)
            text = " ".join(probe.text.split())
            steps.append(Step(probe.line, text, state, reason, read))
        return Conditions(rule.root, self._path, rule.place.line, tuple(steps))

    def _said(self, path: tuple[str, ...], values: dict[str, Any]) -> tuple[str, Any]:
        value = values[self._reads[path]]
        alias = (a for a, imported in self._scope.imports.items() if imported == path)
        unknown = isinstance(value, EvaluationError)
        return next(alias, ".".join(path)), UNDEFINED if unknown else value

    def _named(self, probes: tuple[_Probe, ...], one: Conditions) -> set[str]:
        """Return the rules that the deciding statements name."""
        own, pairs = self._own, zip(probes, one.steps, strict=False)
        decided = [p.statement for p, step in pairs if one.decided in (None, step)]
        return {
            path[len(own)]
            for _, path in self._scope.references(tuple(s for s in decided if s))
            if path[: len(own)] == own and len(path) > len(own)
        }


def _head(source: bytes, rule: Rule, body: Body | None) -> str | None:
    """Return the text of what the head adds or says, if it is not just ``true``."""
    end = body.place.start if body else rule.place.end
    text = source[rule.name.place.end : end].decode()
    if rule.kind == "set":
        return text.partition("contains")[2].strip() or None
    if rule.value is None:
        return None
    return text.partition("=")[2].strip() or None


def _state(value: Any) -> tuple[State, str | None]:
    if isinstance(value, EvaluationError):
        return "no answer", value.message
    return ("did not hold" if value is UNDEFINED else "held"), None


def _unused(source: str) -> str:
    name = "trustacks_step"
    while name in source:
        name += "_"
    return name
