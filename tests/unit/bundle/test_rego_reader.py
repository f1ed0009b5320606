# SPDX-License-Identifier: Apache-2.0
"""Syntax is read by an allow-list; what is not on it is refused."""

import copy

import pytest

from bundle.rego.ast import Call, Condition, Ref, Scalar, Var, walk
from bundle.rego.engine import Module
from bundle.rego.limits import MAX_EXPRESSION_DEPTH
from bundle.rego.reader import UnknownSyntaxError, read_syntax
from keys.errors import RuleError
from tests.simulators.rego import RULE, shared_engine


def syntax_of(text):
    module = Module("a.rego", f"package a\n{text}")
    return read_syntax(module, shared_engine().parse(module))


def test_every_kind_of_rule_is_told_apart():
    syntax = syntax_of(
        "default d := 1\nc := 1\ns contains 1 if true\nf(x) := x\nr[1] := 2"
    )
    assert [(rule.kind, rule.root) for rule in syntax.rules] == [
        ("default", "d"),
        ("complete", "c"),
        ("set", "s"),
        ("function", "f"),
        ("complete", "r"),
    ]
    assert isinstance(syntax.rules[-1].name, Ref)


def test_places_count_characters_whatever_stands_before():
    syntax = syntax_of('# é\np if {\n\t"é" == input.x; not input.y\n}')
    conditions = [n for n in walk(syntax.rules) if isinstance(n, Condition)]
    assert [(c.place.line, c.place.column) for c in conditions] == [(4, 2), (4, 18)]
    assert [c.negated for c in conditions] == [False, True]


def test_names_that_the_tree_only_points_at_are_cut_from_the_text():
    syntax = syntax_of(
        "import input.x as é_less\n"
        if False
        else "import input.x as y\n"
        "p if {\n\tsome a, b\n\tevery k, v in y { v[a] == k[b] }\n}"
    )
    assert syntax.imports[0].alias == "y"
    first, second = syntax.rules[0].bodies[0].statements
    assert first.names == ("a", "b")
    assert (second.key, second.value) == ("k", "v")


def test_dots_and_brackets_are_the_same_steps():
    syntax = syntax_of('p := input.a["b"][c]\nc := 1')
    ref = syntax.rules[0].value
    assert [type(step) for step in ref.steps] == [Scalar, Scalar, Var]
    assert [getattr(s, "value", None) for s in ref.steps] == ["a", "b", None]


def test_a_call_has_its_dotted_name():
    (call,) = [
        n for n in walk(syntax_of("p := time.clock(1)").rules) if isinstance(n, Call)
    ]
    assert call.name == "time.clock"


NOT_READ = {
    "unary minus": "p := -input.x",
    "a call of a computed name": "p := input[x](1)\nx := 1",
}


@pytest.mark.parametrize("text", NOT_READ.values(), ids=NOT_READ.keys())
def test_syntax_that_no_check_knows_is_refused(text):
    with pytest.raises(RuleError) as caught:
        syntax_of(text)
    assert caught.value.code in ("syntax-not-allowed", "rego-parse")


def renamed(node, old, new):
    if isinstance(node, dict):
        return {new if k == old else k: renamed(v, old, new) for k, v in node.items()}
    if isinstance(node, list):
        return [renamed(item, old, new) for item in node]
    return new if node == old and old in ("Eq", "ColEq") else node


@pytest.mark.parametrize(
    "kind",
    ["Spec", "Set", "Compr", "Expr", "NotExpr", "BoolExpr", "Call", "RefDot", "String"],
)
def test_a_kind_of_a_newer_parser_is_refused(kind):
    module = Module("a.rego", RULE)
    tree = renamed(shared_engine().parse(module), kind, "Novelty")
    with pytest.raises(UnknownSyntaxError):
        read_syntax(module, tree)


@pytest.mark.parametrize("operator", ["Eq", "ColEq"])
def test_an_operator_of_a_newer_parser_is_refused(operator):
    module = Module("a.rego", RULE)
    tree = renamed(shared_engine().parse(module), operator, "Novel")
    with pytest.raises(UnknownSyntaxError, match="expected"):
        read_syntax(module, tree)


@pytest.mark.parametrize("key", ["package", "imports", "rules"])
def test_a_tree_of_another_version_is_refused(key):
    module = Module("a.rego", RULE)
    tree = copy.deepcopy(shared_engine().parse(module))
    del tree[key]
    with pytest.raises(UnknownSyntaxError, match="version 1"):
        read_syntax(module, tree)


def test_expressions_nest_up_to_their_limit():
    deepest = " + ".join(["1"] * MAX_EXPRESSION_DEPTH)
    syntax_of(f"p := {deepest}")
    with pytest.raises(UnknownSyntaxError, match="levels of expression"):
        syntax_of(f"p := 1 + {deepest}")


def test_hundreds_of_terms_end_with_an_answer():
    terms = " +\n".join(["1"] * 900)
    with pytest.raises(RuleError) as caught:
        syntax_of(f"p := {terms}")
    assert caught.value.code in (
        "syntax-not-allowed",
        "evaluation-memory",
        "evaluation-timeout",
    )
