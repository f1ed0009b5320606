# SPDX-License-Identifier: Apache-2.0
"""The default engine: regorus in a limited child process (ADR 0011)."""

import re
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Self

from bundle.rego.child import read_json
from bundle.rego.engine import UNDEFINED, LineCoverage, Module, Undefined
from bundle.rego.errors import (
    EvaluationCrashError,
    EvaluationError,
    EvaluationMemoryError,
)
from bundle.rego.installed import engine_version
from bundle.rego.lexer import check_source
from bundle.rego.limits import MAX_MODULES, Limits
from bundle.rego.session import Session, Words, one_line, to_json
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
        words = ("parse", module.path, module.source)
        seconds = self._session.limits.parse_seconds
        answer = self._session.ask(words, seconds=seconds, path=module.path)
        try:
            return dict(read_json(answer[0])[0]["ast"])
        except (LookupError, TypeError, ValueError):
            raise EvaluationCrashError("expected a syntax tree, got none") from None

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        base: Sequence[Module] = (),
        coverage: bool = False,
    ) -> "EmbeddedPolicy":
        """Load modules and a data document together.

        Raises:
            RegoParseError: A module does not parse.
            RegoCompileError: They do not fit together.
            EvaluationError: The engine gave no answer.
        """
        every = [check_source(m) for m in (*base, *modules)]
        if len(every) > MAX_MODULES:
            raise EvaluationMemoryError(
                f"expected at most {MAX_MODULES} modules, got {len(every)}"
            )
        how = (to_json(data or {}), "coverage" if coverage else "", str(len(base)))
        texts = (text for m in every for text in (m.path, m.source))
        return EmbeddedPolicy(self._session, (*how, *texts))

    def close(self) -> None:
        """End the child. A later request starts another."""
        self._session.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EmbeddedPolicy:
    """What an ``EmbeddedEngine`` has loaded; survives the death of the child.

    Args:
        session: The engine's.
        loaded: What ``load`` says behind the handle (``bundle.rego.worker``).
    """

    def __init__(self, session: Session, loaded: Words) -> None:
        self._session = session
        self._handle = session.new_handle()
        self._load = ("load", str(self._handle), *loaded)
        self._generation = 0
        weakref.finalize(self, session.drop, self._handle)
        self._ask(None, session.limits.load_seconds)

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
        words = ("evaluate", str(self._handle), to_json(document))
        return self._evaluated((*words, *map(_checked, paths)), len(paths))

    def evaluate_each(
        self, path: str, documents: Sequence[Any]
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate a path for several inputs, each as if it were the only one.

        Raises:
            EvaluationError: There is no answer for any of them.
            UsageError: The path is not ``data.x.y``.
        """
        words = ("each", str(self._handle), _checked(path))
        return self._evaluated((*words, *map(to_json, documents)), len(documents))

    def _evaluated(self, words: Words, count: int) -> list[Any]:
        limits = self._session.limits
        values = self._ask(words, limits.evaluate_seconds + limits.path_seconds * count)
        if len(values) != count:
            raise EvaluationCrashError("expected an answer to every question")
        return [_result(value) for value in values]

    def coverage(self) -> tuple[LineCoverage, ...]:
        """Return the lines reached since the load, if it asked for coverage.

        Raises:
            EvaluationError: There is no answer.
        """
        words = ("coverage", str(self._handle))
        answer = self._ask(words, self._session.limits.evaluate_seconds)
        report = read_json(answer[0])
        return tuple(
            LineCoverage(f["path"], tuple(f["covered"]), tuple(f["not_covered"]))
            for f in report["files"]
        )

    def close(self) -> None:
        """Forget the modules; a later question loads them again."""
        self._session.drop(self._handle)
        self._generation = 0

    def _ask(self, words: Words | None, seconds: float) -> list[bytes]:
        answer, self._generation = self._session.ask_loaded(
            self._load, words, seconds=seconds, generation=self._generation
        )
        return answer


def _checked(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise UsageError(f"expected a path like data.x.y, got {path!r}")
    return path


def _result(answer: bytes) -> Any:
    """Return the value that a word is: a letter, and a text."""
    kind, text = answer[:1], answer[1:]
    if kind == b"v":
        return read_json(text)
    if kind == b"q":
        found = read_json(text).get("result", ())
        return found[0]["expressions"][0]["value"] if found else UNDEFINED
    if kind == b"e":
        return EvaluationError(one_line(text.decode("utf-8", "replace")))
    raise EvaluationCrashError("expected a value, got something else")
