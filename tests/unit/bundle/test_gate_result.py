# SPDX-License-Identifier: Apache-2.0
"""What the gate says reads well, travels as JSON, and is the same every time."""

from dataclasses import replace

import pytest

from bundle.gate import PLAN, check_standing
from bundle.gate.chain import open_head
from bundle.gate.errors import PinnedRootError, TargetMismatchError
from bundle.gate.named import keep_named
from bundle.rego.embedded import EmbeddedEngine
from bundle.runner.collect import collect_moved
from bundle.verifier import Verifier, require_pinned
from keys.errors import LimitExceededError
from keys.strict import dumps_json
from signer.form import Custody, Form
from signer.result import Status, VerificationResult
from signer.revocation import Revocation, Survivors
from tests.simulators.signing import NOW
from tests.simulators.workspace import TICKET, SimulatedWorkspace, rule_text


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture
def house(engine):
    house = SimulatedWorkspace(NOW, engine)
    house.release(house.rule())
    return house


def test_an_accepted_release_is_a_tree_that_a_person_reads(house):
    text = house.check().result.text()
    lines = text.splitlines()
    assert lines[0] == "accepted  release 1  at 2026-03-02T09:00:00Z"
    assert "embedded: the Control Plane can sign for anyone here" in text
    assert f"    ✓ {TICKET}: signed by author (author@example.com)" in lines
    assert len(lines) == 1 + len(PLAN) + 1


def test_a_refused_release_says_which_step_and_runs_no_further(house):
    candidate = house.candidate()
    other = house.layer_attestation(house.constitution)
    judged = house.check(replace(candidate, constitution_attestation=other))
    statuses = {c.id: c.status for c in judged.result.checks}
    assert statuses["trust-files"] is Status.FAILED
    assert statuses["trust-policy"] is Status.NOT_RUN
    assert statuses["compile"] is Status.NOT_RUN
    assert not judged
    assert judged.trust is None
    with pytest.raises(TargetMismatchError):
        judged.require()


def test_a_refused_rule_shows_every_step_of_its_attestation(house):
    house.publish_trust(revocations=(Revocation("author", NOW, "left"),))
    house.release_again()
    result = house.check().result
    (failed,) = [c for c in result.checks if c.status is Status.FAILED]
    assert failed.id == "rules"
    (rule,) = failed.children
    assert (rule.id, rule.code) == (f"rule:{TICKET}", "revoked")
    assert [c.id for c in rule.children][:3] == ["shape", "signer", "revocation"]
    assert "left" in result.text()


def test_trust_holds_even_when_the_release_is_refused(house):
    house.publish_trust(revocations=(Revocation("author", NOW, "left"),))
    judged = house.check()
    assert judged.result.code == "parents-not-current"
    assert judged.trust.view.targets_version == 2
    assert judged.trust.marks.release is None


def test_the_result_is_the_same_again_and_as_json(house):
    first, second = house.check().result, house.check().result
    assert first == second
    data = first.to_json()
    assert VerificationResult.parse(dumps_json(data)) == first
    release = house.releases[-1]
    assert data["facts"] == {
        "workspace": str(house.workspace),
        "form": "embedded",
        "targets": 1,
        "revision": 1,
        "release": str(release.digest),
        "archive": str(house.check().require().archive),
        "content": str(house.check().require().content),
    }


def test_a_changed_rule_is_accepted_with_a_warning_in_the_embedded_form(house):
    first = house.releases[0].rules[0]
    newer = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(newer)
    judged = house.check()
    assert judged
    (step,) = [c for c in judged.result.checks if c.id == "changes"]
    (warning,) = step.children
    assert warning.code == "change-not-approved"
    assert warning.detail.startswith("warning: ")
    assert "warning: " in judged.result.text()


def test_attestations_of_earlier_changes_are_bounded_in_number_and_size(house):
    known = house.releases[0].known
    for message in ("newer", "newest"):
        old = house.releases[-1].rules[0]
        new = house.rule(text=rule_text(message=message), supersedes=old.head)
        house.release(new.approved(house.approval(old, new)))
    assert house.check(floor=known)
    head = open_head(house.releases[-1].attestation)
    rest = (house, head, house.candidate(known=known).chain, house.policy())
    moved = list(collect_moved(*rest))
    assert len(moved) == 2  # the version in between, and its approval
    size = sum(map(len, moved))
    assert list(collect_moved(*rest, max_attestations=2, max_bytes=size)) == moved
    for bound in ({"max_attestations": 1}, {"max_bytes": size - 1}):
        with pytest.raises(LimitExceededError):
            list(collect_moved(*rest, **bound))


def test_an_empty_overlay_may_be_released(engine):
    house = SimulatedWorkspace(NOW, engine)
    house.release()
    assert house.check()


