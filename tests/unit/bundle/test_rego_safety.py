# SPDX-License-Identifier: Apache-2.0
"""Which variables are bound: our answer and stock OPA's are the same."""

import pytest

from bundle.rego.engine import Module
from bundle.rego.errors import OpaRefusedError
from bundle.rego.opa import OpaEngine
from bundle.rego.reader import read_syntax
from bundle.rego.safety import unsafe_variables
from bundle.rego.scope import Scope
from tests.simulators.opa import installed_opa
from tests.simulators.rego import shared_engine

SAFE = (
    "f(x) if x > 1",
    "f([a, b]) := c if { c := a + b }",
    'f({"k": a}) := a',
    "f(_, b) := b",
    "p if { x = y; y = 1 }",
    "p if { [x, 1] = [1, y]; x == y }",
    "p if { [x, y] = input.a; x == y }",
    'p if { {"a": x} = input.a; x == 1 }',
    "p if { a = [b, c]; b = 1; c = 2 }",
    "p if { input.a = x; x > 1 }",
    "p if { 2 = x; x == 2 }",
    "p if { x + 1 == 2; x = 1 }",
    "p if input.xs[i] == i",
    "p if { input.xs[i]; i > 1 }",
    "p if { x := input.a[i].b[j]; i > j }",
    "p if { x := input[y]; y == 1 }",
    "p if { input.a[[i, 1]]; i > 0 }",
    "p if { some x; input.a[x] == 1 }",
    "p if { some i, x in input.a; i > 0; x == 1 }",
    "p if { some [a, b] in input.a; a == b }",
    'p if { some {"k": v} in input.a; v == 1 }',
    "p := [x | x := 1]",
    "p := {k: v | some k, v in input.a}",
    "p := {k: v | v := input.a[k]}",
    "p if { x := 1; y := [z | z := x]; y[0] == 1 }",
    "p contains x if some x in input.a",
    "p contains x.y if some x in input.a",
    "p[x] := y if y := input.a[x]",
    "p if count(input.a[i]) > i",
    'p if { k := "a"; object.get(input, k, 1) == 1 }',
    "p := x if x := 1",
    "p if { xs := [x | x := 1]; x := 2; count(xs) == x }",
)
UNSAFE = (
    "f(x) if y > x",
    "f(x) := y if x",
    "p if x > 1",
    "p if { x = y }",
    "p if { 2 = x + 1 }",
    "p if { not input.xs[i] == 1; i > 1 }",
    "p if not x",
    "p if { not x == 1 }",
    "p if x in [1]",
    "p if { some x; x > 1 }",
    "p if { some x in y }",
    "p if { {i} == {1} }",
    "p := [x | input.a]",
    "p := [x | some x in input.a; x > y]",
    "p if { [x | x := 1]; x > 1 }",
    "p if every x in input.a { x > y }",
    "p if { every x in input.a { z := x; z > 1 }; z > 1 }",
    "p contains x if input.a",
    "p[x] := 1 if input.a",
    "p if count(x) > 1",
    "p if { object.get(input, k, 1) == 1 }",
    "p := y if x := 1",
    "p if { y := [z | z := x]; y[0] == 1 }",
    "p if { y := {z | z := input.a[q]}; q > 1 }",
    # declared by itself
    "p if { i := input.a[i]; i > 0 }",
    "f(q) if { i := [1, 2][i]; q == i }",
    # declared below the use
    "p if { x > 1; x := input.a }",
    "p if { y := x; x := 2 }",
    "p if { not input.xs[i]; some i in [1] }",
    "p if { some x in y; y := [1] }",
    "p := z if { z := [x | some x in input.a; x > y]; y := 1 }",
    "p if { every x in input.a { x > y }; y := 1 }",
    "p if { x == y; y := 1; x := 2 }",
)
# OPA accepts them, and regorus has an error where it meets them or a field is missing.
STRICTER = (
    "p if { some x, x in input.a; x == 1 }",
    "p if { some [x, x] in input.a; x == 1 }",
    "p if { [x, x] := input.a; x == 1 }",
    "p if { some i in input.a[i]; i > 0 }",
    "p := input.xs[_]",
    "p := [input.xs[i] | true]",
    "p contains input.a[i] if i == 1",
    "p contains input.a[i] if true",
    'p if { split(input.a, "/", parts); parts[0] == "a" }',
)


@pytest.fixture(scope="module")
def opa():
    return OpaEngine(shared_engine(), path=installed_opa())


def module(text):
    return Module("a.rego", f"package overlay.a\n\nimport rego.v1\n\n{text}\n")


def unsafe(text):
    one = module(text)
    syntax = read_syntax(one, shared_engine().parse(one))
    found = (unsafe_variables(Scope(syntax), rule) for rule in syntax.rules)
    return {var.name for vars_ in found for var in vars_}


@pytest.mark.parametrize("text", SAFE)
def test_what_opa_accepts_is_accepted(opa, text):
    assert unsafe(text) == set()
    opa.load([module(text)])


@pytest.mark.parametrize("text", UNSAFE)
def test_what_opa_refuses_is_refused(opa, text):
    assert unsafe(text)
    with pytest.raises(OpaRefusedError) as caught:
        opa.load([module(text)])
    reasons = [reason for _, _, _, reason in caught.value.problems]
    assert any("unsafe" in reason or "above" in reason for reason in reasons)


@pytest.mark.parametrize("text", STRICTER)
def test_what_only_opa_can_evaluate_is_refused(text):
    assert unsafe(text)
