# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.layers import build_layer, read_layer
from bundle.ratchet.child import Prover
from bundle.ratchet.refine import contradictory, refines, vacuous
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.templates import NAMES, library, render
from bundle.rule import read_rule
from keys.errors import UsageError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

PARENT = """package proposal

import rego.v1

rule_metadata["practice.two_approvals"] := {"description": "two"}

deny contains {"rule_id": "practice.two_approvals", "message": "m"} if {
	input.context.target.tier == "prod"
	count(input.context.pull_request.approvals) < 2
}
"""
OTHER = """package proposal

import rego.v1

rule_metadata["practice.named"] := {"description": "named"}

deny contains {"rule_id": "practice.named", "message": "m"} if {
	some file in input.proposal.files
	startswith(file.path, "src/")
}
"""
AGGREGATE = """package proposal

import rego.v1

deny contains entry if {
	some name
	some entry in data.overlay[name].deny
}
"""
PARENTS = [Module("parent.rego", PARENT), Module("other.rego", OTHER)]
PARENTS.append(Module("aggregate.rego", AGGREGATE))


def source(body, refines="practice.two_approvals"):
    named = f'"refines": "{refines}",' if refines else ""
    return f"""package overlay.acme_rule

import rego.v1

rule_metadata["acme.rule"] := {{
	"description": "d", "required_tooling_categories": [],
	"practice_dimensions": [], "tier_scope": ["any"], {named}
	"citation": {{"id": "A-001", "description": "d", "category": "c", "source": "https://example.com/"}},
}}

deny contains {{"rule_id": "acme.rule", "message": "m"}} if {{
	{body}
}}
"""


TIER = 'input.context.target.tier == "prod"\n\t'
COUNT = "count(input.context.pull_request.approvals)"


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def prover():
    with Prover() as prover:
        yield prover


def rule_of(engine, text):
    module = Module("rules/acme.rule/acme.rule.rego", text)
    return read_rule(module, engine.parse(module))


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (f"{TIER}{COUNT} < 3", "stricter"),
        (f"{COUNT} < 2", "stricter"),
        (f"{COUNT} < 2\n\t{TIER}", "equal"),
        (f"{TIER}{COUNT} < 1", "looser"),
        (f'{TIER}{COUNT} < 2\n\tinput.context.change_kind != "hotfix"', "looser"),
        ('input.context.service == "billing"', "incomparable"),
    ],
    ids=["higher", "everywhere", "same", "lower", "exempt", "other"],
)
def test_a_refining_rule_is_compared_with_its_parent(engine, prover, body, verdict):
    rule = rule_of(engine, source(body))
    found = refines(PARENTS, rule, engine=engine, prover=prover)
    assert found.verdict == verdict, found
    if verdict in ("looser", "incomparable"):
        parents, own = (
            engine.load(PARENTS),
            engine.load([Module("r.rego", source(body))]),
        )
        denied = parents.evaluate("data.proposal.deny", found.witness_looser)
        assert "practice.two_approvals" in [entry["rule_id"] for entry in denied]
        assert own.evaluate("data.overlay.acme_rule.deny", found.witness_looser) == []


def test_a_parent_that_is_not_there_is_unknown(engine, prover):
    rule = rule_of(engine, source(f"{COUNT} < 3", refines="practice.absent"))
    found = refines(PARENTS, rule, engine=engine, prover=prover)
    assert (found.verdict, found.reason) == (
        "unknown",
        "no parent has the rule practice.absent",
    )


def test_a_rule_that_refines_nothing_is_the_callers_mistake(engine, prover):
    rule = rule_of(engine, source(f"{COUNT} < 3", refines=None))
    with pytest.raises(UsageError):
        refines(PARENTS, rule, engine=engine, prover=prover)


def test_a_rule_that_adds_nothing_is_vacuous(engine, prover):
    rule = rule_of(engine, source(f"{TIER}{COUNT} < 1"))
    assert vacuous(rule, PARENTS, engine=engine, prover=prover).holds is True


def test_a_rule_that_adds_something_shows_it(engine, prover):
    text = source(f"{TIER}{COUNT} < 3")
    found = vacuous(rule_of(engine, text), PARENTS, engine=engine, prover=prover)
    assert found.holds is False
    own = engine.load([Module("r.rego", text)])
    assert own.evaluate("data.overlay.acme_rule.deny", found.witness)
    assert engine.load(PARENTS).evaluate("data.proposal.deny", found.witness) == []


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ("input.context.target.tier", True),
        ("not never\n}\n\nnever if {\n\tinput.proposal == 1", True),
        (f"{TIER}{COUNT} < 2", False),
    ],
    ids=["required field", "helper never holds", "ordinary"],
)
def test_a_rule_that_denies_everything_is_contradictory(engine, prover, body, holds):
    rule = rule_of(engine, source(body))
    found = contradictory(rule, engine=engine, prover=prover)
    assert found.holds is holds, found
    assert (found.witness is None) is holds


@pytest.mark.parametrize("name", NAMES)
def test_templates_do_something_and_not_everything(engine, prover, name):
    layers = [
        read_layer(build_layer(EXAMPLES / place))
        for place in ("constitution", "packs/change-control")
    ]
    parents = [module for layer in layers for module in layer.modules]
    rule = rule_of(engine, render(name, "acme.rule")[0])
    useful = vacuous(rule, parents, engine=engine, prover=prover)
    assert useful.holds is not True, useful
    allows = contradictory(rule, library=[library()], engine=engine, prover=prover)
    assert allows.holds is False, allows
