# SPDX-License-Identifier: Apache-2.0
"""Law: what is called equal or stricter never lets through what was denied.

Denied is also what the old version has no answer to.
"""

import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.ratchet.candidates import candidates, completed
from bundle.ratchet.change import change_of
from bundle.ratchet.child import Prover
from bundle.ratchet.compare import admits, compare
from bundle.ratchet.sides import question_of
from bundle.rego.engine import Module
from bundle.rego.errors import EvaluationError
from bundle.rego.templates import NAMES, library, render
from bundle.rule import read_rule
from keys.digest import Digest
from tests.simulators.rego import METADATA, RULE, RULE_ID, shared_engine

LEAF = "acme_requires_ticket"
DENY = f"data.overlay.{LEAF}.deny"


class NoProver(Prover):
    def search(self, *_sides, **_options):
        raise AssertionError("the solver was asked")


@pytest.fixture(scope="module")
def prover():
    with Prover() as prover:
        yield prover


def rule(text):
    module = Module("rule.rego", text)
    return read_rule(module, shared_engine().parse(module))


def denying(*statements):
    body = "\n\t".join(statements)
    head = f'deny contains {{"rule_id": "{RULE_ID}", "message": "m"}} if {{'
    return rule(
        f"package overlay.{LEAF}\n\nimport rego.v1\n\n{METADATA}\n{head}\n\t{body}\n}}\n"
    )


def changed(old, new, prover):
    return change_of(
        old, new, engine=shared_engine(), library=[library()], prover=prover
    )


LONG = "count(input.context.service) > 3"
NUMBER = "to_number(input.context.service)"


def verdict_of_runner(module, document):
    """Return what a Runner does: no answer is a deny."""
    modules = [Module("rule.rego", module.source.decode()), library()]
    try:
        return bool(shared_engine().load(modules).evaluate(DENY, document))
    except EvaluationError:
        return True


def test_a_proof_about_answers_alone_would_let_a_denied_input_through(prover):
    """Red without ``may_fail``: the comparison proves stricter, a Runner shows looser."""
    old, new = denying(NUMBER, LONG), denying(LONG)
    assert compare(old, new, engine=shared_engine(), prover=prover).verdict in (
        "equal",
        "stricter",
    )
    found = changed(old, new, prover)
    assert found.verdict == "looser"
    assert not found.attestable
    assert verdict_of_runner(old, found.witness_looser)
    assert not verdict_of_runner(new, found.witness_looser)


def test_an_old_version_that_may_have_no_answer_is_unknown(prover):
    guarded = "regex.match(`^[0-9]+$`, input.context.service)"
    old = denying(guarded, NUMBER, LONG)
    found = changed(old, denying(guarded, LONG), prover)
    assert (found.verdict, found.attestable) == ("unknown", False)
    assert "line 20: to_number may get what it has no answer to" in found.reason


def test_an_old_version_of_unbounded_work_is_unknown(prover):
    walk = (
        "some f in input.proposal.files",
        "some a in input.context.pull_request.approvals",
        "f.path == a.user",
    )
    found = changed(denying(*walk, LONG), denying(*walk), prover)
    assert found.verdict == "unknown"
    assert "steps of work" in found.reason


def test_a_new_version_that_may_have_no_answer_is_not_equal(prover):
    old = denying(LONG)
    more = old.source.decode().replace(LONG, f"{NUMBER} == 1\n\t{LONG}")
    more = more[more.index("deny contains") :]
    new = rule(f"{old.source.decode()}\n{more}")
    assert compare(old, new, engine=shared_engine(), prover=prover).verdict == "equal"
    found = changed(old, new, prover)
    assert found.verdict == "stricter"
    assert "the new version may have no answer" in found.reason


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (LONG, "count(input.context.service) > 2", "stricter"),
        (LONG, "count(input.context.service) > 4", "looser"),
        (LONG, "3 < count(input.context.service)", "equal"),
        (LONG, 'input.context.renderer == "helm"', "incomparable"),
    ],
)
def test_what_surely_answers_keeps_its_verdict(prover, old, new, verdict):
    before = denying(old)
    found = changed(before, denying(new), prover)
    assert found.verdict == verdict
    assert found.old == Digest.of(before.source)
    assert found.attestable is (verdict in ("equal", "stricter"))
    assert found.to_json() == {
        "verdict": verdict,
        "old": str(found.old),
        "solver_version": found.solver_version,
    }


def test_comments_metadata_and_layout_need_no_solver():
    old = rule(RULE.replace('target_tier == "prod"', f"{NUMBER}\n\ttarget_tier"))
    text = old.source.decode()
    new = rule(
        f"# why\n{text}".replace("names a ticket", "names one").replace("\t", " ")
    )
    found = changed(old, new, NoProver())
    assert (found.verdict, found.solver_version) == ("equal", "")
    assert found.to_json()["solver_version"] is None


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('== "prod"', '== "dev"'),
        ('== "prod"', "== 1"),
        ("target_tier\n", "target_name\n"),
        ("not has_ticket", "has_ticket"),
    ],
)
def test_one_word_of_the_rules_needs_the_solver(there, instead):
    assert there in RULE
    with pytest.raises(AssertionError, match="the solver was asked"):
        changed(rule(RULE), rule(RULE.replace(there, instead)), NoProver())


def test_a_template_may_be_tightened_with_an_attestation(prover):
    text, _ = render("change-calendar", "acme.rule")
    tight = text.replace("CM-[0-9]+", "CM-[0-9]+").replace(
        "has_ticket if names_ticket(input.context.pull_request.branch)\n", ""
    )
    found = changed(rule(text), rule(tight), prover)
    assert (found.verdict, found.attestable) == ("stricter", True)
    assert found.witness_stricter["context"]["target"]["tier"] == "prod"


EDITS = [
    ('target_tier == "prod"', 'target_tier in {"prod", "live"}'),
    ('target_tier == "prod"', "target_tier"),
    ("not approved", "some f in input.proposal.files\n\tnot approved"),
    ("not approved", "f := file.path\n\tf\n\tnot approved"),
    ('"infra/secrets/"', '"infra/"'),
    ('"infra/secrets/"', '"infra/secrets/a"'),
    ("hour >= 22", "hour > 22"),
    ("hour < 2", "hour < 3"),
    ("approval.user != input.context.pull_request.author", 'approval.user != "bot"'),
    ("CM-[0-9]+", "CM-[0-9]{4}"),
    ('"security" in approval.groups', 'approval.groups[0] == "security"'),
    ("changes_service\n", "changes_service\n\tnot is_bot\n"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("turned", [False, True], ids=["forth", "back"])
def test_no_input_of_the_schema_refutes_what_may_be_attested(prover, name, turned):
    """The law itself, with a Runner's reading: no answer is a deny."""
    first, _ = render(name, RULE_ID)
    for there, instead in EDITS:
        if there not in first:
            continue
        second = (
            first.replace(there, instead)
            + '\nis_bot if input.context.change_kind == "bot"\n'
        )
        old, new = map(rule, (second, first) if turned else (first, second))
        if not changed(old, new, prover).attestable:
            continue
        sides = [question_of(one, [library()], shared_engine()) for one in (old, new)]
        replays = [side.load(shared_engine()) for side in sides]
        programs = tuple(side.program for side in sides)
        tried = [completed(d) for d in candidates(programs, limit=1_500)]
        for document in filter(admits, tried):
            before, after = (replay.denies(document) for replay in replays)
            assert after is not False or before is False, (there, instead, document)
