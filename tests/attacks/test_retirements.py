# SPDX-License-Identifier: Apache-2.0
"""A rule leaves by a signed and approved retirement only, and only once (DESIGN T5).

The attackers have real keys of the workspace, the release identity's among them. Each
meets a Runner with state and a fresh one, both pinned to a sovereign root and given a
floor; none of them activates anything.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.clock import utc_now
from keys.digest import Digest
from signer.pins import Floor
from signer.predicates.parts import Parents
from signer.revocation import Revocation, Survivors
from tests.simulators.workspace import (
    TICKET,
    WINDOW,
    SimulatedWorkspace,
    proposal,
    rule_text,
)

OTHER = Digest.of(b"another")


def denies(runner) -> bool:
    """Whether the ticket rule is among those that deny; another one always is."""
    decided = runner.decide(proposal(change_kind="normal"))
    assert not decided
    return TICKET in {deny.rule_id for deny in decided.denies}


@pytest.fixture
def house(engine):
    """One release of two rules, which every Runner here knows."""
    at = utc_now() - timedelta(minutes=1)
    house = SimulatedWorkspace(at, engine, sovereign=True)
    house.people["both"] = house.person("both", "author", "retire", "approve", "lint")
    house.publish_trust()
    house.release(house.rule(), house.rule(WINDOW))
    return house


def ticket(house):
    return next(r for r in house.releases[-1].rules if r.rule_id == TICKET)


def window(house):
    return next(r for r in house.releases[-1].rules if r.rule_id == WINDOW)


def retired(house, end=None):
    """Release without the ticket rule, which is retired with approval."""
    end = end or house.retired(ticket(house))
    house.release(window(house), ends=(end,))
    return end


def returned(house, end, *, text=None, approve=True, **said):
    """Bring the rule back, on top of its retirement."""
    back = house.rule(text=text, **{"supersedes": end.head, **said})
    if approve:
        approval = house.approval(
            back, back, old=None, change="returned", loosens=False
        )
        back = back.approved(approval)
    house.release(window(house), back)
    return back


# ------------------------------------------------------------------ attacks


def a_rule_dropped_without_a_retirement(house):
    house.release(window(house))
    return "rule-dropped"


def a_rule_dropped_two_releases_ago(house):
    house.release(window(house))
    house.release_again()
    return "rule-dropped"


def a_retirement_by_its_author_only(house):
    retired(house, house.retirement(ticket(house)))
    return "change-not-approved"


def a_retirement_approved_by_who_signed_it(house):
    end = house.retirement(ticket(house), by="both", identity="both")
    retired(house, end.approved(house.end_approval(end, by="both", identity="both")))
    return "approval-not-second"


def a_retirement_approved_by_the_same_person_under_a_second_id(house):
    principal = house.people["approver"].identity.principal
    house.people["alias"] = house.person("alias", "retire", principal=principal)
    house.publish_trust()
    house.release_again()
    end = house.retirement(ticket(house), by="alias", identity="alias")
    retired(house, end.approved(house.end_approval(end)))
    return "approval-not-second"


def a_retirement_that_a_lint_identity_vouches_for(house):
    old = ticket(house)
    end = house.retirement(old)
    newer = house.rule(text=rule_text(message="newer"), supersedes=old.head)
    retired(house, end.approved(house.linted(newer, old)))
    return "predicate-type"


def a_retirement_signed_by_who_may_only_author(house):
    end = house.retirement(ticket(house), by="author", identity="author")
    retired(house, end.approved(house.end_approval(end)))
    return "signer-not-permitted"


def a_retirement_of_another_workspace(house):
    end = house.retirement(ticket(house), workspace=OTHER)
    retired(house, end.approved(house.end_approval(end)))
    return "workspace-mismatch"


def an_approval_of_another_workspace(house):
    end = house.retirement(ticket(house))
    retired(house, end.approved(house.end_approval(end, workspace=OTHER)))
    return "workspace-mismatch"


def a_retirement_of_another_version(house):
    old = ticket(house)
    end = house.retired(old)
    new = house.rule(text=rule_text(message="newer"), supersedes=old.head)
    house.release(window(house), new.approved(house.approval(old, new)))
    retired(house, end)
    return "retirement"


def a_retirement_of_the_same_bytes_signed_again_since(house):
    old = ticket(house)
    end = house.retired(old)
    house.release(window(house), house.rule(supersedes=old.head))
    retired(house, end)
    return "rule-chain"


def a_retirement_that_names_other_bytes(house):
    old = ticket(house)
    other = house.rule(text=rule_text(message="newer"))
    end = house.retirement(replace(other, attestation=old.attestation))
    retired(house, end.approved(house.end_approval(end)))
    return "retirement"


def a_retirement_of_another_rule(house):
    end = house.retired(window(house))
    retired(house, replace(end, rule_id=TICKET))
    return "rule-mismatch"


def an_approval_of_another_retirement(house):
    end, other = (
        house.retirement(ticket(house), reason=reason) for reason in ("a", "b")
    )
    retired(house, end.approved(house.end_approval(other)))
    return "subject-mismatch"


def an_approval_of_a_change_instead(house):
    old = ticket(house)
    new = house.rule(text=rule_text(message="newer"))
    end = house.retirement(old)
    retired(house, end.approved(house.approval(new, old)))
    return "subject-mismatch"


def an_approval_under_other_parents(house):
    end = house.retirement(ticket(house))
    parents = Parents(OTHER, {"change-control": Digest.of(house.pack)})
    retired(house, end.approved(house.end_approval(end, parents=parents)))
    return "approval-mismatch"


def an_approver_who_was_revoked(house):
    end = house.retired(ticket(house))
    house.publish_trust(revocations=(Revocation("approver", house.at, "stolen"),))
    retired(house, end)
    return "revoked"


def a_retirer_who_was_revoked(house):
    end = house.retired(ticket(house))
    house.publish_trust(revocations=(Revocation("retirer", house.at, "stolen"),))
    retired(house, end)
    return "revoked"


def a_retirement_replayed(house):
    """The rule came back; its old retirement, approved and all, is used again."""
    end = retired(house)
    returned(house, end)
    retired(house, end)
    return "rule-chain"


def a_retirement_replayed_through_a_release_since(house):
    end = retired(house)
    back = returned(house, end)
    retired(house, end)
    house.release(window(house), replace(back, approvals=back.approvals))
    return "rule-chain"


def an_approval_replayed(house):
    """The rule came back; whoever retires it alone has the old approval."""
    end = retired(house)
    returned(house, end)
    again = house.retirement(ticket(house))
    retired(house, again.approved(*end.approvals))
    return "subject-mismatch"


def a_fork_of_the_chain(house):
    """Two retirements of one version: the second in place of the first."""
    old = ticket(house)
    retired(house)
    again = house.retirement(old, reason="another")
    again = again.approved(house.end_approval(again))
    house.release(window(house), ends=(again,))
    return "rule-chain"


def a_retirement_in_place_of_another_that_nobody_approved(house):
    end = retired(house)
    again = house.retirement(end)
    house.release(window(house), ends=(again,))
    return "change-not-approved"


def a_retirement_that_is_forgotten(house):
    retired(house)
    house.release(window(house))
    return "retirement"


def the_old_version_back_after_its_retirement(house):
    old = ticket(house)
    retired(house)
    house.release(old, window(house))
    return "rule-chain"


def the_old_version_back_as_if_it_were_new(house):
    retired(house)
    house.release(house.rule(), window(house))
    return "rule-chain"


def a_return_that_nobody_approved(house):
    returned(house, retired(house), approve=False)
    return "change-not-approved"


def a_return_that_its_author_approved(house):
    end = retired(house)
    back = house.rule(supersedes=end.head, by="both", identity="both")
    said = {"old": None, "change": "returned", "loosens": False}
    approval = house.approval(back, back, by="both", identity="both", **said)
    house.release(window(house), back.approved(approval))
    return "approval-not-second"


def a_return_approved_as_a_change(house):
    end = retired(house)
    old = end.rule
    back = house.rule(text=rule_text(message="newer"), supersedes=end.head)
    approval = house.approval(replace(back, rule=old), back)
    house.release(window(house), back.approved(approval))
    return "approval-mismatch"


def an_approval_that_the_retirement_lost(house):
    end = retired(house)
    house.release(window(house), ends=(end.approved(),))
    return "approval-unlisted"


def a_retirement_that_gained_an_approval(house):
    end = retired(house)
    more = house.end_approval(end, by="both", identity="both")
    house.release(window(house), ends=(end.approved(*end.approvals, more),))
    return "approval-unlisted"


ATTACKS = [
    a_rule_dropped_without_a_retirement,
    a_rule_dropped_two_releases_ago,
    a_retirement_by_its_author_only,
    a_retirement_approved_by_who_signed_it,
    a_retirement_approved_by_the_same_person_under_a_second_id,
    a_retirement_that_a_lint_identity_vouches_for,
    a_retirement_signed_by_who_may_only_author,
    a_retirement_of_another_workspace,
    an_approval_of_another_workspace,
    a_retirement_of_another_version,
    a_retirement_of_the_same_bytes_signed_again_since,
    a_retirement_that_names_other_bytes,
    a_retirement_of_another_rule,
    an_approval_of_another_retirement,
    an_approval_of_a_change_instead,
    an_approval_under_other_parents,
    an_approver_who_was_revoked,
    a_retirer_who_was_revoked,
    a_retirement_replayed,
    a_retirement_replayed_through_a_release_since,
    an_approval_replayed,
    a_fork_of_the_chain,
    a_retirement_in_place_of_another_that_nobody_approved,
    a_retirement_that_is_forgotten,
    the_old_version_back_after_its_retirement,
    the_old_version_back_as_if_it_were_new,
    a_return_that_nobody_approved,
    a_return_that_its_author_approved,
    a_return_approved_as_a_change,
    an_approval_that_the_retirement_lost,
    a_retirement_that_gained_an_approval,
]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[one.__name__.replace("_", " ") for one in ATTACKS]
)
def test_activates_nothing(attack, held, runner):
    held(attack)
    assert not runner.decide(proposal(change_kind="normal"))


# ------------------------------------------------------------------ what is accepted


def test_a_retired_rule_denies_no_more_and_comes_back(house, bench, runner):
    end = retired(house)
    assert runner.step().outcome == "activated"
    assert not denies(runner)
    house.release_again()
    assert runner.step().outcome == "activated"
    runner = bench.restart(runner)
    assert runner.status().revision == 3
    returned(house, end)
    assert runner.step().outcome == "activated"
    assert denies(runner)
    again = retired(house)
    assert again.head != end.head
    assert runner.step().outcome == "activated"
    assert not denies(runner)


def test_whoever_was_away_walks_through_a_retirement_and_a_return(house, bench, runner):
    returned(house, retired(house), text=rule_text(message="newer"))
    retired(house)
    house.release_again()
    event = runner.step()
    assert (event.outcome, event.revision) == ("activated", 5)


def test_the_end_of_the_last_rule_leaves_an_overlay_that_adds_nothing(
    house, bench, runner
):
    ends = tuple(map(house.retired, house.releases[-1].rules))
    house.release(ends=ends)
    assert runner.step().outcome == "activated"
    assert runner.decide(proposal(change_kind="normal"))


def test_a_revocation_of_who_retired_denies_until_somebody_else_retires_it(
    house, bench, runner
):
    """What took a deny away stands only as long as whoever signed it is trusted."""
    end = retired(house)
    assert runner.step().outcome == "activated"
    house.publish_trust(revocations=(Revocation("retirer", house.at, "stolen"),))
    runner.step()
    assert not runner.decide(proposal(body="CM-1"))
    house.people["other"] = house.person("other", "retire")
    house.publish_trust()
    again = house.retirement(end, by="other", identity="other")
    again = again.approved(house.end_approval(again))
    house.release(window(house), ends=(again,))
    assert runner.step().outcome == "activated"
    assert not denies(runner)


def test_a_release_that_admins_name_keeps_its_retirements(house, bench, runner):
    retired(house)
    newest = house.releases[-1]
    keep = Survivors(releases=frozenset({newest.digest}))
    house.publish_trust(
        revocations=(Revocation("retirer", house.at, "left", keep),),
        floor=Floor(newest.predicate.revision, newest.digest),
    )
    house.release_again()
    assert runner.step().outcome == "activated"
    assert not denies(runner)


def test_the_embedded_form_warns_of_a_retirement_by_one(engine):
    house = SimulatedWorkspace(utc_now(), engine)
    house.release(house.rule(), house.rule(WINDOW))
    retired(house, house.retirement(ticket(house)))
    judged = house.check()
    assert judged
    (step,) = [c for c in judged.result.checks if c.id == "changes"]
    (said,) = step.children
    assert (said.code, said.title) == ("change-not-approved", TICKET)
    assert "retires it without" in said.detail


def test_the_gate_says_who_approved_a_retirement(house):
    retired(house)
    judged = house.check(floor=house.releases[0].known)
    (step,) = [c for c in judged.result.checks if c.id == "changes"]
    (said,) = step.children
    assert said.code is None
    assert "retires it: retired, as approved by approver" in said.detail
