# SPDX-License-Identifier: Apache-2.0
"""Run a rule's tests: Rego ``test_*`` rules, and case files.

A positive case is allowed, a negative one is denied. Which one a Rego test is, its
name says (``test_allows_...``, ``test_denies_...``) or its METADATA
(``custom.polarity``); a test that says neither is a finding, because a run that cannot
say what was covered proves nothing. An engine that gives no answer fails the case,
whatever its polarity: a deny by accident is not the rule's deny.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bundle.errors import CaseFileError
from bundle.finding import Finding
from bundle.overlay import RuleFiles
from bundle.rego.ast import Syntax
from bundle.rego.cases import Case, parse_cases
from bundle.rego.engine import Engine, Module
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationError,
    RegoParseError,
)
from bundle.rego.facts import Kill
from bundle.rego.kill import kill_check
from bundle.rego.probes import RegoTest, mocks, read_tests
from bundle.rego.report import CaseResult, TestReport, Verdict
from bundle.rego.suite import Suite, answers
from keys.record import record

__all__ = ["CaseResult", "TestReport", "report_tests", "run_tests"]

# Cases that may end the engine by time, memory or crash before the run is given up:
# each may take seconds.
_MAX_STOPPED: Final = 3


def run_tests(
    files: RuleFiles,
    *,
    engine: Engine,
    parents: Sequence[Module] = (),
    syntax: Syntax | None = None,
    coverage: bool = False,
) -> TestReport:
    """Run all tests of one rule.

    Args:
        files: The rule and its tests.
        engine: Evaluates.
        parents: Modules of constitution and packs; without them, or if they bring no
            ``overlay_lib``, the rule is tested with the platform's own.
        syntax: What the rule says, if it was read already.
        coverage: Count the lines that the cases reach, too.

    Raises:
        RegoParseError: The rule or its tests do not parse, or not together.
        CaseFileError: The case file is not one.
        EvaluationError: The engine gave no answer at all, or was ended too often.
    """
    suite = Suite(files, engine, parents, syntax)
    run = _Run(suite)
    cases = run.cases()
    findings = [*run.findings, *_coverage(files, cases)]
    kill: Kill | None = None
    if any(not case.passed for case in cases):
        from bundle.rego.explain import explain  # noqa: PLC0415 - failures only

        cases = tuple(explain(suite, cases))
    elif any(case.polarity == "negative" for case in cases):
        kill, more = kill_check(suite, cases)
        findings += more
    reached = None
    if coverage and cases and not any(case.actual == "error" for case in cases):
        from bundle.rego.reached import reached_lines  # noqa: PLC0415 - if asked for

        reached = reached_lines(suite, cases)
    return TestReport(
        rule_id=files.rule_id,
        engine=engine.name,
        engine_version=engine.version,
        cases=cases,
        findings=tuple(findings),
        kill=kill,
        reached=reached,
    )


def report_tests(
    files: RuleFiles, *, engine: Engine, parents: Sequence[Module], coverage: bool
) -> TestReport:
    """Run all tests of one rule; what keeps them from running is a finding.

    Raises:
        EngineUnavailableError: The engine does not start.
    """
    rule = str(files.rule_path)
    try:
        return run_tests(files, engine=engine, parents=parents, coverage=coverage)
    except RegoParseError as error:
        place, fix = (error.path, error.line, error.column), "correct the file"
        found = Finding(error.code, *place, error.reason, fix)
    except CaseFileError as error:
        place, fix = (str(files.cases_path), error.line, 1), "correct the case file"
        found = Finding(error.code, *place, error.message, error.hint or fix)
    except EngineUnavailableError:
        raise
    except EvaluationError as error:
        fix = f"make the rule do less: see `trustacks rule explain {error.code}`"
        found = Finding(error.code, rule, 1, 1, error.message, fix)
    return TestReport(files.rule_id, engine.name, engine.version, (), (found,))


@record
class _Asked:
    """A case, the file that has it, and what the Rego test that asks it is and says."""

    case: Case
    path: str
    reason: str | None = None
    test: str | None = None


class _Run:
    """The tests of one rule, loaded."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self.findings: list[Finding] = []
        self._stopped = 0
        self._rule = suite.load(suite.rule)

    def cases(self) -> tuple[CaseResult, ...]:
        """Find the cases, and ask the rule itself, as a Runner does.

        No ``with`` is in the question, and no test beside the rule.
        """
        asked = [*self._rego_tests(), *self._case_file()]
        inputs = [one.case.input for one in asked]
        try:
            answers = self._rule.evaluate_each(self._suite.deny_path, inputs)
        except EvaluationError:  # whose fault it is, they say one by one
            answers = [self._alone(document) for document in inputs]
        return tuple(map(_result, asked, answers))

    def _alone(self, document: Any) -> Any:
        try:
            return self._rule.evaluate(self._suite.deny_path, document)
        except EvaluationError as error:
            self._stopped += type(error) is not EvaluationError
            if self._stopped > _MAX_STOPPED:
                raise
            return error

    def _rego_tests(self) -> Iterator[_Asked]:
        """Run the ``test_*`` rules of the test file."""
        suite = self._suite
        if not suite.files.test:
            return
        syntax = suite.test_syntax
        self.findings += [*_package(syntax, f"{suite.package}_test"), *mocks(syntax)]
        if self.findings:
            return
        suite.tests = read_tests(suite.test, syntax)
        policy = suite.load_tested(suite.rule)
        prefix = f"data.{suite.package}_test."
        asked = [[prefix + name for name in (t.name, *t.probes)] for t in suite.tests]
        for test, values in zip(suite.tests, answers(policy, asked), strict=True):
            yield from self._rego_test(test, values)
        policy.close()

    def _rego_test(self, test: RegoTest, values: Sequence[Any]) -> Iterator[_Asked]:
        place = (self._suite.test.path, test.place.line)
        if test.polarity is None:
            message = f"expected the polarity of {test.name}, got none"
            fix = "name it test_allows_... or test_denies_..."
            self.findings.append(Finding("test-polarity", *place, 1, message, fix))
            return
        value, *probes = values
        inputs = [e for probe in probes if isinstance(probe, list) for e in probe]
        reason = _reason(value)
        if not inputs:
            message = f"expected {test.name} to ask for a verdict, got no input"
            fix = f"write: count({self._suite.deny_path}) == 0 with input as {{...}}"
            self.findings.append(Finding("test-input", *place, 1, message, fix))
        for number, document in enumerate(inputs, start=1):
            name = test.name if len(inputs) == 1 else f"{test.name} #{number}"
            case = Case(name, test.polarity, document, place[1])
            yield _Asked(case, place[0], reason, test.name)
        if not inputs and reason:
            message = f"{test.name}: {reason}"
            fix = "correct the test or the rule"
            self.findings.append(Finding("test-failed", *place, 1, message, fix))

    def _case_file(self) -> Iterator[_Asked]:
        """Read the case file, if there is one."""
        files = self._suite.files
        if files.cases_path is None or files.cases is None:
            return
        for case in parse_cases(files.cases_path, files.cases):
            yield _Asked(case, str(files.cases_path))


