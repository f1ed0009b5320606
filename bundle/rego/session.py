# SPDX-License-Identifier: Apache-2.0
"""One child shared by an engine and its policies: the lock, the handles, the words.

A policy outlives the child: what was loaded is loaded again, before the next
question, into a child that has forgotten it.
"""

import json
import re
import threading
from typing import Any, Final

from bundle.rego.child import Child
from bundle.rego.errors import (
    EvaluationError,
    EvaluationMemoryError,
    RegoCompileError,
    RegoParseError,
)
from bundle.rego.limits import Limits

# A question as ``worker`` has it, without the seconds and what is dropped.
Words = tuple[str, ...]

_PLACE: Final = re.compile(r"-->\s(?P<path>.+):(?P<line>[0-9]+):(?P<column>[0-9]+)\n")
_REASON: Final = re.compile(r"error: (?P<reason>[^\n]*)")


class Session:
    """Questions to one child, one at a time.

    Attributes:
        limits: What one request may take.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._child = Child(limits.memory_bytes)
        self._lock = threading.Lock()
        self._handles = 0
        self._dropped: list[int] = []

    def start(self) -> None:
        """Start the child now, without waiting for it."""
        with self._lock:
            self._child.start()

    def stop(self) -> None:
        """End the child; a later question starts another."""
        with self._lock:
            self._child.stop()

    def new_handle(self) -> int:
        """Return a number that no other policy of this session has."""
        with self._lock:
            self._handles += 1
            return self._handles

    def drop(self, handle: int) -> None:
        """Let the child forget a policy at the next question (safe in a finaliser)."""
        self._dropped.append(handle)

    def ask(self, words: Words, *, seconds: float, path: str) -> list[bytes]:
        """Ask a question that needs no policy; ``path`` is for messages."""
        with self._lock:
            return self._ask(words, seconds, path)

    def ask_loaded(
        self, load: Words, words: Words | None, *, seconds: float, generation: int
    ) -> tuple[list[bytes], int]:
        """Ask about a policy, loading it first if this child never did.

        Args:
            load: What loads the policy.
            words: The question; none where it is to be loaded only.
            seconds: For the question.
            generation: Of the child that has the policy.

        Returns:
            The answer, and the generation of the child that has the policy now.
        """
        with self._lock:
            self._child.start()
            if self._child.generation != generation:
                self._ask(load, self.limits.load_seconds, "modules")
                generation = self._child.generation
            answer = [] if words is None else self._ask(words, seconds, "modules")
            return answer, generation

    def _ask(self, words: Words, seconds: float, path: str) -> list[bytes]:
        drop, self._dropped = self._dropped, []
        what, *arguments = words
        head = [what, str(seconds), " ".join(map(str, drop))]
        request = [w.encode("utf-8", "surrogatepass") for w in (*head, *arguments)]
        step, *answer = self._child.ask(request, seconds=seconds)
        if step == b"ok":
            return answer
        text = b" ".join(answer).decode("utf-8", "replace")
        raise _refusal(step.decode("utf-8", "replace"), text, path)


def to_json(value: Any) -> str:
    """Write a document for the engine.

    Raises:
        EvaluationError: It is not JSON: NaN, a set, or nested without end.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise EvaluationError(f"expected a JSON document: {error}") from error


def one_line(text: str) -> str:
    """Return place and reason of an engine's message, without Rust's trace."""
    place = _PLACE.search(text)
    where = f"{place['path']}:{place['line']}:{place['column']}: " if place else ""
    return f"{where}{_reason(text)}"


def _refusal(kind: str, text: str, path: str) -> Exception:
    if kind == "memory":
        return EvaluationMemoryError("expected an answer, got out of memory")
    if kind in ("parse", "compile"):
        place, reason = _PLACE.search(text), _reason(text)
        line, column = (int(place["line"]), int(place["column"])) if place else (1, 1)
        error = RegoParseError if kind == "parse" else RegoCompileError
        return error(place["path"] if place else path, line, column, reason)
    return EvaluationError(one_line(text))


def _reason(text: str) -> str:
    found = _REASON.search(text)
    reason = found["reason"] if found else text.split("\n", 1)[0]
    return reason.strip().rstrip(".") or "expected Rego, got something else"
