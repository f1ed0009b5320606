# SPDX-License-Identifier: Apache-2.0
"""The default engine: regorus in a limited child process (ADR 0011)."""

import re
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Self

from bundle.rego.engine import UNDEFINED, LineCoverage, Module, Undefined
from bundle.rego.errors import (
    EvaluationCrashError,
    EvaluationError,
    EvaluationMemoryError,
)
from bundle.rego.installed import engine_version
from bundle.rego.lexer import check_source
from bundle.rego.limits import MAX_MODULES, Limits
from bundle.rego.session import Session, one_line, to_json
from keys.errors import UsageError

_PATH: Final = re.compile(r"data(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


class EmbeddedEngine:
    """The engine ``regorus``, asked through one warm child. Safe for threads.

    Args:
        limits: What one request may take.

    Example:
        >>> engine = EmbeddedEngine()
        >>> policy = engine.load([Module("a.rego", "package a; p := input.x")])
        >>> policy.evaluate("data.a.p", {"x": 1})
        1
        >>> engine.close()
    """

    name = "regorus"
    second = None

    def __init__(self, *, limits: Limits | None = None) -> None:
        self._session = Session(limits or Limits())

    @cached_property
    def version(self) -> str:
        """The version of the wheel that brings regorus."""
        return engine_version()

    def warm(self) -> None:
        """Start the child now, without waiting for it.

        Raises:
            EngineUnavailableError: The system does not start a process.
        """
        self._session.start()

    def parse(self, module: Module) -> dict[str, Any]:
        """Return the syntax tree of one module.

        Raises:
            RegoParseError: It is not a module.
            EvaluationError: The parser gave no answer.
        """
        check_source(module)
        request = {"do": "parse", "path": module.path, "source": module.source}
        seconds = self._session.limits.parse_seconds
        answer = self._session.ask(request, seconds=seconds, path=module.path)
        try:
            return dict(answer[0]["ast"])
        except (LookupError, TypeError, ValueError):
            raise EvaluationCrashError("expected a syntax tree, got none") from None

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        coverage: bool = False,
    ) -> "EmbeddedPolicy":
        """Load modules and a data document together.

        Raises:
            RegoParseError: A module does not parse.
            RegoCompileError: They do not fit together.
            EvaluationError: The engine gave no answer.
        """
        if len(modules) > MAX_MODULES:
            raise EvaluationMemoryError(
                f"expected at most {MAX_MODULES} modules, got {len(modules)}"
            )
        request = {
            "do": "load",
            "handle": self._session.new_handle(),
            "coverage": coverage,
            "data": to_json(data or {}),
            "modules": [(m.path, check_source(m).source) for m in modules],
        }
        policy = EmbeddedPolicy(self._session, request)
        policy.evaluate_many((), {})
        return policy

    def close(self) -> None:
        """End the child. A later request starts another."""
        self._session.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EmbeddedPolicy:
    """What an ``EmbeddedEngine`` has loaded; survives the death of the child."""

    def __init__(self, session: Session, load: dict[str, Any]) -> None:
        self._session = session
        self._load = load
        self._generation = 0
        weakref.finalize(self, session.drop, load["handle"])

    def evaluate(self, path: str, document: Any) -> Any:
        """Return the value of ``data.x.y`` for an input document, or ``UNDEFINED``.

        Raises:
            EvaluationError: There is no answer.
        """
        (value,) = self.evaluate_many((path,), document)
        if isinstance(value, EvaluationError):
            raise value
        return value

    def evaluate_many(
        self, paths: Sequence[str], document: Any
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate several paths for one input; a failed one has its error in place.

        Raises:
            EvaluationError: There is no answer for any of them.
            UsageError: A path is not ``data.x.y``.
        """
        for path in paths:
            if not _PATH.fullmatch(path):
                raise UsageError(f"expected a path like data.x.y, got {path!r}")
        limits = self._session.limits
        seconds = limits.evaluate_seconds + limits.path_seconds * len(paths)
        request = {"do": "evaluate", "paths": list(paths), "input": to_json(document)}
        values = self._ask(request, seconds)
        if not isinstance(values, list) or len(values) != len(paths):
            raise EvaluationCrashError("expected an answer for every path")
        return [_result(value) for value in values]

    def coverage(self) -> tuple[LineCoverage, ...]:
        """Return the lines reached since the load, if it asked for coverage.

        Raises:
            EvaluationError: There is no answer.
        """
        report = self._ask({"do": "coverage"}, self._session.limits.evaluate_seconds)
        return tuple(
            LineCoverage(f["path"], tuple(f["covered"]), tuple(f["not_covered"]))
            for f in report["files"]
        )

    def close(self) -> None:
        """Forget the modules; a later question loads them again."""
        self._session.drop(self._load["handle"])
        self._generation = 0

    def _ask(self, request: dict[str, Any], seconds: float) -> Any:
        answer, self._generation = self._session.ask_loaded(
            self._load,
            {**request, "handle": self._load["handle"]},
            seconds=seconds,
            generation=self._generation,
        )
        return answer


def _result(value: Any) -> Any:
    if "error" in value:
        return EvaluationError(one_line(str(value["error"])))
    return value.get("value", UNDEFINED)
