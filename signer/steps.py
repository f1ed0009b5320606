# SPDX-License-Identifier: Apache-2.0
"""Numbered steps, written as ``with`` blocks, that leave a check each.

Example:
    >>> from datetime import UTC, datetime
    >>> steps = StepRecorder((("even", "the number is even"), ("small", "below ten")))
    >>> with steps:
    ...     with steps("even") as note:
    ...         note("4 is")
    >>> result = steps.result(subject="4", at=datetime(2026, 1, 1, tzinfo=UTC))
    >>> [check.status.value for check in result.checks], bool(result)
    (['passed', 'not_run'], False)

The plan is written first, so that a step that nobody reaches, and one that somebody
deletes, is ``not_run``: the result is refused.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self

from keys.errors import TrustacksError, UsageError
from signer.result import Check, Status, VerificationResult

# Checks without a failure that are kept: those of every plan, and some with a detail.
_KEPT_CHECKS: Final = 1024


class _RefusedError(Exception):
    """Leaves the block of steps after the first refusal."""


class Note:
    """What a step says of itself while it runs."""

    __slots__ = ("children", "detail")

    def __init__(self) -> None:
        self.detail: str | None = None
        self.children: tuple[Check, ...] = ()

    def __call__(self, detail: str) -> None:
        """Say what was found."""
        self.detail = detail

    def add(self, *checks: Check) -> None:
        """Say which checks the step is made of; one that did not pass refuses it."""
        self.children += checks


class StepRecorder:
    """Runs the steps of a plan until the first refusal.

    Args:
        plan: Id and title of every step, in order.

    ``with recorder:`` encloses the steps; ``with recorder("id") as note:`` is one. A
    ``TrustacksError`` inside a step becomes its refusal and ends the outer block. Any
    other exception is a defect, and passes.
    """

    def __init__(self, plan: Sequence[tuple[str, str]]) -> None:
        self._plan = plan
        self._titles = dict(plan)
        self._done: dict[str, Check] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        return isinstance(error, _RefusedError)

    def __call__(self, step: str) -> "_Step":
        """Run one step of the plan.

        Raises:
            UsageError: The plan has no such step, or it ran already.
        """
        if step not in self._titles or step in self._done:
            raise UsageError(f"expected a step of the plan, once, got {step!r}")
        return _Step(self, step)

    def result(
        self,
        *,
        subject: str,
        at: datetime | None,
        facts: Mapping[str, Any] | None = None,
    ) -> VerificationResult:
        """Return every step of the plan; those that did not run are ``not_run``."""
        done = self._done
        checks = tuple(
            [
                done.get(step) or Check(step, title, Status.NOT_RUN)
                for step, title in self._plan
            ]
        )
        return VerificationResult(subject, at, checks, dict(facts or {}))

    def passed(self, step: str, detail: str | None) -> None:
        """Keep that a step passed, which nearly all do."""
        title = self._titles[step]
        self._done[step] = _passed(step, title, detail)

    def record(self, step: str, note: Note, error: TrustacksError | None) -> bool:
        """Keep what became of a step; return whether it passed."""
        title = self._titles[step]
        failed = error is not None or any(not c.passed for c in note.children)
        inner = next((f for c in note.children if (f := c.first_failure)), None)
        self._done[step] = Check(
            id=step,
            title=title,
            status=Status.FAILED if failed else Status.PASSED,
            code=error.code if error else inner.code if inner else None,
            detail=error.message if error else note.detail,
            children=note.children,
            error=error,
        )
        return not failed


@lru_cache(_KEPT_CHECKS)
def _passed(step: str, title: str, detail: str | None) -> Check:
    """Return the check of a step that passed: a value, the same for all who pass."""
    return Check(step, title, Status.PASSED, None, detail)


class _Step(Note):
    """One step while it runs, and its note; a generator would cost three times."""

    __slots__ = ("_recorder", "_step")

    def __init__(self, recorder: StepRecorder, step: str) -> None:
        self.detail = None
        self.children = ()
        self._recorder = recorder
        self._step = step

    def __enter__(self) -> Note:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and not self.children:
            self._recorder.passed(self._step, self.detail)
            return
        if error is not None and not isinstance(error, TrustacksError):
            return  # a defect, which passes
        if not self._recorder.record(self._step, self, error):
            raise _RefusedError from error
