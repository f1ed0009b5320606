# SPDX-License-Identifier: Apache-2.0
"""The outcome of a replay, as a value, as text, and as JSON.

Source: docs/formats/evidence-pack.md, "Report".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bundle.audit.findings import Finding, Severity
from bundle.audit.prose import release_lines, report_line, timeline_line
from bundle.audit.records import (
    InForce,
    LogSummary,
    Outcome,
    ReleaseRecord,
    ReportRecord,
    TimelineItem,
    counted,
)
from keys.digest import Digest
from signer.form import Form

FORMAT: Final = "https://trustacks.com/formats/replay-report/v1"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of a replay.

    Attributes:
        name: The workspace's name, as the pack says.
        workspace: SHA-256 of its first root metadata, which the auditor brought.
        pack: SHA-256 of the pack.
        form: ``embedded`` or ``sovereign``; none if trust could not be opened.
        log: The log; none if it could not be opened.
        findings: What is not as it should be.
        findings_left_out: How many more there are.
        timeline: What happened.
        releases: Every published release.
        reports: Every Runner report.
        in_force: What decided, at the instant asked for.
    """

    name: str
    workspace: Digest
    pack: Digest
    form: str | None
    log: LogSummary | None
    findings: tuple[Finding, ...]
    findings_left_out: int = 0
    timeline: tuple[TimelineItem, ...] = ()
    releases: tuple[ReleaseRecord, ...] = ()
    reports: tuple[ReportRecord, ...] = ()
    in_force: InForce | None = None

    @property
    def accepted(self) -> bool:
        """Whether everything was computed again, and all of it is the same."""
        opened = self.form is not None and self.log is not None
        refused = any(f.severity is Severity.REFUSED for f in self.findings)
        outcomes = [r.outcome for r in self.releases]
        outcomes += [r.outcome for r in self.reports]
        same = all(outcome is Outcome.SAME for outcome in outcomes)
        return opened and same and not refused

    def __bool__(self) -> bool:
        return self.accepted

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all findings that refuse, each once, in order."""
        refused = [f.code for f in self.findings if f.severity is Severity.REFUSED]
        return tuple(dict.fromkeys(refused))

    def to_json(self) -> dict[str, Any]:
        """Return the report as a document."""
        return {
            "format": FORMAT,
            "name": self.name,
            "workspace": str(self.workspace),
            "pack": str(self.pack),
            "form": self.form,
            "accepted": self.accepted,
            "log": self.log and self.log.to_json(),
            "findings": [finding.to_json() for finding in self.findings],
            "findings_left_out": self.findings_left_out,
            "timeline": [item.to_json() for item in self.timeline],
            "releases": [release.to_json() for release in self.releases],
            "reports": [report.to_json() for report in self.reports],
            "in_force": self.in_force and self.in_force.to_json(),
        }

    def text(self) -> str:
        """Return the report for people: the verdict, why, and then everything."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self._headline()
        yield from self._summary()
        if self.findings:
            yield "\nfindings"
            yield from (f"  {finding.text()}" for finding in self.findings)
        if self.findings_left_out:
            yield f"  and {self.findings_left_out} more"
        if self.timeline:
            yield "\ntimeline"
            yield from (f"  {timeline_line(item)}" for item in self.timeline)
        for release in self.releases:
            yield ""
            yield from release_lines(release)
        if self.reports:
            yield "\nrunner reports"
            yield from (f"  {report_line(one)}" for one in self.reports)

    def _headline(self) -> str:
        if self.accepted:
            outcomes = len(self.releases) + len(self.reports)
            said = counted(outcomes, "recorded outcome")
            return f"accepted: {said} computed again, all the same"
        codes = ", ".join(self.codes) or "an outcome is not the same"
        return f"refused: {codes}"

    def _summary(self) -> Iterator[str]:
        yield f"  workspace  {self.name}, {self.workspace}"
        yield f"  pack       {self.pack}"
        if self.form:
            yield f"  form       {self.form}"
        if self.form == Form.EMBEDDED:
            yield "             the Control Plane held the admins' keys: what it did"
            yield "             itself cannot be told from what its admins did"
        if log := self.log:
            yield f"  log        {log.origin}, {log.size} entries"
            yield f"  anchored   entries before {log.anchored}, by {log.anchored_by}"
        if self.in_force:
            yield f"  in force   {self.in_force.text()}"
