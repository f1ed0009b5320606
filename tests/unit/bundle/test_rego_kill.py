# SPDX-License-Identifier: Apache-2.0
"""Tests that would not notice if the rule were lost are findings."""

import pytest

from bundle.rego.engine import Module
from bundle.rego.kill import without
from bundle.rego.reader import read_syntax
from bundle.rego.testing import run_tests
from tests.simulators.rego import (
    LEAF,
    RULE,
    RULE_ID,
    TEST,
    rule_files,
    shared_engine,
)

HEAD = TEST[: TEST.index("test_allows")]
POSITIVE = f'test_allows_x if count({LEAF}.deny) == 0 with input as change("CM-1")'
NEGATIVE = f'test_denies_x if count({LEAF}.deny) == 1 with input as change("main")'
LABEL = f"""
deny contains {{"rule_id": "{RULE_ID}", "message": "label"}} if {{
	"skip" in input.context.labels
}}
"""
TWO = RULE + LABEL
PARENT = """package proposal

import rego.v1

deny contains {"rule_id": "constitution.x", "message": "m"} if CONDITION
"""


def run(rule=RULE, test=TEST, parents=(), **options):
    files = rule_files(rule, test, **options)
    return run_tests(files, engine=shared_engine(), parents=parents)


def suite(*rules):
    return HEAD + "\n\n".join(rules) + "\n"


def found(report):
    return [(f.code, f.severity, f.line) for f in report.findings]


def parent(condition):
    return (Module("proposal.rego", PARENT.replace("CONDITION", condition)),)


IDLE = {
    "it asks for any number": f'test_denies_x if count({LEAF}.deny) >= 0 with input as change("main")',
    "it asks a helper": f'test_denies_x if not {LEAF}.has_ticket with input as change("main")',
    "it asks nothing": 'test_denies_x if true with input as change("main")',
    "it denies that none is there": f'test_denies_x if not count({LEAF}.deny) == 7 with input as change("main")',
}


@pytest.mark.parametrize("negative", IDLE.values(), ids=IDLE.keys())
def test_a_negative_test_that_passes_without_the_rule_refuses(negative):
    report = run(test=suite(POSITIVE, negative))
    assert not report.failed
    assert not report.passed
    assert found(report) == [("test-not-killed", "error", 14)]
    assert report.kill.idle == ("test_denies_x",)


KILLED = {
    "it counts": NEGATIVE,
    "it says not zero": f'test_denies_x if not count({LEAF}.deny) == 0 with input as change("main")',
    "it compares": f'test_denies_x if {LEAF}.deny != set() with input as change("main")',
    "it reads a message": f'test_denies_x if {{\n\tsome d in {LEAF}.deny with input as change("main")\n\td.message == "no ticket"\n}}',
}


@pytest.mark.parametrize("negative", KILLED.values(), ids=KILLED.keys())
def test_a_negative_test_of_the_verdict_does_not(negative):
    report = run(test=suite(POSITIVE, negative))
    assert report.passed, report.text()
    assert found(report) == []


def test_a_case_of_a_case_file_is_killed_by_its_verdict():
    cases = "cases:\n- {name: a, polarity: negative, input: {context: {target: {tier: prod}}}}\n- {name: b, polarity: positive, input: {}}\n"
    report = run(test="", cases=cases)
    assert report.passed
    assert report.kill.to_json() == {
        "not_killed": [],
        "denies": [{"line": 20, "killed_by": "a"}],
        "strictness_witness": "a",
    }


def test_a_deny_whose_loss_nobody_notices_is_a_warning_at_its_line():
    report = run(TWO)
    assert report.passed
    assert found(report) == [("test-body-not-killed", "warning", 27)]
    assert report.findings[0].path == str(rule_files().rule_path)
    assert report.kill.bodies == ((20, "test_denies_no_ticket"), (27, None))


def test_a_case_that_both_denies_deny_kills_neither():
    both = 'object.union(change("main"), {"context": {"labels": ["skip"]}})'
    negative = f"test_denies_x if count({LEAF}.deny) > 0 with input as {both}"
    report = run(TWO, suite(POSITIVE, negative))
    assert found(report) == [
        ("test-body-not-killed", "warning", 20),
        ("test-body-not-killed", "warning", 27),
    ]
    counted = negative.replace("> 0", "== 2")
    assert run(TWO, suite(POSITIVE, counted)).kill.bodies == (
        (20, "test_denies_x"),
        (27, "test_denies_x"),
    )


