# SPDX-License-Identifier: Apache-2.0
"""A failed case says which conditions held, as the engine says, and nothing guessed."""

import pytest

from bundle.overlay import find_rule
from bundle.rego.engine import UNDEFINED
from bundle.rego.errors import EvaluationCrashError
from bundle.rego.explain import MAX_EXPLAINED
from bundle.rego.suite import Suite
from bundle.rego.templates import NAMES
from bundle.rego.testing import run_tests
from bundle.rego.trace import Tracer
from tests.simulators.rego import (
    DENY,
    LEAF,
    RULE,
    RULE_ID,
    TEST,
    rule_files,
    shared_engine,
    write_rule,
)

HEAD = TEST[: TEST.index("test_allows")]
OPEN = RULE.replace(
    'startswith(input.context.pull_request.branch, "CM-")', "input.context"
)


def run(rule=RULE, test=TEST, **options):
    return run_tests(rule_files(rule, test, **options), engine=shared_engine())


def deny(*statements, head=None, more=""):
    """A rule of one deny with these statements."""
    body = "".join(f"\n\t{statement}" for statement in statements)
    head = head or f'{{"rule_id": "{RULE_ID}", "message": "no ticket"}}'
    return RULE.replace(DENY, f"deny contains {head} if {{{body}\n}}\n{more}")


def steps(rule, document, *, polarity="negative", name="deny"):
    """What the first failed case says of a body: text and state of each statement."""
    cases = f"cases: [{{name: a, polarity: {polarity}, input: {document}}}]"
    (case,) = run(rule, "", cases=cases).failed
    (body,) = [one for one in case.conditions if one.name == name]
    return [(step.text, step.state) for step in body.steps]


def decided(rule, document):
    cases = f"cases: [{{name: a, polarity: negative, input: {document}}}]"
    (case,) = run(rule, "", cases=cases).failed
    return case.conditions[0].decided


TEXT = f"""FAIL test_denies_no_ticket (overlay/rules/{RULE_ID}/{RULE_ID}_test.rego:14)
  expected verdict: deny
  actual verdict:   allow
  deny: none
  deny did not fire ({RULE_ID}.rego:20)
      21  held          target_tier == "prod"
  >   22  did not hold  has_ticket
  has_ticket did not hold ({RULE_ID}.rego:25)
  >   25  did not hold  startswith(input.context.pull_request.branch, "CM-")
                        input.context.pull_request.branch is "main"
  input:
    {{
      "context": {{
        "pull_request": {{"branch": "main"}},
        "target": {{"name": "eu-1", "tier": "prod"}}
      }}
    }}

{RULE_ID}: failed, 1 of 2 cases"""


def test_a_failing_run_is_this_text_to_the_letter():
    test = TEST.replace(
        'change("CM-1")', 'change("CM-1") with input.context.target.tier as "dev"'
    )
    assert run(RULE.replace("not has_ticket", "has_ticket"), test).text() == TEXT


def test_no_line_of_a_block_is_wider_than_a_terminal_but_the_one_to_click():
    lines = run(RULE.replace("not has_ticket", "has_ticket")).text().split("\n")
    assert max(len(line) for line in lines if not line.startswith("FAIL")) <= 80


def test_a_negative_case_that_is_allowed_shows_where_each_deny_stopped():
    second = (
        f'\ndeny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if input.x == 1\n'
    )
    (case,) = run(OPEN + second).failed
    assert [
        (one.name, one.line, one.decided and one.decided.text)
        for one in case.conditions
    ] == [
        ("deny", 20, "not has_ticket"),
        ("deny", 27, "input.x == 1"),
        ("has_ticket", 25, None),
    ]


def test_a_positive_case_that_is_denied_shows_the_deny_that_fired_and_no_other():
    second = (
        f'\ndeny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if input.context\n'
    )
    case = run(RULE + second).failed[0]
    assert case.name == "test_allows_ticket"
    assert [(one.name, one.line) for one in case.conditions] == [("deny", 27)]
    assert "  deny fired (acme.requires_ticket.rego:27)\n" in run(RULE + second).text()


