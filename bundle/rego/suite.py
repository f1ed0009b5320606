# SPDX-License-Identifier: Apache-2.0
"""A rule with its tests and its parents, read once for all that a run asks of them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from bundle.overlay import RuleFiles
from bundle.rego.ast import Rule, Syntax
from bundle.rego.engine import Engine, Module, Policy
from bundle.rego.errors import EvaluationError
from bundle.rego.lexer import decode_module
from bundle.rego.probes import RegoTest, probe_module
from bundle.rego.reader import read_syntax
from bundle.rego.templates import library


class Suite:
    """One rule, its test file and the modules below it.

    Attributes:
        rule: The rule's module.
        syntax: What it says.
        parents: Modules of constitution and packs, with a library.
        tests: The ``test_*`` rules that were run.

    Raises:
        RegoParseError: The rule is not Rego.
        EvaluationError: The engine gave no answer.
    """

    def __init__(
        self,
        files: RuleFiles,
        engine: Engine,
        parents: Sequence[Module],
        syntax: Syntax | None = None,
    ) -> None:
        self.files = files
        self.engine = engine
        self.rule = decode_module(str(files.rule_path), files.rule)
        self.syntax = syntax or read_syntax(self.rule, engine.parse(self.rule))
        self.parents = _with_library(parents)
        self.tests: tuple[RegoTest, ...] = ()

    @property
    def package(self) -> str:
        """The rule's package, dotted, without ``data``."""
        return ".".join(self.syntax.package)

    @property
    def deny_path(self) -> str:
        """What an engine is asked for the rule's denies."""
        return f"data.{self.package}.deny"

    @property
    def denies(self) -> tuple[Rule, ...]:
        """The rule's deny bodies, in the order of the file."""
        return tuple(rule for rule in self.syntax.rules if rule.root == "deny")

    @cached_property
    def test(self) -> Module:
        """The test file.

        Raises:
            RegoParseError: Not a text that a parser may have.
        """
        return decode_module(str(self.files.test_path), self.files.test)

    @cached_property
    def test_syntax(self) -> Syntax:
        """What the test file says.

        Raises:
            RegoParseError: It is not Rego.
        """
        return read_syntax(self.test, self.engine.parse(self.test))

    @cached_property
    def probed(self) -> Module:
        """The test file with its probes.

        Raises:
            RegoParseError: It is not Rego.
        """
        return probe_module(self.test, self.test_syntax)

    def load(self, rule: Module, *more: Module, coverage: bool = False) -> Policy:
        """Load the rule, or a variant of it, with its parents.

        Raises:
            RegoParseError: The modules do not fit together.
            EvaluationError: The engine gave no answer.
        """
        return self.engine.load([rule, *more], base=self.parents, coverage=coverage)

    def load_tested(self, rule: Module) -> Policy:
        """Load the rule, or a variant of it, with its parents and its tests.

        The tests are in the base: they take longer to parse than all the rest, and the
        rule and a variant are tested with the same.

        Raises:
            RegoParseError: The modules do not fit together.
            EvaluationError: The engine gave no answer.
        """
        return self.engine.load([rule], base=[*self.parents, self.probed])


def answers(policy: Policy, asked: Sequence[Sequence[str]]) -> Iterator[list[Any]]:
    """Yield the answers to each test's questions: all at once, if that can be.

    Raises:
        EvaluationError: One of them has no answer even alone.
    """
    try:
        values = iter(policy.evaluate_many([path for one in asked for path in one], {}))
    except EvaluationError:  # together they need too much
        yield from (policy.evaluate_many(one, {}) for one in asked)
        return
    for one in asked:
        yield [next(values) for _ in one]


def decisions(policy: Policy, path: str, inputs: Sequence[Any]) -> Iterator[Any]:
    """Yield the answer to each input: all at once, if that can be.

    Raises:
        EvaluationError: One of them has no answer even alone.
    """
    values: Iterable[Any]
    try:
        values = policy.evaluate_each(path, inputs)
    except EvaluationError:  # together they need too much
        values = (policy.evaluate_many([path], one)[0] for one in inputs)
    yield from values


def packages(modules: Sequence[Module]) -> tuple[str, ...]:
    """Return the packages that modules say they are in, each once."""
    lines = (line for module in modules for line in module.source.split("\n"))
    named = (line.split() for line in lines if line.startswith("package "))
    return tuple(dict.fromkeys(words[1] for words in named if len(words) > 1))


def _with_library(parents: Sequence[Module]) -> list[Module]:
    if "overlay_lib" in packages(parents):
        return [*parents]
    return [*parents, library()]
