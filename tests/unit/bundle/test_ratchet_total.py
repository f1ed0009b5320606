# SPDX-License-Identifier: Apache-2.0
"""Law: a rule of which ``may_fail`` says nothing answers every input of the schema.

The absence of an answer is a deny, so this is what lets ``equal`` and ``stricter`` be
claimed of more than the inputs that both versions answer.
"""

import json
from itertools import islice, product

import pytest

from bundle.ratchet.answers import TOTAL as TOTAL_CALLS
from bundle.ratchet.candidates import candidates, completed
from bundle.ratchet.compare import admits
from bundle.ratchet.sides import question_of
from bundle.ratchet.total import may_fail
from bundle.rego.engine import Module
from bundle.rego.templates import NAMES, library, render
from tests.simulators.rego import shared_engine

HEADER = "package overlay.change\n\nimport rego.v1\n\n"
LABELS = "input.context.pull_request.labels"
APPROVALS = "input.context.pull_request.approvals"

# name: statements, or None and a whole module; what may have no answer
TOTAL = {
    "a field that the schema types": 'startswith(input.context.service, "a")',
    "a field of each file": 'some f in input.proposal.files\n\tcontains(f.content, "x")',
    "a comparison of different types": "input.context.change_kind > 1",
    "a set made and counted": f"count({{l | some l in {LABELS}}}) > 1",
    "a difference of sets": f'count({{"a", "b"}} - {{l | some l in {LABELS}}}) > 0',
    "every": 'every f in input.proposal.files { startswith(f.path, "a") }',
    "a part of a text": '[a, _] := split(input.context.service, "-")\n\ta == "x"',
    "the instant": "time.weekday(time.parse_rfc3339_ns(input.context.evaluated_at)) == 1",
    "a walk by reference": 'input.proposal.files[_].path == "a"',
    "an index": "some i, f in input.proposal.files\n\ti > 5\n\tf.path",
    "an explanation": "input.proposal.explanation.a.b == 1",
    "a helper with two clauses": 'h\n}\n\nh if input.context.service == "a"\n\nh if {\n\tinput.context.renderer == "helm"',
    "a function": 'h(input.context.service)\n}\n\nh(x) if endswith(x, "a")\n\nh(x) if {\n\tx == "b"',
    "a message": f'some l in {LABELS}\n\tx := sprintf("%s %v", [l, input.context.service])\n\tx',
}
PARTIAL = {
    "a field that the schema does not know": ('startswith(input.n, "a")', "startswith"),
    "part of the explanation": ('lower(input.proposal.explanation.a) == "a"', "lower"),
    "no collection": ("some x in input.proposal.explanation.a\n\tx", "`some`"),
    "a text that is no number": ("to_number(input.context.service) > 1", "to_number"),
    "an instant by an author": (
        "time.parse_rfc3339_ns(input.context.service) > 1",
        "time.parse_rfc3339_ns",
    ),
    "arithmetic": ("input.proposal.explanation.a + 1 > 2", "+"),
    "a remainder": ("count(input.proposal.files) % count(input.proposal.files) == 1", "%"),
    "an object's keys": ('{input.context.service: 1}["a"] == 1', "two values"),
    "an object made": (f"{{l: i | some i, l in {LABELS}}} == {{}}", "two values"),
    "a helper with two values": (
        'h == 1\n}\n\nh := 1 if input.context.service == "a"\n\nh := 2 if {\n\tinput.context.renderer',
        "h may have two values",
    ),
    "a helper that walks": (
        f'h == "a"\n}}\n\nh := x if {{\n\tsome x in {LABELS}',
        "h may have two values",
    ),
    "a function that walks": (
        f'h(1) == "a"\n}}\n\nh(y) := x if {{\n\ty == 1\n\tsome x in {LABELS}',
        "h may have two values",
    ),
    "true and false": (
        "h == false\n}\n\nh := false if input.context.service\n\nh if {\n\tinput.context.renderer",
        "h may have two values",
    ),
    "a pattern that is none": ("regex.match(`(`, input.context.service)", "regular"),
    "a format with a value too few": ('sprintf("%s %s", [input.context.service]) == "a"', "sprintf"),
    "two walks, one in the other": (
        f"some f in input.proposal.files\n\tsome a in {APPROVALS}\n\tf.path == a.user",
        "steps of work",
    ),
    "a walk in a function": (
        f"some f in input.proposal.files\n\th(f.path)\n}}\n\nh(p) if {{\n\tsome a in {APPROVALS}\n\ta.user == p",
        "steps of work",
    ),
    "a walk in a comprehension": (
        f"some f in input.proposal.files\n\tcount([a | some a in {APPROVALS}; a.user == f.path]) > 1",
        "steps of work",
    ),
    "every line of every file": (
        'some f in input.proposal.files\n\tsome l in split(f.content, "\\n")\n\tl == "a"',
        "steps of work",
    ),
    "with": ("h with input as {}\n}\n\nh if {\n\tinput.context", "`with`"),
    "a unification": ("input.context.service = x\n\tx", "unification"),
}  # fmt: skip


def module(statements):
    return Module("rule.rego", f'{HEADER}deny contains "m" if {{\n\t{statements}\n}}\n')


def asked(rule, **options):
    side = question_of(rule, [library()], shared_engine())
    return side, may_fail(side, engine=shared_engine(), **options)


def inputs(side, limit=150):
    """Yield inputs that the schema admits, made of the rule's own paths."""
    documents = (completed(d) for d in candidates((side.program,), limit=1_500))
    yield from islice((d for d in documents if admits(d)), limit)
    yield completed({})


def unanswered(side):
    replay = side.load(shared_engine())
    try:
        return [d for d in inputs(side) if replay.denies(d) is None]
    finally:
        replay.policy.close()


@pytest.mark.parametrize("name", TOTAL)
def test_what_surely_answers_has_an_answer_to_everything(name):
    side, reason = asked(module(TOTAL[name]))
    assert reason is None
    assert unanswered(side) == []


@pytest.mark.parametrize("name", PARTIAL)
def test_what_may_have_no_answer_is_named(name):
    statements, said = PARTIAL[name]
    assert said in (asked(module(statements))[1] or "")


@pytest.mark.parametrize("name", NAMES)
def test_the_templates_always_answer(name):
    side, reason = asked(Module("rule.rego", render(name, "acme.rule")[0]))
    assert reason is None
    assert unanswered(side) == []


def test_work_counts_only_where_it_is_asked_for():
    heavy = module(PARTIAL["two walks, one in the other"][0])
    assert asked(heavy, work=False)[1] is None


DENY = "data.overlay.change.deny"
VALUES = ["a", "", "2026", 1, 1.5, -1, True, None, [], ["a"], [1, "a"], [[]], {}, {"a": 1}]  # fmt: skip


@pytest.mark.parametrize("name", [*sorted(TOTAL_CALLS), "regex.match", "object.get"])
def test_a_builtin_that_counts_as_total_is_so_in_the_engine(name):
    """Typed by literals in the rule: what passes the analysis never is an error."""
    arity = len(TOTAL_CALLS[name][0]) if name in TOTAL_CALLS else 2 + (name[0] == "o")
    passed = 0
    for values in islice(product(VALUES, repeat=arity), 0, None, 1 + arity // 3 * 30):
        call = f"{name}({', '.join(map(json.dumps, values))})"
        rule = module(f"x := {call}\n\tx")
        if asked(rule)[1] is None:
            answer = shared_engine().load([rule]).evaluate(DENY, {})
            assert isinstance(answer, list)
            passed += 1
    assert passed or name.startswith("time.")
