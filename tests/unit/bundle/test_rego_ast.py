# SPDX-License-Identifier: Apache-2.0
"""Walking a tree passes over nothing: a node that no check sees is let through."""

from typing import get_args

from bundle.rego import ast
from bundle.rego.ast import Node, below, parts, walk
from bundle.rego.engine import Module
from bundle.rego.reader import read_syntax
from tests.simulators.rego import shared_engine

# Every kind of node, with nodes wherever one may have them.
SOURCE = """package overlay.x

default d(a) := 1

f(a, {"b": c}) := a + c if { some z in input[c]; not z.w[a] with input.x as [a] }

g[input.a].b := {k: v | some k, v in {1: {2}, f(1, 2): input.b}[3]} if {
	some p, q
	p = [q]
	every i, j in [x | x := input.c[p]] { {i, j}[q] in input.d; i, j in input.e }
} else := {l | l := input.f} if { true == false }

deny contains {"m": sprintf("%s", [input.g])} if { input.h; a := "b" == null }
"""


def syntax():
    module = Module("x.rego", SOURCE)
    return read_syntax(module, shared_engine().parse(module))


def everything(value):
    """Yield all nodes, by looking into every field of whatever has fields."""
    if isinstance(value, tuple):
        for item in value:
            yield from everything(item)
    elif type(value).__module__ == ast.__name__:
        if isinstance(value, Node):
            yield value
        for name in type(value).__match_args__:
            yield from everything(getattr(value, name))


def test_walk_yields_every_node_outermost_first():
    rules = syntax().rules
    found = list(walk(rules))
    assert found == list(everything(rules))
    assert {type(node) for node in found} == set(get_args(Node))


def test_below_has_what_is_directly_below():
    for node in walk(syntax().rules):
        mine = [one for part in below(node) for one in everything(part)]
        assert mine == list(everything(node))[1:]
    assert below((1, "a")) == (1, "a")
    assert list(below("text")) == []


def test_parts_are_all_but_the_place():
    for node in walk(syntax().rules):
        assert len(parts(node)) == len(type(node).__match_args__) - 1
