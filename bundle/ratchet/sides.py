# SPDX-License-Identifier: Apache-2.0
"""A side of a question: as the solver is told it, and as an engine replays it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bundle.ratchet.program import Path, Program
from bundle.rego.engine import Engine, Module, Policy
from bundle.rule import RuleModule


@dataclass(frozen=True, slots=True)
class Question:
    """Modules, and the denies in them that a question is about.

    Attributes:
        modules: What an engine loads.
        trees: The engine's syntax tree of each.
        packages: The packages whose denies count.
        rule_id: Count only the denies of this rule; none for all.
        partial: Leave out, for the solver, what has no formula.
        parameter: A path of ``data`` whose value is asked about.
    """

    modules: tuple[Module, ...]
    trees: tuple[dict[str, Any], ...]
    packages: tuple[Path, ...]
    rule_id: str | None = None
    partial: bool = False
    parameter: Path | None = None

    @property
    def program(self) -> Program:
        """The modules' rules, typed."""
        return Program.of(self.modules, self.trees)

    def told(self) -> list[dict[str, Any]]:
        """Return the side as the solver's process reads it, one for each package."""
        modules = [
            [m.path, m.source, tree]
            for m, tree in zip(self.modules, self.trees, strict=True)
        ]
        return [
            {
                "modules": modules,
                "package": list(package),
                "rule_id": self.rule_id,
                "partial": self.partial,
                "parameter": list(self.parameter) if self.parameter else None,
            }
            for package in self.packages
        ]

    def load(self, engine: Engine, data: dict[str, Any] | None = None) -> "Replay":
        """Load the side for replay.

        Raises:
            RegoParseError: The modules do not fit together.
            EvaluationError: The engine gave no answer.
        """
        return Replay(engine.load(list(self.modules), data), self)


@dataclass(frozen=True, slots=True)
class Replay:
    """A side in an engine."""

    policy: Policy
    question: Question

    def denies(self, document: dict[str, Any]) -> bool | None:
        """Return whether the side denies an input; none if it is an error to it.

        Raises:
            EvaluationError: The engine gave no answer at all.
        """
        paths = [".".join(("data", *p, "deny")) for p in self.question.packages]
        values = self.policy.evaluate_many(paths, document)
        entries: list[Any] = []
        for value in values:
            if not isinstance(value, list):
                return None
            entries += value
        wanted = self.question.rule_id
        return any(wanted is None or _id(entry) == wanted for entry in entries)


def question_of(
    module: RuleModule | Module, library: Sequence[Module], engine: Engine
) -> Question:
    """Return the side that one rule's module is, with what it is loaded with.

    Raises:
        RegoParseError: It is not a module.
        EvaluationError: The engine gave no answer.
    """
    if isinstance(module, RuleModule):
        module = Module(module.path, module.source.decode())
    modules = (module, *library)
    trees = tuple(engine.parse(m) for m in modules)
    package = Program.of(modules[:1], trees[:1]).scopes[0].syntax.package
    return Question(modules, trees, (package,))


def _id(entry: Any) -> Any:
    return entry.get("rule_id") if isinstance(entry, dict) else None
