# SPDX-License-Identifier: Apache-2.0
"""Old against new: does the new rule deny at least what the old one denied?

Two questions to the solver, one for each direction. "No input" is a proof. An input is
a counterexample only after the engine has seen both rules decide it as claimed; one
that the engine decides otherwise, or only errs on, is discarded, and the answer is
"unknown". The claim is about inputs on which both rules answer: an evaluation error
is a deny wherever rules are asked.

Imports no solver: it is in a process of its own (``child``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from bundle.errors import InputFormatError
from bundle.ratchet.candidates import candidates, completed, variants
from bundle.ratchet.child import Prover, Solved
from bundle.ratchet.limits import (
    DEFAULT_TIMEOUT_MS,
    MAX_CANDIDATES,
    MAX_TIMEOUT_MS,
    MAX_VARIANTS,
)
from bundle.ratchet.sides import Question, Replay, question_of
from bundle.ratchet.verdict import Verdict
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import EvaluationError
from bundle.rego.schema import check_input
from bundle.rule import RuleModule
from keys.errors import UsageError


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was proved, and shown, about two rules.

    Attributes:
        witness_looser: An input that the old rule denies and the new one lets through.
        witness_stricter: An input that the new rule denies and the old one let through.
        reason: One line.
        solver_version: Empty if no solver answered.
        seconds: The whole comparison.
    """

    verdict: Verdict
    witness_looser: dict[str, Any] | None
    witness_stricter: dict[str, Any] | None
    reason: str
    solver_version: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the object as ``--json`` and attestations carry it."""
        return {
            "verdict": self.verdict,
            "witness_looser": self.witness_looser,
            "witness_stricter": self.witness_stricter,
            "reason": self.reason,
            "solver_version": self.solver_version,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction: proved, refuted by a witness, or neither."""

    proved: bool
    witness: dict[str, Any] | None
    reason: str
    solver: str


def compare(
    old: RuleModule | Module,
    new: RuleModule | Module,
    *,
    engine: Engine,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
    prover: Prover | None = None,
    library: Sequence[Module] = (),
) -> Comparison:
    """Compare two versions of a rule.

    Args:
        old: The version before.
        new: The version after.
        engine: Parses both, and replays every witness.
        timeout_ms: For each direction; then the answer is ``unknown``.
        prover: A warm one; without it one is started and ended.
        library: Modules that both are loaded with, such as those of the parents.

    Raises:
        RegoParseError: A module does not parse, or they do not fit together.
        EvaluationError: The engine does not start.
        ProverUnavailableError: The solver is not installed.
        UsageError: A timeout that is none.
    """
    start = perf_counter()
    sides = (question_of(old, library, engine), question_of(new, library, engine))
    with lent(prover) as solver:
        kept = decide(*sides, engine=engine, prover=solver, timeout_ms=timeout_ms)
        only = decide(*sides[::-1], engine=engine, prover=solver, timeout_ms=timeout_ms)
    verdict, reason = verdict_of(kept, only)
    version = kept.solver or only.solver
    seconds = perf_counter() - start
    return Comparison(verdict, kept.witness, only.witness, reason, version, seconds)


def decide(
    denies: Question,
    follows: Question,
    *,
    engine: Engine,
    prover: Prover,
    timeout_ms: int,
    admitted: bool = False,
) -> Direction:
    """Prove that what one side denies the other denies too, or find an input.

    Raises:
        As ``compare``.
    """
    if not 0 < timeout_ms <= MAX_TIMEOUT_MS:
        raise UsageError(f"expected 1 to {MAX_TIMEOUT_MS} ms, got {timeout_ms}")
    solved = prover.search(
        denies.told(), follows.told(), timeout_ms=timeout_ms, admitted=admitted
    )
    if solved.answer == "none":
        return Direction(proved=True, witness=None, reason="", solver=solved.solver)
    replays = (denies.load(engine), follows.load(engine))
    witness = None
    with suppress(EvaluationError):  # no answer at all: the next would hang as well
        witness = _witness(solved, replays)
    for replay in replays:
        replay.policy.close()
    reason = _why(solved, witness)
    return Direction(proved=False, witness=witness, reason=reason, solver=solved.solver)


@contextmanager
def lent(prover: Prover | None) -> Iterator[Prover]:
    """Lend a warm prover, or one that ends with the block."""
    if prover is not None:
        yield prover
        return
    with Prover() as own:
        yield own


def _witness(solved: Solved, replays: tuple[Replay, Replay]) -> dict[str, Any] | None:
    """Return an input that both sides decide as claimed, as realistic as possible."""
    for document in _documents(solved, replays):
        if not _holds(document, replays):
            continue
        whole = completed(document)
        return whole if admits(whole) and _holds(whole, replays) else document
    return None


def _documents(solved: Solved, replays: tuple[Replay, Replay]) -> Iterator[Any]:
    programs = (replays[0].question.program, replays[1].question.program)
    if solved.document is not None:
        yield solved.document
        yield completed(solved.document)
        yield from variants(solved.document, programs, limit=MAX_VARIANTS)
    for document in candidates(programs, limit=MAX_CANDIDATES):
        yield completed(document) if "context" in document else document


def _holds(document: dict[str, Any], replays: tuple[Replay, Replay]) -> bool:
    denies, follows = replays
    return denies.denies(document) is True and follows.denies(document) is False


def admits(document: dict[str, Any]) -> bool:
    """Return whether the input schema admits a document."""
    try:
        check_input(document)
    except InputFormatError:
        return False
    return True


def _why(solved: Solved, witness: dict[str, Any] | None) -> str:
    if witness is not None:
        return ""
    if solved.answer == "candidate":
        return "no proof, and no counterexample that the engine confirms"
    return solved.reason


def verdict_of(kept: Direction, only: Direction) -> tuple[Verdict, str]:
    """Return the verdict of "old implies new" and "new implies old"."""
    match (
        kept.proved,
        kept.witness is not None,
        only.proved,
        only.witness is not None,
    ):
        case (True, _, True, _):
            found: tuple[Verdict, str] = ("equal", "both deny the same inputs")
        case (True, _, _, True):
            found = ("stricter", "the new rule denies what the old one did, and more")
        case (True, _, _, _):
            found = (
                "stricter",
                f"at least as strict; more is not shown: {only.reason}",
            )
        case (_, False, _, _):
            found = ("unknown", kept.reason)
        case (_, _, True, _):
            found = ("looser", "the new rule lets through what the old one denied")
        case (_, _, _, True):
            found = ("incomparable", "each denies an input that the other lets through")
        case _:
            found = ("looser", f"it lets an input through; more: {only.reason}")
    return found
