# SPDX-License-Identifier: Apache-2.0
"""A change is made to look equal or stricter, so that nobody else has to agree to it.

Each row is an old and a new condition of one rule, and an input that the old version
denies and the new one allows. The engine says so; no verdict may say otherwise.
"""

import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.ratchet.change import change_of
from bundle.ratchet.child import Prover
from bundle.rego.engine import Module
from bundle.rego.templates import library
from bundle.rule import read_rule
from tests.simulators.rego import METADATA, RULE_ID, shared_engine

LEAF = "acme_requires_ticket"
TARGET = "input.context.target"
REQUEST = "input.context.pull_request"
TWO = f"count([1 | {TARGET}[i]]) == 2"
# The body of a function that takes two values.
BOTH = "(a, b) if {\n\ta == 2\n\tb\n}"

# trick: old, new, and the pull request of the input, or a number in the explanation
CLOSURES = {
    "a name that a later statement binds": (
        f"{TWO}\n\tinput.context[j]",
        f"{TWO}\n\tinput.context[i]",
        {},
    ),
    "a name that the same statement binds": (
        f"[count([1 | {TARGET}[i]]), input.context[j]][0] == 2",
        f"[count([1 | {TARGET}[i]]), input.context[i]][0] == 2",
        {},
    ),
    "a name that another argument binds": (
        f"f(count([1 | {TARGET}[i]]), input.context[j])\n}}\n\nf{BOTH[:-2]}",
        f"f(count([1 | {TARGET}[i]]), input.context[i])\n}}\n\nf{BOTH[:-2]}",
        {},
    ),
    "a name that a closure declares too late": (
        f"count([1 | {TARGET}[i]; some j in [{TARGET}[i]]; j]) == 2\n\tinput.context[k]",
        f"count([1 | {TARGET}[i]; some j in [{TARGET}[i]]; j]) == 2\n\tinput.context[i]",
        {},
    ),
}
BINDINGS = {
    "a step that := walks through": (
        f'x := {TARGET}[i]\n\tx == "prod"\n\t{REQUEST}[j] == "prod"',
        f'x := {TARGET}[i]\n\tx == "prod"\n\t{REQUEST}[i] == "prod"',
        {"author": "prod"},
    ),
    "a step that some walks through": (
        f'some x in [{TARGET}[i]]\n\tx == "prod"\n\t{REQUEST}[j] == "prod"',
        f'some x in [{TARGET}[i]]\n\tx == "prod"\n\t{REQUEST}[i] == "prod"',
        {"author": "prod"},
    ),
}
NUMBER = "input.proposal.explanation.n"
POSITIVE = f"is_number({NUMBER})\n\t{NUMBER} > 0"
# Equal in real numbers, and not in those of an engine.
ROUNDED = {
    "a sum that is rounded away": (
        POSITIVE,
        f"is_number({NUMBER})\n\t{NUMBER} + 1 > 1",
        1e-300,
    ),
    "a product that is too small": (
        POSITIVE,
        f"is_number({NUMBER})\n\t{NUMBER} * {NUMBER} > 0",
        1e-300,
    ),
    "a difference that is not what it was": (
        POSITIVE,
        f"is_number({NUMBER})\n\t{NUMBER} + 1 - 1 == {NUMBER}",
        0.1,
    ),
}
# What the engine counts and orders otherwise than the solver, and than OPA.
TITLE = f'{REQUEST}.title == "\U0001f600"'
OTHERWISE = {
    "a letter that counts twice": (
        TITLE,
        f"{TITLE}\n\tcount({REQUEST}.title) == 1",
        {"title": "\U0001f600"},
    ),
    "an object beside a set": ("input.context", "input.context < {1}", {}),
}
FORGED = {**CLOSURES, **BINDINGS, **ROUNDED, **OTHERWISE}


@pytest.fixture(scope="module")
def prover():
    with Prover() as prover:
        yield prover


def denying(body):
    text = (
        f"package overlay.{LEAF}\n\nimport rego.v1\n\n{METADATA}\n"
        f'deny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if {{\n\t{body}\n}}\n'
    )
    module = Module("rule.rego", text)
    return read_rule(module, shared_engine().parse(module))


def proposal(more):
    request = more if isinstance(more, dict) else {}
    explanation = {} if isinstance(more, dict) else {"n": more}
    context = {
        "target": {"name": "eu-1", "tier": "prod"},
        "evaluated_at": "2026-01-07T10:00:00Z",
        "pull_request": request,
    }
    said = {"files": [], "explanation": explanation}
    return {"proposal": said, "context": context}


def denies(rule, document):
    modules = [Module("rule.rego", rule.source.decode()), library()]
    policy = shared_engine().load(modules)
    try:
        return bool(policy.evaluate(f"data.overlay.{LEAF}.deny", document))
    finally:
        policy.close()


@pytest.mark.parametrize("trick", FORGED)
def test_what_loosens_is_not_attested(trick, prover):
    *sides, more = FORGED[trick]
    old, new = map(denying, sides)
    document = proposal(more)
    assert denies(old, document)
    assert not denies(new, document)
    found = change_of(
        old, new, engine=shared_engine(), library=[library()], prover=prover
    )
    assert found.verdict in ("looser", "incomparable", "unknown")
    assert not found.attestable


@pytest.mark.parametrize(
    "body",
    [
        f"x := {TARGET}[i]\n\tcount([1 | {TARGET}[i]; x]) == 1",
        f"count([n | some n in {REQUEST}.labels]) > 1\n\tsome n in [1, 2]\n\tn",
        f"count([n | n := {TARGET}[_]]) > 1\n\tcount([n | n := {REQUEST}[_]]) > 1",
        f"count([1 | every n in {REQUEST}.labels {{ n == 1 }}]) == 1\n\tn := 1\n\tn == 1",
    ],
)
def test_names_that_closures_have_for_themselves_stay_provable(body, prover):
    more = f'input.context.renderer == "helm"\n\t{body}'
    found = change_of(
        denying(more),
        denying(body),
        engine=shared_engine(),
        library=[library()],
        prover=prover,
    )
    assert found.verdict == "stricter", found.reason
