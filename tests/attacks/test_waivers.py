# SPDX-License-Identifier: Apache-2.0
"""A deny goes only by a live waiver of two people that the release lists (DESIGN 9).

The attackers have real keys of the workspace, the release identity's among them. Each
meets a Runner with state and a fresh one, both pinned to a sovereign root: either the
release is not activated, or the deny stays.
"""

from datetime import timedelta

import pytest

from bundle.decision import Deny
from bundle.waivers import Found, Waiver, waive
from keys.clock import utc_now
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.pins import Floor
from signer.predicates.waiver import WaivedPack, WaiverPredicate, WaiverScope
from signer.revocation import Revocation
from signer.statement import parse_statement
from tests.simulators.workspace import (
    DAY,
    TICKET,
    SimulatedWorkspace,
    proposal,
)

OTHER = Digest.of(b"another")
BOTS = "change_control.no_bots"
SECOND = timedelta(seconds=1)


@pytest.fixture
def house(engine):
    """One release without a waiver, which every Runner here knows."""
    at = utc_now() - timedelta(minutes=1)
    house = SimulatedWorkspace(at, engine, sovereign=True)
    house.release(house.rule())
    return house


def bot(**context):
    """What the pack's rule denies, and nothing else."""
    return proposal(**{"body": "CM-1234", "change_kind": "bot", **context})


def waived(house, *waivers):
    return house.release(*house.releases[-1].rules, waivers=waivers)


# ------------------------------------------------------------------ no such release


def a_waiver_that_one_person_signed(house):
    waived(house, house.waiver(further=()))
    return "waiver-not-approved"


def a_waiver_that_one_person_signed_under_two_ids(house):
    principal = house.people["asker"].identity.principal
    house.people["alias"] = house.person("alias", "waive", principal=principal)
    house.publish_trust()
    waived(house, house.waiver(further=("alias",)))
    return "waiver-not-approved"


def a_waiver_by_who_may_only_author(house):
    waived(house, house.waiver(by="author"))
    return "signer-not-permitted"


def a_waiver_that_only_an_approver_of_rules_approved(house):
    waived(house, house.waiver(further=("approver",)))
    return "signer-not-permitted"


def a_waiver_for_rules_of_another_namespace(house):
    house.people["narrow"] = house.person(
        "narrow", "waive", namespaces=frozenset({"acme"})
    )
    house.publish_trust()
    waived(house, house.waiver(further=("narrow",)))
    return "namespace-not-permitted"


def a_waiver_of_another_workspace(house):
    waived(house, house.waiver(workspace=OTHER))
    return "workspace-mismatch"


def a_waiver_of_another_version_of_the_pack(house):
    old = house.waiver()
    house.pack = house.pack_of("1.0.1")
    house.publish_trust()
    rule = house.releases[-1].rules[0]
    house.release(house.rule(supersedes=rule.head), waivers=(old,))
    return "waiver-pack"


def a_waiver_of_a_pack_that_nobody_pinned(house):
    pack = WaivedPack(name="another", digest=Digest.of(house.pack))
    waived(house, house.waiver(pack=pack))
    return "waiver-pack"


def a_waiver_whose_subject_is_another_pack(house):
    waived(house, house.waiver(subject=OTHER))
    return "subject-mismatch"


def a_waiver_of_a_constitution_s_rule(house):
    waived(house, house.waiver(rule_id="proposal.allowed_paths"))
    return "waiver-not-allowed"


def a_waiver_of_a_rule_that_its_pack_keeps(house):
    house.pack = house.pack_of("1.0.1", not_waivable=[BOTS])
    house.publish_trust()
    rule = house.releases[-1].rules[0]
    house.release(house.rule(supersedes=rule.head), waivers=(house.waiver(),))
    return "waiver-not-allowed"


def a_waiver_that_admins_withdrew(house):
    waiver = house.waiver()
    house.publish_trust(withdrawn_waivers=frozenset({waiver.digest}))
    waived(house, waiver)
    return "waiver-withdrawn"


def a_waiver_by_who_was_revoked(house):
    waiver = house.waiver()
    house.publish_trust(revocations=(Revocation("waiver", house.at, "stolen"),))
    waived(house, waiver)
    return "revoked"


