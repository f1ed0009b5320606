# SPDX-License-Identifier: Apache-2.0
"""One question to the solver: is there an input for which these hold and those fail?

No such input is a proof. An input is a candidate, for whoever replays it. Everything
else is unknown, with its reason. Runs in the child (``worker``) and in tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Literal

import z3

from bundle.ratchet.admitted import admitted as admitted_parts
from bundle.ratchet.encode import Encoder
from bundle.ratchet.formula import Formula, Term, Test, UnknownError
from bundle.ratchet.ground import Ground
from bundle.ratchet.limits import SOLVER_MEMORY_MIB
from bundle.ratchet.program import Path, Program
from bundle.ratchet.terms import Terms
from bundle.ratchet.values import INPUT, VALUE, literal
from bundle.ratchet.witness import NoDocumentError, document, preferences

Answer = Literal["none", "candidate", "unknown"]

# What every input has that is decided upon (bundle/schemas/input-v1.schema.json).
_REQUIRED: Final = (
    (("proposal",), "is_object"),
    (("proposal", "files"), "is_array"),
    (("context",), "is_object"),
    (("context", "target"), "is_object"),
    (("context", "target", "name"), "is_text"),
    (("context", "target", "tier"), "is_text"),
    (("context", "evaluated_at"), "is_text"),
)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a question: a rule, or the rules of a package.

    Attributes:
        rule_id: None for all denies of the package.
        partial: Whether clauses without a formula may be left out.
    """

    program: Program
    package: Path
    rule_id: str | None = None
    partial: bool = False
    parameter: tuple[Path, Term] | None = None

    def encode(self, terms: Terms) -> Formula:
        """Return when this side denies.

        Raises:
            UnknownError: Nobody can say.
        """
        parameters = dict([self.parameter]) if self.parameter else None
        encoder = Encoder(self.program, terms, parameters)
        if self.partial:
            return encoder.known_denies(self.package)
        return encoder.denies(self.package, self.rule_id)


@dataclass(frozen=True, slots=True)
class Found:
    """The solver's answer.

    Attributes:
        document: A candidate, if the answer is one that JSON has.
        reason: Why the answer is unknown, or there is no document.
    """

    answer: Answer
    document: dict[str, Any] | None = None
    reason: str = ""


def search(
    holds: Sequence[Side],
    fails: Sequence[Side],
    *,
    timeout_ms: int,
    admitted: bool = False,
    given: Sequence[Test] = (),
) -> Found:
    """Search an input on which some sides deny and the others do not.

    Args:
        holds: The sides that deny.
        fails: The sides that do not.
        timeout_ms: For encoding and solving together.
        admitted: Whether only inputs with the required fields of the schema count.
        given: What holds besides.
    """
    deadline = monotonic() + timeout_ms / 1000
    try:
        ground = build(holds, fails, admitted=admitted)
    except UnknownError as error:
        return Found("unknown", reason=f"no formula for {error}")
    except RecursionError:
        return Found("unknown", reason="no formula for rules so deep")
    try:
        return _check(ground, given, deadline)
    except z3.Z3Exception as error:
        return Found("unknown", reason=f"the solver gave up: {str(error)[:200]}")


def build(
    holds: Sequence[Side], fails: Sequence[Side], *, admitted: bool = False
) -> Ground:
    """Return the assertions of a question.

    Raises:
        UnknownError: A side has no formula.
    """
    ground = Ground(Terms())
    for side in holds:
        ground.add(side.encode(ground.terms))
    for side in fails:
        ground.add(side.encode(ground.terms), holds=False)
    if admitted:
        ground.tests += [test for row in _REQUIRED for test in _has(ground.terms, *row)]
    ground.close()
    return ground


def _check(ground: Ground, given: Sequence[Test], deadline: float) -> Found:
    z3.set_param("memory_max_size", SOLVER_MEMORY_MIB)
    solver = z3.Solver()
    solver.add(*ground.tests, *given)
    answer = _ask(solver, deadline)
    if answer == z3.unsat:
        return Found("none")
    if answer == z3.unknown:
        return Found("unknown", reason="the solver's time is over")
    models = [solver.model()]
    usual = [*ground.terms.usual, *preferences(ground)]
    for wanted in (usual, admitted_parts(ground.terms)):
        solver.push()
        solver.add(*wanted)
        if _ask(solver, deadline) != z3.sat:
            break
        models.insert(0, solver.model())
    reason = ""
    for model in models:
        try:
            return Found("candidate", document(model, ground))
        except NoDocumentError as error:
            reason = str(error)
    return Found("candidate", reason=reason)


def _ask(solver: Any, deadline: float) -> Any:
    left = int((deadline - monotonic()) * 1000)
    if left <= 0:
        return z3.unknown
    solver.set("timeout", left)
    return solver.check()


def _has(terms: Terms, path: Path, kind: str) -> list[Test]:
    base, tests = INPUT, []
    for name in path:
        tests.append(terms.present(base, literal(name)))
        base = terms.get(base, literal(name))
    return [*tests, getattr(VALUE, kind)(base)]
