# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.ratchet.child import Prover
from bundle.ratchet.compare import compare
from bundle.ratchet.limits import MAX_TIMEOUT_MS
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.templates import NAMES, library, render
from keys.errors import UsageError

HEADER = "package overlay.change\n\nimport rego.v1\n\n"

TICKET = """deny contains "m" if {
	input.env == "prod"
	not has_ticket
}

has_ticket if regex.match(`CM-[0-9]+`, input.body)

has_ticket if regex.match(`^CM-[0-9]+`, input.branch)
"""
FIRST = TICKET.replace("\nhas_ticket if regex.match(`^CM-[0-9]+`, input.branch)\n", "")


def deny(*statements):
    return 'deny contains "m" if {\n\t' + "\n\t".join(statements) + "\n}\n"


# name: old, new, verdict
PAIRS = {
    "the same": (TICKET, TICKET, "equal"),
    "a helper renamed": (TICKET, TICKET.replace("has_ticket", "ticketed"), "equal"),
    "a helper's alternative dropped": (TICKET, FIRST, "stricter"),
    "a helper's alternative added": (FIRST, TICKET, "looser"),
    "a condition dropped": (
        TICKET,
        TICKET.replace('\tinput.env == "prod"\n', ""),
        "stricter",
    ),
    "a condition added": (
        TICKET,
        TICKET.replace("\tnot has", "\tnot input.hotfix\n\tnot has"),
        "looser",
    ),
    "a bound raised": (
        deny("count(input.approvals) < 2"),
        deny("count(input.approvals) < 3"),
        "stricter",
    ),
    "a bound lowered": (
        deny("count(input.approvals) < 3"),
        deny("count(input.approvals) < 2"),
        "looser",
    ),
    "a bound of integers written otherwise": (
        deny("input.n < 2"),
        deny("input.n <= 1"),
        "looser",
    ),
    "a set grown": (
        deny('input.env in {"prod"}'),
        deny('input.env in {"prod", "stage"}'),
        "stricter",
    ),
    "a set of one": (
        deny('input.env == "prod"'),
        deny('input.env in {"prod"}'),
        "equal",
    ),
    "a missing field counts now": (
        deny('input.env != "dev"'),
        deny('not input.env == "dev"'),
        "stricter",
    ),
    "another field": (
        deny('input.env == "prod"'),
        deny('input.service == "billing"'),
        "incomparable",
    ),
    "a condition on an element": (
        deny("some f in input.files", 'startswith(f.path, "infra/")'),
        deny("some f in input.files", 'startswith(f.path, "infra/")', 'f.mode == "w"'),
        "looser",
    ),
    "a longer prefix": (
        deny("some f in input.files", 'startswith(f.path, "infra/")'),
        deny("some f in input.files", 'startswith(f.path, "infra/secrets/")'),
        "looser",
    ),
    "a local renamed": (
        deny("some f in input.files", 'endswith(f.path, "x")'),
        deny("some g in input.files", "p := g.path", 'endswith(p, "x")'),
        "equal",
    ),
    "split in two": (
        deny("input.a == 1", "input.b == 1"),
        deny("input.a == 1") + "\n" + deny("input.b == 1"),
        "stricter",
    ),
    "a function's bound": (
        deny("f(input.a)") + "\nf(x) if x > 1\n",
        deny("f(input.a)") + "\nf(x) if x > 0\n",
        "stricter",
    ),
    "arithmetic": (
        deny("input.a + input.b > 10"),
        deny("input.a + input.b > 5"),
        "stricter",
    ),
    "every becomes some": (
        deny("input.l", "every x in input.l { x > 1 }", "count(input.l) > 0"),
        deny("some x in input.l", "x > 1"),
        "stricter",
    ),
    "the same comprehension": (
        deny("count({x | some x in input.l; x != input.a}) < 2"),
        deny("count({y | some y in input.l; y != input.a}) < 2"),
        "equal",
    ),
    "a comprehension's bound": (
        deny("count({x | some x in input.l; x != input.a}) < 2"),
        deny("count({y | some y in input.l; y != input.a}) < 4"),
        "stricter",
    ),
    "only the message": (
        'deny contains {"message": sprintf("a %v", [input.a])} if input.a == 1\n',
        'deny contains {"message": sprintf("b %v", [input.a])} if input.a == 1\n',
        "equal",
    ),
    "a pattern changed": (
        deny("regex.match(`^CM-[0-9]+$`, input.b)"),
        deny("regex.match(`^CM-[0-9]{4}$`, input.b)"),
        "looser",
    ),
    "with is not known": (
        deny("h with input as {}") + "\nh if input.a\n",
        deny("h with input as {}") + "\nh if input.a\n",
        "unknown",
    ),
    "a negation that engines read differently": (
        deny("not input.a > 1"),
        deny("not input.a > 1"),
        "unknown",
    ),
    "a local called like a rule": (
        deny("f(input.a)") + "\nf(h) if h\n\nh if input.b\n",
        deny("f(input.a)") + "\nf(h) if h\n\nh if input.b\n",
        "unknown",
    ),
    "keys that may be the same": (
        deny("input.a == input.b")
        + "\n"
        + deny("x := {input.a: 1, input.b: 2}", "x[input.a] == 1"),
        deny("x := {input.a: 1, input.b: 2}", "x[input.a] == 1"),
        "looser",
    ),
    "another rule's package": (deny("data.other[_]"), deny("data.other[_]"), "unknown"),
}


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def prover():
    with Prover() as prover:
        prover.warm()
        yield prover


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_classified(engine, prover, name):
    old, new, verdict = PAIRS[name]
    sides = (Module("old.rego", HEADER + old), Module("new.rego", HEADER + new))
    found = compare(*sides, engine=engine, prover=prover)
    assert found.verdict == verdict, found
    assert (found.witness_looser is None) == (verdict not in ("looser", "incomparable"))
    for witness, denies, follows in (
        (found.witness_looser, *sides),
        (found.witness_stricter, *sides[::-1]),
    ):
        if witness is not None:
            assert engine.load([denies]).evaluate("data.overlay.change.deny", witness)
            said = engine.load([follows]).evaluate("data.overlay.change.deny", witness)
            assert said == []