def a_waiver_that_is_listed_and_not_there(house):
    rules = house.releases[-1].rules
    house.release(*rules, listing=(house.waiver().digest,))
    return "attestation-set"


def a_waiver_that_is_there_and_not_listed(house):
    waiver = house.waiver()
    house.release(*house.releases[-1].rules, extra=waiver.attestations)
    return "attestation-set"


def one_signature_of_two_there_twice(house):
    waiver = house.waiver(further=("asker",))
    waived(house, waiver)
    return "attestation-set"


REFUSED = [
    a_waiver_that_one_person_signed,
    a_waiver_that_one_person_signed_under_two_ids,
    a_waiver_by_who_may_only_author,
    a_waiver_that_only_an_approver_of_rules_approved,
    a_waiver_for_rules_of_another_namespace,
    a_waiver_of_another_workspace,
    a_waiver_of_another_version_of_the_pack,
    a_waiver_of_a_pack_that_nobody_pinned,
    a_waiver_whose_subject_is_another_pack,
    a_waiver_of_a_constitution_s_rule,
    a_waiver_of_a_rule_that_its_pack_keeps,
    a_waiver_that_admins_withdrew,
    a_waiver_by_who_was_revoked,
    a_waiver_that_is_listed_and_not_there,
    a_waiver_that_is_there_and_not_listed,
    one_signature_of_two_there_twice,
]


@pytest.mark.parametrize(
    "attack", REFUSED, ids=[one.__name__.replace("_", " ") for one in REFUSED]
)
def test_activates_nothing(attack, held, runner):
    held(attack)
    assert not runner.decide(bot())


# ------------------------------------------------------------------ no such deny


LEFT = {
    "expired": lambda h: {"not_before": h.at - 3 * DAY, "expires": h.at},
    "not yet": lambda h: {"not_before": h.at + DAY},
    "of another rule": lambda h: {"rule_id": "change_control.another"},
    "of another service": lambda h: {"scope": WaiverScope(services=("mail",))},
    "of another target": lambda h: {"scope": WaiverScope(targets=("east",))},
    "of another tier": lambda h: {"scope": WaiverScope(tiers=("dev", "uat"))},
}


@pytest.mark.parametrize("what", LEFT)
def test_a_waiver_takes_no_deny_away_that_is(what, house, runner):
    waived(house, house.waiver(**LEFT[what](house)))
    assert runner.step().outcome == "activated"
    decided = runner.decide(bot())
    assert [deny.rule_id for deny in decided.denies] == [BOTS]
    assert decided.record.waivers == ()


def test_a_scope_that_the_proposal_does_not_answer_is_not_met(house, runner):
    waived(house, house.waiver(scope=WaiverScope(services=("billing",))))
    assert runner.step().outcome == "activated"
    assert runner.decide(bot())
    asked = bot()
    del asked["context"]["service"]
    assert not runner.decide(asked)


def test_the_overlay_s_and_the_constitution_s_denies_stay(house, runner):
    waived(house, house.waiver())
    assert runner.step().outcome == "activated"
    decided = runner.decide(bot(body="", path="elsewhere/a"))
    said = {(deny.layer, deny.rule_id) for deny in decided.denies}
    assert said == {("constitution", "proposal.allowed_paths"), ("overlay", TICKET)}
    assert len(decided.record.waivers) == 1


def test_a_deny_that_says_a_waived_id_and_is_no_pack_s_stays(house):
    """The id is what an object says; whose deny it is follows from where it came from."""
    waiver = house.waiver()
    said = WaiverPredicate.parse(
        parse_statement(
            parse_attestation(waiver.attestations[0]).envelope.payload
        ).predicate
    )
    live, pack = Waiver(waiver.digest, said), Digest.of(house.pack)
    for layer in ("overlay", "constitution", "runner"):
        found = Found(Deny(layer, BOTS, "no"), None)
        assert waive([found], [live], {}, at=house.at).denies == (found.deny,)
    other = Found(Deny("pack", BOTS, "no"), OTHER)
    unanswered = Found(Deny("pack", BOTS, "no", None, "evaluation"), pack)
    for found in (other, unanswered):
        assert waive([found], [live], {}, at=house.at).denies == (found.deny,)
    ours = Found(Deny("pack", BOTS, "no"), pack)
    assert waive([ours], [live], {}, at=house.at).denies == ()


