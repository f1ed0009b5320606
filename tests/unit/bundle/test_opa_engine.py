# SPDX-License-Identifier: Apache-2.0
"""Stock OPA behind the seam: the same answers, the same words for what is wrong."""

import json
import subprocess

import pytest

from bundle.rego.builtins import ALLOWED
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import (
    EvaluationError,
    OpaRefusedError,
    OpaUnsuitableError,
    RegoParseError,
)
from bundle.rego.limits import Limits
from bundle.rego.opa import OpaEngine
from bundle.rego.opa_process import MINIMUM, find_opa
from bundle.rego.opa_query import CAPABILITIES
from bundle.rego.testing import run_tests
from deploy import opa_capabilities
from tests.simulators.opa import installed_opa, stand_in
from tests.simulators.rego import rule_files

SOURCE = """package a

import rego.v1

one := input.x

letters contains x if some x in ["b", "a", "c"]

number if to_number(input.text) == 1

alone := data.limits.most

pair := 1 if input.first
pair := 2 if input.second
"""


@pytest.fixture(scope="module")
def opa():
    with EmbeddedEngine() as reader, OpaEngine(reader, path=installed_opa()) as opa:
        yield opa


@pytest.fixture(scope="module")
def engines(opa):
    return (opa._reader, opa)


def test_both_engines_say_the_same_of_the_same(engines):
    document = {"x": {"y": [1, "ä"]}, "text": "1"}
    paths = [f"data.a.{name}" for name in ("one", "letters", "number", "alone", "none")]
    answers = [
        engine.load([Module("a.rego", SOURCE)], {"limits": {"most": 3}}).evaluate_many(
            paths, document
        )
        for engine in engines
    ]
    assert answers[0] == answers[1]
    assert answers[1] == [{"y": [1, "ä"]}, ["a", "b", "c"], True, 3, UNDEFINED]


def test_an_error_stands_in_its_place_and_takes_no_other_answer_away(engines):
    document = {"x": 1, "text": "abc", "first": 1, "second": 1}
    paths = ["data.a.one", "data.a.number", "data.a.pair", "data.a.letters"]
    for engine in engines:
        policy = engine.load([Module("a.rego", SOURCE)])
        found = policy.evaluate_many(paths, document)
        assert found[0] == 1
        assert found[3] == ["a", "b", "c"]
        assert [type(found[1]), type(found[2])] == [EvaluationError] * 2
        with pytest.raises(EvaluationError) as caught:
            policy.evaluate("data.a.number", document)
        assert caught.value.code == "evaluation-error"


def test_each_input_has_the_answer_that_it_has_alone(engines):
    documents = [{"x": 1}, {}, {"x": 2, "first": True, "second": True}]
    for engine in engines:
        policy = engine.load(
            [Module("b.rego", "package b")], base=[Module("a.rego", SOURCE)]
        )
        assert policy.evaluate_each("data.a.one", documents) == [1, UNDEFINED, 2]
        *answers, failed = policy.evaluate_each(
            "data.a.pair", [{}, {"first": 1}, documents[2]]
        )
        assert answers == [UNDEFINED, 1]
        assert isinstance(failed, EvaluationError)


@pytest.mark.parametrize("wrong", [5, [1], None])
def test_a_builtin_of_another_type_is_an_error_in_both(engines, wrong):
    source = 'package a\n\nimport rego.v1\n\np if startswith(input.x, "x")\n'
    for engine in engines:
        policy = engine.load([Module("a.rego", source)])
        with pytest.raises(EvaluationError):
            policy.evaluate("data.a.p", {"x": wrong})


