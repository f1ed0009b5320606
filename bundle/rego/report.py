# SPDX-License-Identifier: Apache-2.0
"""What a test run found, as values and as JSON; ``shown`` makes text of it."""

from collections.abc import Callable
from typing import Any, Literal

from bundle.finding import Finding
from bundle.rego.cases import Polarity
from bundle.rego.engine import EngineId
from bundle.rego.facts import Conditions, Kill, Reached
from keys.digest import Digest
from keys.record import record
from keys.strict import dumps_json

Verdict = Literal["allow", "deny", "error"]
# A text in a style of the terminal: ``bad``, ``good``, ``dim`` or ``bold``.
Style = Callable[[str, str], str]


def plain(text: str, _name: str) -> str:
    """Return a text in no style."""
    return text


@record
class CaseResult:
    """One case: an input, what the rule should say, what it said.

    Attributes:
        path: The file that has the case.
        line: From 1.
        actual: ``error`` if the engine gave no answer; a decision would be a deny.
        denies: The messages of the deny set.
        reason: Why it failed although the verdict is right, or why there is none.
        test: The Rego test that asks it, if one does.
        conditions: Of a failed case: which statements held.
    """

    name: str
    path: str
    line: int
    polarity: Polarity
    input: Any
    actual: Verdict
    denies: tuple[str, ...] = ()
    reason: str | None = None
    test: str | None = None
    conditions: tuple[Conditions, ...] = ()

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

    def details(self) -> dict[str, Any]:
        """Return the case as ``--json`` shows it."""
        return self.to_json() | {
            "path": self.path,
            "line": self.line,
            "input": self.input,
            "passed": self.passed,
            "reason": self.reason,
            "denies": list(self.denies),
            "conditions": [one.to_json() for one in self.conditions],
        }


@record
class TestReport:
    """A test run of one rule.

    Attributes:
        engine: Its name.
        engine_version: Its version.
        cases: In the order of the files.
        findings: What is wrong with the tests themselves; an error fails the run.
        kill: What the tests notice, if every case passed.
        reached: The lines of the rule that they reach, if that was asked for.
        second_opinion: The engine that was asked too and agreed (``opinion``).
    """

    __test__ = False  # pytest: this is not a test

    rule_id: str
    engine: str
    engine_version: str
    cases: tuple[CaseResult, ...]
    findings: tuple[Finding, ...] = ()
    kill: Kill | None = None
    reached: Reached | None = None
    second_opinion: EngineId | None = None

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
            "second_opinion": self.second_opinion and self.second_opinion.to_json(),
        }

    def details(self) -> dict[str, Any]:
        """Return the run as ``--json`` shows it."""
        return {
            "rule_id": self.rule_id,
            "passed": self.passed,
            "test": self.to_json(),
            "failed": [case.name for case in self.failed],
            "findings": [finding.to_json() for finding in self.findings],
            "cases": [case.details() for case in self.cases],
            "kill": self.kill.to_json() if self.kill else None,
            "coverage": self.reached.to_json() if self.reached else None,
        }

    def text(self, style: Style = plain) -> str:
        """Return the run for people: failures in full, then one line."""
        from bundle.rego.shown import report_text  # noqa: PLC0415 - shown once, at the end

        return report_text(self, style)
