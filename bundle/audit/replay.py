# SPDX-License-Identifier: Apache-2.0
"""Replay: everything that was ever decided, decided again from evidence alone.

No socket, no clock, no disk: a pack, the root and the log key that the auditor brings,
and an engine. Order::

    1 pack      bounds, form, digests                      refused at once
    2 log       the auditor's key signed the checkpoint; the entries make its tree;
                every leaf has its attestation, every attestation its leaf
    3 trust     roots from the auditor's; every targets version with its event
    4 entries   each signature, by whoever was trusted at that place of the log
    5 anchors   each embedded checkpoint is of this tree; where the evidence ends
    6 releases  the Runner's gate, at each release's own time and marks
    7 reports   each Runner's chain; what it activated, by the gate at its own time

Accepted only if all outcomes are the same and nothing that was found refuses. What
could not be computed again is ``not_run``, and never counts as passed.

What replay cannot know: what was never logged, and what a Runner saw that it did not
activate.

Source: DESIGN 3.8 and 9, T10.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from bundle.audit.anchors import Coverage, check_anchors
from bundle.audit.findings import Findings
from bundle.audit.history import open_history
from bundle.audit.judge import Judge
from bundle.audit.ledger import Ledger, open_ledger
from bundle.audit.pack import Pack, read_pack
from bundle.audit.people import open_registrations
from bundle.audit.published import index_releases, read_newest, read_releases
from bundle.audit.records import InForce, LogSummary
from bundle.audit.releases import Evidence, Replayed, replay_releases
from bundle.audit.report import ReplayReport
from bundle.audit.runners import activations, replay_reports
from bundle.audit.statements import Progress, Said, verify_entries
from bundle.audit.timeline import build_timeline
from bundle.audit.trust import TrustHistory
from bundle.gate.chain import Link
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from bundle.tuf.rootchain import open_roots
from keys.clock import require_utc
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.public import PublicKey


def replay(
    pack: bytes,
    *,
    root: bytes,
    log_key: PublicKey,
    at: datetime | None = None,
    engine: Engine | None = None,
    anchors: Sequence[bytes] = (),
    progress: Progress | None = None,
) -> ReplayReport:
    """Decide everything in an evidence pack again.

    Args:
        pack: The file, as ``export_pack`` wrote it.
        root: The root metadata to begin at, which the auditor brings: the workspace's
            first, or the one that made it sovereign.
        log_key: The log's public key, which the auditor brings.
        at: The past instant that is asked about; without it, the end of the log. It
            chooses what is shown as in force; the whole pack is checked in any case.
        engine: Parses and compiles Rego; by default the embedded one.
        anchors: Checkpoints of the log (signed notes) from outside the pack.
        progress: Told what is being done, how much is done, and how much there is.

    Returns:
        The report; falsy unless everything is the same.

    Raises:
        FormatError: Not a pack, truncated, too large, or of a newer version.
        PackDigestError: A member is not what the manifest says.
        UsageError: ``at`` is not aware and UTC.
    """
    opened = read_pack(pack)
    if at is not None:
        require_utc(at)
    brought = _Brought(root, log_key, tuple(anchors), at)
    tell = progress or (lambda _what, _done, _all: None)
    with closing(EmbeddedEngine()) if engine is None else nullcontext(engine) as asked:
        return _replay(opened, brought, asked, tell)


@dataclass(frozen=True, slots=True)
class _Brought:
    """What the auditor brings, and asks."""

    root: bytes
    log_key: PublicKey
    anchors: tuple[bytes, ...]
    at: datetime | None


def _replay(
    pack: Pack, brought: _Brought, engine: Engine, progress: Progress
) -> ReplayReport:
    findings = Findings()
    report = ReplayReport(
        name=pack.manifest.name,
        workspace=_workspace_of(brought.root),
        pack=pack.digest,
        form=None,
        log=None,
        findings=(),
    )
    # Without log or trust there is nothing to say about the rest: the report then has
    # neither, and cannot be accepted.
    with findings.at("pack"):
        ledger = open_ledger(pack, brought.log_key, findings)
        history = open_history(pack, brought.root, ledger, findings)
        evidence = _collect(
            pack,
            brought,
            ledger=ledger,
            history=history,
            engine=engine,
            findings=findings,
            progress=progress,
        )
        report = replace(
            report,
            form=history.versions[-1].view.form.value,
            log=_summary(ledger, evidence.coverage),
            timeline=build_timeline(
                evidence.in_order, evidence.coverage, until=brought.at
            ),
        )
        report = _outcomes(report, evidence, brought.at)
    return replace(report, findings=findings.all, findings_left_out=findings.left_out)


def _workspace_of(root: bytes) -> Digest:
    """Return the workspace that the auditor's root names; what is none names itself."""
    try:
        return open_roots([root]).workspace
    except TrustacksError:
        return Digest.of(root)


def _collect(
    pack: Pack,
    brought: _Brought,
    *,
    ledger: Ledger,
    history: TrustHistory,
    engine: Engine,
    findings: Findings,
    progress: Progress,
) -> Evidence:
    said = verify_entries(pack, ledger, history, findings, progress)
    first: dict[Digest, Said] = {}
    for one in said:
        first.setdefault(one.digest, one)
    return Evidence(
        pack=pack,
        ledger=ledger,
        history=history,
        said=first,
        cosigned=_further(said, first),
        people=open_registrations(history, said, findings),
        coverage=check_anchors(ledger, history, said, brought.anchors, findings),
        judge=Judge(pack, index_releases(pack), engine),
        findings=findings,
        progress=progress,
    )


def _further(
    said: Sequence[Said], first: Mapping[Digest, Said]
) -> dict[Digest, tuple[Said, ...]]:
    found: dict[Digest, tuple[Said, ...]] = {}
    for one in said:
        if first[one.digest] is not one:
            found[one.digest] = (*found.get(one.digest, ()), one)
    return found


def _outcomes(
    report: ReplayReport, evidence: Evidence, at: datetime | None
) -> ReplayReport:
    links: list[Link] = []
    with evidence.findings.at("releases"):
        links = read_releases(evidence.pack, read_newest(evidence.pack).release)
    replayed = replay_releases(links, evidence)
    reports = replay_reports(replayed, evidence)
    active = activations(reports)
    return replace(
        report,
        releases=tuple(
            replace(one.record, activated_by=active.get(one.record.revision, ()))
            for one in replayed
        ),
        reports=reports,
        in_force=_in_force(replayed, evidence, at),
    )


def _summary(ledger: Ledger, coverage: Coverage) -> LogSummary:
    return LogSummary(
        origin=ledger.head.origin,
        size=ledger.head.size,
        tree_hash=Digest(ledger.head.root.hex()),
        anchored=coverage.size,
        anchored_by=coverage.by,
        witnessed=coverage.witnessed,
    )


def _in_force(
    replayed: Sequence[Replayed], evidence: Evidence, at: datetime | None
) -> InForce | None:
    """Ask the gate what a Runner with everything of then would have decided by."""
    instant = at or max((one.time for one in evidence.said.values()), default=None)
    if instant is None:
        return None
    until = [one for one in replayed if one.record.at and one.record.at <= instant]
    if not until:
        return InForce(instant, None, None)
    newest = until[-1]
    version = evidence.history.at(instant)
    verdict = evidence.judge(newest.link, version, marks=None, at=instant)
    return InForce(instant, newest.record.revision, verdict.code)
