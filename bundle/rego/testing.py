# SPDX-License-Identifier: Apache-2.0
"""Run a rule's tests: Rego ``test_*`` rules, and case files.

A positive case is allowed, a negative one is denied. Which one a Rego test is, its
name says (``test_allows_...``, ``test_denies_...``) or its METADATA
(``custom.polarity``); a test that says neither is a finding, because a run that cannot
say what was covered proves nothing. An engine that gives no answer fails the case,
whatever its polarity: a deny by accident is not the rule's deny.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bundle.finding import Finding
from bundle.overlay import RuleFiles
from bundle.rego.ast import Syntax
from bundle.rego.cases import Case, parse_cases
from bundle.rego.engine import Engine, Module, Policy
from bundle.rego.errors import EvaluationError
from bundle.rego.lexer import decode_module
from bundle.rego.probes import RegoTest, mocks, probe_module, read_tests
from bundle.rego.reader import read_syntax
from bundle.rego.report import CaseResult, TestReport, Verdict
from bundle.rego.templates import library

__all__ = ["CaseResult", "TestReport", "run_tests"]


def run_tests(
    files: RuleFiles, *, engine: Engine, parents: Sequence[Module] = ()
) -> TestReport:
    """Run all tests of one rule.

    Args:
        files: The rule and its tests.
        engine: Evaluates.
        parents: Modules of constitution and packs; without them, or if they bring no
            ``overlay_lib``, the rule is tested with the platform's own.

    Raises:
        RegoParseError: The rule or its tests do not parse, or not together.
        CaseFileError: The case file is not one.
        EvaluationError: The engine gave no answer at all.
    """
    run = _Run(files, engine, parents)
    results = [*run.rego_tests(), *run.case_file()]
    findings = [*run.findings, *_coverage(run.test_path, results)]
    return TestReport(
        rule_id=files.rule_id,
        engine=engine.name,
        engine_version=engine.version,
        cases=tuple(results),
        findings=tuple(findings),
    )


class _Run:
    """One rule with its tests, loaded."""

    def __init__(
        self, files: RuleFiles, engine: Engine, parents: Sequence[Module]
    ) -> None:
        self._files = files
        self._engine = engine
        self.test_path = str(files.test_path)
        rule = decode_module(str(files.rule_path), files.rule)
        package = read_syntax(rule, engine.parse(rule)).package
        self._package = ".".join(package)
        self._deny_path = f"data.{self._package}.deny"
        self.findings: list[Finding] = []
        self._modules = [rule, *_with_library(parents)]
        self._rule = engine.load(self._modules)

    def rego_tests(self) -> Iterator[CaseResult]:
        """Run the ``test_*`` rules of the test file."""
        if not self._files.test:
            return
        module = decode_module(self.test_path, self._files.test)
        syntax = read_syntax(module, self._engine.parse(module))
        self.findings += [*_package(syntax, f"{self._package}_test"), *mocks(syntax)]
        if self.findings:
            return
        tests = read_tests(module, syntax)
        probed = probe_module(module, syntax)
        policy = self._engine.load([*self._modules, probed])
        for test in tests:
            yield from self._rego_test(policy, test)
        policy.close()

    def _rego_test(self, policy: Policy, test: RegoTest) -> Iterator[CaseResult]:
        place = (self.test_path, test.place.line)
        if test.polarity is None:
            message = f"expected the polarity of {test.name}, got none"
            fix = "name it test_allows_... or test_denies_..."
            self.findings.append(Finding("test-polarity", *place, 1, message, fix))
            return
        prefix = f"data.{self._package}_test."
        names = [test.name, *test.probes]
        value, *probes = policy.evaluate_many([prefix + name for name in names], {})
        inputs = [e for probe in probes if isinstance(probe, list) for e in probe]
        reason = _reason(value)
        if not inputs:
            message = f"expected {test.name} to ask for a verdict, got no input"
            fix = f"write: count(data.{self._package}.deny) == 0 with input as {{...}}"
            self.findings.append(Finding("test-input", *place, 1, message, fix))
        for number, document in enumerate(inputs, start=1):
            name = test.name if len(inputs) == 1 else f"{test.name} #{number}"
            yield self._ask(Case(name, test.polarity, document), place, reason)
        if not inputs and reason:
            message = f"{test.name}: {reason}"
            fix = "correct the test or the rule"
            self.findings.append(Finding("test-failed", *place, 1, message, fix))

    def case_file(self) -> Iterator[CaseResult]:
        """Run the case file, if there is one."""
        if self._files.cases_path is None or self._files.cases is None:
            return
        place = (str(self._files.cases_path), 1)
        for case in parse_cases(self._files.cases_path, self._files.cases):
            yield self._ask(case, place, None)

    def _ask(
        self, case: Case, place: tuple[str, int], reason: str | None
    ) -> CaseResult:
        """Ask the rule itself, as a Runner does: no ``with``, no test beside it."""
        try:
            denies = self._rule.evaluate(self._deny_path, case.input)
        except EvaluationError as error:
            denies = error
        return _result(case, place, denies, reason)


def _result(
    case: Case, place: tuple[str, int], denies: Any, reason: str | None
) -> CaseResult:
    actual: Verdict = "error"
    messages: tuple[str, ...] = ()
    if isinstance(denies, list):
        actual = "deny" if denies else "allow"
        messages = tuple(_message(deny) for deny in denies)
    elif isinstance(denies, EvaluationError):
        reason = denies.message
    else:
        reason = "expected a deny set, got none"
    expected = "allow" if case.polarity == "positive" else "deny"
    # The test's own condition only counts where the verdict does not say more.
    own = reason if actual in (expected, "error") else None
    return CaseResult(
        case.name, *place, case.polarity, case.input, actual, messages, own
    )


def _message(deny: Any) -> str:
    if isinstance(deny, dict) and "message" in deny:
        return f"{deny.get('rule_id')}: {deny['message']}"
    return str(deny)


def _reason(value: Any) -> str | None:
    if value is True:
        return None
    if isinstance(value, EvaluationError):
        return f"the test has no answer: {value.message}"
    return "the test's own condition does not hold"


def _package(syntax: Syntax, expected: str) -> Iterator[Finding]:
    package = ".".join(syntax.package)
    if package != expected:
        place = syntax.package_place
        yield Finding(
            "test-package",
            syntax.path,
            place.line,
            place.column,
            f"expected package {expected}, got {package}",
            f"write: package {expected}",
        )


def _coverage(path: str, results: Sequence[CaseResult]) -> Iterator[Finding]:
    names = [result.name for result in results]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"expected distinct names of cases, got {name!r} twice"
        yield Finding("test-name", path, 1, 1, message, "rename one of the two")
    for polarity, said in (("positive", "allowed"), ("negative", "denied")):
        if not any(result.polarity == polarity for result in results):
            yield Finding(
                "test-coverage",
                path,
                1,
                1,
                f"expected a {polarity} case, one that is {said}, got none",
                f"add a test_{'allows' if said == 'allowed' else 'denies'}_... rule",
            )


def _with_library(parents: Sequence[Module]) -> list[Module]:
    has_library = any(
        line.strip() == "package overlay_lib"
        for module in parents
        for line in module.source.split("\n")
    )
    return [*parents] if has_library else [*parents, library()]
