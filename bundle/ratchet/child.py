# SPDX-License-Identifier: Apache-2.0
"""The parent's end of the solver's process: start it, ask it, stop it in time."""

import sys
import threading
from collections.abc import Sequence
from typing import Any, Self

from bundle.ratchet.errors import ProverUnavailableError
from bundle.ratchet.limits import GRACE_S, PROVER_MEMORY_BYTES, START_S
from bundle.rego.child import Child, read_json
from bundle.rego.errors import EngineUnavailableError, EvaluationError
from bundle.rego.session import to_json
from keys.record import record


@record
class Solved:
    """What came back.

    Attributes:
        answer: ``none`` (proved), ``candidate`` or ``unknown``.
        solver: The solver's version, if it answered.
    """

    answer: str
    document: dict[str, Any] | None
    reason: str
    solver: str


class Prover:
    """A solver in a process of its own, warm between questions. Safe for threads.

    Args:
        python: The interpreter that has the extra ``prove``.

    Example:
        >>> with Prover() as prover:
        ...     compare(old, new, engine=engine, prover=prover)
    """

    def __init__(self, *, python: str = sys.executable) -> None:
        self._child = _SolverChild(python)
        self._lock = threading.Lock()
        self._answered = 0

    def warm(self) -> None:
        """Start the process now, without waiting for it.

        Raises:
            ProverUnavailableError: The system does not start a process.
        """
        with self._lock:
            _start(self._child)

    def search(
        self,
        holds: Sequence[dict[str, Any]],
        fails: Sequence[dict[str, Any]],
        *,
        timeout_ms: int,
        admitted: bool = False,
        parameter: dict[str, Any] | None = None,
    ) -> Solved:
        """Ask for an input on which some sides deny and the others do not.

        Raises:
            ProverUnavailableError: The solver is not installed, or does not start.
        """
        question = {
            "holds": list(holds),
            "fails": list(fails),
            "timeout_ms": timeout_ms,
            "admitted": admitted,
            "parameter": parameter,
        }
        with self._lock:
            _start(self._child)
            warm = self._answered == self._child.generation
            seconds = timeout_ms / 1000 + (GRACE_S if warm else START_S)
            try:
                words = [to_json(question).encode()]
                answer = read_json(self._child.ask(words, seconds=seconds)[0])
            except EngineUnavailableError as error:
                raise ProverUnavailableError(
                    "expected the solver to start, got none",
                    hint="install the extra: pip install 'trustacks[prove]'",
                ) from error
            except EvaluationError as error:
                return Solved("unknown", None, f"solver: {error.code}", "")
            self._answered = self._child.generation
        return Solved(
            answer["answer"],
            answer["document"],
            answer["reason"],
            answer.get("solver", ""),
        )

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _SolverChild(Child):
    """The same pipes, clock and end as the engine's child; another program."""

    def __init__(self, python: str) -> None:
        super().__init__(PROVER_MEMORY_BYTES)
        self._python = python

    def command(self) -> list[str]:
        program = ["-I", "-m", "bundle.ratchet.worker"]
        return [self._python, *program, str(self.memory_bytes)]


def _start(child: Child) -> None:
    try:
        child.start()
    except EngineUnavailableError as error:
        raise ProverUnavailableError(error.message) from error