FORMS = {
    "in order": (
        ("input.a == 1", "input.b == 2", "input.c == 3"),
        "{a: 1, b: 0, c: 3}",
        ["held", "did not hold", "not reached"],
    ),
    "on one line": (
        ("input.a == 1; input.b == 2",),
        "{a: 1}",
        ["held", "did not hold"],
    ),
    "every": (
        ("every v in input.vs {\n\t\tv > 1\n\t\tv < 9\n\t}", "input.b"),
        "{vs: [2, 1]}",
        ["did not hold", "not reached"],
    ),
    "some": (
        ("some v in input.vs", "v > 1", "v < 3"),
        "{vs: [1, 5]}",
        ["held", "held", "did not hold"],
    ),
    "declared": (
        ("some i", "input.vs[i] == 1", "input.ws[i] == 1"),
        "{vs: [1], ws: [2]}",
        ["held", "held", "did not hold"],
    ),
    "a negation": (
        ("not input.a", "input.b"),
        "{a: true}",
        ["did not hold", "not reached"],
    ),
    "a helper's call": (
        ("named(input.a)", "input.b"),
        "{a: x}",
        ["did not hold", "not reached"],
    ),
    "a local": (
        ('x := object.get(input, "a", 0)', "x > 1"),
        "{a: 1}",
        ["held", "did not hold"],
    ),
    "false": (("input.a", "input.b"), "{a: false}", ["did not hold", "not reached"]),
}


@pytest.mark.parametrize(("body", "document", "states"), FORMS.values(), ids=FORMS)
def test_the_first_statement_that_did_not_hold_is_found(body, document, states):
    rule = deny(*body, more='\nnamed(x) if x == "y"\n')
    assert [state for _, state in steps(rule, document)] == states


def test_a_statement_is_shown_on_one_line_with_its_own_line_number():
    rule = deny(
        "input.a == 1", "every v in input.vs {\n\t\tv > 1\n\t\tv < 9\n\t}", "input.b"
    )
    cases = "cases: [{name: a, polarity: negative, input: {a: 1, vs: [2]}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert [(step.line, step.text) for step in case.conditions[0].steps] == [
        (21, "input.a == 1"),
        (22, "every v in input.vs { v > 1 v < 9 }"),
        (26, "input.b"),
    ]


def test_a_head_without_a_value_is_what_did_not_hold():
    head = f'{{"rule_id": "{RULE_ID}", "message": sprintf("%s", [input.m])}}'
    step = decided(deny("input.a == 1", head=head), "{a: 1}")
    assert (step.line, step.state, step.text) == (20, "did not hold", head)
    assert step.values == (("input.m", UNDEFINED),)
    assert len(steps(deny("input.a == 1", head=head), "{a: 0}")) == 1


def test_what_the_deciding_statement_reads_is_shown_and_a_missing_field_is_undefined():
    step = decided(
        deny("input.context.a == input.b", "input.c"), "{context: {a: [1, x]}}"
    )
    assert step.values == (("input.context.a", [1, "x"]), ("input.b", UNDEFINED))
    assert [one["name"] for one in step.to_json()["values"]] == [
        "input.context.a",
        "input.b",
    ]
    assert "value" not in step.to_json()["values"][1]
    step = decided(deny('target_tier == "prod"'), "{context: {target: {tier: dev}}}")
    assert step.values == (("target_tier", "dev"),)


def test_a_step_without_an_answer_says_why():
    conflict = "\nw := 1 if input.a\n\nw := 2 if input.a\n"
    cases = "cases: [{name: a, polarity: negative, input: {a: 1}}]"
    (case,) = run(
        deny("input.a", "w == 1", "input.b", more=conflict), "", cases=cases
    ).failed
    states = [step.state for step in case.conditions[0].steps]
    assert (case.actual, states) == ("error", ["held", "no answer", "not reached"])
    assert case.conditions[0].decided.reason
    rule = deny("input.a", 'startwith(input.b, "x")')
    cases = "cases: [{name: a, polarity: negative, input: {a: 1, b: x}}]"
    (case,) = run(rule, "", cases=cases).failed
    # Its line stands beside it, and the path would leave no room for the reason.
    reason = case.conditions[0].decided.reason
    assert reason == "could not find function startwith"


def test_helpers_that_decided_are_shown_and_others_are_not():
    more = "\na_helper if deeper\n\ndeeper if input.d == 1\n\nanother if input.e\n"
    rule = deny("input.a", "a_helper", "another", more=more)
    cases = "cases: [{name: a, polarity: negative, input: {a: 1, d: 2}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert [one.name for one in case.conditions] == ["deny", "a_helper", "deeper"]


def test_a_helper_is_shown_once_however_many_name_it_even_itself():
    again = f'\ndeny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if ready\n'
    rule = deny("ready", more="\nready if input.r\n" + again)
    cases = "cases: [{name: a, polarity: negative, input: {}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert [one.name for one in case.conditions] == ["deny", "deny", "ready"]
    endless = deny("ready", more="\nready if other\n\nother if ready\n")
    (case,) = run(endless, "", cases=cases).failed
    assert [one.name for one in case.conditions] == ["deny", "ready", "other"]


