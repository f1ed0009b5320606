# SPDX-License-Identifier: Apache-2.0
"""A rule changes only with a second principal behind it (DESIGN T5, Principals).

The attackers have real keys of the workspace, the release identity's among them, and
use them beyond what they may. Each meets a Runner with state and a fresh one, both
pinned to a sovereign root; none of them activates anything.
"""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from keys.clock import utc_now
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.form import Custody
from signer.pins import Floor
from signer.predicates.parts import Parents
from signer.revocation import Revocation, Survivors
from tests.simulators.runner import disk
from tests.simulators.workspace import (
    DAY,
    TICKET,
    WINDOW,
    SimulatedWorkspace,
    proposal,
    rule_text,
)

OTHER = Digest.of(b"another")


@pytest.fixture
def house(engine):
    """One release, which every Runner here knows."""
    at = utc_now() - timedelta(minutes=1)
    house = SimulatedWorkspace(at, engine, sovereign=True)
    house.people["both"] = house.person("both", "author", "approve", "lint")
    house.publish_trust()
    house.release(house.rule())
    return house


def newer(house, message="newer", **said):
    """The rule of the newest release, and a version of it that its author signed."""
    old = house.releases[-1].rules[0]
    text = rule_text(message=message)
    return old, house.rule(text=text, supersedes=old.head, **said)


def changed(house, approve=None, *, message="newer", **said):
    """Release a new version of the rule, with the approval that is made for it."""
    old, new = newer(house, message, **said)
    approvals = (approve(old, new),) if approve else ()
    house.release(new.approved(*approvals))
    return old, new.approved(*approvals)


def trusting(house, *people, **policy):
    """Have the admins register people, and release again under that trust."""
    house.people |= {one.id: one for one in people}
    house.publish_trust(**policy)
    house.release_again()


# ------------------------------------------------------------------ nobody approved


def a_change_that_nobody_approved(house, bench):
    changed(house)
    return "change-not-approved"


def a_change_that_nobody_approved_two_releases_ago(house, bench):
    changed(house)
    house.release_again()
    house.release_again()
    return "change-not-approved"


def a_change_that_nobody_approved_and_that_was_taken_back_with_approval(house, bench):
    first = house.releases[-1].rules[0]
    changed(house)
    _, second = newer(house)
    back = house.rule(
        text=first.rule.decode(), supersedes=house.releases[-1].rules[0].head
    )
    house.release(back.approved(house.approval(second, back)))
    return "change-not-approved"


# ------------------------------------------------------------------ another change


def an_approval_of_another_version_before(house, bench):
    changed(house, lambda old, new: house.approval(old, new, old=OTHER))
    return "approval-mismatch"


def an_approval_of_another_version_after(house, bench):
    _, other = newer(house, "other")
    changed(house, lambda old, new: house.approval(old, other))
    return "subject-mismatch"


def an_approval_that_names_one_version_and_means_another(house, bench):
    changed(house, lambda old, new: house.approval(old, new, new=OTHER))
    return "approval-mismatch"


def an_approval_under_other_parents(house, bench):
    parents = Parents(OTHER, {"change-control": Digest.of(house.pack)})
    changed(house, lambda old, new: house.approval(old, new, parents=parents))
    return "approval-mismatch"


def an_approval_without_the_pack(house, bench):
    parents = Parents(Digest.of(house.constitution), {})
    changed(house, lambda old, new: house.approval(old, new, parents=parents))
    return "approval-mismatch"


def an_approval_of_another_rule(house, bench):
    changed(house, lambda old, new: house.approval(old, new, rule_id=WINDOW))
    return "approval-mismatch"


def an_approval_of_its_end(house, bench):
    changed(
        house, lambda old, new: house.approval(old, new, change="retired", new=None)
    )
    return "approval-mismatch"


def a_lint_against_another_version_before(house, bench):
    changed(house, lambda old, new: house.linted(old, new, old=OTHER))
    return "approval-mismatch"


def a_lint_under_other_parents(house, bench):
    parents = Parents(OTHER, {"change-control": Digest.of(house.pack)})
    changed(house, lambda old, new: house.linted(old, new, parents=parents))
    return "approval-mismatch"


def one_good_approval_and_one_of_another_change(house, bench):
    old, new = newer(house)
    good, other = house.approval(old, new), house.linted(old, new, old=OTHER)
    house.release(new.approved(good, other))
    return "approval-mismatch"


def an_approval_under_parents_of_an_earlier_change(house, bench):
    parents = Parents(OTHER, {"change-control": Digest.of(house.pack)})
    changed(house, lambda old, new: house.approval(old, new, parents=parents))
    house.release_again()
    return "approval-mismatch"


# ------------------------------------------------------------------ not second


