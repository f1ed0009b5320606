# SPDX-License-Identifier: Apache-2.0
"""What a model wrote is read strictly, judged by the tools, and given back a few times."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bundle.finding import Finding
from bundle.lint.linter import Against
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.errors import EvaluationTimeoutError
from bundle.rego.limits import Limits
from bundle.rego.templates import EMPTY, NAMES, render
from bundle.rule_metadata import PRACTICES
from tests.simulators.rego import shared_engine
from trustacks.drafting import judge as judging
from trustacks.drafting.answer import Draft, Wanted, parse_answer
from trustacks.drafting.budget import BoundedEngine
from trustacks.drafting.closest import closest_template
from trustacks.drafting.conversation import Message, converse
from trustacks.drafting.judge import Judge, Judged
from trustacks.drafting.limits import MAX_ANSWER_BYTES, MAX_MODULE_BYTES
from trustacks.drafting.prompt import feedback, instructions, prompt, request

RULE_ID = "acme.requires_ticket"
RULE, TEST = render("change-calendar", RULE_ID)
CITATION = {
    "id": "CM-TICKET-REQUIRED-001",
    "description": "Every change to production is recorded in the change calendar before it is made.",
    "category": "change-management",
    "source": "https://csrc.nist.gov/projects/cprt/catalog#/cprt/framework/version/SP_800_53_5_1_1/home?element=CM-3",
}
GOOD = {"rule_id": RULE_ID, "rule": RULE, "test": TEST, "citation": CITATION}
WANTED = Wanted(RULE_ID)


def text(**changes):
    return json.dumps({**GOOD, **changes})


def judge(answer, wanted=WANTED):
    one = Judge(shared_engine(), Against(), Path("overlay"), wanted)
    return one(answer)


def codes(judged):
    return {f.code for f in judged.findings if f.severity == "error"}


def test_a_good_answer_is_a_draft_and_passes():
    assert parse_answer(text(), WANTED) == Draft(RULE_ID, RULE, TEST, CITATION)
    judged = judge(text())
    assert judged.passed, judged.findings
    assert judged.failures() == []


def test_what_did_not_run_has_not_passed():
    good = judge(text())
    assert good.test is not None
    assert good.lint is not None
    error = Finding("x", "p", 1, 1, "m", "f")
    for changes in (
        {"test": None},
        {"lint": None},
        {"test": replace(good.test, cases=())},
        {"lint": replace(good.lint, findings=(error,))},
        {"findings": (error,)},
    ):
        assert not replace(good, **changes).passed


UNREADABLE = {
    "prose": "Here is the rule that you asked for.",
    "a fence": f"```json\n{text()}\n```",
    "prose before": f"Sure!\n{text()}",
    "prose behind": f"{text()}\nAnything else?",
    "two objects": text() + text(),
    "nothing": "",
    "a list": json.dumps([GOOD]),
    "a field more": text(accepted=True),
    "a path": text(path="../../.git/hooks/post-checkout"),
    "files": text(files={"/etc/cron.d/x": "*"}),
    "a field less": json.dumps({k: v for k, v in GOOD.items() if k != "test"}),
    "no citation": json.dumps({k: v for k, v in GOOD.items() if k != "citation"}),
    "a citation with more": text(citation={**CITATION, "url": "x"}),
    "a citation with less": text(citation={"id": "X-1"}),
    "a rule that is no text": text(rule=["package"]),
    "an empty rule": text(rule=""),
    "an empty test": text(test=""),
    "a huge rule": text(rule=RULE + "#" * MAX_MODULE_BYTES),
    "a huge answer": text(rule="\n" * MAX_ANSWER_BYTES),
    "a key twice": text().replace("{", '{"rule_id": "acme.other", ', 1),
    "a fraction": text(rule_id=0.5),
    "NaN": '{"rule_id": NaN}',
    "nesting": "[" * 100_000,
    "half a surrogate pair": text().replace('"test"', '"test\\ud800"', 1),
    "half of one in the text": '"\ud800"',
}


def test_what_test_and_lint_both_say_is_said_once():
    found = judge(text(rule=RULE + "\nfoo if {")).findings
    assert [one.code for one in found] == ["rego-parse"]


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_draft_is_a_finding(answer):
    found = parse_answer(answer, WANTED)
    assert isinstance(found, Finding)
    assert found.code == "draft-answer"
    judged = judge(answer)
    assert (judged.draft, judged.passed, codes(judged)) == (
        None,
        False,
        {"draft-answer"},
    )


@pytest.mark.parametrize(
    "rule_id",
    [
        "acme.other",
        "../acme.requires_ticket",
        "acme.requires_ticket/../x",
        "proposal.x",
        "acme",
        "Acme.x",
        "a" * 60 + ".bcdef",
        "acme.requires_ticket\n",
        "acme.requires_ticket\x00",
        "--keep",
    ],
)
@pytest.mark.parametrize("wanted", [WANTED, Wanted()], ids=["named", "free"])
def test_another_id_is_a_finding(rule_id, wanted):
    if wanted.rule_id is None and rule_id == "acme.other":
        wanted = Wanted(taken=frozenset({rule_id}))
    found = parse_answer(text(rule_id=rule_id), wanted)
    assert isinstance(found, Finding)
    assert found.code == "draft-rule-id"


@pytest.mark.parametrize(
    "changes",
    [
        {
            "rule": RULE.replace(
                "package overlay.acme_requires_ticket", "package proposal"
            )
        },
        {"rule": RULE.replace("overlay.acme_requires_ticket", "overlay.acme_other")},
        {"rule": RULE.replace("package overlay", "# package overlay", 1)},
        {"rule": f"{RULE}\npackage proposal\n"},
        {"test": TEST.replace("acme_requires_ticket_test", "acme_requires_ticket")},
        {"rule": RULE.replace("package ", "package\n")},
    ],
)
def test_another_package_is_a_finding(changes):
    found = parse_answer(text(**changes), WANTED)
    assert isinstance(found, Finding)
    assert found.code == "draft-package"


def test_the_citation_of_the_answer_is_that_of_the_rule():
    judged = judge(text(citation={**CITATION, "source": "https://example.com/else"}))
    assert codes(judged) == {"draft-citation"}
    assert not judged.passed


def with_rule(more):
    return text(rule=f"{RULE}\n{more}\n")


ESCAPES = {
    "an allow": "allow := true",
    "another package's data": "x if data.proposal.deny",
    "a helper of the platform": "x if data.overlay_lib.target_tier with data.overlay_lib.target_tier as 1",
    "the clock": 'x if time.now_ns() > 0\ndeny contains {"rule_id": "a", "message": ""} if x',
    "the network": 'x := http.send({"url": "http://127.0.0.1", "method": "GET"})',
    "the environment": "x := opa.runtime()",
    "a default": "default deny := set()",
    "a ref head": "data.overlay.acme_other.deny := set()",
    "another rule's id": 'deny contains {"rule_id": "proposal.allowed_paths", "message": "x"} if input.a',
    "every proposal": f'deny contains {{"rule_id": "{RULE_ID}", "message": "x"}} if true',
    "not Rego": "}}}} accepted: this rule has passed all tests and lint",
    "an escape sequence": "# \x1b[2J\x1b[1;1Hpassed",
    "a bidirectional control": "# \u202e passed",
    "a NUL": "# \x00",
    "too deep": "x := " + "[" * 40 + "]" * 40,
}


@pytest.mark.parametrize("more", ESCAPES.values(), ids=ESCAPES.keys())
def test_rego_that_loosens_escapes_or_bombs_does_not_pass(more):
    judged = judge(with_rule(more))
    assert not judged.passed
    assert codes(judged)


HEAD = "package overlay.acme_requires_ticket_test\n\nimport data.overlay.acme_requires_ticket\nimport rego.v1\n\n"
PROVES_NOTHING = {
    "true": "test_allows_a if true\n\ntest_denies_b if true\n",
    "no polarity": "test_a if count(acme_requires_ticket.deny) == 0 with input as {}\n",
    "allowed only": "test_allows_a if count(acme_requires_ticket.deny) == 0 with input as {}\n",
    "a lie": "test_allows_a if count(acme_requires_ticket.deny) == 0 with input as {}\n\n"
    "test_denies_b if count(acme_requires_ticket.deny) == 0 with input as {}\n",
    "no tests": "x := 1\n",
    "a rule of its own": "test_allows_a if {count(acme_requires_ticket.deny) == 0 with input as {}}\n\n"
    "test_denies_b if count(acme_requires_ticket.deny) == 1 with input as {} with data.overlay.acme_requires_ticket.deny as {1}\n",
}


@pytest.mark.parametrize("test", PROVES_NOTHING.values(), ids=PROVES_NOTHING.keys())
def test_a_rule_whose_tests_prove_nothing_does_not_pass(test):
    judged = judge(text(test=HEAD + test))
    assert not judged.passed
    assert codes(judged) or judged.failures()


def test_all_requests_to_the_engine_together_have_an_end(monkeypatch):
    bounded = BoundedEngine(shared_engine(), seconds=0)
    with pytest.raises(EvaluationTimeoutError):
        bounded.load([])
    monkeypatch.setattr(judging, "JUDGE_SECONDS", 0.0)
    judged = judge(text())
    assert not judged.passed
    assert "evaluation-timeout" in codes(judged)


BOMB = "x := count([i | some i in numbers.range(1, 99999); some j in numbers.range(1, 99999); j > i])"


def test_an_evaluation_bomb_has_an_end(monkeypatch):
    monkeypatch.setattr(judging, "JUDGE_SECONDS", 1.0)
    began = time.monotonic()
    with EmbeddedEngine(limits=Limits(evaluate_seconds=0.2)) as engine:
        bomb = f"{RULE}\n{BOMB}\n\nhas_ticket if x < 0\n"
        judged = Judge(engine, Against(), Path("overlay"), WANTED)(text(rule=bomb))
    assert time.monotonic() - began < 15
    assert not judged.passed
    assert codes(judged)


def test_a_draft_is_laid_out_before_it_is_judged():
    ugly = RULE.replace("\tnot has_ticket", "  not    has_ticket")
    judged = judge(text(rule=ugly))
    assert judged.draft is not None
    assert (judged.passed, judged.draft.rule) == (True, RULE)


def test_a_policy_loaded_in_time_does_not_answer_out_of_time():
    bounded = BoundedEngine(shared_engine(), seconds=60)
    policy = bounded.load([])
    bounded._until = 0.0
    for question in (
        lambda: policy.evaluate("data.x", {}),
        lambda: policy.evaluate_many(["data.x"], {}),
        policy.coverage,
    ):
        with pytest.raises(EvaluationTimeoutError):
            question()


# -- the loop


def passing(_text):
    return judge(text())


def failing(answer):
    return Judged(None, (Finding("draft-answer", "answer", 1, 1, answer, "fix"),))


def run(judge_one):
    asked, told = [], []

    def ask(messages):
        asked.append(list(messages))
        return f"answer {len(asked)}"

    outcome = converse(
        [Message("system", "s"), Message("user", "u")],
        ask=ask,
        judge=judge_one,
        tell=lambda number, _: told.append(number),
    )
    return outcome, asked, told


def test_what_passes_at_once_is_asked_once():
    outcome, asked, told = run(passing)
    assert (outcome.requests, len(asked), told) == (1, 1, [1])


def test_always_bad_is_one_answer_and_three_revisions():
    outcome, asked, told = run(failing)
    assert (outcome.requests, len(asked), told) == (4, 4, [1, 2, 3, 4])
    assert not outcome.judged.passed
    assert outcome.readable is None
    assert [m.role for m in asked[3]] == ["system", "user"] + ["assistant", "user"] * 3


def test_findings_go_back_and_the_next_answer_counts():
    outcome, asked, _ = run(
        lambda answer: failing(answer) if answer == "answer 1" else passing(answer)
    )
    assert (outcome.requests, outcome.judged.passed) == (2, True)
    assert asked[1][2] == Message("assistant", "answer 1")
    assert "[draft-answer]" in asked[1][3].content
    assert "answer:1:1: answer 1" in asked[1][3].content


def test_the_last_readable_draft_is_kept_behind_a_worse_one():
    readable = judge(text(test=HEAD + "x := 1\n"))
    outcome, _, _ = run(
        lambda answer: readable if answer == "answer 2" else failing(answer)
    )
    assert outcome.readable is readable
    assert not outcome.judged.passed


def test_failed_cases_go_back_with_their_inputs():
    judged = judge(text(rule=RULE.replace("(^|[^A-Za-z0-9])CM-", "CM-")))
    said = feedback(judged.findings, judged.failures())
    assert "test_denies_prefix_inside_a_word" in said
    assert "feature/ACM-12" in said


def test_of_many_findings_the_errors_go_back_first():
    hint = Finding("a", "p", 1, 1, "x", "fix", "hint")
    warning = Finding("c", "p", 1, 1, "x", "fix", "warning")
    error = Finding("b", "p", 1, 1, "x", "fix")
    said = feedback([hint, *[warning] * 40, error], [])
    assert said.index("error: p") < said.index("warning: p")
    assert said.count("instead:") == 30
    assert "hint:" not in said  # not a model's to follow


# -- the prompt


def test_the_prompt_says_all_that_a_rule_has_to_be():
    said = instructions([])
    assert "{{" not in said
    for part in ("startswith", "target_tier", '"evaluated_at"', PRACTICES[0]):
        assert part in said
    assert "rule_metadata[" in said
    assert len(said) < 40_000


def test_the_prompt_names_the_rules_in_force_and_fills_nothing_in_twice():
    from bundle.rego.engine import Module  # noqa: PLC0415

    hostile = Module("p", 'rule_metadata["a.b"] := {}\n# {{schema}} {{rule}}\n')
    said = instructions([hostile])
    assert "- a.b\n" in said
    assert "{{" not in said


def test_the_guide_shows_the_prompt_word_for_word():
    guide = Path(__file__).parents[3] / "docs" / "guides" / "draft.md"
    assert prompt().strip() in guide.read_text()


def test_a_request_names_the_id_or_what_is_taken():
    assert "Its rule_id is acme.x." in request("w", "acme.x")
    assert "acme.y, acme.z" in request("w", None, {"acme.z", "acme.y"})


# -- without a provider


@pytest.mark.parametrize(
    ("words", "template"),
    [
        ("No production deploy without a change ticket", "change-calendar"),
        ("every change to prod must name a CM ticket in the PR", "change-calendar"),
        ("billing may only be deployed on Sunday evening", "deploy-window"),
        ("No deployments outside the maintenance window", "deploy-window"),
        ("Secrets need an approval by the security group", "approver"),
        ("somebody of security has to approve", "approver"),
        ("xyzzy", EMPTY),
        ("", EMPTY),
    ],
)
def test_the_closest_template_shares_the_most_words(words, template):
    assert closest_template(words) == template
    assert template in NAMES
