# SPDX-License-Identifier: Apache-2.0
"""Predicates: read as written, strict, and unable to contradict themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.digest import Digest
from keys.errors import FormatError
from keys.fields import Fields
from signer.errors import (
    PredicateFormatError,
    SuiteNotPassedError,
    UnknownPredicateError,
)
from signer.predicates import _PARSERS as PARSERS
from signer.predicates import parse_predicate
from signer.predicates.base import PERMISSION, PREFIX
from signer.predicates.evidence import (
    VERDICTS,
    RuleChange,
    SecondOpinion,
    SuiteResult,
)
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.layer import LayerPredicate
from signer.predicates.parts import Parents, Source, namespace_of
from signer.predicates.release import InventoryItem, RetiredItem
from signer.predicates.trust_change import Change
from signer.predicates.waiver import WaivedPack, WaiverScope
from signer.statement import Statement
from tests.simulators.signing import CASES, DAY, NOW, Workshop, person

SHOP = Workshop()
OTHER = Digest.of(b"other")
OPA = SecondOpinion("opa", "1.21.3")
PROOF = IdentityProofPredicate(
    workspace=SHOP.workspace,
    identity=person("newcomer", "author").identity.terms,
    challenge=bytes(32),
    expires=NOW + DAY,
)
LAYER = LayerPredicate(layer="pack", name="change-control", version="1.0.0")
ALL = [
    SHOP.artifact(),
    SHOP.rule(),
    SHOP.rule(supersedes=OTHER, source=Source()),
    SHOP.rule(
        supersedes=OTHER,
        test=replace(SHOP.rule().test, second_opinion=OPA),
        lint=replace(
            SHOP.rule().lint,
            second_opinion=OPA,
            change=RuleChange("looser", OTHER, "4.15.3"),
        ),
    ),
    SHOP.release(),
    SHOP.release(revision=2, predecessor=OTHER, added=(), changed=("acme.ticket",)),
    SHOP.release(inventory=(), added=()),
    SHOP.lint(),
    SHOP.lint(verdict="equal", solver_version=None),
    SHOP.approval(),
    SHOP.approval(change="equal", loosens=False),
    SHOP.approval(change="retired", new=None),
    SHOP.approval(change="returned", old=None, loosens=False),
    SHOP.retirement(),
    SHOP.waiver(),
    SHOP.waiver(scope=WaiverScope(services=("a", "b"), tiers=("prod",))),
    SHOP.trust_change(),
    SHOP.trust_change(
        targets_version=2,
        previous=OTHER,
        change=Change(kind="identity-registered", identity="jane", proof=OTHER),
        checkpoint="a note",
    ),
    SHOP.report(),
    SHOP.report(
        sequence=2, previous=OTHER, outcome="held", code="revoked",
        revision=None, release=None, content=None, checkpoint="a note",
    ),
    PROOF,
    LAYER,
]  # fmt: skip


def named(predicate) -> str:
    return predicate.type.removeprefix(PREFIX)


def leaves(value, path=()):
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for name, inner in items:
        yield (*path, name)
        yield from leaves(inner, (*path, name))


def without(value, path):
    if len(path) == 1:
        if isinstance(value, dict):
            return {k: v for k, v in value.items() if k != path[0]}
        return None
    step, *rest = path
    inner = without(value[step], rest)
    if inner is None:
        return None
    if isinstance(value, dict):
        return value | {step: inner}
    return [inner if i == step else v for i, v in enumerate(value)]


@pytest.mark.parametrize("predicate", ALL, ids=named)
def test_a_predicate_is_read_as_it_was_written(predicate):
    assert type(predicate).parse(predicate.to_json()) == predicate


@pytest.mark.parametrize("predicate", ALL, ids=named)
def test_no_field_may_be_missing(predicate):
    document = predicate.to_json()
    open_maps = {("parents", "packs", "pack")}
    for path in leaves(document):
        shorter = without(document, path)
        if shorter is None or path in open_maps:
            continue
        with pytest.raises(FormatError):
            type(predicate).parse(shorter)


@pytest.mark.parametrize("predicate", ALL, ids=named)
def test_no_unknown_field_is_ignored(predicate):
    document = predicate.to_json()
    places = [(), *(path for path in leaves(document))]
    for path in places:
        copy = type(predicate).parse(document).to_json()
        place = copy
        for step in path:
            place = place[step]
        if isinstance(place, dict) and path[-1:] != ("packs",):
            place["x-unknown"] = 1
            with pytest.raises(FormatError):
                type(predicate).parse(copy)


@pytest.mark.parametrize("predicate", ALL, ids=named)
def test_no_field_may_be_of_another_kind(predicate):
    document = predicate.to_json()
    for path in leaves(document):
        copy = type(predicate).parse(document).to_json()
        place = copy
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = 1.5
        with pytest.raises(FormatError):
            type(predicate).parse(copy)


def test_every_type_that_an_identity_signs_has_a_permission_and_a_parser():
    assert set(PERMISSION) == set(PARSERS)


def test_an_unknown_type_is_refused():
    with pytest.raises(UnknownPredicateError):
        parse_predicate(Statement((), f"{PREFIX}rule/v2", SHOP.rule().to_json()))


@pytest.mark.parametrize(
    "rule_id",
    ["acme", "acme.", ".x", "Acme.x", "acme.x.y", "acme.x\n", "9a.x", "a.9", "a.b-c"],
)
def test_what_is_not_a_rule_id_is_refused(rule_id):
    with pytest.raises(PredicateFormatError):
        namespace_of(rule_id)
    with pytest.raises(FormatError):
        SHOP.rule(rule_id=rule_id, package="overlay.x")


# ------------------------------------------------------------------ contradictions


def case(**changes):
    return replace(CASES[1], **changes)


NOT_PASSED = {
    "a denied case that was allowed": lambda: case(actual="allow"),
    "a positive case that expects a denial": lambda: case(polarity="positive"),
    "a case that expects what it got": lambda: case(expected="allow", actual="allow"),
    "no case that passes": lambda: suite(CASES[1:]),
    "no case that is denied": lambda: suite(CASES[:1]),
    "no case": lambda: suite(()),
}


def suite(cases) -> SuiteResult:
    return SuiteResult(engine="regorus", engine_version="0.13.0", cases=tuple(cases))


@pytest.mark.parametrize(
    "build", [pytest.param(build, id=name) for name, build in NOT_PASSED.items()]
)
def test_a_suite_that_did_not_pass_cannot_be_built(build):
    with pytest.raises(SuiteNotPassedError):
        build()


def opined(engine: str):
    second = {"engine": engine, "engine_version": "1.21.3"}
    return suite(CASES).to_json() | {"second_opinion": second}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_change_has_one_of_five_verdicts(verdict):
    change = RuleChange(verdict, OTHER)
    assert RuleChange.parse(Fields(change.to_json(), "change")) == change
    with pytest.raises(FormatError):
        RuleChange.parse(Fields(change.to_json() | {"verdict": "better"}, "change"))


ITEM = SHOP.release().inventory[0]
RETIRED = RetiredItem(rule_id="acme.old", rule=OTHER, head=OTHER)


def item(rule_id: str) -> InventoryItem:
    return replace(ITEM, rule_id=rule_id)


CONTRADICTIONS = {
    "a rule in force whose id is none": lambda: SHOP.release(
        inventory=(item("Acme"),), added=()
    ),
    "a second opinion of the same engine": lambda: SuiteResult.parse(
        Fields(opined("regorus"), "suite")
    ),
    "a version that is prose": lambda: LayerPredicate.parse(
        LAYER.to_json() | {"version": "the newest"}
    ),
    "a first release with a predecessor": lambda: SHOP.release(predecessor=OTHER),
    "a second without": lambda: SHOP.release(revision=2),
    "revision 0": lambda: SHOP.release(revision=0),
    "expired when it was issued": lambda: SHOP.release(expires=NOW),
    "fresh for 30 days and a second": lambda: SHOP.release(
        expires=NOW + 30 * DAY + timedelta(seconds=1)
    ),
    "rules out of order": lambda: SHOP.release(
        inventory=(item("b.x"), item("a.x")), added=()
    ),
    "a rule twice": lambda: SHOP.release(inventory=(ITEM, ITEM)),
    "a rule in force and retired": lambda: SHOP.release(
        retired=(replace(RETIRED, rule_id=ITEM.rule_id),)
    ),
    "an added rule that is not there": lambda: SHOP.release(added=("acme.none",)),
    "a rule added and changed": lambda: SHOP.release(changed=("acme.ticket",)),
    "added rules out of order": lambda: SHOP.release(
        inventory=(item("a.x"), item("b.x")), added=("b.x", "a.x")
    ),
    "approvals out of order": lambda: replace(
        ITEM, approvals=(Digest("b" * 64), Digest("a" * 64))
    ),
    "an approval twice": lambda: replace(ITEM, approvals=(OTHER, OTHER)),
    "a lint of no change": lambda: SHOP.lint(old=OTHER, new=OTHER),
    "a lint identity's word for a looser rule": lambda: SHOP.lint(verdict="looser"),
    "for one that it does not know": lambda: SHOP.lint(verdict="unknown"),
    "a lint of what is no rule": lambda: SHOP.lint(rule_id="acme"),
    "an approval of no change": lambda: SHOP.approval(old=OTHER, new=OTHER),
    "an approval of another kind of change": lambda: SHOP.approval(change="better"),
    "a waiver for longer than 90 days": lambda: SHOP.waiver(
        expires=NOW + timedelta(days=90, seconds=1)
    ),
    "a waiver that ended before it began": lambda: SHOP.waiver(expires=NOW),
    "a waiver that hardly says why": lambda: SHOP.waiver(justification="x" * 39),
    "a waiver that says why in blanks": lambda: SHOP.waiver(
        justification="because" + " " * 40
    ),
    "a waiver for nobody": lambda: SHOP.waiver(scope=WaiverScope(services=())),
    "a scope out of order": lambda: SHOP.waiver(scope=WaiverScope(tiers=("b", "a"))),
    "a waiver of no rule": lambda: SHOP.waiver(rule_id="no rule"),
    "a waiver of no pack": lambda: SHOP.waiver(
        pack=WaivedPack(name="No Pack", digest=OTHER)
    ),
    "a retirement without a reason": lambda: SHOP.retirement(reason=" "),
    "an approval of no rule before, not returned": lambda: SHOP.approval(old=None),
    "an approval of a return that had a rule before": lambda: SHOP.approval(
        change="returned", loosens=False
    ),
    "an approval of no rule, not retired": lambda: SHOP.approval(new=None),
    "an approval of a rule that is retired": lambda: SHOP.approval(change="retired"),
    "a looser rule that does not loosen": lambda: SHOP.approval(loosens=False),
    "an unknown one that does not": lambda: SHOP.approval(
        change="unknown", loosens=False
    ),
    "a stricter rule that loosens": lambda: SHOP.approval(change="stricter"),
    "an approval without a reason": lambda: SHOP.approval(justification=" \n"),
    "an approval of what is no rule": lambda: SHOP.approval(rule_id="acme"),
    "a first targets version with one before": lambda: SHOP.trust_change(previous=OTHER),
    "a second without one": lambda: SHOP.trust_change(targets_version=2),
    "a registration of nobody": lambda: Change(kind="identity-registered"),
    "a change of layers about somebody": lambda: Change(
        kind="layers-changed", identity="jane"
    ),
    "a revocation with a proof": lambda: Change(
        kind="identity-revoked", identity="jane", proof=OTHER
    ),
    "a first report with one before": lambda: SHOP.report(previous=OTHER),
    "held without a code": lambda: SHOP.report(outcome="held"),
    "activated with a code": lambda: SHOP.report(code="revoked"),
    "a revision without its release": lambda: SHOP.report(release=None),
    "a challenge of 31 bytes": lambda: replace(PROOF, challenge=bytes(31)),
    "a package outside the overlay": lambda: SHOP.rule(package="proposal"),
    "a package of two leaves": lambda: SHOP.rule(package="overlay.a.b"),
    "a branch for a commit": lambda: Source("main"),
    "a pack of no name": lambda: Parents(OTHER, {"../x": OTHER}),
}  # fmt: skip


@pytest.mark.parametrize(
    "build", [pytest.param(build, id=name) for name, build in CONTRADICTIONS.items()]
)
def test_what_contradicts_itself_cannot_be_built(build):
    with pytest.raises(PredicateFormatError):
        build()


def test_a_release_decides_about_the_namespaces_of_all_its_rules_retired_ones_too():
    release = SHOP.release(retired=(replace(RETIRED, rule_id="web.old"),))

    assert release.namespaces == {"acme", "web"}
    assert SHOP.rule().namespaces == {"acme"}
    assert SHOP.report().namespaces == frozenset()
