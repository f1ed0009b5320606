# SPDX-License-Identifier: Apache-2.0
"""Lint one rule, or all of an overlay.

Order: what the file is, what it may do, what it says, what proves it. A step whose
ground is missing is left out of ``checks``: what was not looked at has not passed.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bundle.confine import Parameters, examine_rule
from bundle.errors import CaseFileError
from bundle.finding import Finding
from bundle.lint.citations import Citations
from bundle.lint.claims import Claims
from bundle.lint.parents import compile_together
from bundle.lint.portable import unportable_texts
from bundle.lint.profile import ProfileFile, profile_findings
from bundle.lint.report import LintReport
from bundle.lint.shape import shape_findings
from bundle.lint.siblings import Siblings, read_siblings
from bundle.lint.usage import blind, kinds_of_change, long, unused
from bundle.overlay import Overlay, RuleFiles
from bundle.ratchet.child import Prover
from bundle.ratchet.verdict import Change
from bundle.rego.ast import Syntax
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationError,
    RegoParseError,
)
from bundle.rego.lexer import decode_module
from bundle.rego.report import TestReport
from bundle.rego.templates import library
from bundle.rego.testing import run_tests
from bundle.rule import RuleModule

# Every check there is; a report lists those that ran.
CHECKS: Final = (
    "parse",
    "rule-id",
    "metadata",
    "citation",
    "confinement",
    "portability",
    "usage",
    "tests",
    "combined-compile",
    "unique",
    "citations",
    "parameters",
    "refinement",
    "vacuity",
    "contradiction",
    "change",
    "signature-shape",
    "signature",
    "profile",
)


@dataclass(frozen=True, slots=True)
class Against:
    """What a rule is linted against.

    Attributes:
        parents: Modules of constitution and packs.
        parameters: Paths of parameters that they declare.
        siblings: The names of the overlay's rules; its own may be among them.
        citations: What the overlay's rules cite; its own may be among them.
        previous: The version that the rule replaces.
        prover: A solver for all rules; without one a rule that needs it starts its own.
        profile: The overlay's Environment Profile; None if the overlay is not known.
    """

    parents: Sequence[Module] = ()
    parameters: Parameters = ()
    siblings: Siblings = field(default_factory=Siblings)
    citations: Citations = field(default_factory=Citations)
    previous: RuleFiles | None = None
    prover: Prover | None = None
    profile: ProfileFile | None = None


def lint_rule(
    files: RuleFiles, *, engine: Engine, against: Against | None = None
) -> LintReport:
    """Lint one rule.

    Args:
        files: The rule and its tests.
        engine: Parses and evaluates.
        against: Its parents and siblings; without them it is linted alone.

    Raises:
        EngineUnavailableError: The engine does not start.
    """
    run = _Run(files, engine, against or Against())
    found = set(run.findings())
    report = LintReport(
        rule_id=files.rule_id or "unknown",
        engine=engine.name,
        engine_version=engine.version,
        checks=(),
        findings=(),
        change=run.change,
    )
    report = in_order(replace(report, checks=tuple(run.checked)), found)
    found |= set(run.shape(report))
    return in_order(replace(report, checks=tuple(run.checked)), found)


def lint_overlay(
    overlay: Overlay,
    *,
    engine: Engine,
    parents: Sequence[Module] = (),
    parameters: Parameters = (),
) -> Iterator[LintReport]:
    """Lint every rule of an overlay, each against the parents and all others.

    Raises:
        EngineUnavailableError: The engine does not start.
    """
    siblings = read_siblings(overlay.rules, parse=engine.parse)
    against = Against(parents, parameters, siblings)
    for files in overlay.rules:
        yield lint_rule(files, engine=engine, against=against)


def in_order(report: LintReport, found: Collection[Finding]) -> LintReport:
    """Return a report with these findings; checks and findings in their order."""
    ordered = sorted(found, key=lambda f: (f.path, f.line, f.column, f.code))
    checks = tuple(check for check in CHECKS if check in report.checks)
    return replace(report, checks=checks, findings=tuple(ordered))


class _Run:
    """One rule under the linter, and what of it was looked at.

    Attributes:
        checked: The checks that ran.
        change: What the rule is to the version before it.
        test: The run of its tests.
    """

    def __init__(self, files: RuleFiles, engine: Engine, against: Against) -> None:
        self._files = files
        self._engine = engine
        self._against = against
        self._path = str(files.rule_path)
        self.checked: set[str] = {"parse"}
        self.change: Change | None = None
        self.test: TestReport | None = None
        self._rule: RuleModule | None = None

    def findings(self) -> Iterator[Finding]:
        """Yield everything; ``checked`` grows on the way."""
        examined = examine_rule(
            self._path,
            self._files.rule,
            parse=self._engine.parse,
            parameters=self._against.parameters,
        )
        yield from examined.findings
        if examined.syntax is None:
            return
        self.checked |= {"rule-id", "metadata", "citation", "confinement"}
        yield from self._text(examined.syntax)
        if examined.rule is None:
            return
        self._rule = examined.rule
        yield from self._identity(examined.rule)
        if not examined.findings:
            yield from self._proof(examined.rule, examined.syntax)

    def shape(self, report: LintReport) -> Iterator[Finding]:
        """Yield what keeps a rule that passed from being attested."""
        if self._rule is None or self.test is None or not report.passed:
            return
        if self.test.passed:
            self.checked.add("signature-shape")
            said = report.to_json() | {"checks": list(CHECKS)}
            test = self.test.to_json()
            yield from shape_findings(self._files, self._rule, test=test, lint=said)

    def _text(self, syntax: Syntax) -> Iterator[Finding]:
        source = self._files.rule.decode()
        self.checked |= {"portability", "usage"}
        yield from unportable_texts(syntax)
        yield from unused(syntax)
        yield from blind(syntax)
        yield from long(syntax, source)

    def _identity(self, rule: RuleModule) -> Iterator[Finding]:
        self.checked.add("unique")
        if self._files.rule_id not in ("", rule.rule_id):
            message = f"expected rule {self._files.rule_id}, got {rule.rule_id}"
            fix = "give folder, file and rule_metadata the same id"
            yield Finding("rule-path", self._path, 1, 1, message, fix)
        yield from self._against.siblings.clashes(rule)
        yield from self._profile(rule)
        self.checked.add("citations")
        yield from self._against.citations.shadowed(
            rule, self._against.parents, parse=self._engine.parse
        )

    def _profile(self, rule: RuleModule) -> Iterator[Finding]:
        file = self._against.profile
        if file is not None:
            if file.profile is not None:  # what is not there was not looked at
                self.checked.add("profile")
            yield from profile_findings(file, rule)

    def _proof(self, rule: RuleModule, syntax: Syntax) -> Iterator[Finding]:
        """Compile with the parents, run the tests, prove: only what is confined."""
        module = decode_module(self._path, self._files.rule)
        try:
            self.checked.add("combined-compile")
            parents = self._against.parents or (library(),)
            broken = list(
                compile_together(parents, module, syntax, engine=self._engine)
            )
            yield from broken
            if not broken:
                self.checked.add("tests")
                yield from self._tests(syntax)
                line = next(r.place.line for r in syntax.rules if r.root == "deny")
                yield from self._claims(rule, line)
        except EngineUnavailableError:
            raise
        except EvaluationError as error:
            page = "`trustacks rule explain evaluation-timeout`"
            fix = f"make the rule do less: see {page}"
            yield Finding(error.code, self._path, 1, 1, error.message, fix)

    def _tests(self, syntax: Syntax) -> Iterator[Finding]:
        path = str(self._files.test_path)
        try:
            report = run_tests(
                self._files,
                engine=self._engine,
                parents=self._against.parents,
                syntax=syntax,
            )
        except RegoParseError as error:
            fix = "correct the test file"
            place = (error.line, error.column, error.reason)
            yield Finding(error.code, error.path, *place, fix)
            return
        except CaseFileError as error:
            fix = "correct the case file; see docs/formats/rule.md"
            path = str(self._files.cases_path)
            yield Finding(error.code, path, error.line, 1, error.message, fix)
            return
        self.test = report
        yield from report.findings
        for case in report.failed:
            verdicts = f"expected {case.expected}, got {case.actual}"
            wrong = case.actual != case.expected
            message = f"{case.name}: {verdicts if wrong else case.reason}"
            fix = "`trustacks rule test` shows the input and the denies"
            yield Finding("test-failed", case.path, case.line, 1, message, fix)
        if report.cases:  # without any there is more to say than which kinds lack one
            yield from kinds_of_change(path, report.cases)

    def _claims(self, rule: RuleModule, line: int) -> Iterator[Finding]:
        claims = Claims(
            rule,
            line,
            self.test,
            engine=self._engine,
            parents=self._against.parents or (library(),),
            previous=self._against.previous,
            prover=self._against.prover,
        )
        yield from claims.findings()
        self.checked |= claims.checked
        self.change = claims.change