def an_author_who_approves_her_own_change(house, bench):
    approve = lambda old, new: house.approval(old, new, by="both")  # noqa: E731
    changed(house, approve, by="both")
    return "approval-not-second"


def an_author_who_lints_her_own_change(house, bench):
    lint = lambda old, new: house.linted(old, new, by="both")  # noqa: E731
    changed(house, lint, by="both")
    return "approval-not-second"


def the_author_under_a_second_id(house, bench):
    alias = house.person("alias", "approve", principal="author@example.com")
    trusting(house, alias)
    changed(house, lambda old, new: house.approval(old, new, by="alias"))
    return "approval-not-second"


def the_author_s_own_lint_identity(house, bench):
    alias = house.person("alias", "lint", principal="author@example.com")
    trusting(house, alias)
    changed(house, lambda old, new: house.linted(old, new, by="alias"))
    return "approval-not-second"


def the_author_of_an_earlier_change_under_a_second_id(house, bench):
    alias = house.person("alias", "approve", principal="author@example.com")
    trusting(house, alias)
    changed(house, lambda old, new: house.approval(old, new, by="alias"))
    changed(house, house.approval, message="still newer", by="both")
    return "approval-not-second"


# ------------------------------------------------------------------ who may


def an_approval_by_who_may_not_approve(house, bench):
    changed(house, lambda old, new: house.approval(old, new, by="releaser"))
    return "signer-not-permitted"


def a_lint_by_who_may_only_approve(house, bench):
    changed(house, lambda old, new: house.linted(old, new, by="approver"))
    return "signer-not-permitted"


def an_approval_by_a_lint_identity(house, bench):
    changed(house, lambda old, new: house.approval(old, new, by="linter"))
    return "signer-not-permitted"


def an_approver_of_another_namespace(house, bench):
    other = house.person("other", "approve", namespaces=frozenset({"other"}))
    trusting(house, other)
    changed(house, lambda old, new: house.approval(old, new, by="other"))
    return "namespace-not-permitted"


def an_approver_whom_nobody_registered(house, bench):
    house.people["approver"] = house.person("approver", "approve")
    changed(house, house.approval)
    return "unknown-signer"


def an_approver_who_was_revoked(house, bench):
    changed(house, house.approval)
    trusting(house, revocations=(Revocation("approver", house.at, "stolen"),))
    return "revoked"


def a_lint_identity_that_was_revoked(house, bench):
    changed(house, house.linted)
    trusting(house, revocations=(Revocation("linter", house.at, "stolen"),))
    return "revoked"


def an_approver_of_an_earlier_change_who_was_revoked(house, bench):
    changed(house, house.approval)
    changed(house, house.linted, message="still newer", by="both")
    trusting(house, revocations=(Revocation("approver", house.at, "stolen"),))
    return "revoked"


def an_approver_whose_window_ended(house, bench):
    ended = house.person("ended", "approve", not_after=house.at - DAY)
    trusting(house, ended)
    changed(house, lambda old, new: house.approval(old, new, by="ended"))
    return "outside-window"


def an_approver_in_the_control_plane_s_custody(house, bench):
    bot = house.person("bot", "approve", custody=Custody.CONTROL_PLANE)
    trusting(house, bot)
    changed(house, lambda old, new: house.approval(old, new, by="bot"))
    return "custody"


# ------------------------------------------------------------------ too few


def three_must(house):
    """Two people besides the author, where admins say so."""
    people = (
        house.person("third", "approve"),
        house.person("approver-2", "approve", principal="approver@example.com"),
    )
    three = {"rule": 1, "release": 1, "approval": 3}
    trusting(house, *people, thresholds=three)


def approving(house, *who, **said):
    """Release a new version of the rule that these approve."""
    old, new = newer(house, **said)
    house.release(new.approved(*(house.approval(old, new, by=one) for one in who)))


def one_approver_where_the_admins_ask_for_two(house, bench):
    three_must(house)
    approving(house, "approver")
    return "change-not-approved"


def one_approver_with_two_keys(house, bench):
    three_must(house)
    approving(house, "approver", "approver-2")
    return "change-not-approved"


def one_approver_who_approves_twice(house, bench):
    three_must(house)
    old, new = newer(house)
    words = ("Hotfixes have no ticket yet.", "They really have none yet.")
    twice = (house.approval(old, new, justification=one) for one in words)
    house.release(new.approved(*twice))
    return "change-not-approved"


def one_approver_two_releases_ago(house, bench):
    three_must(house)
    approving(house, "approver")
    house.release_again()
    return "change-not-approved"


def a_second_approver_of_an_older_version(house, bench):
    three_must(house)
    old, new = newer(house)
    stale = house.approval(old, new, by="third")
    _, newest = newer(house, "newest")
    house.release(newest.approved(house.approval(old, newest), stale))
    return "subject-mismatch"


# ------------------------------------------------------------------ what is listed