REFUSED = {
    "a variable that nothing binds": ("p if x > 1", "x is unsafe"),
    "one in a function": ("f(x) if y > x", "y is unsafe"),
    "a type error": ('p if 1 == "a"', "match error"),
    "a recursion": ("p if q\nq if p", "recursive"),
    "the network": ('p if http.send({"url": "x"})', "undefined function http.send"),
    "the clock": ("p if time.now_ns() > 1", "undefined function time.now_ns"),
    "the environment": ("p if opa.runtime()", "undefined function opa.runtime"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_opa_does_not_accept_is_refused_with_its_place(opa, text, reason):
    with pytest.raises(OpaRefusedError) as caught:
        opa.load([Module("rules/a.rego", f"package a\n\nimport rego.v1\n\n{text}\n")])
    assert caught.value.code == "opa-refused"
    assert (caught.value.path, caught.value.line) == ("rules/a.rego", 5)
    assert reason in str(caught.value)


def test_parse_returns_the_readers_tree_of_what_both_accept(opa):
    module = Module("a.rego", SOURCE)
    assert opa.parse(module) == opa._reader.parse(module)
    with pytest.raises(OpaRefusedError):
        opa.parse(Module("a.rego", "package a\n\nf(x) if y > x\n"))
    with pytest.raises(RegoParseError):
        opa.parse(Module("a.rego", "package"))


def test_it_counts_the_lines_that_were_reached(opa):
    policy = opa.load([Module("a.rego", SOURCE)], coverage=True)
    policy.evaluate("data.a.one", {"x": 1})
    before = {file.path: file for file in policy.coverage()}["a.rego"]
    policy.evaluate("data.a.letters", {"x": 1})
    (after,) = policy.coverage()
    assert 5 in before.covered
    assert 7 in before.missed
    assert {5, 7} <= set(after.covered)
    assert not set(after.covered) & set(after.missed)


def test_it_runs_a_rules_tests_as_the_only_engine(opa):
    report = run_tests(rule_files(), engine=opa)
    assert report.passed, report.text()
    assert (report.engine, report.engine_version) == ("opa", opa.version)
    assert report.to_json()["second_opinion"] is None


def test_more_modules_than_a_release_has_are_refused(opa):
    module = Module("a.rego", "package a\n")
    with pytest.raises(EvaluationError, match="12000 modules"):
        opa.load([module] * 12_001)


VERSIONS = {
    "Version: 1.21.3": True,
    "Version: 1.22.0-dev": True,
    "Version: 2.0.0": True,
    "Version: 1.21.2": False,
    "Version: 1.21.3-rc1": False,
    "Version: 0.68.0": False,
    "version 9": False,
    "Version: 99999999999999999999.0.0": False,
    "": False,
}


@pytest.mark.parametrize(("said", "suits"), VERSIONS.items())
def test_only_a_current_version_is_asked(tmp_path, said, suits):
    with EmbeddedEngine() as reader:
        engine = OpaEngine(reader, path=stand_in(tmp_path, "exit 1", version=said))
        if suits:
            assert engine.version == said.removeprefix("Version: ")
            return
        with pytest.raises(OpaUnsuitableError) as caught:
            engine.version  # noqa: B018
        assert (caught.value.code, caught.value.exit_code) == ("opa-unsuitable", 3)
        assert "--engine regorus" in caught.value.hint


def test_an_opa_in_a_relative_folder_of_path_does_not_count(tmp_path, monkeypatch):
    stand_in(tmp_path, "exit 1")
    monkeypatch.chdir(tmp_path)
    assert find_opa(path=".") is None
    assert find_opa(path="") is None
    assert find_opa(path=str(tmp_path)) == str(tmp_path / "opa")


def test_without_opa_there_is_no_engine(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with EmbeddedEngine() as reader, pytest.raises(OpaUnsuitableError):
        OpaEngine(reader)


def test_the_capabilities_are_those_of_the_portable_list_and_no_network():
    document = json.loads(CAPABILITIES.read_text())
    names = {one["name"] for one in document["builtins"] if "infix" not in one}
    internal = {"internal.member_2", "internal.member_3", "eq"}
    assert names - internal == ALLOWED
    assert document["allow_net"] == []


def test_the_capabilities_are_what_opa_itself_says(opa):
    done = subprocess.run(
        [opa.opa.path, "capabilities", "--version", f"v{'.'.join(map(str, MINIMUM))}"],
        capture_output=True,
        check=True,
    )
    made = opa_capabilities.reduced(json.loads(done.stdout))
    assert CAPABILITIES.read_text() == made


def test_a_question_that_takes_too_long_says_so(opa):
    source = (
        "package a\n\nimport rego.v1\n\n"
        "p := count([1 | some i in numbers.range(1, 9000); some j in numbers.range(1, 9000); i * j == 7])\n"
    )
    quick = OpaEngine(
        opa._reader, path=opa.opa.path, limits=Limits(evaluate_seconds=0.3)
    )
    with pytest.raises(EvaluationError) as caught:
        quick.load([Module("a.rego", source)]).evaluate("data.a.p", {})
    assert caught.value.code in ("evaluation-timeout", "evaluation-memory")
