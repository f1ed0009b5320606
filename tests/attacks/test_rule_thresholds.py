# SPDX-License-Identifier: Apache-2.0
"""Two principals for every rule: what does not count as the second one.

In a sovereign workspace whose admins ask for two, on a Runner with state and on a fresh
one. Each attack has real signatures; each is refused by its code, what was active stays
as it was, and nothing is written but the refusal.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.clock import utc_now
from signer.attestation import build_attestation, join_jsonl, parse_attestation
from signer.form import Custody
from signer.limits import MAX_COSIGNERS
from signer.pins import Floor
from signer.predicates.base import RULE
from signer.revocation import Revocation, Survivors
from tests.simulators.workspace import (
    DAY,
    WINDOW,
    SimulatedWorkspace,
    proposal,
    rule_text,
)

TWO = {"rule": 2, "release": 1}


@pytest.fixture
def house(engine):
    """One release of one rule, which two authors signed; every Runner knows it."""
    at = utc_now() - timedelta(minutes=1)
    house = SimulatedWorkspace(at, engine, sovereign=True)
    house.people |= {
        one.id: one
        for one in (
            house.person("second", "author"),
            house.person("third", "author"),
            house.person("elsewhere", "author", namespaces=frozenset({"other"})),
            house.person("author-laptop", "author", principal="author@example.com"),
            house.person(
                "ended",
                "author",
                not_before=at - 20 * DAY,
                not_after=at - DAY,
            ),
        )
    }
    house.publish_trust(thresholds=TWO)
    rule = house.rule()
    house.release(rule.cosigned(house.cosignature(rule, "second")))
    return house


def with_window(house, *signers, by="author", **said):
    """Release the rule, and a second one that ``signers`` sign too."""
    window = house.rule(WINDOW, by=by, **said)
    further = (house.cosignature(window, one) for one in signers)
    house.release(*house.releases[-1].rules, window.cosigned(*further))


def doctored(house, change):
    """Release both rules, with other lines of attestations than were made."""
    window = house.rule(WINDOW)
    signed = window.cosigned(house.cosignature(window, "second"))
    made = house.make_release(*house.releases[-1].rules, signed)
    house.publish(replace(made, lines=join_jsonl(change(list(made.rules), made))))


# ------------------------------------------------------------------ too few


def a_rule_that_only_its_author_signed(house):
    with_window(house)
    return "threshold-not-met"


def one_principal_with_two_keys(house):
    with_window(house, "author-laptop")
    return "threshold-not-met"


def signatures_of_two_statements(house):
    window, other = house.rule(WINDOW), house.rule(WINDOW, by="second")
    made = house.make_release(
        *house.releases[-1].rules, window, extra=(other.attestation,)
    )
    house.publish(made)
    return "attestation-set"


def a_second_statement_instead_of_a_further_signature(house):
    window = house.rule(WINDOW)
    later = house.rule(WINDOW, signed_at=house.at + timedelta(seconds=1))
    made = house.make_release(
        *house.releases[-1].rules,
        window,
        extra=(house.cosignature(later, "second"),),
    )
    house.publish(made)
    return "attestation-set"


def a_rule_in_force_whose_further_signature_is_left_out(house):
    made = house.make_release(*house.releases[-1].rules)
    (rule,) = made.rules
    house.publish(replace(made, lines=join_jsonl([rule.attestation, made.attestation])))
    return "threshold-not-met"


# ------------------------------------------------------------------ not distinct


def the_same_signature_twice(house):
    window = house.rule(WINDOW)
    house.release(*house.releases[-1].rules, window.cosigned(window.attestation))
    return "attestation-set"


def two_signatures_by_one_key(house):
    with_window(house, "author")
    return "attestation-set"


def one_signature_under_two_names_of_keys(house):
    """Her key's name is another's: a hint selects a key and never supplies one."""
    window = house.rule(WINDOW)
    own = parse_attestation(window.attestation)
    key = house.people["second"].key.public_key
    renamed = build_attestation(
        envelope=replace(own.envelope, keyid=key.hint),
        key=key,
        timestamps=own.timestamps,
        entries=own.entries,
    )
    house.release(*house.releases[-1].rules, window.cosigned(renamed))
    return "signature-invalid"


def one_key_under_two_ids(house):
    """Admins themselves cannot make this: such a trust policy does not exist."""
    twin = house.person("twin", "author", key=house.people["author"].key)
    files = house.trust_files()
    document = files["trust/policy.json"]
    known = house.people["second"].key.public_key.pem.replace("\n", "\\n").encode()
    same = twin.key.public_key.pem.replace("\n", "\\n").encode()
    assert known in document
    files["trust/policy.json"] = document.replace(known, same)
    house.publish_trust(files)
    house.release_again()
    return "key-reused"


# ------------------------------------------------------------------ may not


def a_revoked_further_signer(house):
    house.publish_trust(
        revocations=(Revocation("second", house.at - DAY, "stolen"),), thresholds=TWO
    )
    house.release_again()
    return "revoked"


def a_floor_for_a_further_signer_whose_end_keeps_nothing(house):
    """A thief with a revoked key signs what the floor lists, to make it two."""
    house.publish_trust(thresholds={"rule": 1, "release": 1})
    house.release(house.rule(WINDOW), *house.releases[-1].rules)
    known = house.releases[-1].known
    house.publish_trust(
        thresholds=TWO,
        floor=Floor(known.revision, known.digest),
        revocations=(Revocation("third", house.at, "stolen"),),
    )
    window, first = house.releases[-1].rules
    house.release(window.cosigned(house.cosignature(window, "third")), first)
    return "revoked"


def a_custodial_further_signer_of_what_the_floor_lists(house):
    """Who ended in a move to the sovereign form counts as nobody's second."""
    house.publish_trust(thresholds={"rule": 1, "release": 1})
    house.release(house.rule(WINDOW), *house.releases[-1].rules)
    known = house.releases[-1].known
    house.people["third"] = house.person(
        "third", "author", custody=Custody.CONTROL_PLANE
    )
    house.publish_trust(
        thresholds=TWO,
        floor=Floor(known.revision, known.digest),
        revocations=(Revocation("third", house.at, "not kept"),),
    )
    window, first = house.releases[-1].rules
    house.release(window.cosigned(house.cosignature(window, "third")), first)
    return "revoked"


