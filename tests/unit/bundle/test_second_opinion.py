# SPDX-License-Identifier: Apache-2.0
"""Two engines are asked the same; who differs is a finding, who agrees is named."""

import threading
from dataclasses import replace

import pytest

from bundle.lint import lint_rule
from bundle.rego.both import Asked, BothEngines
from bundle.rego.confirm import confirmed
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import EngineId, Module
from bundle.rego.errors import (
    EngineDisagreementError,
    EvaluationError,
    OpaUnsuitableError,
)
from bundle.rego.opa import OpaEngine
from bundle.rego.opa_query import ask_opa
from bundle.rego.opinion import second_opinion
from bundle.rego.remember import RememberingEngine
from bundle.rego.templates import library
from bundle.rego.testing import run_tests
from tests.ratchet.stacks import parents
from tests.simulators.opa import installed_opa, stand_in
from tests.simulators.rego import LEAF, RULE, RULE_ID, rule_files, rule_with

DENY = f"data.overlay.{LEAF}.deny"
# It denies in regorus and not in OPA, where the field is missing.
UNPORTABLE = rule_with(
    f'deny contains {{"rule_id": "{RULE_ID}", "message": "x"}} if {{\n'
    '\tnot startswith(input.context.service, "x")\n}'
)


@pytest.fixture(scope="module")
def engines():
    with EmbeddedEngine() as first:
        yield first, OpaEngine(first, path=installed_opa())


@pytest.fixture
def both(engines):
    return BothEngines(*engines)


def reports_of(both, rule=RULE, layers=()):
    files = rule_files(rule)
    return [
        run_tests(files, engine=both, parents=layers),
        lint_rule(files, engine=both),
    ]


@pytest.mark.parametrize("layers", [(), parents()], ids=["alone", "with parents"])
def test_who_agrees_stands_in_both_reports(both, engines, layers):
    reports = confirmed(both, reports_of(both, layers=layers))
    assert [report.passed for report in reports] == [True, True]
    expected = EngineId("opa", engines[1].version)
    assert [report.second_opinion for report in reports] == [expected] * 2
    for report in reports:
        value = report.to_json()["second_opinion"]
        assert value == {"engine": "opa", "engine_version": expected.version}


def test_without_a_second_engine_nothing_is_said(engines):
    reports = confirmed(engines[0], reports_of(engines[0]))
    assert [report.to_json()["second_opinion"] for report in reports] == [None] * 2


def test_who_differs_is_an_error_with_both_answers(both):
    reports = [run_tests(rule_files(UNPORTABLE), engine=both)]
    (report,) = confirmed(both, reports)
    found = [f for f in report.findings if f.code == "engines-disagree"]
    assert found
    assert not report.passed
    assert report.second_opinion is None
    assert {(f.severity, f.path) for f in found} == {
        ("error", str(rule_files().rule_path))
    }
    assert "of regorus" in found[0].message
    assert "of opa" in found[0].message
    assert '"message": "x"' in found[0].message


def test_evidence_of_a_disagreement_has_question_and_answers(both):
    run_tests(rule_files(UNPORTABLE), engine=both)
    with pytest.raises(EngineDisagreementError) as caught:
        second_opinion(both).require_agreement()
    assert caught.value.code == "engines-disagree"
    one = caught.value.evidence["disagreements"][0]
    assert one["question"] == DENY
    assert one["first"] != one["second"]


def test_agreement_refuses_nothing(both):
    run_tests(rule_files(), engine=both)
    second_opinion(both).require_agreement()


def test_what_only_one_engine_compiles_is_a_disagreement_with_its_place(both):
    """regorus knows no types: OPA finds that a text is compared with a number."""
    rule = rule_with('helper if count("x") == "1"')
    (report,) = confirmed(both, [run_tests(rule_files(rule), engine=both)])
    (found,) = [f for f in report.findings if f.code == "engines-disagree"]
    assert "match error" in found.message
    assert found.line == rule[: rule.index("helper")].count("\n") + 1


def ask(both, module, document, *more):
    both.parse(module)
    return both.load([module, library(), *more]).evaluate(
        f"data.{module.source.split()[1]}.deny", document
    )


def module(name, body):
    source = f"package overlay.{name}\n\nimport rego.v1\n\ndeny contains {body}\n"
    return Module(f"rules/{name}/{name}.rego", source)


def test_many_rules_are_asked_in_one_process(both, monkeypatch):
    asked = []

    def counted(*arguments, **named):
        asked.append(len(arguments[2]))
        return ask_opa(*arguments, **named)

    monkeypatch.setattr("bundle.rego.opinion.ask_opa", counted)
    for number in range(30):
        one = module(f"acme_{number}", f'"{number}" if input.n == {number}')
        for n in (number, number, 99):
            ask(both, one, {"n": n})
    opinion = second_opinion(both)
    assert opinion.disagreements == ()
    assert asked == [60]
    assert len(opinion.files) == 30


def test_very_many_rules_are_asked_in_several_processes(both, monkeypatch):
    monkeypatch.setattr("bundle.rego.opinion_groups.MAX_TOGETHER", 4)
    asked = []

    def counted(*arguments, **named):
        asked.append(len(arguments[2]))
        return ask_opa(*arguments, **named)

    monkeypatch.setattr("bundle.rego.opinion.ask_opa", counted)
    for number in range(10):
        ask(both, module(f"acme_{number}", '"x" if input.n'), {"n": 1})
    opinion = second_opinion(both)
    assert sorted(asked) == [2, 4, 4]
    assert (len(opinion.files), opinion.disagreements) == (10, ())


