# SPDX-License-Identifier: Apache-2.0
"""Law: what a rule claims is proved, or refused with an input or a reason."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.confine import examine_rule
from bundle.finding import ConfinementError
from bundle.gate.content import open_rules
from bundle.lint import lint_layer, lint_rule
from bundle.lint.citations import Citations
from bundle.lint.linter import Against
from bundle.lint.shape import plainly_fits, unsigned_statement
from bundle.parameter_paths import parameter_paths
from bundle.ratchet.child import Prover
from bundle.rego.engine import Module
from bundle.rego.templates import NAMES, library, render
from bundle.rego.testing import run_tests
from bundle.rule import read_rule
from keys.fields import Fields
from signer.predicates.evidence import LintResult
from tests.simulators.rego import DENY, RULE, RULE_ID, TEST, rule_files, shared_engine
from tests.unit.bundle.test_lint_layer import layer

ROOT = Path(__file__).parents[3]
PARENT_ID = "practice.branch_named"
PARENT = f"""package proposal

import rego.v1

rule_metadata["{PARENT_ID}"] := {{"description": "A branch has a name."}}

deny contains {{"rule_id": "{PARENT_ID}", "message": "m"}} if {{
	input.context.target.tier == "prod"
	input.context.pull_request.branch == "trunk"
}}
"""
PARENTS = (library(), Module("parent.rego", PARENT))
REFINES = f'"tier_scope": ["prod"],\n\t"refines": "{PARENT_ID}",'
PARAMS = """# METADATA
# custom:
#   params:
#     min_approvals:
#       type: int
#       direction: up
#       default: "2"
#       min: "1"
#       max: "10"
package proposal

import rego.v1

rule_metadata["practice.approvals"] := {"description": "d"}

