# SPDX-License-Identifier: Apache-2.0
"""Findings are bounded, and an unread finding still refuses."""

from bundle.audit.errors import LogForkedError, UnwitnessedError
from bundle.audit.findings import Findings, Severity
from bundle.audit.limits import MAX_FINDINGS
from bundle.audit.report import ReplayReport
from keys.digest import Digest


def report(findings):
    return ReplayReport(
        name="acme",
        workspace=Digest.of(b""),
        pack=Digest.of(b""),
        form=None,
        log=None,
        findings=findings.all,
        findings_left_out=findings.left_out,
    )


def test_what_is_refused_inside_becomes_a_finding():
    findings = Findings()
    with findings.at("log entry 3"):
        raise LogForkedError("expected one history, got two")
    (found,) = findings.all
    assert found.to_json() == {
        "code": "log-forked",
        "severity": "refused",
        "place": "log entry 3",
        "message": "expected one history, got two",
    }
    assert found.text() == (
        "refused [log-forked] log entry 3: expected one history, got two"
    )


def test_at_the_bound_nothing_is_left_out_and_past_it_all_is_counted():
    findings = Findings()
    for _ in range(MAX_FINDINGS):
        findings.add(UnwitnessedError("x"), "log", Severity.NOTE)
    assert (len(findings.all), findings.left_out) == (MAX_FINDINGS, 0)
    findings.add(LogForkedError("x"), "log")
    assert (len(findings.all), findings.left_out) == (MAX_FINDINGS, 1)


def test_a_finding_that_was_left_out_still_refuses():
    findings = Findings()
    for _ in range(MAX_FINDINGS + 1):
        findings.add(UnwitnessedError("x"), "log", Severity.NOTE)
    assert not report(findings).accepted
    assert "and 1 more" in report(findings).text()


def test_a_report_without_log_or_trust_is_never_accepted():
    assert not report(Findings()).accepted
