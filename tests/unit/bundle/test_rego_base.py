# SPDX-License-Identifier: Apache-2.0
"""What an engine keeps, or asks at once, changes no answer."""

import itertools

import pytest

from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import (
    EvaluationError,
    EvaluationTimeoutError,
    RegoCompileError,
    RegoParseError,
)
from bundle.rego.limits import Limits
from keys.errors import UsageError
from tests.simulators.rego import shared_engine

BASE = Module("base.rego", "package base\nlimit := 3\nabove if input.x > limit")
TESTS = Module("tests.rego", "package a_test\ndenied if data.a.p with input as {}")


def rule(body):
    return Module("a.rego", f"package a\np if {{ {body} }}")


ABOVE, BELOW = rule("data.base.above"), rule("not data.base.above")
DOCUMENTS = [{"x": 1}, {"x": 5}, {}, {"x": "text"}]


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


def test_a_module_has_the_same_answers_on_a_base_as_beside_it(engine):
    for one in (ABOVE, BELOW):
        kept = engine.load([one], base=[BASE])
        plain = shared_engine().load([one, BASE])
        for document in DOCUMENTS:
            path = "data.a.p"
            assert kept.evaluate(path, document) == plain.evaluate(path, document)


def test_who_shares_a_base_shares_nothing_else(engine):
    other = Module("b.rego", "package b\nq := 1")
    first = engine.load([ABOVE, other], base=[BASE])
    second = engine.load([BELOW], base=[BASE])
    assert [one.evaluate("data.a.p", {"x": 1}) for one in (first, second)] == [
        UNDEFINED,
        True,
    ]
    assert second.evaluate("data.b.q", {}) is UNDEFINED
    assert engine.load((), base=[BASE]).evaluate("data.a.p", {"x": 1}) is UNDEFINED


BASES = {
    "none": (),
    "one": (BASE,),
    "more, with it in front": (BASE, TESTS),
    "the same, in another order": (TESTS, BASE),
    "other text under the same path": (
        Module("base.rego", "package base\nlimit := 9"),
    ),
}


@pytest.mark.parametrize("order", list(itertools.permutations(BASES, 2)))
def test_a_base_is_never_taken_for_another(engine, order):
    for name in (*order, *order):
        policy = engine.load([Module("c.rego", "package c")], base=BASES[name])
        fresh = shared_engine().load([*BASES[name], Module("c.rego", "package c")])
        paths = ["data.base.limit", "data.a_test", "data.base.above"]
        asked = [one.evaluate_many(paths, {"x": 5}) for one in (policy, fresh)]
        assert asked[0] == asked[1]


def test_a_base_survives_the_end_of_the_child():
    with EmbeddedEngine() as engine:
        policy = engine.load([ABOVE], base=[BASE])
        engine.close()
        assert policy.evaluate("data.a.p", {"x": 5}) is True


def test_a_base_that_cannot_be_loaded_is_refused_and_not_kept(engine):
    broken = Module("base.rego", "package base\n\nlimit := ")
    for _ in range(2):
        with pytest.raises(RegoParseError) as caught:
            engine.load([ABOVE], base=[broken])
        assert (caught.value.path, caught.value.line) == ("base.rego", 3)
    assert engine.load([ABOVE], base=[BASE]).evaluate("data.a.p", {"x": 5}) is True


def test_data_and_coverage_are_not_the_bases(engine):
    reads = Module("a.rego", "package a\np if data.limits.n > 2\nq if input.z")
    counted = engine.load([reads], {"limits": {"n": 3}}, base=[BASE], coverage=True)
    assert counted.evaluate("data.a.p", {}) is True
    assert engine.load([reads], base=[BASE]).evaluate("data.a.p", {}) is UNDEFINED
    (lines,) = (one for one in counted.coverage() if one.path == "a.rego")
    assert (lines.covered, lines.missed) == ((2,), (3,))
    with pytest.raises(RegoCompileError):
        engine.load([reads], [1], base=[BASE])


def test_each_input_is_decided_as_if_it_were_the_only_one(engine):
    policy = engine.load([ABOVE, Module("b.rego", "package b\nq := input.x + 1")])
    alone = [policy.evaluate_many(["data.b.q"], one)[0] for one in DOCUMENTS]
    together = policy.evaluate_each("data.b.q", DOCUMENTS)
    assert together[:3] == alone[:3] == [2, 6, UNDEFINED]
    assert isinstance(together[3], EvaluationError)
    assert str(together[3]) == str(alone[3])
    assert policy.evaluate_each("data.b.q", []) == []


def test_inputs_that_are_no_json_or_paths_that_are_none_are_refused(engine):
    policy = engine.load([ABOVE], base=[BASE])
    with pytest.raises(EvaluationError):
        policy.evaluate_each("data.a.p", [{}, {"x": float("nan")}])
    with pytest.raises(UsageError):
        policy.evaluate_each("data.a.p; true", [{}])


def test_inputs_that_take_too_long_together_have_no_answer_at_once():
    burns = "some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a < b; a > b"
    module = rule(f"input.x; {burns}")
    with EmbeddedEngine(limits=Limits(evaluate_seconds=0.2)) as engine:
        policy = engine.load([module])
        with pytest.raises(EvaluationTimeoutError):
            policy.evaluate_each("data.a.p", [{}, {"x": 1}])
        assert policy.evaluate_each("data.a.p", [{}, {}]) == [UNDEFINED, UNDEFINED]
