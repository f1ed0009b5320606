# SPDX-License-Identifier: Apache-2.0
"""A test run says what each case was, what it should be, and what it is."""

import pytest

from bundle.errors import CaseFileError
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationTimeoutError,
    RegoParseError,
)
from bundle.rego.limits import Limits
from bundle.rego.testing import report_tests, run_tests
from keys.digest import Digest
from keys.fields import Fields
from keys.strict import dumps_json
from signer.predicates.evidence import SuiteResult
from tests.simulators.rego import LEAF, RULE, RULE_ID, TEST, rule_files, shared_engine

POSITIVE = f'test_allows_x if count({LEAF}.deny) == 0 with input as change("CM-1")'
NEGATIVE = f'test_denies_x if count({LEAF}.deny) == 1 with input as change("main")'
HEAD = TEST[: TEST.index("test_allows")]
BROKEN = RULE.replace("not has_ticket", "has_ticket")


def run(rule=RULE, test=TEST, **options):
    return run_tests(rule_files(rule, test, **options), engine=shared_engine())


def suite(*rules):
    return HEAD + "\n\n".join(rules) + "\n"


def codes(report):
    return [finding.code for finding in report.findings]


def test_a_rule_whose_cases_are_as_expected_passes():
    report = run()
    assert report.passed
    assert [(c.name, c.polarity, c.expected, c.actual) for c in report.cases] == [
        ("test_allows_ticket", "positive", "allow", "allow"),
        ("test_denies_no_ticket", "negative", "deny", "deny"),
    ]
    assert report.text() == f"{RULE_ID}: passed, 2 of 2 cases"


def test_the_report_is_the_test_object_of_an_attestation():
    document = run().to_json()
    assert SuiteResult.parse(Fields(document, "test")).to_json() == document
    target = {"name": "eu-1", "tier": "prod"}
    input_ = {"context": {"target": target, "pull_request": {"branch": "main"}}}
    digest = str(Digest.of(dumps_json(input_)))
    assert document["cases"][1]["input"] == digest
    assert (document["engine"], document["engine_version"]) == ("regorus", "0.13.0")


def test_a_failure_names_the_case_and_shows_verdicts_input_and_denies():
    report = run(BROKEN)
    assert not report.passed
    text = report.text()
    path = rule_files().test_path
    assert f"FAIL test_allows_ticket ({path}:12)" in text
    assert "expected verdict: allow\n  actual verdict:   deny" in text
    assert f"deny: {RULE_ID}: no ticket" in text
    assert '"branch": "CM-1"' in text
    assert "FAIL test_denies_no_ticket" in text
    assert text.endswith(f"{RULE_ID}: failed, 0 of 2 cases")


def test_a_test_whose_own_condition_fails_is_a_failure_although_the_verdict_is_right():
    wrong = NEGATIVE.replace("== 1", "== 7")
    report = run(test=suite(POSITIVE, wrong))
    (case,) = report.failed
    assert (case.actual, case.expected) == ("deny", "deny")
    assert "own condition" in case.reason


def test_a_rule_that_has_no_answer_fails_both_polarities():
    rule = RULE.replace("target_tier ==", "startswith(input.n, 1)\n\ttarget_tier ==")
    cases = "\n".join(
        f"- {{name: {p}, polarity: {p}, input: {{n: x}}}}"
        for p in ("positive", "negative")
    )
    report = run(rule, "", cases=f"cases:\n{cases}\n")
    assert [case.actual for case in report.cases] == ["error", "error"]
    assert not any(case.passed for case in report.cases)
    assert "startswith" in report.cases[0].reason


COVERAGE = {
    "no positive case": (suite(NEGATIVE), ["test-coverage"]),
    "no negative case": (suite(POSITIVE), ["test-coverage"]),
    "no test at all": (HEAD, ["test-coverage", "test-coverage"]),
    "a test without polarity": (
        suite(POSITIVE, NEGATIVE, POSITIVE.replace("test_allows_x", "test_x")),
        ["test-polarity"],
    ),
    "a test without input": (
        suite(POSITIVE, NEGATIVE, "test_denies_y if 1 == 1"),
        ["test-input"],
    ),
    "a failed test without input": (
        suite(POSITIVE, NEGATIVE, "test_denies_y if 1 == 2"),
        ["test-input", "test-failed"],
    ),
    "another package": (
        TEST.replace(f"{LEAF}_test", "other_test"),
        ["test-package"] + ["test-coverage"] * 2,
    ),
    "the rule's own package": (
        TEST.replace(f"package overlay.{LEAF}_test", f"package overlay.{LEAF}"),
        ["test-package"] + ["test-coverage"] * 2,
    ),
    "a replaced library": (
        suite(
            POSITIVE,
            NEGATIVE.replace(
                "with input", 'with data.overlay_lib.target_tier as "prod" with input'
            ),
        ),
        ["test-mocks"] + ["test-coverage"] * 2,
    ),
    "a replaced helper": (
        suite(POSITIVE + f" with data.overlay.{LEAF}.has_ticket as true", NEGATIVE),
        ["test-mocks"] + ["test-coverage"] * 2,
    ),
}