def an_approval_of_a_rule_that_did_not_change(house, bench):
    old, new = newer(house)
    house.release(old.approved(house.approval(new, old)))
    return "approval-unlisted"


def an_approval_of_a_rule_that_is_new(house, bench):
    old = house.releases[-1].rules[0]
    window = house.rule(WINDOW)
    house.release(old, window.approved(house.approval(old, window)))
    return "approval-unlisted"


def an_approval_that_is_dropped_once_it_served(house, bench):
    _, new = changed(house, house.approval)
    house.release(new.approved())
    return "approval-unlisted"


def an_approval_that_is_listed_and_not_there(house, bench):
    old, new = newer(house)
    approved = new.approved(house.approval(old, new))
    made = house.make_release(approved)
    lines = made.lines.split(b"\n")
    hidden = b"\n".join(line for line in lines if line != approved.approvals[0])
    house.publish(replace(made, lines=hidden))
    return "attestation-set"


def an_approval_that_is_there_and_not_listed(house, bench):
    old, new = newer(house)
    house.release(new, extra=(house.approval(old, new),))
    return "attestation-set"


def a_rule_s_own_attestation_for_an_approval(house, bench):
    _, new = newer(house)
    house.release(new.approved(new.attestation))
    return "attestation-set"


def another_rule_s_attestation_for_an_approval(house, bench):
    _, new = newer(house)
    house.release(new.approved(house.rule(WINDOW, by="both").attestation))
    return "predicate-type"