def test_the_marks_of_a_release_are_those_of_everything_it_stands_on(house):
    release = house.check().require()
    marks = release.marks
    assert marks.release == house.releases[-1].known
    assert marks.targets_version == 1
    assert marks.at == NOW
    assert (marks.log.origin, marks.log.size) == (house.log.origin, 2)
    assert release.trust.form is Form.EMBEDDED


# ------------------------------------------------------------------ standing


def test_a_release_stands_or_falls_with_those_who_signed_it(house):
    first = house.releases[0].rules[0]
    newer = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(newer.approved(house.approval(first, newer)))
    judged = house.check()
    release = judged.require()
    assert check_standing(release, judged.trust, at=NOW)
    for who, step in (
        ("author", "rules"),
        ("releaser", "release"),
        ("approver", "approvals"),
    ):
        policy = house.policy(revocations=(Revocation(who, NOW, "left"),))
        trust = replace(judged.trust.trust, policy=policy)
        result = check_standing(release, replace(judged.trust, trust=trust), at=NOW)
        assert result.code == "revoked"
        (failed,) = [c.id for c in result.checks if c.status is Status.FAILED]
        assert failed == step


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"thresholds": {"rule": 3, "release": 1}}, "threshold-not-met"),
        ({"thresholds": {"rule": 2, "release": 2}}, "threshold-not-met"),
        ({"revocations": (Revocation("second", NOW, "left"),)}, "revoked"),
    ],
)
def test_a_release_falls_with_the_number_of_those_who_signed_it(engine, policy, code):
    house = SimulatedWorkspace(NOW, engine)
    for name in ("second", "third"):
        house.people[name] = house.person(name, "author", "release")
    house.publish_trust(thresholds={"rule": 2, "release": 1})
    rule = house.rule()
    house.release(rule.cosigned(house.cosignature(rule, "second")))
    judged = house.check()
    release = judged.require()
    assert check_standing(release, judged.trust, at=NOW)
    trust = replace(judged.trust.trust, policy=house.policy(**policy))
    result = check_standing(release, replace(judged.trust, trust=trust), at=NOW)
    (failed,) = [c.id for c in result.checks if c.status is Status.FAILED]
    assert (failed, result.code) == ("thresholds", code)


def test_a_release_falls_with_a_further_releaser_even_if_one_would_be_enough(engine):
    house = SimulatedWorkspace(NOW, engine)
    house.people["second"] = house.person("second", "release")
    house.publish_trust()
    house.release(house.rule(), further=("second",))
    judged = house.check()
    assert check_standing(judged.require(), judged.trust, at=NOW)
    policy = house.policy(revocations=(Revocation("second", NOW, "stolen"),))
    trust = replace(judged.trust.trust, policy=policy)
    result = check_standing(
        judged.require(), replace(judged.trust, trust=trust), at=NOW
    )
    (failed,) = [c.id for c in result.checks if c.status is Status.FAILED]
    assert (failed, result.code) == ("thresholds", "revoked")


def test_a_release_falls_when_the_control_plane_may_decide(engine):
    house = SimulatedWorkspace(NOW, engine, sovereign=True)
    known = house.release(house.rule()).known
    judged = house.check(floor=known)
    house.people["bot"] = house.person("bot", "retire", custody=Custody.CONTROL_PLANE)
    trust = replace(judged.trust.trust, policy=house.policy())
    result = check_standing(
        judged.require(), replace(judged.trust, trust=trust), at=NOW
    )
    assert result.code == "custody"


def test_a_release_named_as_survivor_keeps_the_rules_that_it_lists(house):
    first = house.releases[0].rules[0]
    newer = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(newer.approved(house.approval(first, newer)))
    judged = house.check()
    release = judged.require()
    revoked = (
        Revocation("author", NOW, "left"),
        Revocation("approver", NOW, "left"),
        Revocation(
            "releaser", NOW, "left", Survivors(releases=frozenset({release.digest}))
        ),
    )
    trust = replace(judged.trust.trust, policy=house.policy(revocations=revoked))
    accepted = replace(judged.trust, trust=keep_named(trust, house.chain))
    assert check_standing(release, accepted, at=NOW)
    listed = {
        release.digest,
        release.predicate.inventory[0].head,
        *release.predicate.inventory[0].approvals,
    }
    assert accepted.trust.kept == {release.digest: listed}
    nothing = replace(judged.trust, trust=trust)
    assert check_standing(release, nothing, at=NOW).code == "revoked"


# ------------------------------------------------------------------ the verifier


def test_a_verifier_judges_under_its_pin_only(house, engine):
    verifier = Verifier(root=house.root, engine=engine)
    assert verifier.form is Form.EMBEDDED
    assert verifier.workspace == house.workspace
    assert verifier.verify(house.candidate(), at=NOW)
    other = SimulatedWorkspace(NOW, engine)
    other.release(other.rule())
    with pytest.raises(PinnedRootError):
        verifier.verify(other.candidate(), at=NOW)


def test_no_roots_are_not_the_pinned_one():
    with pytest.raises(PinnedRootError):
        require_pinned((), b"root")
