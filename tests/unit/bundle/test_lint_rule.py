# SPDX-License-Identifier: Apache-2.0
"""The linter says everything that is wrong with a rule, and how to write it."""

import dataclasses

import pytest

from bundle.lint import LINTER_VERSION, lint_overlay, lint_rule
from bundle.lint.linter import CHECKS, Against
from bundle.lint.siblings import Siblings
from bundle.lint.usage import MAX_RULE_LINES
from bundle.overlay import read_overlay
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.limits import Limits
from bundle.rego.templates import library
from keys.fields import Fields
from signer.predicates.evidence import LintResult
from tests.simulators.rego import (
    LEAF,
    RULE,
    RULE_ID,
    TEST,
    rule_files,
    rule_with,
    shared_engine,
    write_rule,
)


def lint(rule=RULE, test=TEST, **options):
    cases = options.pop("cases", None)
    files = rule_files(rule, test, cases=cases)
    return lint_rule(files, engine=shared_engine(), **options)


def codes(report, *severities):
    wanted = severities or ("error",)
    return [f.code for f in report.findings if f.severity in wanted]


def test_an_ordinary_rule_passes_every_check():
    report = lint()
    assert report.passed
    # This rule claims and changes nothing, is unsigned, and has no profile beside it.
    asked = {"parameters", "refinement", "change", "signature", "profile"}
    assert report.checks == tuple(check for check in CHECKS if check not in asked)
    assert codes(report, "error", "warning") == []


def test_the_report_is_the_lint_object_of_an_attestation():
    report = lint(rule_with("unused if input.x"))
    document = report.to_json()
    assert LintResult.parse(Fields(document, "lint")).to_json() == document
    assert document["linter_version"] == LINTER_VERSION
    assert document["warnings"] == [
        "helper-unused: expected unused to be used by a deny, got no use (line 27)"
    ]


def test_a_report_that_did_not_pass_says_so():
    assert lint(rule_with("default x := 1")).to_json()["verdict"] == "failed"


FINDINGS = {
    "a rule that is not confined": (
        rule_with("default unused := 1"),
        "default-not-allowed",
    ),
    "a rule that does not parse": (RULE + "p := ", "rego-parse"),
    "a citation that is not complete": (
        RULE.replace('"category"', '"kind"'),
        "citation-field",
    ),
    "an id of another rule": (RULE.replace(RULE_ID, "acme.other"), "rule-path"),
    "a deny that is the same for all inputs": (
        RULE.replace('target_tier == "prod"', "1 == 1").replace(
            "input.context.pull_request.branch", '"x"'
        ),
        "deny-without-input",
    ),
    "a class that is Unicode in one engine": (
        rule_with("x if regex.match(`^\\d+$`, input.x)"),
        "regex-not-portable",
    ),
    "a class of words": (
        rule_with("x if regex.match(`\\w`, input.x)"),
        "regex-not-portable",
    ),
    "a boundary": (
        rule_with("x if regex.match(`a\\b`, input.x)"),
        "regex-not-portable",
    ),
    "a flag": (rule_with("x if regex.match(`(?i)a`, input.x)"), "regex-not-portable"),
    "a look ahead": (
        rule_with("x if regex.match(`(?=a)`, input.x)"),
        "regex-not-portable",
    ),
    "a pattern to replace": (
        rule_with('x := regex.replace(input.x, `\\s`, "")'),
        "regex-not-portable",
    ),
    "a pattern from the input": (
        rule_with("x if regex.match(input.p, input.x)"),
        "regex-not-literal",
    ),
    "a format with another verb": (
        rule_with('x := sprintf("%05.2f", [input.x])'),
        "sprintf-not-portable",
    ),
    "a format of a quoted text": (
        rule_with('x := sprintf("%q", [input.x])'),
        "sprintf-not-portable",
    ),
    "a format with a value too few": (
        rule_with('x := sprintf("%s %s", [input.x])'),
        "sprintf-not-portable",
    ),
    "a format from the input": (
        rule_with("x := sprintf(input.f, [input.x])"),
        "sprintf-not-portable",
    ),
    "a rule that nothing binds": (rule_with("x := y"), "variable-unsafe"),
}


@pytest.mark.parametrize(("rule", "code"), FINDINGS.values(), ids=FINDINGS.keys())
def test_what_refuses_a_rule_is_found(rule, code):
    report = lint(rule)
    assert not report.passed
    assert code in codes(report)


PORTABLE = {
    "a group": "x if regex.match(`(?:a|b)[0-9]+$`, input.x)",
    "a percent": 'x := sprintf("100%% of %s, %d, %v", [input.x, input.y, input.z])',
    "a list made elsewhere": 'x := sprintf("%s", input.values)',
}


@pytest.mark.parametrize("text", PORTABLE.values(), ids=PORTABLE.keys())
def test_what_is_read_alike_is_not_found(text):
    assert codes(lint(rule_with(text))) == []


WARNINGS = {
    "unification": (rule_with("x if input.a = 1"), "unification", "warning"),
    "yaml": (rule_with("x := yaml.unmarshal(input.a)"), "yaml-types", "warning"),
    "lower": (rule_with("x := lower(input.a)"), "unicode-case", "hint"),
    "the length of a text": (
        rule_with("x := count(input.context.pull_request.title)"),
        "text-length",
        "warning",
    ),
    "a long file": (RULE + "# line\n" * MAX_RULE_LINES, "rule-long", "warning"),
}