def a_suspended_further_signer(house):
    end = Revocation("second", house.at - DAY, "leave", final=False)
    house.publish_trust(revocations=(end,), thresholds=TWO)
    house.release_again()
    return "suspended"


def a_further_signer_who_may_not_write_rules(house):
    with_window(house, "approver")
    return "signer-not-permitted"


def a_further_signer_of_another_namespace(house):
    with_window(house, "elsewhere")
    return "namespace-not-permitted"


def a_further_signer_whose_window_ended(house):
    with_window(house, "ended")
    return "outside-window"


def a_stranger_as_further_signer(house):
    house.people["stranger"] = house.person("stranger", "author")
    with_window(house, "stranger")
    return "unknown-signer"


def a_good_second_and_a_third_who_may_not(house):
    with_window(house, "second", "approver")
    return "signer-not-permitted"


def a_further_signer_in_control_plane_custody(house):
    house.people["second"] = house.person(
        "second", "author", custody=Custody.CONTROL_PLANE
    )
    house.publish_trust(thresholds=TWO)
    house.release_again()
    return "custody"


# ------------------------------------------------------------------ the file


def the_further_signature_in_the_first_place(house):
    def swapped(rules, made):
        first, last = rules[0], rules[1]
        lines = [*first.attestations, *last.cosignatures, last.attestation]
        return [*lines, made.attestation]

    doctored(house, swapped)
    return "signer-mismatch"


def a_second_signature_of_an_approval(house):
    house.people["approver-2"] = house.person("approver-2", "approve")
    house.publish_trust(thresholds=TWO)
    old = house.releases[-1].rules[0]
    new = house.rule(text=rule_text(message="newer"), supersedes=old.head)
    approval = house.approval(old, new)
    statement = parse_attestation(approval).envelope.payload
    again = house.attest(statement, by=house.people["approver-2"])
    signed = new.cosigned(house.cosignature(new, "second")).approved(approval)
    house.release(signed, extra=(again,))
    return "attestation-set"


def more_further_signatures_than_anybody_asks_for(house):
    many = [house.person(f"author-{i}", "author") for i in range(MAX_COSIGNERS + 1)]
    house.people |= {one.id: one for one in many}
    house.publish_trust(thresholds=TWO)
    with_window(house, *(one.id for one in many))
    return "attestation-set"


