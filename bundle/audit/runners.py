# SPDX-License-Identifier: Apache-2.0
"""What Runners reported, in order, and whether the evidence gives the same.

A report that something was activated is compared with the gate: the same release, at
the Runner's own time, with the marks that this Runner had by then. A hold or an idle
step changes nothing, so what is compared is that nothing changed. Why a Runner held,
it alone saw: the refused bytes are not in any pack, and its reason is quoted, not
computed again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bundle.audit.errors import OutcomeDifferentError, ReportGapError
from bundle.audit.judge import Judgement
from bundle.audit.records import Outcome, ReportRecord
from bundle.audit.releases import Evidence, Replayed, report_outcome
from bundle.audit.statements import Said
from bundle.marks import Known, Marks
from keys.clock import format_instant
from keys.digest import Digest
from signer.predicates.runner_report import ACTIVATED, HELD, RunnerReportPredicate


class _DiffersError(Exception):
    """A report that the evidence does not give; never leaves this module."""

    def __init__(self, verdict: Judgement) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class _Runner:
    """A Runner after its last report.

    Attributes:
        last: That report.
        predicate: What it said.
        marks: What it had accepted by then.
        active: What it activated last.
    """

    last: Said | None = None
    predicate: RunnerReportPredicate | None = None
    marks: Marks | None = None
    active: tuple[Known | None, Digest | None] = (None, None)


def replay_reports(
    replayed: Sequence[Replayed], evidence: Evidence
) -> tuple[ReportRecord, ...]:
    """Compare every report, in the order of the log."""
    by_digest = {one.link.digest: one for one in replayed}
    runners: dict[str, _Runner] = {}
    reports = list(_reports(evidence.said.values()))
    records = []
    for number, (said, predicate) in enumerate(reports):
        evidence.progress("runner reports", number, len(reports))
        before = runners.get(predicate.runner, _Runner())
        if evidence.history.is_before_pin(said.index):
            runners[predicate.runner] = _Runner(
                said, predicate, active=_active(predicate)
            )
            continue
        place = f"runner {predicate.runner}, report {predicate.sequence}"
        with evidence.findings.at(place):
            _require_next(before, predicate)
        record, after = _compare(before, said, predicate, by_digest, evidence)
        records.append(record)
        runners[predicate.runner] = after
    return tuple(records)


def activations(
    reports: Iterable[ReportRecord],
) -> dict[int, tuple[str, ...]]:
    """Return who reported each revision active, and truly so."""
    found: dict[int, dict[str, None]] = {}
    for report in reports:
        if report.said == ACTIVATED and report.outcome is Outcome.SAME:
            found.setdefault(report.revision or 0, {})[report.runner] = None
    return {revision: tuple(runners) for revision, runners in found.items()}


def _reports(said: Iterable[Said]) -> Iterator[tuple[Said, RunnerReportPredicate]]:
    for one in said:
        if isinstance(one.predicate, RunnerReportPredicate):
            yield one, one.predicate


def _require_next(before: _Runner, report: RunnerReportPredicate) -> None:
    """Refuse a report that does not follow the one before.

    Raises:
        ReportGapError: One is missing in between, or there are two histories.
    """
    expected = before.predicate.sequence + 1 if before.predicate else 1
    previous = before.last.digest if before.last else None
    if (report.sequence, report.previous) != (expected, previous):
        raise ReportGapError(
            f"expected report {expected} after {previous}, got report "
            f"{report.sequence} after {report.previous}"
        )
    if before.predicate and report.at < before.predicate.at:
        raise ReportGapError(
            f"expected a time from {format_instant(before.predicate.at)}, got "
            f"{format_instant(report.at)}"
        )


def _compare(
    before: _Runner,
    said: Said,
    report: RunnerReportPredicate,
    by_digest: Mapping[Digest, Replayed],
    evidence: Evidence,
) -> tuple[ReportRecord, _Runner]:
    after = replace(before, last=said, predicate=report)
    try:
        if report.outcome == ACTIVATED:
            marks = _require_gate(before, report, by_digest, evidence)
            after = replace(after, marks=marks, active=_active(report))
        else:
            _require_unchanged(before, report)
    except _DiffersError as error:
        place = f"runner {report.runner}, report {report.sequence}"
        report_outcome(error.verdict, place, evidence.findings)
        return _record(said, report, error.verdict), after
    return _record(said, report, Judgement(Outcome.SAME, detail=_quoted(report))), after


def _require_unchanged(before: _Runner, report: RunnerReportPredicate) -> None:
    """A hold or idle step keeps what is active, or, when it holds, denies."""
    stopped = report.outcome == HELD and report.revision is None
    if not stopped and _active(report) != before.active:
        raise _differs(f"expected {before.active[0]} active, got {report.revision}")


def _require_gate(
    before: _Runner,
    report: RunnerReportPredicate,
    by_digest: Mapping[Digest, Replayed],
    evidence: Evidence,
) -> Marks:
    """The gate accepts the reported release, and it holds what was reported."""
    found = by_digest.get(report.release) if report.release else None
    if found is None or found.under is None:
        raise _differs(f"expected a published release, got {report.release}")
    verdict = evidence.judge(found.link, found.under, marks=before.marks, at=report.at)
    if verdict.release is None:
        raise _DiffersError(verdict)
    if _active(report) != (verdict.release.known, verdict.release.content):
        raise _differs(
            f"expected content {verdict.release.content}, got {report.content}"
        )
    return verdict.release.marks


def _differs(message: str) -> _DiffersError:
    return _DiffersError(
        Judgement(Outcome.DIFFERENT, OutcomeDifferentError.code, message)
    )


def _active(report: RunnerReportPredicate) -> tuple[Known | None, Digest | None]:
    if report.revision is None or report.release is None:
        return None, None
    return Known(report.revision, report.release), report.content


def _quoted(report: RunnerReportPredicate) -> str | None:
    if report.outcome != HELD:
        return None
    return f"kept what it had; it alone saw why: {report.code}"


def _record(
    said: Said, report: RunnerReportPredicate, verdict: Judgement
) -> ReportRecord:
    return ReportRecord(
        runner=report.runner,
        sequence=report.sequence,
        entry=said.index,
        at=report.at,
        said=f"{report.outcome} [{report.code}]" if report.code else report.outcome,
        revision=report.revision,
        outcome=verdict.outcome,
        detail=verdict.detail,
    )