def test_of_a_helper_that_held_only_the_bodies_that_did_are_shown():
    more = "\nready if input.r\n\nready if input.s\n"
    rule = deny("ready", "input.b", more=more)
    cases = "cases: [{name: a, polarity: positive, input: {s: 1, b: 1}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert [(one.name, one.line) for one in case.conditions] == [
        ("deny", 20),
        ("ready", 27),
    ]
    cases = "cases: [{name: a, polarity: negative, input: {}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert [one.line for one in case.conditions] == [20, 25, 27]


def test_a_deny_without_a_condition_is_said_to_fire():
    always = f'\ndeny contains {{"rule_id": "{RULE_ID}", "message": "m"}}\n'
    cases = "cases: [{name: a, polarity: positive, input: {}}]"
    (case,) = run(RULE + always, "", cases=cases).failed
    assert [(one.line, one.steps) for one in case.conditions] == [(27, ())]


def test_a_helper_without_a_value_is_shown_and_a_constant_is_not():
    more = "\nlimit := 3\n\nseen := input.seen\n"
    rule = deny("limit == 3", "seen == limit", more=more)
    cases = "cases: [{name: a, polarity: negative, input: {}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert [(one.name, one.decided.text) for one in case.conditions] == [
        ("deny", "seen == limit"),
        ("seen", "input.seen"),
    ]


def test_a_test_whose_own_condition_fails_shows_which():
    test = HEAD + (
        f'test_allows_x if count({LEAF}.deny) == 0 with input as change("CM-1")\n\n'
        f'test_denies_x if {{\n\tdenies := {LEAF}.deny with input as change("main")\n'
        "\tcount(denies) == 1\n\tcount(denies) == 2\n}\n"
    )
    (case,) = run(test=test).failed
    body = case.conditions[-1]
    assert (body.name, body.path) == ("test_denies_x", str(rule_files().test_path))
    assert [step.state for step in body.steps] == ["held", "held", "did not hold"]
    assert body.decided.line == 17


def test_names_of_the_rule_do_not_meet_those_of_the_probes():
    more = "\ntrustacks_step_0_0 := 1\n\ntrustacks_step := 2\n"
    rule = deny("trustacks_step_0_0 == 1", "trustacks_step == 3", more=more)
    assert [state for _, state in steps(rule, "{}")] == ["held", "did not hold"]


def test_a_rule_whose_probes_do_not_load_fails_without_conditions():
    long = f"input.a in {{{', '.join(str(n) for n in range(220))}}}"
    rule = deny(*[f"{long} # {n}" for n in range(30)])
    cases = "cases: [{name: a, polarity: negative, input: {a: 1000}}]"
    (case,) = run(rule, "", cases=cases).failed
    assert (case.actual, case.conditions) == ("allow", ())


def test_a_long_input_is_cut_for_people_and_whole_in_json():
    files = ", ".join(f"{{path: p{n}, content: {'x' * 300}}}" for n in range(40))
    cases = f"cases: [{{name: a, polarity: negative, input: {{files: [{files}]}}}}]"
    report = run(RULE, "", cases=cases)
    text = report.text()
    assert "more lines: see --json" in text
    assert text.count("\n") < 70
    assert len(report.details()["cases"][0]["input"]["files"]) == 40


def test_only_so_many_failures_are_explained_and_all_are_shown():
    cases = "".join(
        f"- {{name: n{n}, polarity: negative, input: {{}}}}\n"
        for n in range(MAX_EXPLAINED + 2)
    )
    report = run(RULE, "", cases=f"cases:\n{cases}")
    explained = [bool(case.conditions) for case in report.failed]
    assert explained == [True] * MAX_EXPLAINED + [False] * 2
    assert report.text().count("FAIL ") == MAX_EXPLAINED + 2


def test_a_passed_case_has_no_conditions():
    assert [case.conditions for case in run().cases] == [(), ()]


def test_details_hold_everything_and_what_is_attested_stays_as_it_was():
    report = run(RULE.replace("not has_ticket", "has_ticket"))
    details = report.details()
    assert details["test"] == report.to_json()
    case = details["cases"][1]
    assert set(case) == {
        *("name", "polarity", "input", "expected", "actual"),
        *("path", "line", "passed", "reason", "denies", "conditions"),
    }
    assert case["input"]["context"]["pull_request"] == {"branch": "main"}
    assert case["conditions"][0]["statements"][1] == {
        "line": 22,
        "text": "has_ticket",
        "state": "did not hold",
        "reason": None,
        "values": [],
    }


