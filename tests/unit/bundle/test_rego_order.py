# SPDX-License-Identifier: Apache-2.0
"""Names in closures are bound above them, and what is declared is used."""

import pytest

from bundle.rego.engine import Module
from bundle.rego.errors import OpaRefusedError
from bundle.rego.opa import OpaEngine
from bundle.rego.order import late_variables, unused_variables
from bundle.rego.reader import read_syntax
from bundle.rego.scope import Scope
from tests.simulators.opa import installed_opa
from tests.simulators.rego import shared_engine

IN_ORDER = (
    "p if { input.a[i]; not input.b[i] }",
    "p if { some x in input.a; count([y | some y in input.b; y == x]) == 1 }",
    "p if { count([x | some x in input.a]) == 1; some x in input.b; x }",
    "p if { count([1 | input.a[i]]) == 1; count([1 | input.b[i]]) == 1 }",
    "p if count([1 | input.a[i]]) == count([1 | input.b[i]])",
    "p if every x in input.a { not input.b[x] }",
    "p if { every k, v in input.a { k == v }; some k, v in input.b; k == v }",
    "p contains x if { some x in input.a; not input.b[x] }",
    "f(x) if not input.a[x]",
    "f(x) := [y | some y in input.a; y != x]",
    "p := {k: [v | some v in vs] | some k, vs in input.a}",
    "p if { not q; input.a }\n\nq if input.b",
)
# What the engines say otherwise of the same input, or one of them refuses.
LATE = {
    "p if { not input.b[i]; input.a[i] }": "i",
    "p if { not input.b[i] == 1; input.a[i] }": "i",
    "p if count([1 | input.b[i]]) == input.a[i]": "i",
    "p if { count([1 | input.b[i]]) == 1; input.a[i] }": "i",
    "p if { x := [[1 | input.b[i]], input.a[i]]; x }": "i",
    "p if { f([1 | input.b[i]], input.a[i]) }\n\nf(x, y) if x == y": "i",
    "p if { every x in input.b { x == input.c[i] }; input.a[i] }": "i",
    "p if { count([1 | count([1 | input.b[i]]) == 1]) == 1; input.a[i] }": "i",
    "p := [1 | not input.b[i]; input.a[i]]": "i",
    "p if every x in input.c { not input.b[i]; input.a[i]; x }": "i",
    "p if every x in input.a[i] { x == i }": "i",
    "p contains i if { not input.b[i]; input.a[i] }": "i",
    "p := x if { not input.b[x]; input.a = x }": "x",
}
UNUSED = {
    "p if every k, v in input.a { v }": ["k"],
    "p if every v in input.a { input.b }": ["v"],
    "p if { some i, j; input.a[i] }": ["j"],
    "p if { some i; input.a }": ["i"],
}
USED = (
    "p if every _, v in input.a { v }",
    "p if every k, v in input.a { count([1 | k == v]) == 1 }",
    "p if { some i, j; input.a[i][j] }",
    "p if { some _, v in input.a; v }",
)


def read(text):
    module = Module("m.rego", f"package m\n\nimport rego.v1\n\n{text}\n")
    return module, read_syntax(module, shared_engine().parse(module))


def late(text):
    scope = Scope(read(text)[1])
    found = [v for rule in scope.syntax.rules for v in late_variables(scope, rule)]
    return {var.name for var in found}


def unused(text):
    rules = read(text)[1].rules
    return [name for rule in rules for _, name in unused_variables(rule)]


@pytest.mark.parametrize("text", IN_ORDER)
def test_what_is_bound_above_or_inside_is_in_order(text):
    assert late(text) == set()


@pytest.mark.parametrize("text", LATE)
def test_what_is_bound_beside_or_below_is_late(text):
    assert late(text) == {LATE[text]}


@pytest.mark.parametrize("text", [*UNUSED, *USED])
def test_what_is_declared_is_used(text):
    assert unused(text) == UNUSED.get(text, [])


@pytest.mark.parametrize("text", [*UNUSED, *USED])
def test_opa_says_the_same_of_what_is_unused(text):
    engine = OpaEngine(shared_engine(), path=installed_opa())
    module, _ = read(text)
    if text in USED:
        engine.load([module]).evaluate("data.m.p", {})
        return
    with pytest.raises(OpaRefusedError, match="unused"):
        engine.load([module]).evaluate("data.m.p", {})


def test_opa_reads_a_late_name_otherwise():
    """Red for the engines: were they equal, the condition would refuse for nothing."""
    module, _ = read("p if { not input.b[i]; input.a[i] }")
    document = {"a": {"x": 1}, "b": {"y": 1}}
    ours = shared_engine().load([module]).evaluate("data.m.p", document)
    theirs = (
        OpaEngine(shared_engine(), path=installed_opa())
        .load([module])
        .evaluate("data.m.p", document)
    )
    assert bool(ours) is False
    assert theirs is True
