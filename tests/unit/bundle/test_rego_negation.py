# SPDX-License-Identifier: Apache-2.0
"""A negation is allowed only where every engine reads it alike."""

import pytest

from bundle.rego.engine import Module
from bundle.rego.negation import unportable_negations
from bundle.rego.reader import read_syntax
from bundle.rego.scope import Scope
from tests.simulators.rego import shared_engine

HELPERS = (
    "helper if input.x == 1\nvalue := input.v\nf(a) if a == 1\ng(a, b) if a == b\n"
)

# For each, what OPA 1.20 and regorus 0.13 say where the field is missing: equal above,
# different below (policy research, table of 28 bodies).
PORTABLE = {
    "a reference": "not input.b",
    "a reference equal to a constant": "not input.b == 1",
    "a constant equal to a reference": 'not "x" == input.b',
    "a helper": "not helper",
    "a helper equal to a constant": "not value == 2",
    "a reference with a bound step": "some k in input.ks; not input.m[k]",
    "a comparison of locals": "some a, b in input.xs; not a > b",
    "an own function of a local": "some a in input.xs; not f(a)",
    "an own function of local and constant": "some a in input.xs; not g(a, 1)",
    "a builtin of a local": 'some a in input.xs; not startswith(a, "x")',
    "membership of locals": "some a in input.xs; xs := input.xs; not a in xs",
    "a named part of a local": "some a in input.xs; not a.name",
}
UNPORTABLE = {
    "a comparison": "not input.b > 1",
    "an inequality": "not input.b != 1",
    "two references": "not input.a == input.b",
    "membership of a reference": 'not "x" in input.b',
    "a member that is a reference": 'xs := ["x"]; not input.b in xs',
    "a builtin of a reference": 'not startswith(input.b, "x")',
    "a builtin of a builtin": 'not startswith(lower(input.b), "x")',
    "an own function of a reference": "not f(input.b)",
    "an own function of a part of a local": "some a in input.xs; not f(a.name)",
    "an own function of a helper": "not f(value)",
    "a step that is a reference": "not input.m[input.k]",
    "a step that is a helper": "not input.m[value]",
    "a wildcard": "not input.m[_]",
    "a wildcard by itself": "not _",
    "arithmetic": "not input.b + 1",
    "arithmetic equal to a constant": "not input.b + 1 == 2",
    "a set": "not {input.b}",
    "a comprehension": "not [1 | input.b > 1] == []",
    "a call of a helper's part": "not count(input.b) == 0",
}


def found(statements):
    body = statements.replace("; ", "\n\t")
    source = f"package a\n{HELPERS}p if {{\n\t{body}\n}}\n"
    module = Module("a.rego", source)
    syntax = read_syntax(module, shared_engine().parse(module))
    return list(unportable_negations(Scope(syntax)))


@pytest.mark.parametrize("body", PORTABLE.values(), ids=PORTABLE.keys())
def test_a_negation_that_is_read_alike_is_allowed(body):
    assert found(body) == []


@pytest.mark.parametrize("body", UNPORTABLE.values(), ids=UNPORTABLE.keys())
def test_a_negation_that_is_read_in_two_ways_is_found(body):
    (condition,) = found(body)
    assert condition.negated


def test_a_negation_inside_a_comprehension_is_found():
    assert len(found("xs := [x | some x in input.xs; not input.b > x]")) == 1


def test_a_negation_inside_every_is_found():
    assert len(found("every x in input.xs { not input.b > x }")) == 1
