# SPDX-License-Identifier: Apache-2.0
"""Findings are bounded, and an unread finding still refuses."""

import pytest

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


@pytest.mark.parametrize("severity", list(Severity))
def test_at_the_bound_nothing_is_left_out_and_past_it_all_is_counted(severity):
    findings = Findings()
    for _ in range(MAX_FINDINGS):
        findings.add(UnwitnessedError("x"), "log", severity)
    assert (len(findings.all), findings.left_out) == (MAX_FINDINGS, 0)
    findings.add(UnwitnessedError("x"), "log", severity)
    assert (len(findings.all), findings.left_out) == (MAX_FINDINGS, 1)
    assert findings.refused == (severity is Severity.REFUSED)


def test_a_refusal_behind_ever_so_many_notes_is_shown_and_refuses():
    findings = Findings()
    for _ in range(MAX_FINDINGS + 1):
        findings.add(UnwitnessedError("x"), "log", Severity.NOTE)
    assert not findings.refused
    findings.add(LogForkedError("x"), "log")
    assert findings.all[-1].code == "log-forked"
    assert not report(findings).accepted
    assert "and 1 more" in report(findings).text()


def test_a_report_without_log_or_trust_is_never_accepted():
    assert not report(Findings()).accepted
