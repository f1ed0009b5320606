# SPDX-License-Identifier: Apache-2.0
"""The embedded engine answers, or says that there is no answer."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import (
    EvaluationCrashError,
    EvaluationError,
    EvaluationMemoryError,
    EvaluationTimeoutError,
    RegoCompileError,
    RegoParseError,
)
from bundle.rego.limits import MAX_MODULES, Limits
from keys.errors import UsageError
from tests.simulators.rego import shared_engine

QUICK = Limits(parse_seconds=1.0, evaluate_seconds=0.5)


@pytest.fixture
def engine():
    return shared_engine()


def load(engine, source, **options):
    return engine.load([Module("a.rego", f"package a\n{source}")], **options)


def test_name_and_version_are_those_of_the_wheel(engine):
    assert (engine.name, engine.version) == ("regorus", "0.13.0")


VALUES = {
    "a number": ("p := input.x + 1", {"x": 1}, 2),
    "a set, as a sorted list": ('p := {"b", "a"}', {}, ["a", "b"]),
    "an object of sets": ('p := {"a": {1}}', {}, {"a": [1]}),
    "false, which is not undefined": ("p := false", {}, False),
    "null, which is not undefined": ("p := null", {}, None),
    "a text that spells undefined": ('p := "<undefined>"', {}, "<undefined>"),
    "an empty set": ('p contains x if { x := "a"; input.y }', {}, []),
    "a rule with a ref head": ('p["a.b"] := 1', {}, {"a.b": 1}),
}


@pytest.mark.parametrize(
    ("source", "document", "value"), VALUES.values(), ids=VALUES.keys()
)
def test_a_rule_has_its_value(engine, source, document, value):
    assert load(engine, source).evaluate("data.a.p", document) == value


UNDEFINED_PATHS = {
    "a rule whose body does not hold": "data.a.p",
    "a rule that is not there": "data.a.q",
    "a package that is not there": "data.b.p",
}


@pytest.mark.parametrize("path", UNDEFINED_PATHS.values(), ids=UNDEFINED_PATHS.keys())
def test_what_has_no_value_is_undefined(engine, path):
    assert load(engine, "p if input.x").evaluate(path, {}) is UNDEFINED


def test_undefined_is_falsy():
    assert not UNDEFINED


def test_a_data_document_is_seen(engine):
    policy = load(engine, "p := data.limits.n", data={"limits": {"n": 3}})
    assert policy.evaluate("data.a.p", {}) == 3


def test_one_failed_path_leaves_the_others_their_values(engine):
    policy = load(engine, "p := 1\nq if startswith(input.x, 1)\nr := 2")
    first, second, third = policy.evaluate_many(
        ["data.a.p", "data.a.q", "data.a.r"], {"x": "a"}
    )
    assert (first, third) == (1, 2)
    assert isinstance(second, EvaluationError)
    assert second.message.startswith("a.rego:3:")
    assert "backtrace" not in second.message
    with pytest.raises(EvaluationError):
        policy.evaluate("data.a.q", {"x": "a"})


def test_a_decision_leaves_nothing_for_the_next_one(engine):
    policy = load(engine, "p := input.x")
    assert [policy.evaluate("data.a.p", {"x": n}) for n in (1, 2)] == [1, 2]
    assert policy.evaluate("data.a.p", {}) is UNDEFINED


def test_a_parse_error_has_its_place_and_one_line(engine):
    with pytest.raises(RegoParseError) as caught:
        engine.parse(Module("rules/x.rego", "package a\n\np := "))
    error = caught.value
    assert (error.path, error.line, error.column) == ("rules/x.rego", 3, 6)
    assert "\n" not in error.message
    assert error.reason == "expecting expression"


def test_rego_of_version_0_is_refused(engine):
    with pytest.raises(RegoParseError, match="`if` keyword is required"):
        engine.parse(Module("a.rego", "package a\np { input.x }"))


@pytest.mark.parametrize("ask", ["parse", "load"])
def test_the_lexer_stands_before_both_ways_to_the_parser(engine, ask):
    module = Module("a.rego", "package a\np := " + "[" * 20 + "]" * 20)
    call = engine.parse if ask == "parse" else lambda m: engine.load([m])
    with pytest.raises(RegoParseError, match="open brackets"):
        call(module)


def test_modules_of_different_versions_of_a_rule_do_not_load_silently(engine):
    policy = load(engine, "p := 1\np := 2")
    with pytest.raises(EvaluationError, match="conflicts"):
        policy.evaluate("data.a.p", {})


def test_data_that_is_no_object_is_a_compile_error(engine):
    with pytest.raises(RegoCompileError):
        engine.load([], [1])


BOMBS = {
    "endless recursion": ("f(x) := f(x)\np := f(1)", EvaluationCrashError),
    "a range of a billion": (
        "p := count(numbers.range(1, 1000000000))",
        EvaluationMemoryError,
    ),
    "a loop of 10^10": (
        (
            "p if {\n\tsome x in numbers.range(1, 100000)\n"
            "\tsome y in numbers.range(1, 100000)\n\tx * y < 0\n}"
        ),
        EvaluationTimeoutError,
    ),
}


@pytest.mark.parametrize(("source", "error"), BOMBS.values(), ids=BOMBS.keys())
def test_a_rule_that_takes_too_much_has_no_answer_and_the_next_one_has(source, error):
    with EmbeddedEngine(limits=QUICK) as engine:
        policy = load(engine, f"{source}\nq := 1")
        with pytest.raises(error) as caught:
            policy.evaluate("data.a.p", {})
        assert isinstance(caught.value, EvaluationError)
        assert policy.evaluate("data.a.q", {}) == 1


def test_the_clock_runs_over_a_whole_batch():
    limits = Limits(evaluate_seconds=0.2, path_seconds=0.0)
    with EmbeddedEngine(limits=limits) as engine:
        policy = load(engine, BOMBS["a loop of 10^10"][0] + "\nq := 1")
        with pytest.raises(EvaluationTimeoutError):
            policy.evaluate_many(["data.a.q", "data.a.p"], {})


def test_an_answer_without_end_is_refused():
    with EmbeddedEngine(limits=Limits(evaluate_seconds=20)) as engine:
        megabyte = (
            's := concat("", ["0123456789" | some x in numbers.range(1, 105000)])'
        )
        policy = load(engine, f"{megabyte}\np := [s | some x in numbers.range(1, 66)]")
        with pytest.raises(EvaluationMemoryError):
            policy.evaluate("data.a.p", {})


def test_the_child_cannot_see_our_environment(engine, monkeypatch):
    monkeypatch.setenv("TRUSTACKS_SECRET", "hunter2")
    with EmbeddedEngine() as own:
        policy = load(own, "p := opa.runtime()")
        value = policy.evaluate_many(["data.a.p"], {})
        assert "hunter2" not in str(value)


@pytest.mark.parametrize(
    "path", ["", "data", "input.x", "data.a.p; true", 'data.a["p"]', "data.a.p\n"]
)
def test_only_plain_paths_are_asked_for(engine, path):
    with pytest.raises(UsageError):
        load(engine, "p := 1").evaluate(path, {})


@pytest.mark.parametrize("document", [float("nan"), {1, 2}, object()])
def test_an_input_that_is_not_json_has_no_answer(engine, document):
    with pytest.raises(EvaluationError):
        load(engine, "p := input").evaluate("data.a.p", document)


def test_a_number_of_modules_is_bounded(engine):
    modules = [Module("a.rego", "package a")] * (MAX_MODULES + 1)
    with pytest.raises(EvaluationMemoryError):
        engine.load(modules)


def test_many_threads_ask_one_engine(engine):
    policy = load(engine, "p := input.x * 2")
    with ThreadPoolExecutor(8) as pool:
        values = list(
            pool.map(lambda n: policy.evaluate("data.a.p", {"x": n}), range(64))
        )
    assert values == [n * 2 for n in range(64)]


def test_a_policy_survives_the_end_of_its_child():
    with EmbeddedEngine() as engine:
        policy = load(engine, "p := 1")
        engine.close()
        assert policy.evaluate("data.a.p", {}) == 1


def test_a_closed_policy_is_forgotten_and_can_be_asked_again():
    with EmbeddedEngine() as engine:
        policy = load(engine, "p := 1")
        policy.close()
        assert policy.evaluate("data.a.p", {}) == 1


def test_a_policy_that_nobody_holds_is_dropped():
    with EmbeddedEngine() as engine:
        load(engine, "p := 1")
        other = load(engine, "p := 2")
        assert other.evaluate("data.a.p", {}) == 2
        assert engine._session._dropped == []


def test_coverage_says_which_lines_were_reached(engine):
    source = "p if {\n\tinput.x\n\tinput.y\n}\n\nq if input.z"
    policy = load(engine, source, coverage=True)
    policy.evaluate("data.a.p", {"x": True})
    (lines,) = policy.coverage()
    assert lines.path == "a.rego"
    assert lines.covered == (3, 4)
    assert lines.missed == (7,)


def test_what_a_rule_prints_does_not_answer_for_the_engine(engine):
    policy = load(engine, 'p if { print("{}"); input.x }')
    assert policy.evaluate("data.a.p", {"x": True}) is True


def test_an_interrupt_in_the_middle_leaves_no_half_answer():
    with EmbeddedEngine(limits=Limits(evaluate_seconds=0.3)) as engine:
        policy = load(engine, BOMBS["a loop of 10^10"][0] + "\nq := 1")
        done = []

        def ask():
            try:
                policy.evaluate("data.a.p", {})
            except EvaluationError as error:
                done.append(error.code)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert done == ["evaluation-timeout"] * 2
        assert policy.evaluate("data.a.q", {}) == 1


def test_the_engine_imports_nothing_heavy():
    heavy = ["cryptography", "tuf", "jsonschema", "yaml", "regorus", "securesystemslib"]
    code = (
        "import sys, bundle.rego.embedded, bundle.rule, bundle.confine, bundle.lint\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