VALUES = {
    "a local": (("x := input.a + 1", "x > 9"), "", "{a: 1}", (("x", 2),)),
    "a loop": (
        ("some v in input.vs", "v > 9"),
        "",
        "{vs: [5, 1]}",
        (("tried v", [1, 5]),),
    ),
    "a key": (
        ("some k, v in input.vs", 'v == k + "x"'),
        "",
        "{vs: {a: b}}",
        (("v", "b"), ("k", "a")),
    ),
    "a pattern": (("[h, _] := input.t", "h > 9"), "", "{t: [3, 4]}", (("h", 3),)),
    "a constant": (
        ("input.n > limit",),
        "\nlimit := 3\n",
        "{n: 1}",
        (("input.n", 1), ("limit", 3)),
    ),
    "what `every` binds is its own": (
        ("every v in input.vs {\n\t\tv > 1\n\t}", "input.b"),
        "",
        "{vs: [1]}",
        (("input.vs", [1]),),
    ),
    "a helper with a body is shown as such": (
        ("ready",),
        "\nready if input.r\n",
        "{}",
        (),
    ),
    "what a call gave": (
        ('lower(input.a) == "b"', "input.c"),
        "",
        "{a: X}",
        (("input.a", "X"), ("lower(input.a)", "x")),
    ),
    "what a call gave in a loop": (
        ("some v in input.vs", "7 < count(v)"),
        "",
        "{vs: [ab, c]}",
        (("tried v", ["ab", "c"]), ("tried count(v)", [1, 2])),
    ),
    "a call without a value": (
        ('object.get(input.a, "x", 1) > 1',),
        "",
        "{}",
        (("input.a", UNDEFINED), ('object.get(input.a, "x", 1)', UNDEFINED)),
    ),
    "a call in a negation": (
        ("x := input.a", 'not lower(x) == "x"'),
        "",
        "{a: X}",
        (("x", "X"), ("lower(x)", "x")),
    ),
    "one thing twice is said once": (
        ("x := input.a", "x > x + input.a"),
        "",
        "{a: 1}",
        (("input.a", 1), ("x", 1)),
    ),
}


@pytest.mark.parametrize(
    ("body", "more", "document", "values"), VALUES.values(), ids=VALUES
)
def test_what_the_deciding_statement_works_with_is_shown(body, more, document, values):
    assert decided(deny(*body, more=more), document).values == values


@pytest.mark.parametrize("template", NAMES)
def test_conditions_and_verdict_agree_on_every_case_of_the_templates(
    template, tmp_path
):
    write_rule(tmp_path / "overlay", RULE_ID, template)
    files = find_rule(tmp_path, RULE_ID)
    suite = Suite(files, shared_engine(), ())
    tracer = Tracer(suite, suite.rule, suite.syntax)
    cases = run_tests(files, engine=shared_engine()).cases
    assert len(cases) > 5
    for case in cases:
        bodies = [c for c in tracer.conditions("deny", case.input) if c.name == "deny"]
        fired = [one for one in bodies if one.decided is None]
        assert bool(fired) == (case.actual == "deny"), case.name
        only = tracer.conditions("deny", case.input, fired=True)
        assert [one for one in only if one.name == "deny"] == fired


class Silent:
    """An engine without an answer to questions whose path has a part."""

    def __init__(self, part):
        self._part = part
        self.refused = 0

    def __getattr__(self, name):
        return getattr(shared_engine(), name)

    def load(self, modules, **options):
        policy = shared_engine().load(modules, **options)
        ask = policy.evaluate_many

        def evaluate_many(paths, document):
            if any(self._part in path for path in paths):
                self.refused += 1
                raise EvaluationCrashError("expected an answer, got none")
            return ask(paths, document)

        policy.evaluate_many = evaluate_many
        return policy


def failed_with(engine):
    files = rule_files(RULE.replace("not has_ticket", "has_ticket"))
    return run_tests(files, engine=engine).failed


def test_values_that_an_engine_cannot_say_are_left_out_and_never_undefined():
    _, case = failed_with(Silent("_value_"))
    assert [one.decided.text for one in case.conditions] == [
        "has_ticket",
        'startswith(input.context.pull_request.branch, "CM-")',
    ]
    assert [one.decided.values for one in case.conditions] == [(), ()]


def test_an_engine_that_fails_once_is_not_asked_why_again():
    engine = Silent("trustacks_step")
    assert [case.conditions for case in failed_with(engine)] == [(), ()]
    assert engine.refused == 1
