# SPDX-License-Identifier: Apache-2.0
"""Tests, lints and classifies the rules that a change touches."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bundle.finding import Finding
from bundle.lint.linter import Against, lint_rule
from bundle.lint.report import LintReport
from bundle.overlay import RuleFiles
from bundle.rego.confirm import confirmed_together
from bundle.rego.engine import Engine
from bundle.rego.report import TestReport
from bundle.rego.testing import report_tests
from trustacks.review.changes import Changed
from trustacks.review.compared import Compared, compared
from trustacks.review.evidence import (
    evidence_findings,
    retirement_findings,
    state_of,
)

# What only a second principal may let into a release (DESIGN 9, T5).
LOOSENING: Final = ("looser", "incomparable", "unknown", "removed")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One rule of a change, and what is to be said about it.

    Attributes:
        compared: How the new text compares with the old.
        attestation: ``signed``, ``unsigned``, ``changed`` or ``damaged``; ``retired``
            or ``missing`` where the rule is gone.
        test: None where the rule is gone.
        lint: The same.
        findings: All of them, without those of other files.
    """

    changed: Changed
    compared: Compared
    attestation: str
    test: TestReport | None
    lint: LintReport | None
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing refuses."""
        tested = self.test is None or self.test.passed
        return tested and all(f.severity != "error" for f in self.findings)

    @property
    def needs_approval(self) -> bool:
        """Whether a second principal with ``approve`` has to agree."""
        return self.compared.verdict in LOOSENING

    @property
    def approvals(self) -> int:
        """How many approvals stand beside the rule; none is verified here."""
        return len(self.changed.new.approvals) if self.changed.new else 0

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows of it."""
        return {
            "rule_id": self.changed.rule_id,
            "kind": self.changed.kind,
            **self.compared.to_json(),
            "needs_approval": self.needs_approval,
            "approvals": self.approvals,
            "attestation": self.attestation,
            "passed": self.passed,
            "test": self.test.to_json() if self.test else None,
            "lint": self.lint.to_json() if self.lint else None,
            "findings": [finding.to_json() for finding in self.findings],
        }


def judge(changed: Changed, *, engine: Engine, against: Against) -> Reviewed:
    """Test, lint and classify one rule that is there.

    Args:
        changed: The rule before and now.
        engine: Parses and evaluates.
        against: Parents, siblings and a prover.

    Raises:
        EngineUnavailableError: The engine does not start.
    """
    new = changed.new
    if new is None:
        raise ValueError("a rule that is gone is judged by ``removed``")
    test = report_tests(new, engine=engine, parents=against.parents, coverage=False)
    old = changed.old if changed.kind == "changed" else None
    lint = lint_rule(new, engine=engine, against=replace(against, previous=old))
    (test,), (lint,) = confirmed_together(engine, [test], [lint])
    findings = {*lint.findings, *test.findings, *evidence_findings(new)}
    return Reviewed(
        changed=changed,
        compared=compared(changed, lint),
        attestation=state_of(new),
        test=test,
        lint=lint,
        findings=tuple(sorted(findings, key=_place)),
    )


def removed(changed: Changed, old: RuleFiles, root: Path) -> Reviewed:
    """Judge a rule that is gone: only a signed retirement lets it go.

    Args:
        changed: The rule.
        old: Its files before.
        root: The overlay folder.
    """
    findings = tuple(retirement_findings(old, root))
    state = "missing" if findings else "retired"
    said = Compared("removed", "its denies are gone")
    return Reviewed(changed, said, state, None, None, findings)


def _place(finding: Finding) -> tuple[str, int, int, str]:
    return (finding.path, finding.line, finding.column, finding.code)
