# SPDX-License-Identifier: Apache-2.0
"""An engine that remembers what it was asked, for a second opinion (ADR 0018).

It answers from the first engine, at once. What it remembers is every question for the
denies of an overlay's rule, with the answer; ``bundle.rego.opinion`` puts them to the
second engine in one go, before anybody relies on the answers. Left out are texts that a
check made itself (their module was never parsed as a rule), errors of the first engine,
which refuse by themselves, and the parents alone, which are not the author's.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from bundle.rego.engine import Engine, EngineId, LineCoverage, Module, Policy, Undefined
from bundle.rego.errors import EvaluationError, OpaUnsuitableError
from bundle.rego.opa import OpaEngine

_VERDICT: Final = re.compile(r"data\.overlay\.[^.]+\.deny")


class Asked(NamedTuple):
    """A question and the first engine's answer."""

    modules: tuple[Module, ...]
    data: Mapping[str, Any]
    path: str
    document: Any
    answer: Any


class Transcript:
    """What was asked since the last opinion. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[Asked] = []
        self._read: set[Module] = set()

    def read(self, module: Module) -> None:
        """Remember that a module was read as a file of somebody's."""
        with self._lock:
            self._read.add(module)

    def add(self, asked: Sequence[Asked]) -> None:
        """Remember questions."""
        with self._lock:
            self._asked += asked

    def take(self) -> tuple[list[Asked], frozenset[Module]]:
        """Return the questions, and forget them; and every module that was read."""
        with self._lock:
            asked, self._asked = self._asked, []
            return asked, frozenset(self._read)


class BothEngines:
    """An engine whose answers another one is asked to confirm.

    Args:
        first: Answers.
        opa: Is asked by ``bundle.rego.opinion``.
        required: Whether an unsuitable ``opa`` is refused, instead of not asked.
    """

    def __init__(
        self,
        first: Engine,
        opa: OpaEngine,
        *,
        required: bool = True,
    ) -> None:
        self.first, self.opa, self.required = first, opa, required
        self.transcript = Transcript()

    @property
    def name(self) -> str:
        """The name of the engine that answers."""
        return self.first.name

    @property
    def version(self) -> str:
        """Its version."""
        return self.first.version

    @property
    def second(self) -> EngineId | None:
        """The engine that is asked too; none if it is unsuitable and not required.

        Raises:
            OpaUnsuitableError: It is unsuitable, and required.
        """
        try:
            return EngineId(self.opa.name, self.opa.version)
        except OpaUnsuitableError:
            if self.required:
                raise
            return None

    def parse(self, module: Module) -> dict[str, Any]:
        """Return the syntax tree of one module.

        Raises:
            RegoParseError: It is not a module.
            EvaluationError: The parser gave no answer.
        """
        self.transcript.read(module)
        return self.first.parse(module)

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        base: Sequence[Module] = (),
        coverage: bool = False,
    ) -> "BothPolicy":
        """Load modules and a data document together.

        Raises:
            RegoParseError: A module does not parse.
            RegoCompileError: They do not fit together.
            EvaluationError: The engine gave no answer.
        """
        policy = self.first.load(modules, data, base=base, coverage=coverage)
        return BothPolicy(policy, self.transcript, (*base, *modules), data or {})

    def close(self) -> None:
        """End the engine; loaded policies end with it."""
        self.first.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BothPolicy:
    """A policy that remembers what it was asked."""

    def __init__(
        self,
        policy: Policy,
        transcript: Transcript,
        modules: tuple[Module, ...],
        data: Mapping[str, Any],
    ) -> None:
        self._policy, self._transcript = policy, transcript
        self._modules, self._data = modules, data

    def evaluate(self, path: str, document: Any) -> Any:
        """Return the value of ``data.x.y`` for an input document, or ``UNDEFINED``.

        Raises:
            EvaluationError: There is no answer.
        """
        value = self._policy.evaluate(path, document)
        self._remember([(path, value)], document)
        return value

    def evaluate_many(
        self, paths: Sequence[str], document: Any
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate several paths for one input; a failed one has its error in place.

        Raises:
            EvaluationError: There is no answer for any of them.
        """
        values = self._policy.evaluate_many(paths, document)
        self._remember(zip(paths, values, strict=True), document)
        return values

    def evaluate_each(
        self, path: str, documents: Sequence[Any]
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate a path for several inputs, each as if it were the only one.

        Raises:
            EvaluationError: There is no answer for any of them.
        """
        values = self._policy.evaluate_each(path, documents)
        for document, value in zip(documents, values, strict=True):
            self._remember([(path, value)], document)
        return values

    def coverage(self) -> tuple[LineCoverage, ...]:
        """Return the lines reached since the load, if it asked for coverage.

        Raises:
            EvaluationError: There is no answer.
        """
        return self._policy.coverage()

    def close(self) -> None:
        """Forget the modules."""
        self._policy.close()

    def _remember(self, answers: Any, document: Any) -> None:
        self._transcript.add(
            [
                Asked(self._modules, self._data, path, document, value)
                for path, value in answers
                if _VERDICT.fullmatch(path) and not isinstance(value, EvaluationError)
            ]
        )