deny contains {"rule_id": "practice.approvals", "message": "m"} if {
	count(input.context.pull_request.approvals) < data.proposal.params.min_approvals
}
"""


class Unasked(Prover):
    """A solver that nobody may ask."""

    def search(self, *_sides, **_options):
        raise AssertionError("the solver was asked")


@pytest.fixture(scope="module")
def prover():
    with Prover() as prover:
        yield prover


def refining(deny=DENY, refines=REFINES):
    text = RULE.replace('"tier_scope": ["prod"],', refines)
    assert refines in text
    return text.replace(DENY, deny)


def denying(*statements):
    body = "\n\t".join(statements)
    return f'deny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if {{\n\t{body}\n}}\n'


def lint(rule, prover=None, *, test=TEST, parents=PARENTS, **against):
    told = Against(parents=parents, prover=prover or Unasked(), **against)
    return lint_rule(rule_files(rule, test), engine=shared_engine(), against=told)


def found(report, code):
    return next(f for f in report.findings if f.code == code)


def codes(report, severity="error"):
    return [f.code for f in report.findings if f.severity == severity]


def before(rule):
    return dataclasses.replace(rule_files(rule), test=b"")


def denies(text, document, package="overlay.acme_requires_ticket"):
    modules = [Module("r.rego", text), library()]
    return bool(
        shared_engine().load(modules).evaluate(f"data.{package}.deny", document)
    )


# ------------------------------------------------------------------ refinement
PROD = 'target_tier == "prod"'
BRANCH = "input.context.pull_request.branch"


def test_a_rule_that_denies_more_than_the_parent_passes(prover):
    report = lint(refining(), prover)
    assert report.passed
    assert "refinement" in report.checks
    assert codes(report, "warning") == []


def test_a_rule_that_lets_through_what_the_parent_denies_shows_it(prover):
    rule = refining(
        denying(PROD, f'{BRANCH} == "trunk"', 'input.context.change_kind != "bot"')
    )
    report = lint(rule, prover, test="")
    finding = found(report, "refinement-looser")
    witness = finding.shown()["input"]
    assert denies(PARENT, witness, "proposal")
    assert not denies(rule, witness)
    assert finding.line == rule[: rule.index('"refines"')].count("\n") + 1
    assert hash(finding)
    assert finding.to_json()["evidence"] == {"input": witness}


def test_the_same_as_the_parent_is_a_warning(prover):
    report = lint(refining(denying(PROD, f'{BRANCH} == "trunk"')), prover, test="")
    assert "refinement-equal" in codes(report, "warning")
    assert "refinement-looser" not in codes(report)


def test_what_cannot_be_decided_is_refused_with_a_reason(prover):
    parent = PARENT.replace(
        '== "trunk"', '!= "a"\n\tto_number(input.context.service) > 1'
    )
    rule = refining(denying(PROD, f'{BRANCH} != "a"'))
    parents = (library(), Module("parent.rego", parent))
    report = lint(rule, prover, test="", parents=parents)
    finding = found(report, "refinement-unknown")
    assert finding.severity == "error"
    assert "the parent may have no answer, line 10: to_number" in finding.message


def test_a_parent_that_is_not_there_is_refused():
    report = lint(refining(refines=REFINES.replace("named", "absent")))
    assert "expected a rule of a parent" in found(report, "refinement-parent").message


def test_without_a_solver_the_claim_is_refused_and_the_fix_says_how():
    with Prover(python="/bin/false") as missing:
        report = lint(refining(), missing)
    finding = found(report, "prover-missing")
    assert finding.severity == "error"
    assert "pip install -e '.[prove]'" in finding.fix


# ------------------------------------------------------------------ change
CHANGES = {
    "stricter": (RULE.replace(f"\t{PROD}\n", ""), []),
    "looser": (RULE.replace('"CM-"', '"C"'), ["change-looser"]),
    "incomparable": (RULE.replace('== "prod"', '== "dev"'), ["change-incomparable"]),
    "unknown": (
        RULE.replace("startswith(input.context.pull_request.branch", "startswith(concat(input.x, [])"),
        ["change-unknown"],
    ),
    "equal": (RULE.replace("names a ticket", "names one"), []),
}  # fmt: skip


@pytest.mark.parametrize("verdict", CHANGES)
def test_a_change_is_said_and_warns_if_it_needs_a_second_person(prover, verdict):
    rule, warned = CHANGES[verdict]
    report = lint(rule, prover, previous=before(RULE))
    assert report.change.verdict == verdict, report.change
    said = [c for c in codes(report, "warning") if c.startswith("change-")]
    assert said == warned
    assert LintResult.parse(
        Fields(report.to_json() | {"verdict": "passed"}, "lint")
    ).change.verdict == verdict  # fmt: skip
    if verdict == "looser":
        witness = found(report, "change-looser").shown()["input"]
        assert denies(RULE, witness)
        assert not denies(rule, witness)
        assert "change-looser input" in report.text()
    assert f"{verdict} " in report.text().rpartition(", ")[2]


def test_the_same_bytes_are_no_change():
    report = lint(RULE, previous=before(RULE))
    assert report.change is None
    assert "change" not in report.checks


@pytest.mark.parametrize("old", ["package overlay.x", "no Rego", ""])
def test_a_version_before_that_is_no_rule_is_unknown(old):
    report = lint(RULE, previous=before(old))
    assert report.change.verdict == "unknown"
    assert codes(report, "warning") == ["change-unknown"]


def test_without_a_solver_a_change_is_unknown():
    with Prover(python="/bin/false") as missing:
        report = lint(CHANGES["stricter"][0], missing, previous=before(RULE))
    assert report.change.verdict == "unknown"
    assert report.change.to_json()["solver_version"] is None


# ------------------------------------------------------------------ vacuity
TRUNK = TEST.replace('"main"', '"trunk"')


def test_a_tested_rule_that_claims_nothing_asks_no_solver():
    report = lint(RULE)
    assert report.passed
    assert {"vacuity", "contradiction"} <= set(report.checks)


def test_a_rule_that_adds_nothing_is_a_warning(prover):
    rule = RULE.replace(DENY, denying(PROD, f'{BRANCH} == "trunk"'))
    report = lint(rule, prover, test=TRUNK)
    assert report.passed, report.text()
    assert "rule-vacuous" in codes(report, "warning")


def test_a_rule_that_denies_everything_is_refused(prover):
    test = TEST[: TEST.index("test_allows")] + TEST[TEST.index("test_denies") :]
    rule = RULE.replace(DENY, denying("target_tier"))
    assert "rule-contradictory" in codes(lint(rule, prover, test=test))


def test_doubts_without_a_solver_are_left_out_and_refuse_nothing():
    rule = RULE.replace(DENY, denying(PROD, f'{BRANCH} == "trunk"'))
    with Prover(python="/bin/false") as missing:
        report = lint(rule, missing, test=TRUNK)
    assert report.passed
    assert "vacuity" not in report.checks


def test_an_ordinary_rule_loads_neither_prover_nor_solver():
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.unit.bundle.test_lint_rule import lint
assert lint().passed
assert not {{"z3", "bundle.lint.proofs", "bundle.ratchet.compare"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=ROOT)


# ------------------------------------------------------------------ parameters
def choosing(value):
    fields = REFINES.replace(PARENT_ID, "practice.approvals")
    chosen = f'{fields}\n\t"parameters": {{"min_approvals": {value}}},'
    return refining(denying("count(input.context.pull_request.approvals) < 3"), chosen)


@pytest.mark.parametrize(
    ("value", "said"),
    [("1", "an integer in 2..10, got 1"), ("11", "got 11"), ('"3"', "got '3'"), ("true", "got True")],
)  # fmt: skip
def test_a_value_that_the_parent_does_not_give_is_refused(prover, value, said):
    parents = (library(), Module("parent.rego", PARAMS))
    finding = found(
        lint(choosing(value), prover, test="", parents=parents), "parameter-refused"
    )
    assert said in finding.message
    assert finding.line == 13


def test_a_stricter_value_is_accepted(prover):
    parents = (library(), Module("parent.rego", PARAMS))
    report = lint(choosing("3"), prover, test="", parents=parents)
    assert "parameter-refused" not in codes(report)
    assert "parameters" in report.checks


def test_a_parameter_of_another_name_is_refused(prover):
    parents = (library(), Module("parent.rego", PARAMS))
    rule = choosing("3").replace("min_approvals", "min_reviews")
    assert "parameter-refused" in codes(lint(rule, prover, test="", parents=parents))


def test_parameters_without_a_parent_are_refused():
    fields = '"tier_scope": ["prod"],\n\t"parameters": {"a": 1},'
    assert codes(lint(refining(refines=fields))) == ["metadata-field"]


def test_a_rule_may_read_a_declared_parameter_and_no_other(prover):
    parents = (library(), Module("parent.rego", PARAMS))
    paths = parameter_paths(parents, engine=shared_engine())
    assert paths == (("data", "proposal", "params", "min_approvals"),)
    deny = denying(
        "count(input.context.pull_request.approvals) < data.proposal.params.min_approvals"
    )
    rule = RULE.replace(DENY, deny)
    assert "data-reference" not in codes(
        lint(rule, prover, parents=parents, parameters=paths)
    )
    assert "data-reference" in codes(lint(rule, prover, parents=parents))


def test_the_gate_reads_the_same_parameters_from_the_pinned_layers(prover):
    """What the linter lets an author sign, the publisher and the Runner take too."""
    parents = (library(), Module("parent.rego", PARAMS))
    deny = denying("1 < data.proposal.params.min_approvals")
    source = RULE.replace(DENY, deny).encode()
    rule_id = examine_rule("r.rego", source, parse=shared_engine().parse).rule.rule_id
    files = {f"rules/{rule_id}/{rule_id}.rego": source}
    assert open_rules(files, shared_engine(), parents)
    with pytest.raises(ConfinementError):
        open_rules(files, shared_engine(), (library(),))


MONOTONE = {
    "a bound in the declared direction": (PARAMS, []),
    "an equality": (PARAMS.replace(") < data", ") == data"), ["parameter-not-monotone"]),
    "the other direction": (PARAMS.replace("up", "down"), ["parameter-not-monotone"]),
    "no default": (PARAMS.replace('#       default: "2"\n', ""), ["parameter-declaration"]),
    "all parameters at once": (
        PARAMS.replace("< data.proposal.params.min", "== chosen.min")
        + '\nchosen := params\n\nparams := {"min_approvals": 2}\n',
        ["parameter-not-monotone"],
    ),
    "a value that the parent itself gives": (
        PARAMS.replace(") < data", ") == data") + '\nparams := {"min_approvals": 2}\n',
        ["parameter-not-monotone"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MONOTONE)
def test_a_parents_parameters_are_proved_once(prover, name):
    text, expected = MONOTONE[name]
    parent = layer("constitution", text)
    first = lint_layer(parent, engine=shared_engine(), prover=prover)
    assert [f.code for f in first] == expected
    assert lint_layer(parent, engine=shared_engine(), prover=Unasked()) == first


def test_without_a_solver_a_parent_with_parameters_is_refused_and_not_remembered(
    prover,
):
    parent = layer("constitution", PARAMS + "\n# another text\n")
    with Prover(python="/bin/false") as missing:
        refused = lint_layer(parent, engine=shared_engine(), prover=missing)
    assert [f.code for f in refused] == ["prover-missing"]
    assert lint_layer(parent, engine=shared_engine(), prover=prover) == ()


# ------------------------------------------------------------------ citations
OTHER = RULE.replace("acme", "other").replace("Changes are recorded.", "{}")


def other(text):
    files = rule_files(OTHER.replace("{}", text))
    path = Path("overlay/rules/other.requires_ticket/other.requires_ticket.rego")
    return dataclasses.replace(files, rule_path=path)


@pytest.mark.parametrize(
    ("text", "warned"), [("Changes are recorded.", []), ("Another.", ["citation-shadowed"])]
)  # fmt: skip
def test_one_citation_id_has_one_text_in_the_overlay(text, warned):
    citations = Citations([rule_files(), other(text)])
    assert codes(lint(RULE, citations=citations), "warning") == warned


def test_a_parents_citation_is_not_described_otherwise():
    cited = RULE[RULE.index('"citation"') : RULE.index("},\n}") + 2].replace(
        "recorded", "kept"
    )
    parent = PARENT.replace('"A branch has a name."', f'"d",\n{cited}')
    report = lint(RULE, parents=(library(), Module("parent.rego", parent)))
    finding = found(report, "citation-shadowed")
    assert "another in parent.rego" in finding.message


# ------------------------------------------------------------------ shape
def test_more_cases_than_an_attestation_lists_are_found_before_signing():
    context = '{"context": {"target": {"name": "a", "tier": "dev"}}}'
    cases = "\n".join(
        f'- {{"name": "n{n}", "polarity": "positive", "input": {context}}}'
        for n in range(999)
    )
    files = rule_files(cases=f"cases:\n{cases}\n")
    report = lint_rule(files, engine=shared_engine())
    assert codes(report) == ["signature-shape"]
    assert "expected what can be attested" in found(report, "signature-shape").message


def test_the_shape_is_not_asked_of_a_rule_that_does_not_pass():
    assert "signature-shape" not in lint(RULE, test="").checks


@pytest.mark.parametrize("name", NAMES)
def test_what_plainly_fits_can_be_attested(name):
    rule, test = (
        text.replace("acme.rule", RULE_ID) for text in render(name, "acme.rule")
    )
    files = rule_files(rule, test)
    report = lint_rule(files, engine=shared_engine())
    assert "signature-shape" in report.checks
    module = Module("r.rego", rule)
    read = read_rule(module, shared_engine().parse(module))
    said = {
        "test": run_tests(files, engine=shared_engine()).to_json(),
        "lint": report.to_json(),
    }
    assert plainly_fits(read, **said)
    assert RULE_ID.encode() in unsigned_statement(files, read, **said)
    said["test"]["cases"].append(said["test"]["cases"][0])
    assert not plainly_fits(read, **said)