@pytest.mark.parametrize("name", NAMES)
def test_templates_equal_themselves(engine, prover, name):
    rule, _ = render(name, "acme.rule")
    module = Module("rule.rego", rule)
    found = compare(module, module, engine=engine, prover=prover, library=[library()])
    assert found.verdict == "equal"


def test_ticket_template_loosened_has_a_witness_that_the_schema_admits(engine, prover):
    rule, _ = render("change-calendar", "acme.rule")
    looser = rule.replace(
        'target_tier == "prod"',
        'target_tier == "prod"\n\tinput.context.change_kind != "hotfix"',
    )
    found = compare(
        Module("old.rego", rule),
        Module("new.rego", looser),
        engine=engine,
        prover=prover,
        library=[library()],
    )
    assert found.verdict == "looser"
    assert found.witness_looser["context"]["target"]["tier"] == "prod"
    assert found.witness_looser["proposal"] == {"files": []}


def test_a_prover_of_its_own_is_started_and_ended(engine):
    module = Module("rule.rego", HEADER + deny("input.a == 1"))
    found = compare(module, module, engine=engine)
    assert found.verdict == "equal"
    assert found.solver_version


@pytest.mark.parametrize("timeout_ms", [0, -1, MAX_TIMEOUT_MS + 1])
def test_timeout_out_of_bounds_is_refused(engine, prover, timeout_ms):
    module = Module("rule.rego", HEADER + deny("input.a == 1"))
    with pytest.raises(UsageError):
        compare(module, module, engine=engine, prover=prover, timeout_ms=timeout_ms)


def test_a_question_too_hard_is_unknown_in_time(engine, prover):
    hard = deny(
        "input.a * input.b * input.c == input.d * input.d * 7919 + 104729",
        "input.a > 1",
        "input.b > 1",
    )
    other = deny(
        "input.c * input.b * input.a == 104730 + input.d * input.d * 7919",
        "input.d * input.a > 3",
    )
    found = compare(
        Module("old.rego", HEADER + hard),
        Module("new.rego", HEADER + other),
        engine=engine,
        prover=prover,
        timeout_ms=300,
    )
    assert found.verdict in ("unknown", "looser", "incomparable")
    again = Module("rule.rego", HEADER + deny("input.a == 1"))
    assert compare(again, again, engine=engine, prover=prover).verdict == "equal"