def test_a_deny_is_killed_by_the_verdict_of_a_case_without_any_rego_test():
    tier, label = "{context: {target: {tier: prod}}}", "{context: {labels: [skip]}}"
    cases = "".join(
        f"- {{name: {name}, polarity: {polarity}, input: {document}}}\n"
        for name, polarity, document in (
            ("a", "positive", "{}"),
            ("b", "negative", tier),
            ("c", "negative", label),
        )
    )
    report = run(TWO, "", cases=f"cases:\n{cases}")
    assert report.kill.bodies == ((20, "b"), (27, "c"))


def test_each_deny_is_killed_by_the_case_that_only_it_denies():
    label = f'test_denies_label if count({LEAF}.deny) == 1 with input as {{"context": {{"labels": ["skip"]}}}}'
    report = run(TWO, suite(POSITIVE, NEGATIVE, label))
    assert found(report) == []
    assert report.kill.bodies == ((20, "test_denies_x"), (27, "test_denies_label"))


def test_cases_that_the_parents_deny_alone_do_not_show_what_the_rule_adds():
    report = run(parents=parent('input.context.target.tier == "prod"'))
    assert report.passed
    assert found(report) == [("test-no-strictness-witness", "warning", 1)]
    assert report.kill.witness is None


def test_a_lone_case_file_is_where_the_witness_is_missed():
    cases = "cases:\n- {name: a, polarity: negative, input: {context: {target: {tier: prod}}}}\n- {name: b, polarity: positive, input: {}}\n"
    report = run(test="", cases=cases, parents=parent("input.context"))
    (finding,) = report.findings
    assert finding.code == "test-no-strictness-witness"
    assert finding.path == str(rule_files(cases="").cases_path)


WITNESS = {
    "no parents": (),
    "a parent that allows": parent("input.never"),
    "a parent without denies": (Module("p.rego", "package proposal\n\nx := 1\n"),),
}


@pytest.mark.parametrize("parents", WITNESS.values(), ids=WITNESS.keys())
def test_one_negative_case_that_the_parents_allow_is_a_witness(parents):
    report = run(parents=parents)
    assert (found(report), report.kill.witness) == ([], "test_denies_no_ticket")


def test_the_first_case_that_is_a_witness_is_named():
    second = NEGATIVE.replace("test_denies_x", "test_denies_y").replace("main", "dev")
    parents = parent('input.context.pull_request.branch == "main"')
    report = run(test=suite(POSITIVE, NEGATIVE, second), parents=parents)
    assert (found(report), report.kill.witness) == ([], "test_denies_y")


def test_a_parent_without_an_answer_is_one_that_denies():
    failing = (
        *parent("w == 1"),
        Module(
            "w.rego",
            "package proposal\n\nimport rego.v1\n\nw := 1 if input.context\n\nw := 2 if input.context\n",
        ),
    )
    assert run(parents=failing).kill.witness is None


def test_the_aggregate_of_the_constitution_is_no_witness_against_itself():
    gather = "package proposal\n\nimport rego.v1\n\ndeny contains e if {\n\tsome name\n\tsome e in data.overlay[name].deny\n}\n"
    report = run(parents=(Module("aggregate.rego", gather),))
    assert report.kill.witness == "test_denies_no_ticket"


def test_a_run_with_a_failed_case_says_nothing_of_kills():
    report = run(RULE.replace("not has_ticket", "has_ticket"))
    assert report.kill is None
    assert report.findings == ()


def test_a_deny_is_cut_out_and_every_line_stays():
    module = Module(
        "x.rego", TWO + "\n# schön\n" + LABEL.replace('"label"', '"größer"')
    )
    denies = [
        rule
        for rule in read_syntax(module, shared_engine().parse(module)).rules
        if rule.root == "deny"
    ]
    cut = without(module, denies[:2]).source.split("\n")
    before = module.source.split("\n")
    kept = [(old, new) for old, new in zip(before, cut, strict=False) if new]
    assert all(old == new for old, new in kept)
    assert "größer" in "\n".join(cut)
    assert '"message": "no ticket"' not in "\n".join(cut)
    empty = shared_engine().load([without(module, denies)])
    assert empty.evaluate(f"data.overlay.{LEAF}.deny", {"context": {}}) == []
