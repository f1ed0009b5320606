# SPDX-License-Identifier: Apache-2.0
"""Which conditions of a rule held for an input, as the engine says.

The first probe of a body that is undefined is the statement that did not hold. Loops,
``every``, calls and ``with`` are so computed by the engine itself; nothing is guessed
from the text.
"""

import contextlib
import re
from typing import Any, Final

from bundle.rego.ast import Rule, Syntax
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import EvaluationError
from bundle.rego.facts import Conditions, State, Step
from bundle.rego.stepped import Probe, Stepped
from bundle.rego.suite import Suite

# What a statement reads, where the engine says nothing of it.
_UNKNOWN: Final = EvaluationError("expected a value, got no answer")
_PLACE: Final = re.compile(r"^:[0-9]+:[0-9]+: ")


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
        self._stepped = Stepped(module, syntax)
        others = () if module is suite.rule else (suite.rule,)
        self._policy = suite.load(self._stepped.module(), *others)

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
        found: list[Conditions] = []
        ahead, seen = [root], {root}
        while ahead:
            name = ahead.pop(0)
            bodies = [
                (probes, self._conditions(rule, probes, values))
                for rule, probes in self._stepped.bodies
                if rule.root == name
            ]
            held = [body for body in bodies if body[1].decided is None]
            if fired if name == root else held:  # one that holds is all that counts
                bodies = held
            for probes, one in bodies:
                found.append(one)
                more = self._named(probes, one) - seen
                seen |= more
                ahead += sorted(more)
        return [one for one in found if one.steps or one.name == root]

    def _values(self, document: Any) -> dict[str, Any]:
        """Return what every probe is; what a statement reads only where it is said."""
        names = [p.name for _, probes in self._stepped.bodies for p in probes]
        values = self._ask(names, document)
        with contextlib.suppress(EvaluationError):  # such as an integer beyond JSON's
            values |= self._ask([*self._stepped.reads], document)
        return values

    def _ask(self, names: list[str], document: Any) -> dict[str, Any]:
        paths = [".".join((*self._stepped.own, name)) for name in names]
        values = self._policy.evaluate_many(paths, document)
        return dict(zip(names, values, strict=True))

    def _conditions(
        self, rule: Rule, probes: tuple[Probe, ...], values: dict[str, Any]
    ) -> Conditions:
        steps: list[Step] = []
        for probe in probes:
            state, reason = _state(values[probe.name], self._path)
            if steps and steps[-1].state != "held":
                state, reason = "not reached", None
            if probe.statement is None and state in ("held", "not reached"):
                continue  # the head says something only where it is what failed
            read: tuple[tuple[str, Any], ...] = ()
            if state in ("did not hold", "no answer"):
                read = tuple(
                    self._said(name, values[name])
                    for name in probe.reads
                    if not isinstance(values.get(name, _UNKNOWN), EvaluationError)
                )
            text = " ".join(probe.text.split())
            steps.append(Step(probe.line, text, state, reason, read))
        return Conditions(rule.root, self._path, rule.place.line, tuple(steps))

    def _said(self, name: str, value: Any) -> tuple[str, Any]:
        label, rule = self._stepped.reads[name]
        if not rule.startswith("contains "):
            return label, value
        if len(value) > 1:
            return f"tried {label}", value
        return label, value[0] if value else UNDEFINED

    def _named(self, probes: tuple[Probe, ...], one: Conditions) -> set[str]:
        """Return the rules that the deciding statements name."""
        own, pairs = self._stepped.own, zip(probes, one.steps, strict=False)
        decided = [p.statement for p, step in pairs if one.decided in (None, step)]
        return {
            path[len(own)]
            for _, path in self._stepped.scope.references(
                tuple(s for s in decided if s)
            )
            if path[: len(own)] == own and len(path) > len(own)
        }


def _state(value: Any, path: str) -> tuple[State, str | None]:
    if isinstance(value, EvaluationError):
        # The place stands to its left, and there is no room for it twice.
        return "no answer", _PLACE.sub("", value.message.removeprefix(path))
    return ("did not hold" if value is UNDEFINED else "held"), None
