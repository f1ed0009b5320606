# SPDX-License-Identifier: Apache-2.0
"""The engine ``opa``: the executable on PATH, one limited process a question.

Slower than regorus (12 ms against 0.1 ms) and independent of it. The syntax tree stays
the embedded reader's: our checks know its nodes; ``opa`` must accept the module too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from bundle.rego.engine import Engine, LineCoverage, Module, Undefined
from bundle.rego.errors import (
    EvaluationError,
    EvaluationMemoryError,
    OpaUnsuitableError,
)
from bundle.rego.lexer import check_source
from bundle.rego.limits import MAX_MODULES, Limits
from bundle.rego.opa_process import Opa, OpaVersion, find_opa
from bundle.rego.opa_query import Question, ask_opa

# Seconds a module and a question take at most: a fifth and a tenth of a rule's.
_MODULE_SECONDS: Final = 0.01
_QUESTION_SECONDS: Final = 0.005


def seconds_for(limits: Limits, *, modules: int, questions: int) -> float:
    """Return how long one process may take."""
    more = _MODULE_SECONDS * modules + _QUESTION_SECONDS * questions
    return limits.evaluate_seconds + more


class OpaEngine:
    """The engine ``opa``. Safe for threads: it keeps nothing between questions.

    Args:
        reader: Whose syntax trees ``parse`` returns.
        path: The executable; the one on PATH by default.
        limits: What one question may take.

    Raises:
        OpaUnsuitableError: There is none, or it is too old.
    """

    name = "opa"
    second = None

    def __init__(
        self, reader: Engine, *, path: str | None = None, limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        found = path or find_opa()
        if found is None:
            raise OpaUnsuitableError(
                "expected opa on PATH, got none",
                hint="install opa, or choose --engine regorus",
            )
        self.opa = Opa(found, self.limits.memory_bytes)
        self._reader = reader
        self._version = OpaVersion(self.opa)

    def warm(self) -> None:
        """Ask for the version now, without waiting for it."""
        self._version.warm()

    @property
    def version(self) -> str:
        """Its version.

        Raises:
            OpaUnsuitableError: It is too old, or does not say.
        """
        return self._version.text

    def parse(self, module: Module) -> dict[str, Any]:
        """Return the syntax tree of one module, if ``opa`` accepts it too.

        Raises:
            RegoParseError: One of the two does not.
            EvaluationError: There was no answer.
        """
        tree = self._reader.parse(module)
        self.load([module])
        return tree

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        base: Sequence[Module] = (),
        coverage: bool = False,
    ) -> "OpaPolicy":
        """Let ``opa`` compile the modules.

        Raises:
            RegoParseError: It does not accept them.
            EvaluationError: There was no answer.
        """
        checked = [check_source(m) for m in (*base, *modules)]
        if len(checked) > MAX_MODULES:
            raise EvaluationMemoryError(
                f"expected at most {MAX_MODULES} modules, got {len(checked)}"
            )
        policy = OpaPolicy(self, checked, dict(data or {}), coverage)
        policy.ask([])
        return policy

    def close(self) -> None:
        """Do nothing: no process outlives its question."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OpaPolicy:
    """Modules that ``opa`` compiles again for every question."""

    def __init__(
        self,
        engine: OpaEngine,
        modules: Sequence[Module],
        data: Mapping[str, Any],
        coverage: bool,  # noqa: FBT001 - positional here only
    ) -> None:
        self._engine, self._modules, self._data = engine, tuple(modules), data
        self._counts = coverage
        self._reached: dict[str, tuple[set[int], set[int]]] = {}

    def evaluate(self, path: str, document: Any) -> Any:
        """Return the value of ``data.x.y`` for an input document, or ``UNDEFINED``.

        Raises:
            EvaluationError: There is no answer.
        """
        (value,) = self.ask([Question(path, document)])
        return value

    def evaluate_many(
        self, paths: Sequence[str], document: Any
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate several paths for one input; a failed one has its error in place.

        Raises:
            EvaluationError: There is no answer for any of them.
        """
        return self._all([Question(path, document) for path in paths])

    def evaluate_each(
        self, path: str, documents: Sequence[Any]
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate a path for several inputs, each as if it were the only one.

        Raises:
            EvaluationError: There is no answer for any of them.
        """
        return self._all([Question(path, document) for document in documents])

    def coverage(self) -> tuple[LineCoverage, ...]:
        """Return the lines reached since the load, if it asked for coverage."""
        return tuple(
            LineCoverage(path, tuple(sorted(covered)), tuple(sorted(known - covered)))
            for path, (covered, known) in sorted(self._reached.items())
        )

    def close(self) -> None:
        """Forget the modules."""

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Ask several questions in one process.

        Raises:
            EvaluationError: One of them has no answer.
        """
        answers = ask_opa(
            self._engine.opa,
            self._modules,
            questions,
            data=self._data,
            seconds=seconds_for(
                self._engine.limits,
                modules=len(self._modules),
                questions=len(questions),
            ),
            coverage=self._counts,
        )
        for path, (covered, missed) in answers.coverage.items():
            reached, known = self._reached.get(path, (set(), set()))
            self._reached[path] = (reached | covered, known | covered | missed)
        return answers.values

    def _all(self, questions: Sequence[Question]) -> list[Any]:
        try:
            return self.ask(questions)
        except EvaluationError as error:
            if type(error) is not EvaluationError:
                raise  # the process, not one of the answers
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Any:
        try:
            return self.ask([question])[0]
        except EvaluationError as error:
            return error
