# SPDX-License-Identifier: Apache-2.0
"""A rule against its parents: does it tighten what it names, does it do anything?

All of it is about inputs on which both sides answer. Clauses of parents that have no
formula are left out only where that can but weaken the claim.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from bundle.ratchet.candidates import candidates, completed
from bundle.ratchet.child import Prover
from bundle.ratchet.compare import Comparison, Direction, decide, lent, verdict_of
from bundle.ratchet.limits import DEFAULT_TIMEOUT_MS, MAX_CANDIDATES
from bundle.ratchet.program import Path, Program, declares
from bundle.ratchet.sides import Question, question_of
from bundle.ratchet.total import may_fail
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import EvaluationError
from bundle.rule import RuleModule
from keys.errors import UsageError


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its evidence.

    Attributes:
        holds: Whether it was proved; none if neither proved nor refuted.
        witness: The input that refutes it, seen by the engine.
        reason: One line, if it is neither.
    """

    holds: bool | None
    witness: dict[str, Any] | None
    reason: str
    solver_version: str
    seconds: float


def has_rule(parents: Sequence[Module], rule_id: str, *, engine: Engine) -> bool:
    """Return whether a parent has the rule of an id, with denies.

    Raises:
        RegoParseError: A module does not parse.
        EvaluationError: The engine gave no answer.
    """
    return bool(_parents(parents, engine, rule_id=rule_id).packages)


def refines(
    parents: Sequence[Module],
    rule: RuleModule,
    *,
    engine: Engine,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
    prover: Prover | None = None,
) -> Comparison:
    """Compare a rule with the parent rule that its ``refines`` names.

    A parent that may have no answer, which is a deny, makes a proof ``unknown``; how
    long it may take does not count, because its own deny stands in any case.

    ``looser`` and ``incomparable`` come with ``witness_looser``: an input that the
    parent denies and this rule lets through. Layers are added up, so the parent's
    deny stands; the rule only does not say what it claims to say.

    Args:
        parents: All modules of constitution and packs.
        rule: The rule that names a parent.
        engine: Parses all, and replays every witness.
        timeout_ms: For each direction; then the answer is ``unknown``.
        prover: A warm one; without it one is started and ended.

    Raises:
        UsageError: It names none.
        RegoParseError: A module does not parse, or they do not fit together.
        EvaluationError: The engine does not start.
        ProverUnavailableError: The solver is not installed.
    """
    start = perf_counter()
    parent_id = rule.metadata.refines
    if parent_id is None:
        raise UsageError(f"expected {rule.rule_id} to refine a rule, got no refines")
    parent = _parents(parents, engine, rule_id=parent_id)
    if not parent.packages:
        reason = f"no parent has the rule {parent_id}"
        return Comparison("unknown", None, None, reason, "", perf_counter() - start)
    own = question_of(rule, parents, engine)
    with lent(prover) as solver:
        kept = decide(parent, own, engine=engine, prover=solver, timeout_ms=timeout_ms)
        only = decide(own, parent, engine=engine, prover=solver, timeout_ms=timeout_ms)
    verdict, reason = verdict_of(kept, only)
    if kept.proved and (partial := may_fail(parent, engine=engine, work=False)):
        verdict, reason = "unknown", f"the parent may have no answer, {partial}"
    version, seconds = kept.solver or only.solver, perf_counter() - start
    return Comparison(verdict, kept.witness, only.witness, reason, version, seconds)


def vacuous(
    rule: RuleModule | Module,
    parents: Sequence[Module],
    *,
    engine: Engine,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
    prover: Prover | None = None,
) -> Answer:
    """Prove that a rule denies nothing that its parents do not deny.

    The witness of a rule that does something is an input that it denies and all
    parents let through.

    Raises:
        As ``refines``.
    """
    start = perf_counter()
    own, above = question_of(rule, parents, engine), _parents(parents, engine)
    with lent(prover) as solver:
        found = decide(own, above, engine=engine, prover=solver, timeout_ms=timeout_ms)
    return _answer(found, start)


def contradictory(
    rule: RuleModule | Module,
    *,
    engine: Engine,
    library: Sequence[Module] = (),
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
    prover: Prover | None = None,
) -> Answer:
    """Prove that a rule denies every input that has what the input schema requires.

    Raises:
        As ``refines``.
    """
    start = perf_counter()
    own = question_of(rule, library, engine)
    with lent(prover) as solver:
        solved = solver.search((), own.told(), timeout_ms=timeout_ms, admitted=True)
    if solved.answer == "none":
        found = Direction(proved=True, witness=None, reason="", solver=solved.solver)
        return _answer(found, start)
    tried = _tried(solved.document, own.program)
    replay = own.load(engine)
    witness = None
    with suppress(EvaluationError):  # no answer at all: the next would hang as well
        witness = next((d for d in tried if replay.denies(d) is False), None)
    replay.policy.close()
    reason = solved.reason or "no proof, and no input that the engine lets through"
    found = Direction(
        proved=False, witness=witness, reason=reason, solver=solved.solver
    )
    return _answer(found, start)


def _parents(
    parents: Sequence[Module], engine: Engine, *, rule_id: str | None = None
) -> Question:
    """Return the parents' side: all denies, or those of the rule of an id."""
    modules = tuple(parents)
    trees = tuple(engine.parse(module) for module in modules)
    program = Program.of(modules, trees)
    packages: dict[Path, None] = {}
    for scope in program.scopes:
        package = scope.syntax.package
        named = rule_id is None or declares(scope.syntax, rule_id)
        if named and ("data", *package, "deny") in program.rules:
            packages[package] = None
    return Question(modules, trees, tuple(packages), rule_id, partial=rule_id is None)


def _tried(document: dict[str, Any] | None, program: Program) -> Iterator[Any]:
    if document is not None:
        yield completed(document)
    yield completed({})
    for candidate in candidates((program,), limit=MAX_CANDIDATES):
        yield completed(candidate)


def _answer(found: Direction, start: float) -> Answer:
    holds = True if found.proved else None if found.witness is None else False
    reason = "" if holds is not None else found.reason
    seconds = perf_counter() - start
    return Answer(holds, found.witness, reason, found.solver, seconds)