def test_one_rule_that_opa_refuses_takes_no_other_with_it(both):
    good, bad = (
        module("a", '"x" if input.n'),
        module("b", '"x" if count("y") == "1"'),
    )
    ask(both, good, {"n": 1})
    ask(both, bad, {"n": 1})
    (one,) = second_opinion(both).disagreements
    assert one.file == bad.path


def test_one_question_that_fails_in_opa_takes_no_other_with_it(both):
    good = module("a", '"x" if input.n')
    bad = module("b", "x if x := to_number(input.text)")
    for n in (1, 2, 3):
        ask(both, good, {"n": n})
    ask(both, bad, {"text": "1"})
    failing = _asked((bad,), "data.overlay.b.deny", {"text": "a"})
    both.transcript.add([failing._replace(answer=[1])])
    (one,) = second_opinion(both).disagreements
    assert (one.file, one.document) == (bad.path, {"text": "a"})
    assert isinstance(one.second, EvaluationError)


def test_what_the_first_engine_cannot_answer_is_not_asked(both):
    """It refuses by itself: no answer is a deny, whatever another engine says."""
    bad = module("b", "x if x := to_number(input.text)")
    with pytest.raises(EvaluationError):
        ask(both, bad, {"text": "a"})
    assert second_opinion(both).files == frozenset()


def test_an_error_beside_answers_is_not_asked_either(both):
    bad = module("b", "x if x := to_number(input.text)")
    both.parse(bad)
    (found,) = both.load([bad]).evaluate_many(["data.overlay.b.deny"], {"text": "a"})
    assert isinstance(found, EvaluationError)
    assert second_opinion(both).files == frozenset()


def test_a_disagreement_that_is_no_reports_is_everybodys(both):
    """A rule that is named by its path may lie under any name."""
    report = run_tests(rule_files(), engine=both)
    one = Module("elsewhere.txt", 'package overlay.b\n\ndeny contains "x"\n')
    both.parse(one)
    lie = _asked((one,), "data.overlay.b.deny", {})._replace(answer=[])
    both.transcript.add([lie])
    (report,) = confirmed(both, [report])
    assert not report.passed
    assert report.second_opinion is None


def _asked(modules, path, document):
    return Asked(modules, {}, path, document, None)


def test_two_versions_of_a_rule_are_each_asked_as_they_are(both):
    for text in ('"x" if input.n', '"x" if not input.n'):
        assert ask(both, module("a", text), {"n": 1}) in (["x"], [])
    opinion = second_opinion(both)
    assert opinion.disagreements == ()
    assert opinion.files == {"rules/a/a.rego"}


def test_a_lie_of_the_first_engine_is_found(both):
    one = module("a", '"x" if input.n')
    both.parse(one)
    both.transcript.add(
        [_asked((one,), "data.overlay.a.deny", {"n": 1})._replace(answer=[])]
    )
    (found,) = second_opinion(both).disagreements
    assert (found.first, found.second) == ([], ["x"])


@pytest.mark.parametrize(
    ("ours", "theirs"), [([1], "[true]"), ([True], "[1]"), ([0], "[false]")]
)
def test_a_truth_value_is_no_number(both, ours, theirs):
    one = Module("a.rego", f"package overlay.a\n\ndeny := {theirs}\n")
    both.parse(one)
    both.transcript.add(
        [_asked((one,), "data.overlay.a.deny", {})._replace(answer=ours)]
    )
    assert len(second_opinion(both).disagreements) == 1


def test_a_question_is_asked_once_and_then_forgotten(both):
    run_tests(rule_files(), engine=both)
    assert second_opinion(both).files
    assert second_opinion(both).files == frozenset()


def test_texts_that_a_check_made_itself_are_not_asked(both):
    """The kill check cuts denies out; nobody is told that the rest was confirmed."""
    cut = module("a", '"x" if input.n')
    both.load([cut]).evaluate("data.overlay.a.deny", {"n": 1})
    assert second_opinion(both).files == frozenset()


def test_a_report_whose_rule_was_not_asked_names_nobody(both):
    tested, linted = reports_of(both)
    other = replace(linted, rule_id="acme.other")
    named = confirmed(both, [tested, other])
    assert named[0].second_opinion is not None
    assert named[1].second_opinion is None


def test_it_stands_behind_an_engine_that_remembers(both):
    asked = RememberingEngine(both)
    report = run_tests(rule_files(), engine=asked)
    report = run_tests(rule_files(), engine=asked)
    (report,) = confirmed(both, [report])
    assert report.second_opinion is not None


def test_threads_ask_one_engine(both):
    one = module("a", '"x" if input.n')
    both.parse(one)
    policy = both.load([one])

    def work():
        for n in range(20):
            policy.evaluate("data.overlay.a.deny", {"n": n})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert second_opinion(both).disagreements == ()


@pytest.mark.parametrize("required", [True, False])
def test_an_opa_that_is_too_old_is_refused_or_not_asked(engines, tmp_path, required):
    old = OpaEngine(
        engines[0], path=stand_in(tmp_path, "exit 1", version="Version: 1.0.0")
    )
    both = BothEngines(engines[0], old, required=required)
    reports = reports_of(both)
    if required:
        with pytest.raises(OpaUnsuitableError):
            confirmed(both, reports)
        return
    assert both.second is None
    assert confirmed(both, reports) == reports


def test_input_that_only_looks_alike_is_another_question(both):
    one = module("a", "x if x := input.n")
    for n in (1, True, "1", None, 1.5, "ä\U0001f600", {"a": [None]}):
        ask(both, one, {"n": n})
    assert second_opinion(both).disagreements == ()
