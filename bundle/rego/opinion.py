# SPDX-License-Identifier: Apache-2.0
"""The second opinion: what was asked of one engine is asked of OPA, in few processes.

What OPA refuses to compile, or cannot answer, is a disagreement like any other answer.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from bundle.rego.both import Asked, BothEngines
from bundle.rego.engine import EngineId, Module
from bundle.rego.errors import (
    EngineDisagreementError,
    EvaluationCrashError,
    EvaluationError,
    OpaRefusedError,
)
from bundle.rego.opa import OpaEngine, seconds_for
from bundle.rego.opa_query import Question, ask_opa
from bundle.rego.opinion_groups import Group, grouped

# Processes at once; each may take a gigabyte.
_PROCESSES: Final = 2
# Processes for one group of modules: every fault of one question needs a few.
_MAX_PROCESSES: Final = 40
_SHOWN_CHARS: Final = 400


class Disagreement(NamedTuple):
    """One question that two engines answer differently.

    Attributes:
        file: The file of the rule or layer that was asked.
        line: Where, if the second engine says.
        question: The path that was asked for, such as ``data.overlay.x.deny``.
        document: The input.
        first: The first engine's answer.
        second: The second one's, or why there is none.
    """

    file: str
    line: int
    column: int
    question: str
    document: Any
    first: Any
    second: Any

    def text(self, engines: Sequence[str]) -> str:
        """Return both answers in one line."""
        first, second = (_shown(value) for value in (self.first, self.second))
        return (
            f"expected one answer for {self.question}, got {first} of {engines[0]} and "
            f"{second} of {engines[1]} for the input {_shown(self.document)}"
        )


class Opinion(NamedTuple):
    """What came of it.

    Attributes:
        second: The engine that was asked; none if there is none.
        engines: Both, for messages.
        files: The files of rules and layers about which it was asked.
        disagreements: Where they differ.
    """

    second: EngineId | None
    engines: tuple[str, str]
    files: frozenset[str]
    disagreements: tuple[Disagreement, ...]

    def require_agreement(self) -> None:
        """Refuse if the engines differ anywhere.

        Raises:
            EngineDisagreementError: They do; both answers are its evidence.
        """
        if not self.disagreements:
            return
        raise EngineDisagreementError(
            self.disagreements[0].text(self.engines),
            hint="see docs/rules/engines-disagree.md",
            disagreements=[
                {"question": d.question, "input": _shown(d.document)}
                | {"first": _shown(d.first), "second": _shown(d.second)}
                for d in self.disagreements[:100]
            ],
        )


NO_OPINION: Final = Opinion(None, ("", ""), frozenset(), ())


def second_opinion(engine: BothEngines) -> Opinion:
    """Ask OPA everything that was asked since the last opinion.

    Raises:
        OpaUnsuitableError: It is unsuitable, and required.
        EvaluationError: The question could not be put to it.
    """
    asked, read = engine.transcript.take()
    second = engine.second
    if second is None:
        return NO_OPINION
    groups = grouped(asked, read)
    found: dict[int, list[Disagreement]] = {}

    left = iter(range(len(groups)))

    def ask() -> None:
        for number in left:
            found[number] = _ask(engine.opa, groups[number])

    threads = [threading.Thread(target=ask) for _ in groups[:_PROCESSES]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) < len(groups):  # a thread ended by a fault of ours
        raise EvaluationCrashError("expected OPA's answers to all questions, got some")
    files = frozenset(file for group in groups for file in group.files.values())
    engines = (f"{engine.name} {engine.version}", str(second))
    return Opinion(
        second, engines, files, tuple(d for n in sorted(found) for d in found[n])
    )


def _ask(opa: OpaEngine, group: Group) -> list[Disagreement]:
    """Return where OPA answers a group's questions otherwise."""
    found: list[Disagreement] = []
    modules, files = group.modules, group.files
    asked = list(group.asked.values())
    budget = [_MAX_PROCESSES]
    while asked:
        try:
            answers = _answers(opa, modules, group.data, asked, budget)
        except OpaRefusedError as error:
            broken = {path: (line, col, why) for path, line, col, why in error.problems}
            modules = [m for m in modules if m.path not in broken]
            refused = [a for a in asked if files[a.path] in broken] or asked
            asked = [a for a in asked if a not in refused]
            for one in {a.path: a for a in refused}.values():
                place = broken.get(files[one.path], (1, 1, str(error)))
                found.append(_differs(files, one, place[2], place[:2]))
            continue
        pairs = zip(asked, answers, strict=True)
        found += [_differs(files, one, a) for one, a in pairs if not _equal(one, a)]
        break
    return found


def _differs(
    files: Mapping[str, str], one: Asked, answer: Any, place: tuple[int, int] = (1, 1)
) -> Disagreement:
    question = (one.path, one.document, one.answer)
    return Disagreement(files[one.path], *place, *question, answer)


def _answers(
    opa: OpaEngine,
    modules: Sequence[Module],
    data: Mapping[str, Any],
    asked: Sequence[Asked],
    budget: list[int],
) -> list[Any]:
    """Return OPA's answers; an error in place of the questions that have none."""
    if budget[0] <= 0:
        return [EvaluationError("not asked: too many errors before")] * len(asked)
    seconds = seconds_for(opa.limits, modules=len(modules), questions=len(asked))
    questions = [Question(one.path, one.document) for one in asked]
    try:
        return ask_opa(opa.opa, modules, questions, data=data, seconds=seconds).values
    except EvaluationError as error:
        # An error in an answer costs a process; one of the process also costs time.
        budget[0] -= 1 if type(error) is EvaluationError else 8
        if len(asked) == 1:
            return [error]
    half = len(asked) // 2
    parts = (asked[:half], asked[half:])
    return [a for part in parts for a in _answers(opa, modules, data, part, budget)]


def _equal(one: Asked, answer: Any) -> bool:
    return _same(one.answer, answer)


def _same(first: Any, second: Any) -> bool:
    """Compare as JSON: true is not 1; both engines put a set's members in one order."""
    match first, second:
        case list(), list():
            return len(first) == len(second) and all(map(_same, first, second))
        case dict(), dict():
            return first.keys() == second.keys() and all(
                _same(first[key], second[key]) for key in first
            )
        case bool(), bool():
            return first is second
        case bool(), _:
            return False
        case int() | float(), int() | float():
            return first == second and not isinstance(second, bool)
        case _:
            return type(first) is type(second) and bool(first == second)


def _shown(value: Any) -> str:
    if isinstance(value, str | EvaluationError):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