@pytest.mark.parametrize(
    ("rule", "code", "severity"), WARNINGS.values(), ids=WARNINGS.keys()
)
def test_what_a_reviewer_should_see_does_not_refuse(rule, code, severity):
    report = lint(rule)
    assert report.passed
    assert code in codes(report, severity)


def test_a_slip_of_a_builtins_name_is_told_what_was_meant():
    (found,) = (f for f in lint(rule_with("x if startwith(input.a, input.b)")).errors)
    assert (found.code, found.fix) == (
        "builtin-not-allowed",
        "did you mean startswith?",
    )
    (found,) = (f for f in lint(rule_with("x := zzz(input.a)")).errors)
    assert found.fix == "see `trustacks rule explain builtin-not-allowed`"


def test_a_test_whose_verdict_is_right_is_said_to_fail_its_own_condition():
    report = lint(test=TEST.replace("== 1", "== 2"))
    (found, *_) = (f for f in report.errors if f.code == "test-failed")
    assert found.message.endswith(": the test's own condition does not hold")


def test_cases_that_a_reviewer_would_ask_about_are_suggested():
    assert "case-suggested" not in codes(lint(test=""), "hint")
    report = lint()
    assert codes(report, "hint") == ["case-suggested"] * 3
    hotfix = TEST.replace('"pull_request"', '"change_kind": "hotfix", "pull_request"')
    messages = [f.message for f in lint(test=hotfix).findings]
    assert not any("hotfix" in message for message in messages)


TESTS = {
    "no test file": ("", ["test-missing"]),
    "no negative case": (TEST[: TEST.index("test_denies")], ["test-coverage"]),
    "a case that fails": (TEST.replace("CM-1", "XY-1"), ["test-failed"]),
    "a test file that does not parse": (TEST + "p := ", ["rego-parse"]),
}


@pytest.mark.parametrize(("test", "expected"), TESTS.values(), ids=TESTS.keys())
def test_tests_that_prove_too_little_refuse(test, expected):
    assert codes(lint(test=test)) == expected


def test_a_case_file_that_is_broken_refuses():
    assert codes(lint(cases="cases: 1")) == ["case-file-format"]
    good, bad = "{name: a, polarity: positive, input: {}}", "{name: b}"
    (finding, *_) = lint(cases=f"cases:\n- {good}\n- {bad}\n").findings
    assert (finding.code, finding.line) == ("case-file-format", 3)


def test_a_case_file_with_both_polarities_needs_no_test_file_beside_it():
    good = "{name: a, polarity: positive, input: {}}"
    bad = "{name: b, polarity: negative, input: {context: {target: {tier: prod}}}}"
    assert codes(lint(test="", cases=f"cases:\n- {good}\n- {bad}\n")) == []
    assert codes(lint(test="", cases=f"cases:\n- {good}\n")) == ["test-coverage"]


def test_what_was_not_looked_at_is_not_among_the_checks():
    assert lint(RULE + "p := ").checks == ("parse",)
    assert "tests" not in lint(rule_with("default x := 1")).checks
    assert "tests" not in lint(rule_with("x := y")).checks


def test_a_rule_that_is_not_confined_is_not_run():
    bomb = rule_with("f(x) := f(x)\nboom := f(1)")
    assert codes(lint(bomb)) == ["recursion"]


def test_a_rule_that_takes_too_long_is_refused():
    slow = rule_with(
        "boom if {\n\tsome x in numbers.range(1, 100000)\n"
        "\tsome y in numbers.range(1, 100000)\n\tx * y < 0\n}"
    )
    with EmbeddedEngine(limits=Limits(evaluate_seconds=0.2)) as engine:
        report = lint_rule(rule_files(slow), engine=engine)
    assert codes(report) == ["evaluation-timeout"]


def test_a_rule_is_linted_against_its_parents():
    parent = Module("broken.rego", "package proposal\nimport rego.v1\np := ")
    report = lint(against=Against(parents=[library(), parent]))
    assert codes(report) == ["combined-compile"]
    assert report.findings[0].path == "broken.rego"


def test_text_shows_the_line_and_where_in_it():
    rule = rule_with("\tdefault x := 1")
    text = lint(rule).text({str(rule_files().rule_path): rule})
    assert "error: overlay/rules" in text
    assert "  | \tdefault x := 1\n  | \t^\n  fix: write a helper" in text
    assert text.endswith("1 error, 1 warning")


def test_an_overlay_is_linted_with_each_rule_against_the_others(tmp_path):
    root = tmp_path / "overlay"
    write_rule(root, "acme.one")
    path = write_rule(root, "acme.two")
    path.write_text(path.read_text().replace("overlay.acme_two", "overlay.acme_one"))
    test = path.with_name("acme.two_test.rego")
    test.write_text(test.read_text().replace("acme_two", "acme_one"))
    reports = list(lint_overlay(read_overlay(root), engine=shared_engine()))
    assert [report.rule_id for report in reports] == ["acme.one", "acme.two"]
    assert [codes(report) for report in reports] == [["package-duplicate"]] * 2


def test_a_finding_about_a_sibling_is_not_this_rules():
    report = lint(against=Against(siblings=Siblings()))
    assert report.passed


def test_a_rule_without_metadata_still_has_a_name_in_the_report():
    files = dataclasses.replace(rule_files("package overlay.x"), rule_id="")
    report = lint_rule(files, engine=shared_engine())
    assert report.rule_id == "unknown"
    assert codes(report)[0] == "metadata-missing"


def test_a_leaf_need_not_be_the_id():
    rule, test = (text.replace(LEAF, "tickets") for text in (RULE, TEST))
    assert lint(rule, test).passed