@pytest.mark.parametrize(("test", "expected"), COVERAGE.values(), ids=COVERAGE.keys())
def test_tests_that_prove_too_little_are_findings(test, expected):
    report = run(test=test)
    assert codes(report) == expected
    assert not report.passed


def test_metadata_says_the_polarity_of_a_test():
    comment = "# METADATA\n# custom:\n#   polarity: negative\n"
    named = comment + NEGATIVE.replace("test_denies_x", "test_main_branch")
    report = run(test=suite(POSITIVE, named))
    assert report.passed
    assert report.cases[1].polarity == "negative"


def test_metadata_of_another_polarity_is_a_finding():
    comment = "# METADATA\n# custom:\n#   polarity: maybe\n"
    report = run(test=suite(POSITIVE, comment + NEGATIVE))
    assert "test-polarity" in codes(report)


FORMS = {
    "a call": 'count({deny}) == 1 with input as change("main")',
    "a literal": 'count({deny}) == 1 with input as {{"context": {{"target": {{"tier": "prod"}}}}}}',
    "a text at the end": 'count({deny}) == 1 with input.context.target.tier as "prod"',
    "two parts": 'count({deny}) == 1 with input.context.target.tier as "prod" with input.x as 1',
    "a negation": 'not count({deny}) == 0 with input as change("main")',
    "a local of the test": 'doc := change("main")\n\tcount({deny}) == 1 with input as doc',
    "a text first": '"x" in {{"x"}}\n\tcount({deny}) == 1 with input as change("main")',
    "a loop": 'some b in ["main", "dev"]\n\tcount({deny}) == 1 with input as change(b)',
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_input_of_a_test_is_found_however_it_is_written(form):
    body = form.format(deny=f"{LEAF}.deny")
    report = run(test=suite(POSITIVE, f"test_denies_y if {{\n\t{body}\n}}"))
    assert report.passed, report.text()
    assert all("context" in case.input for case in report.cases)


def test_a_loop_has_a_case_for_each_input():
    body = FORMS["a loop"].format(deny=f"{LEAF}.deny")
    report = run(test=suite(POSITIVE, f"test_denies_y if {{\n\t{body}\n}}"))
    assert [case.name for case in report.cases[1:]] == [
        "test_denies_y #1",
        "test_denies_y #2",
    ]


def test_one_test_of_two_polarities_fails():
    both = f'test_allows_both if {{\n\tsome b in ["CM-1", "main"]\n\tcount({LEAF}.deny) < 2 with input as change(b)\n}}'
    report = run(test=suite(POSITIVE, NEGATIVE, both))
    (case,) = report.failed
    assert case.actual == "deny"


def test_the_platforms_library_is_there_for_a_rule_without_parents():
    assert run().passed


def test_a_test_file_that_does_not_parse_has_its_place():
    with pytest.raises(RegoParseError) as caught:
        run(test=TEST + "p := ")
    assert caught.value.path == str(rule_files().test_path)


def test_a_name_twice_is_a_finding():
    cases = "cases: [{name: test_allows_ticket, polarity: negative, input: {context: {target: {tier: prod}}}}]"
    assert codes(run(cases=cases)) == ["test-name"]


def test_case_files_add_to_the_tests():
    cases = "cases: [{name: a branch, polarity: negative, input: {context: {target: {tier: prod}}}}]"
    report = run(cases=cases)
    assert report.passed
    assert [case.name for case in report.cases][-1] == "a branch"


def test_a_case_file_that_is_broken_is_refused():
    with pytest.raises(CaseFileError):
        run(cases="cases: 1")


class OneAtATime:
    """An engine that has no answer to more than one test at a time."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def load(self, modules, **options):
        policy = self._engine.load(modules, **options)
        ask = policy.evaluate_many

        def evaluate_many(paths, document):
            if sum(".test_" in path for path in paths) > 1:
                raise EvaluationTimeoutError("expected an answer in time, got none")
            return ask(paths, document)

        policy.evaluate_many = evaluate_many
        return policy


def test_tests_that_need_too_much_together_are_asked_one_at_a_time():
    two = TEST + NEGATIVE.replace("main", "dev") + "\n"
    slow = run_tests(rule_files(test=two), engine=OneAtATime(shared_engine()))
    assert slow.passed
    assert slow == run(test=two)


BOMB = (
    "\n\tsome x in numbers.range(1, 100000)\n\tsome y in numbers.range(1, 100000)"
    "\n\tx * y < 0"
)


def bombed(count, **limits):
    """A rule that takes for ever on some of these cases, and their names."""
    rule = RULE.replace("not has_ticket", f"input.bomb{BOMB}")
    cases = [
        f"- {{name: n{n}, polarity: negative, input: {{bomb: true, context: {{target: {{tier: prod}}}}}}}}\n"
        for n in range(count)
    ]
    files = rule_files(rule, "", cases="cases:\n" + "".join(cases))
    with EmbeddedEngine(limits=Limits(evaluate_seconds=0.2)) as engine:
        return report_tests(files, engine=engine, parents=(), coverage=True)


def test_a_case_that_ends_the_engine_fails_and_is_asked_no_more():
    report = bombed(2)
    assert [case.actual for case in report.cases] == ["error", "error"]
    assert [case.conditions for case in report.cases] == [(), ()]
    assert "in time" in report.cases[0].reason
    assert report.reached is None


def test_a_run_that_ends_the_engine_again_and_again_is_given_up():
    report = bombed(5)
    assert report.cases == ()
    assert codes(report) == ["evaluation-timeout"]
    assert not report.passed


def test_what_keeps_tests_from_running_is_a_finding_with_its_place():
    def place(rule=RULE, test=TEST, **options):
        files = rule_files(rule, test, **options)
        report = report_tests(files, engine=shared_engine(), parents=(), coverage=True)
        (finding,) = report.findings
        assert (report.passed, report.cases) == (False, ())
        return finding.code, finding.path.rpartition("/")[2], finding.line

    assert place(RULE + "p := ") == ("rego-parse", f"{RULE_ID}.rego", 26)
    assert place(test=TEST + "p := ") == ("rego-parse", f"{RULE_ID}_test.rego", 15)
    unsafe = RULE.replace("not has_ticket", "y == 1")
    assert place(unsafe) == ("rego-compile", f"{RULE_ID}.rego", 22)
    assert place(cases="cases:\n- 1\n") == (
        "case-file-format",
        f"{RULE_ID}.cases.yaml",
        1,
    )
    wrong = "cases:\n- {name: a, polarity: positive, input: {}}\n- {name: b}\n"
    assert place(cases=wrong)[2] == 3


def test_an_engine_that_does_not_start_is_no_finding():
    class Absent(OneAtATime):
        def parse(self, module):
            raise EngineUnavailableError("expected an engine, got none")

    with pytest.raises(EngineUnavailableError):
        report_tests(
            rule_files(), engine=Absent(shared_engine()), parents=(), coverage=True
        )


def test_what_a_lone_case_file_leaves_out_is_said_of_it():
    negative = "{name: a, polarity: negative, input: {context: {target: {tier: prod}}}}"
    (finding,) = run(test="", cases=f"cases: [{negative}]").findings
    assert (finding.code, finding.fix) == (
        "test-coverage",
        "add one with polarity positive",
    )
    assert finding.path == str(rule_files(cases="").cases_path)
    (finding,) = run(test=suite(NEGATIVE)).findings
    assert (finding.path, finding.fix) == (
        str(rule_files().test_path),
        "add a rule test_allows_...",
    )


@pytest.mark.parametrize("polarity", ["positive", "negative"])
def test_a_missing_polarity_names_the_case_to_add(polarity):
    test = suite(POSITIVE if polarity == "negative" else NEGATIVE)
    text = run(test=test).text()
    word, name = (
        ("allowed", "allows") if polarity == "positive" else ("denied", "denies")
    )
    assert text == (
        f"error: {rule_files().test_path}:1:1: expected a {polarity} case, one that is "
        f"{word}, got none [test-coverage]\n"
        f"  fix: add a rule test_{name}_...\n"
        f"{RULE_ID}: failed, 1 of 1 cases"
    )