def an_approval_with_a_false_signature_in_the_chain(house, bench):
    _, new = changed(house, house.approval)
    changed(house, house.approval, message="still newer")
    lie = json.loads(new.approvals[0])
    lie["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(70)).decode()
    digest = parse_attestation(new.approvals[0]).digest
    bench.mirror.replaced[f"chain/{digest.hex}.sigstore.json"] = json.dumps(
        lie
    ).encode()
    return "signature-invalid"


def a_superseded_rule_with_a_false_signature_in_the_chain(house, bench):
    _, new = changed(house, house.approval)
    changed(house, house.approval, message="still newer")
    lie = json.loads(new.attestation)
    lie["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(70)).decode()
    name = f"chain/{new.head.hex}.sigstore.json"
    bench.mirror.replaced[name] = json.dumps(lie).encode()
    return "signature-invalid"


def an_approval_that_the_mirror_withholds(house, bench):
    _, new = changed(house, house.approval)
    changed(house, house.approval, message="still newer")
    digest = parse_attestation(new.approvals[0]).digest
    del house.storage.objects[f"chain/{digest.hex}.sigstore.json"]
    return "tuf-missing"


ATTACKS = [
    value
    for name, value in list(globals().items())
    if name.startswith(("a_", "an_", "one_", "another_", "the_"))
]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[a.__name__.replace("_", " ") for a in ATTACKS]
)
def test_activates_nothing(attack, house, bench, runner):
    had = runner.status()
    kept = {n: d for n, d in disk(bench.directory).items() if n.startswith("releases")}

    code = attack(house, bench)
    event = runner.step()

    assert (event.outcome, event.code) == ("held", code)
    after = {n: d for n, d in disk(bench.directory).items() if n.startswith("releases")}
    assert after == kept
    status = runner.status()
    assert (status.revision, status.release) == (had.revision, had.release)
    if had.revision and status.code is None:
        denied = runner.decide(proposal(change_kind="normal"))
        assert TICKET in {deny.rule_id for deny in denied.denies}
    else:
        assert not runner.decide(proposal(body="CM-1"))


# ------------------------------------------------------------------ what is accepted


def approved(house, bench):
    changed(house, house.approval)


def proved_stricter(house, bench):
    changed(house, house.linted)


def proved_equal_and_approved(house, bench):
    old, new = newer(house)
    lint = house.linted(old, new, verdict="equal")
    house.release(new.approved(lint, house.approval(old, new)))


def approved_and_released_again(house, bench):
    changed(house, house.approval)
    house.release_again()


def approved_twice_in_a_row(house, bench):
    changed(house, house.approval)
    changed(house, house.linted, message="still newer")
    house.release_again()


def approved_by_somebody_who_also_writes_rules(house, bench):
    changed(house, lambda old, new: house.approval(old, new, by="both"))


def the_same_bytes_signed_again(house, bench):
    old = house.releases[-1].rules[0]
    house.release(house.rule(supersedes=old.head))


def the_same_bytes_with_other_tests(house, bench):
    old = house.releases[-1].rules[0]
    tests = old.test.decode() + "# more\n"
    house.release(house.rule(supersedes=old.head, test=tests))


def changed_bytes_signed_again_keep_their_approval(house, bench):
    _, new = changed(house, house.approval)
    text = new.rule.decode()
    again = house.rule(text=text, supersedes=new.head, by="both")
    house.release(again.approved(*new.approvals))


def the_same_bytes_under_a_constitution_that_was_upgraded(house, bench):
    changed(house, house.approval)
    new = house.releases[-1].rules[0]
    house.pack = house.pack_of("1.1.0")
    house.publish_trust()
    text = new.rule.decode()
    again = house.rule(text=text, supersedes=new.head).approved(*new.approvals)
    house.release(again)


def an_author_revoked_since_whose_version_was_superseded(house, bench):
    changed(house, house.approval)
    changed(house, house.approval, message="still newer", by="both")
    trusting(house, revocations=(Revocation("author", house.at, "left"),))


def a_revoked_approver_s_word_that_admins_kept(house, bench):
    _, new = changed(house, house.approval)
    kept = Survivors(frozenset({parse_attestation(new.approvals[0]).digest}))
    trusting(house, revocations=(Revocation("approver", house.at, "left", kept),))


def a_revoked_approver_s_word_below_the_admins_floor(house, bench):
    changed(house, house.approval)
    known = house.releases[-1].known
    trusting(
        house,
        revocations=(Revocation("approver", house.at, "left"),),
        floor=Floor(known.revision, known.digest),
    )


def a_change_without_approval_that_the_admins_floor_names(house, bench):
    changed(house)
    known = house.releases[-1].known
    trusting(house, floor=Floor(known.revision, known.digest))


def approved_by_as_many_as_the_admins_ask_for(house, bench):
    three_must(house)
    approving(house, "approver", "third")


def proved_where_the_admins_ask_for_three(house, bench):
    """T5 asks nobody else about what loosens nothing."""
    three_must(house)
    changed(house, house.linted)


def approved_by_fewer_before_the_admins_asked_for_more(house, bench):
    """With the threshold they signed a floor: what was published stays."""
    changed(house, house.approval)
    known = house.releases[-1].known
    house.publish_trust(floor=Floor(known.revision, known.digest))
    three_must(house)


GOOD = [
    approved,
    approved_by_as_many_as_the_admins_ask_for,
    proved_where_the_admins_ask_for_three,
    approved_by_fewer_before_the_admins_asked_for_more,
    proved_stricter,
    proved_equal_and_approved,
    approved_and_released_again,
    approved_twice_in_a_row,
    approved_by_somebody_who_also_writes_rules,
    the_same_bytes_signed_again,
    the_same_bytes_with_other_tests,
    changed_bytes_signed_again_keep_their_approval,
    the_same_bytes_under_a_constitution_that_was_upgraded,
    an_author_revoked_since_whose_version_was_superseded,
    a_revoked_approver_s_word_that_admins_kept,
    a_revoked_approver_s_word_below_the_admins_floor,
    a_change_without_approval_that_the_admins_floor_names,
]


@pytest.mark.parametrize("way", GOOD, ids=[w.__name__.replace("_", " ") for w in GOOD])
def test_activates_a_change_that(way, house, bench, runner):
    way(house, bench)
    event = runner.step()
    assert (event.outcome, event.code) == ("activated", None)
    assert event.revision == house.releases[-1].predicate.revision
    assert not runner.decide(proposal(change_kind="normal"))


def test_a_change_that_was_accepted_is_accepted_again_after_a_restart(
    house, bench, runner
):
    changed(house, house.approval)
    changed(house, house.linted, message="still newer")
    assert runner.step().revision == 3
    assert bench.restart(runner).status().revision == 3


def test_a_revocation_of_the_approver_denies_even_if_no_new_release_comes(
    house, bench, runner
):
    changed(house, house.approval)
    assert runner.step().outcome == "activated"
    house.publish_trust(revocations=(Revocation("approver", house.at, "stolen"),))
    runner.step()
    assert not runner.decide(proposal(body="CM-1"))


def test_the_embedded_form_asks_where_its_admins_do(engine):
    """Without a threshold it only warns; with one it refuses."""
    house = SimulatedWorkspace(utc_now(), engine)
    house.publish_trust(thresholds={"rule": 1, "release": 1, "approval": 2})
    house.release(house.rule())
    changed(house)
    assert house.check().result.code == "change-not-approved"
    house = SimulatedWorkspace(utc_now(), engine)
    house.release(house.rule())
    changed(house)
    assert house.check()


def test_a_runner_says_who_approved(house, bench):
    old, new = newer(house)
    lint = house.linted(old, new)
    house.release(new.approved(lint, house.approval(old, new)))
    judged = house.check(floor=house.releases[0].known)
    (step,) = [c for c in judged.result.checks if c.id == "changes"]
    (said,) = step.children
    assert said.code is None
    assert "stricter, as proved by linter (linter@example.com)" in said.detail
    assert "looser, as approved by approver (approver@example.com)" in said.detail