def test_a_clock_that_is_set_back_brings_no_waiver_back(house, bench, runner):
    end = bench.clock() + timedelta(hours=2)
    waived(house, house.waiver(expires=end))
    assert runner.step().outcome == "activated"
    assert runner.decide(bot())
    bench.clock.now = end
    runner.step()
    assert not runner.decide(bot())
    bench.clock.now = end - timedelta(hours=1)
    assert not runner.decide(bot())
    runner = bench.restart(runner)
    assert not runner.decide(bot())


# ------------------------------------------------------------------ what counts


def test_a_live_waiver_takes_the_deny_away_and_is_in_the_record(house, bench, runner):
    waiver = house.waiver()
    assert not runner.decide(bot())
    waived(house, waiver)
    assert runner.step().outcome == "activated"
    decided = runner.decide(bot())
    assert decided
    assert decided.record.waivers == (waiver.digest,)
    assert runner.decide(proposal(body="CM-1")).record.waivers == ()
    runner = bench.restart(runner)
    assert runner.decide(bot()).record.waivers == (waiver.digest,)


def test_it_ends_to_the_second_and_no_verdict_outlives_it(house, bench, runner):
    end = bench.clock() + timedelta(seconds=30)
    waived(house, house.waiver(expires=end))
    assert runner.step().outcome == "activated"
    bench.clock.now = end - SECOND
    decided = runner.decide(bot())
    assert decided
    assert decided.record.expires == end
    bench.clock.now = end
    assert not runner.decide(bot())
    bench.clock.now = end + SECOND
    assert not runner.decide(bot())


def test_a_waiver_that_no_release_lists_any_more_counts_no_more(house, runner):
    waived(house, house.waiver())
    assert runner.step().outcome == "activated"
    assert runner.decide(bot())
    waived(house)
    assert runner.step().outcome == "activated"
    assert not runner.decide(bot())


def test_withdrawn_by_trust_it_is_gone_before_the_next_release(house, bench, runner):
    """And everything else goes on: fewer exceptions are more denies."""
    waiver = house.waiver()
    waived(house, waiver)
    assert runner.step().outcome == "activated"
    house.publish_trust(withdrawn_waivers=frozenset({waiver.digest}))
    runner.step()
    assert not runner.decide(bot())
    assert runner.decide(proposal(body="CM-1"))
    runner = bench.restart(runner)
    assert not runner.decide(bot())
    waived(house)
    assert runner.step().outcome == "activated"
    assert not runner.decide(bot())


def test_revoked_signers_take_their_waiver_along_and_nothing_else(house, runner):
    waived(house, house.waiver())
    assert runner.step().outcome == "activated"
    house.publish_trust(revocations=(Revocation("asker", house.at, "stolen"),))
    runner.step()
    assert not runner.decide(bot())
    assert runner.decide(proposal(body="CM-1"))


def test_a_waiver_in_a_chain_behind_needs_nothing(house, runner):
    """Whoever was away is asked about the waivers of the newest release only."""
    waived(house, house.waiver(expires=house.at + timedelta(hours=1)))
    newest = waived(house)
    house.publish_trust(floor=Floor(newest.predicate.revision, newest.digest))
    house.release_again()
    assert runner.step().outcome == "activated"
    assert not runner.decide(bot())


def test_the_gate_says_who_waived(house):
    waived(house, house.waiver())
    judged = house.check(floor=house.releases[0].known)
    (step,) = [c for c in judged.result.checks if c.id == "waivers"]
    (said,) = step.children
    assert said.title == f"waiver of {BOTS}"
    assert (
        "signed by asker (asker@example.com), waiver (waiver@example.com)"
        in said.detail
    )


def test_the_embedded_form_asks_for_two_as_well(engine):
    house = SimulatedWorkspace(utc_now(), engine)
    house.release(house.rule())
    waived(house, house.waiver(further=()))
    assert house.check().result.code == "waiver-not-approved"
