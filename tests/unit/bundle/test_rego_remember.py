# SPDX-License-Identifier: Apache-2.0
"""What was asked a moment ago is not asked again, and means the same."""

import pytest

from bundle.rego.ast import Node, walk
from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import RegoParseError
from bundle.rego.reader import read_syntax
from bundle.rego.remember import RememberingEngine
from tests.simulators.rego import rule_files, shared_engine

ONE = Module("one.rego", "package one\n\np := input.x\n")
TWO = Module("two.rego", "package two\n\np := 2\n")


class Counting:
    """The shared engine, with a count of what it was asked."""

    name, version = "regorus", "0"

    def __init__(self):
        self.parsed, self.loaded = [], []

    def parse(self, module):
        self.parsed.append(module.path)
        return shared_engine().parse(module)

    def load(self, modules, data=None, *, base=(), coverage=False):
        self.loaded.append([module.path for module in (*base, *modules)])
        return shared_engine().load(modules, data, base=base, coverage=coverage)

    def close(self):
        self.parsed.append("closed")


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def engine(counting):
    return RememberingEngine(counting)


def test_the_same_text_is_parsed_once(engine, counting):
    assert engine.parse(ONE) is engine.parse(Module(ONE.path, ONE.source))
    engine.parse(Module(ONE.path, TWO.source))
    engine.parse(Module("other.rego", ONE.source))
    assert counting.parsed == ["one.rego", "one.rego", "other.rego"]


def test_the_same_modules_are_loaded_once_and_decide_anew(engine, counting):
    first, second = engine.load([ONE, TWO]), engine.load([ONE, TWO])
    first.close()
    assert [second.evaluate("data.one.p", {"x": x}) for x in (1, 2)] == [1, 2]
    assert second.evaluate_many(["data.one.p", "data.two.p"], {}) == [UNDEFINED, 2]
    engine.load([ONE])
    assert counting.loaded == [["one.rego", "two.rego"], ["one.rego"]]


def test_data_and_line_counts_are_never_remembered(engine, counting):
    for _ in range(2):
        policy = engine.load([ONE], {"a": 1})
        assert policy.evaluate("data.a", {}) == 1
        counted = engine.load([ONE], coverage=True)
        counted.evaluate("data.one.p", {"x": 1})
        assert counted.coverage()[0].covered == (3,)
    assert len(counting.loaded) == 4


def test_a_refusal_is_said_each_time(engine):
    for _ in range(2):
        with pytest.raises(RegoParseError):
            engine.parse(Module("x", "package"))


def test_only_the_newest_are_kept(engine, counting):
    for number in range(40):
        engine.parse(Module("x", f"package x{number}"))
    engine.parse(Module("x", "package x39"))
    engine.parse(Module("x", "package x0"))
    assert len(counting.parsed) == 41


def test_closing_closes_the_engine(engine, counting):
    engine.close()
    assert counting.parsed == ["closed"]


def plain_walk(node):
    """The definition of ``walk``."""
    if isinstance(node, tuple):
        for item in node:
            yield from plain_walk(item)
    elif isinstance(node, Node):
        yield node
        for name in node.__match_args__:
            yield from plain_walk(getattr(node, name))


def test_walking_is_outermost_first_in_the_order_of_the_text():
    for data in (rule_files().rule, rule_files().test):
        module = Module("x", data.decode())
        rules = read_syntax(module, shared_engine().parse(module)).rules
        assert list(map(id, walk(rules))) == list(map(id, plain_walk(rules)))