def _result(asked: _Asked, denies: Any) -> CaseResult:
    case, reason = asked.case, asked.reason
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
        name=case.name,
        path=asked.path,
        line=case.line,
        polarity=case.polarity,
        input=case.input,
        actual=actual,
        denies=messages,
        reason=own,
        test=asked.test,
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


def _coverage(files: RuleFiles, cases: Sequence[CaseResult]) -> Iterator[Finding]:
    """Yield what the cases leave out, or that there are none."""
    path = str(files.cases_path if files.cases and not files.test else files.test_path)
    if not files.test and files.cases is None:
        message = "expected a test file, got none"
        fix = "write test_allows_... and test_denies_... rules"
        yield Finding("test-missing", path, 1, 1, message, fix)
        return
    names = [case.name for case in cases]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"expected distinct names of cases, got {name!r} twice"
        yield Finding("test-name", path, 1, 1, message, "rename one of the two")
    for polarity, said, name in (
        ("positive", "allowed", "test_allows_..."),
        ("negative", "denied", "test_denies_..."),
    ):
        if not any(case.polarity == polarity for case in cases):
            message = f"expected a {polarity} case, one that is {said}, got none"
            fix = (
                f"add a rule {name}"
                if files.test
                else f"add one with polarity {polarity}"
            )
            yield Finding("test-coverage", path, 1, 1, message, fix)
