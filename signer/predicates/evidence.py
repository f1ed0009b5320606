# SPDX-License-Identifier: Apache-2.0
"""Test runs and lint runs that passed; one that did not cannot be built or read."""

from dataclasses import dataclass
from typing import Any, Final, Self

from keys.digest import Digest
from keys.fields import Fields
from signer.errors import SuiteNotPassedError
from signer.limits import MAX_CASES, MAX_LINT_TEXTS
from signer.predicates.parts import must, optional_version, version_text

POSITIVE: Final = "positive"
NEGATIVE: Final = "negative"
ALLOW: Final = "allow"
DENY: Final = "deny"
PASSED: Final = "passed"

EQUAL: Final = "equal"
STRICTER: Final = "stricter"
LOOSER: Final = "looser"
INCOMPARABLE: Final = "incomparable"
UNKNOWN: Final = "unknown"
# What a version of a rule can be to the one before it (docs/formats/ratchet.md).
VERDICTS: Final = (EQUAL, STRICTER, LOOSER, INCOMPARABLE, UNKNOWN)


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """Another engine, which answered as the first did.

    Attributes:
        engine: Which engine.
        engine_version: Of which version.
    """

    engine: str
    engine_version: str

    @classmethod
    def read(cls, fields: Fields, engine: str) -> Self | None:
        """Read it or null; it is of another engine than ``engine``."""
        if fields.is_null("second_opinion"):
            return None
        inner = fields.object("second_opinion")
        second = cls(inner.text("engine"), version_text(inner, "engine_version"))
        inner.done()
        must(second.engine != engine, "a second opinion of another engine")
        return second

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"engine": self.engine, "engine_version": self.engine_version}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What a version of a rule is to the one that it replaces.

    Attributes:
        verdict: One of ``VERDICTS``.
        old: SHA-256 of the Rego before.
        solver_version: Of the solver; none if none answered.
    """

    verdict: str
    old: Digest
    solver_version: str | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a change."""
        change = cls(
            fields.one_of("verdict", VERDICTS),
            fields.digest("old"),
            optional_version(fields, "solver_version"),
        )
        fields.done()
        return change

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "verdict": self.verdict,
            "old": str(self.old),
            "solver_version": self.solver_version,
        }


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
        second_opinion: Of another engine, if it was asked; it said the same.
    """

    engine: str
    engine_version: str
    cases: tuple[CaseResult, ...]
    second_opinion: SecondOpinion | None = None

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
        engine = fields.text("engine")
        suite = cls(
            engine=engine,
            engine_version=version_text(fields, "engine_version"),
            cases=tuple(CaseResult.parse(case) for case in cases),
            second_opinion=SecondOpinion.read(fields, engine),
        )
        fields.done()
        return suite

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "engine": self.engine,
            "engine_version": self.engine_version,
            "cases": [case.to_json() for case in self.cases],
            "second_opinion": _or_null(self.second_opinion),
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
        second_opinion: Of another engine, if it was asked; it said the same.
        change: Against the version before, if there was one to compare with.
    """

    engine: str
    engine_version: str
    linter_version: str
    checks: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    second_opinion: SecondOpinion | None = None
    change: RuleChange | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse a run."""
        fields.constant("verdict", PASSED)
        engine, change = fields.text("engine"), None
        if not fields.is_null("change"):
            change = RuleChange.parse(fields.object("change"))
        lint = cls(
            engine=engine,
            engine_version=version_text(fields, "engine_version"),
            linter_version=version_text(fields, "linter_version"),
            checks=fields.texts("checks", max_items=MAX_LINT_TEXTS),
            warnings=fields.texts("warnings", max_items=MAX_LINT_TEXTS),
            second_opinion=SecondOpinion.read(fields, engine),
            change=change,
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
            "second_opinion": _or_null(self.second_opinion),
            "change": _or_null(self.change),
        }


def _or_null(part: SecondOpinion | RuleChange | None) -> dict[str, Any] | None:
    return None if part is None else part.to_json()