ATTACKS = [
    a_rule_that_only_its_author_signed,
    one_principal_with_two_keys,
    signatures_of_two_statements,
    a_second_statement_instead_of_a_further_signature,
    a_rule_in_force_whose_further_signature_is_left_out,
    the_same_signature_twice,
    two_signatures_by_one_key,
    one_signature_under_two_names_of_keys,
    one_key_under_two_ids,
    a_revoked_further_signer,
    a_floor_for_a_further_signer_whose_end_keeps_nothing,
    a_custodial_further_signer_of_what_the_floor_lists,
    a_suspended_further_signer,
    a_further_signer_who_may_not_write_rules,
    a_further_signer_of_another_namespace,
    a_further_signer_whose_window_ended,
    a_stranger_as_further_signer,
    a_good_second_and_a_third_who_may_not,
    a_further_signer_in_control_plane_custody,
    the_further_signature_in_the_first_place,
    a_second_signature_of_an_approval,
    more_further_signatures_than_anybody_asks_for,
]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[one.__name__.replace("_", " ") for one in ATTACKS]
)
def test_refuses(attack, house, runner):
    before = runner.status().revision
    code = attack(house)
    event = runner.step()
    assert (event.outcome, event.code) == ("held", code)
    assert runner.status().revision == before


# ------------------------------------------------------------------ good


def two_authors(house):
    with_window(house, "second")


def three_authors(house):
    with_window(house, "second", "third")


def a_change_that_two_authors_signed_and_a_third_person_approved(house):
    old = house.releases[-1].rules[0]
    new = house.rule(text=rule_text(message="newer"), supersedes=old.head)
    new = new.cosigned(house.cosignature(new, "second"))
    house.release(new.approved(house.approval(old, new)))


def a_revoked_further_signer_whose_end_keeps_what_was_released(house):
    known = house.releases[-1].known
    kept = Survivors(releases=frozenset({known.digest}))
    house.publish_trust(
        thresholds=TWO, revocations=(Revocation("second", house.at, "left", kept),)
    )
    house.release_again()


def further_signatures_where_the_admins_ask_for_one(house):
    house.publish_trust(thresholds={"rule": 1, "release": 1})
    house.release_again()


GOOD = [
    two_authors,
    three_authors,
    a_change_that_two_authors_signed_and_a_third_person_approved,
    further_signatures_where_the_admins_ask_for_one,
    a_revoked_further_signer_whose_end_keeps_what_was_released,
]


@pytest.mark.parametrize("way", GOOD, ids=[w.__name__.replace("_", " ") for w in GOOD])
def test_activates(way, house, runner):
    way(house)
    event = runner.step()
    assert (event.outcome, event.code) == ("activated", None)
    assert event.revision == house.releases[-1].predicate.revision
    assert not runner.decide(proposal(change_kind="normal"))


def test_a_runner_says_who_signed(house):
    judged = house.check(floor=house.releases[0].known)
    (step,) = [c for c in judged.result.checks if c.id == "thresholds"]
    (said,) = step.children
    assert said.detail == "signed by second (second@example.com)"


def test_a_revocation_of_a_further_signer_denies_even_if_no_new_release_comes(
    house, bench, runner
):
    runner.step()
    house.publish_trust(
        thresholds=TWO, revocations=(Revocation("second", house.at, "stolen"),)
    )
    runner.step()
    assert not runner.decide(proposal(body="CM-1"))


def test_a_threshold_that_was_raised_denies_until_enough_have_signed(
    house, bench, runner
):
    runner.step()
    house.publish_trust(thresholds={"rule": 3, "release": 1})
    runner.step()
    assert not runner.decide(proposal(body="CM-1"))
    (rule,) = house.releases[-1].rules
    third = house.cosignature(rule, "third")
    house.release(rule.cosigned(*rule.cosignatures, third))
    assert runner.step().outcome == "activated"
    assert runner.decide(proposal(body="CM-1234"))


def test_what_two_signed_is_accepted_again_after_a_restart(house, bench, runner):
    with_window(house, "second")
    assert runner.step().revision == 2
    assert bench.restart(runner).status().revision == 2


def test_the_first_signature_is_its_author_s_and_the_others_name_her(house):
    (rule,) = house.releases[-1].rules
    digests = {parse_attestation(raw).digest for raw in rule.attestations}
    assert digests == {rule.head}
    assert parse_attestation(rule.attestation).envelope.payload.count(RULE.encode())
