# SPDX-License-Identifier: Apache-2.0
"""What a test run found, as values, as JSON and as text for people."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from bundle.finding import Finding
from bundle.rego.cases import Polarity
from keys.digest import Digest
from keys.strict import dumps_json

Verdict = Literal["allow", "deny", "error"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: an input, what the rule should say, what it said.

    Attributes:
        path: The file that has the case.
        line: From 1.
        actual: ``error`` if the engine gave no answer; a decision would be a deny.
        denies: The messages of the deny set.
        reason: Why it failed although the verdict is right, or why there is none.
    """

    name: str
    path: str
    line: int
    polarity: Polarity
    input: Any
    actual: Verdict
    denies: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def expected(self) -> Verdict:
        """``allow`` for a positive case, ``deny`` for a negative one."""
        return "allow" if self.polarity == "positive" else "deny"

    @property
    def passed(self) -> bool:
        """Whether the rule said what it should."""
        return self.actual == self.expected and self.reason is None

    def to_json(self) -> dict[str, Any]:
        """Return the case as a rule attestation carries it."""
        return {
            "name": self.name,
            "polarity": self.polarity,
            "input": str(Digest.of(dumps_json(self.input))),
            "expected": self.expected,
            "actual": self.actual,
        }

    def text(self) -> str:
        """Return what a person needs to see of a failure."""
        shown = json.dumps(self.input, indent=2, ensure_ascii=False)
        lines = [
            f"FAIL {self.name} ({self.path}:{self.line})",
            f"  expected verdict: {self.expected}",
            f"  actual verdict:   {self.actual}",
        ]
        lines += [f"  {self.reason}"] if self.reason else []
        lines += [f"  deny: {message}" for message in self.denies] or ["  deny: none"]
        lines += ["  input:", *(f"    {line}" for line in shown.split("\n"))]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class TestReport:
    """A test run of one rule.

    Attributes:
        engine: Its name.
        engine_version: Its version.
        cases: In the order of the files.
        findings: What is wrong with the tests themselves; an error fails the run.
    """

    __test__ = False  # pytest: this is not a test

    rule_id: str
    engine: str
    engine_version: str
    cases: tuple[CaseResult, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that did not pass."""
        return tuple(case for case in self.cases if not case.passed)

    @property
    def passed(self) -> bool:
        """Whether all cases passed, both polarities are there, and nothing is wrong."""
        both = {case.polarity for case in self.cases} == {"positive", "negative"}
        errors = any(finding.severity == "error" for finding in self.findings)
        return both and not errors and not self.failed

    def to_json(self) -> dict[str, Any]:
        """Return the ``test`` object of a rule attestation."""
        return {
            "engine": self.engine,
            "engine_version": self.engine_version,
            "cases": [case.to_json() for case in self.cases],
            "second_opinion": None,
        }

    def text(self) -> str:
        """Return the run for people: failures in full, then one line."""
        parts = [case.text() for case in self.failed]
        parts += [str(finding) for finding in self.findings]
        passed = len(self.cases) - len(self.failed)
        word = "passed" if self.passed else "failed"
        parts.append(f"{self.rule_id}: {word}, {passed} of {len(self.cases)} cases")
        return "\n".join(parts)
