# SPDX-License-Identifier: Apache-2.0
"""Which lines of a rule its cases reach, as the engine counts them."""

from bundle.rego.facts import Reached
from bundle.rego.testing import run_tests
from tests.simulators.rego import RULE, RULE_ID, TEST, rule_files, shared_engine

SECOND = f"""
deny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if {{
	input.context.target.tier == "dev"
	input.context.forbidden
}}
"""


def run(rule=RULE, test=TEST, **options):
    files = rule_files(rule, test, **options)
    return run_tests(files, engine=shared_engine(), coverage=True)


def test_every_line_of_logic_is_counted_and_the_metadata_is_not():
    reached = run().reached
    assert reached.covered == (20, 21, 22, 25)
    assert reached.missed == ()
    assert reached.percent == 100


def test_metadata_that_a_rule_reads_is_not_counted_either():
    reads = f'rule_metadata["{RULE_ID}"].description != ""'
    reached = run(RULE.replace("not has_ticket", f"not has_ticket\n\t{reads}")).reached
    assert reached.covered == (20, 21, 22, 23, 26)


def test_lines_that_no_case_reaches_are_shown_with_number_and_text():
    report = run(RULE + SECOND)
    assert report.reached.missed == (
        (27, f'deny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if {{'),
        (29, "input.context.forbidden"),
    )
    assert report.reached.percent == 71
    text = report.text()
    assert (
        f"no case reaches these lines of {rule_files().rule_path}\n      27  deny "
        in text
    )
    assert "\n      29  input.context.forbidden\n" in text
    assert text.endswith(f"{RULE_ID}: passed, 2 of 2 cases, 71 % of 7 lines")
    assert report.details()["coverage"] == {
        "path": str(rule_files().rule_path),
        "percent": 71,
        "covered": [20, 21, 22, 25, 28],
        "missed": [
            {"line": 27, "text": report.reached.missed[0][1]},
            {"line": 29, "text": "input.context.forbidden"},
        ],
    }


def test_every_case_counts_wherever_it_stands():
    cases = "cases:\n- {name: a, polarity: negative, input: {context: {target: {tier: dev}, forbidden: true}}}\n"
    assert run(RULE + SECOND, cases=cases).reached.percent == 100


def test_the_tests_own_lines_and_the_parents_are_not_counted():
    assert run().reached.path == str(rule_files().rule_path)


def test_without_a_case_or_unasked_there_is_no_count():
    assert run(test="").reached is None
    assert run_tests(rule_files(), engine=shared_engine()).reached is None
    assert run_tests(rule_files(), engine=shared_engine()).details()["coverage"] is None


def test_percent_is_rounded_down():
    assert Reached("x", (1,), ()).percent == 100
    assert Reached("x", tuple(range(199)), ((200, ""),)).percent == 99
    assert Reached("x", (), ((1, ""),)).percent == 0
    assert Reached("x", (), ()).percent == 100
