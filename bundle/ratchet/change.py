# SPDX-License-Identifier: Apache-2.0
"""The change of a rule: what the comparison proves, less what it cannot see.

``compare`` speaks of inputs on which both versions answer. A Runner denies where one
does not, so an old version that may have no answer to an input (``total``) makes the
proof worth nothing for that input: the verdict is then ``unknown``, or ``looser`` where
such an input is found.

Two versions that differ in comments, metadata or layout only are equal in their errors
and in the time that they take, too; no solver is asked for them.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from time import perf_counter
from typing import Any, Final

from bundle.ratchet.candidates import candidates, completed
from bundle.ratchet.child import Prover
from bundle.ratchet.compare import Comparison, admits, compare
from bundle.ratchet.limits import DEFAULT_TIMEOUT_MS, MAX_CANDIDATES
from bundle.ratchet.sides import Question, question_of
from bundle.ratchet.total import may_fail
from bundle.ratchet.verdict import Change, Verdict
from bundle.rego.ast import Import, Node, parts
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import EvaluationError
from bundle.rule import RuleModule
from keys.digest import Digest

_SAME: Final = "the same rules: only comments, metadata or layout differ"


def change_of(
    old: RuleModule,
    new: RuleModule,
    *,
    engine: Engine,
    library: Sequence[Module] = (),
    prover: Prover | None = None,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
) -> Change:
    """Return what a new version of a rule is to the old one.

    Args:
        old: The version that it replaces.
        new: The version at hand.
        engine: Parses both, and replays every witness.
        library: Modules of constitution and packs.
        prover: A warm one; without it one is started and ended, if one is needed.
        timeout_ms: For each direction; then the answer is ``unknown``.

    Raises:
        RegoParseError: A version does not parse.
        EvaluationError: The engine does not start.
        ProverUnavailableError: The solver is needed, and not installed.
    """
    start, digest = perf_counter(), Digest.of(old.source)
    sides = question_of(old, library, engine), question_of(new, library, engine)
    if same_rules(*sides):
        seconds = perf_counter() - start
        return Change("equal", digest, None, None, _SAME, "", seconds)
    found = compare(
        old,
        new,
        engine=engine,
        prover=prover,
        library=library,
        timeout_ms=timeout_ms,
    )
    verdict, reason, witness = _sound(found, *sides, engine)
    looser = found.witness_looser if witness is None else witness
    stricter, version = found.witness_stricter, found.solver_version
    seconds = perf_counter() - start
    return Change(verdict, digest, looser, stricter, reason, version, seconds)


def same_rules(one: Question, other: Question) -> bool:
    """Return whether two sides differ in comments, metadata or layout only."""
    mine, theirs = (side.program.scopes[0].syntax for side in (one, other))
    said = [
        (s.package, _bare(s.imports), [_bare(r) for r in s.rules if _decides(r.root)])
        for s in (mine, theirs)
    ]
    return said[0] == said[1]


def _sound(
    found: Comparison, old: Question, new: Question, engine: Engine
) -> tuple[Verdict, str, dict[str, Any] | None]:
    """Return verdict, reason, and an input that the old version has no answer to."""
    if found.verdict not in ("equal", "stricter"):
        return found.verdict, found.reason, None
    reason = may_fail(old, engine=engine)
    if reason is not None:
        witness = _unanswered(old, new, engine)
        if witness is not None:
            said = "the old rule has no answer, which is a deny; the new one allows"
            return "looser", said, witness
        return "unknown", f"the old version may have no answer, {reason}", None
    if found.verdict == "equal" and (more := may_fail(new, engine=engine)):
        return "stricter", f"the new version may have no answer, {more}", None
    return found.verdict, found.reason, None


def _unanswered(old: Question, new: Question, engine: Engine) -> dict[str, Any] | None:
    """Return an input that only the new version answers, with an allow."""
    replays = (old.load(engine), new.load(engine))
    found = None
    with suppress(EvaluationError):  # no answer at all: the next would hang as well
        for document in islice(_realistic(old, new), MAX_CANDIDATES):
            if [replay.denies(document) for replay in replays] == [None, False]:
                found = document
                break
    for replay in replays:
        replay.policy.close()
    return found


def _realistic(old: Question, new: Question) -> Iterator[dict[str, Any]]:
    for document in candidates((old.program, new.program), limit=MAX_CANDIDATES):
        whole = completed(document)
        if admits(whole):
            yield whole


def _decides(root: str) -> bool:
    return root != "rule_metadata"


def _bare(node: Any) -> Any:
    """Return a node without the places in it."""
    if isinstance(node, tuple):
        return tuple(_bare(item) for item in node)
    if isinstance(node, Node | Import):
        return (type(node).__name__, *map(_bare, parts(node)))
    return (type(node).__name__, node)
