# SPDX-License-Identifier: Apache-2.0
"""Test runs and lint runs that passed; one that did not cannot be built or read."""

from dataclasses import dataclass
from typing import Any, Final, Self

from keys.digest import Digest
from keys.fields import Fields
from signer.errors import SuiteNotPassedError
from signer.limits import MAX_CASES, MAX_LINT_TEXTS
from signer.predicates.parts import must, version_text

POSITIVE: Final = "positive"
NEGATIVE: Final = "negative"
ALLOW: Final = "allow"
DENY: Final = "deny"
PASSED: Final = "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One test case.

    Attributes:
        name: As in the test file.
        polarity: ``positive`` passes the rule, ``negative`` is denied by it.
        input: SHA-256 of the input document.
        expected: ``allow`` or ``deny``.
        actual: What the rule said.
    """

    name: str
    polarity: str
    input: Digest
    expected: str
    actual: str

    def __post_init__(self) -> None:
        wanted = ALLOW if self.polarity == POSITIVE else DENY
        if not self.actual == self.expected == wanted:
            raise SuiteNotPassedError(
                f"case {self.name}: expected {wanted}, got {self.actual}",
                case=self.name,
            )

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a case."""
        case = cls(
            name=fields.text("name"),
            polarity=fields.one_of("polarity", (POSITIVE, NEGATIVE)),
            input=fields.digest("input"),
            expected=fields.one_of("expected", (ALLOW, DENY)),
            actual=fields.one_of("actual", (ALLOW, DENY)),
        )
        fields.done()
        return case

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "name": self.name,
            "polarity": self.polarity,
            "input": str(self.input),
            "expected": self.expected,
            "actual": self.actual,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """A test run that passed.

    Attributes:
        engine: Which engine ran it.
        engine_version: Of which version.
        cases: At least one that passes and one that is denied.
    """

    engine: str
    engine_version: str
    cases: tuple[CaseResult, ...]

    def __post_init__(self) -> None:
        seen = {case.polarity for case in self.cases}
        if seen != {POSITIVE, NEGATIVE}:
            raise SuiteNotPassedError(
                "suite: expected a case that passes and one that is denied, "
                f"got {len(self.cases)} of {' and '.join(sorted(seen)) or 'none'}"
            )
        names = {case.name for case in self.cases}
        must(len(names) == len(self.cases), "distinct case names")

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a run."""
        cases = fields.objects("cases", max_items=MAX_CASES)
        suite = cls(
            engine=fields.text("engine"),
            engine_version=version_text(fields, "engine_version"),
            cases=tuple(CaseResult.parse(case) for case in cases),
        )
        fields.done()
        return suite

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "engine": self.engine,
            "engine_version": self.engine_version,
            "cases": [case.to_json() for case in self.cases],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """A lint run that passed.

    Attributes:
        engine: Which engine parsed for it.
        engine_version: Of which version.
        linter_version: Of the linter.
        checks: What was checked, by id.
        warnings: What it said all the same.
    """

    engine: str
    engine_version: str
    linter_version: str
    checks: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a run."""
        fields.constant("verdict", PASSED)
        lint = cls(
            engine=fields.text("engine"),
            engine_version=version_text(fields, "engine_version"),
            linter_version=version_text(fields, "linter_version"),
            checks=fields.texts("checks", max_items=MAX_LINT_TEXTS),
            warnings=fields.texts("warnings", max_items=MAX_LINT_TEXTS),
        )
        fields.done()
        return lint

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "engine": self.engine,
            "engine_version": self.engine_version,
            "linter_version": self.linter_version,
            "verdict": PASSED,
            "checks": list(self.checks),
            "warnings": list(self.warnings),
        }
