# SPDX-License-Identifier: Apache-2.0
"""Which denies a waiver takes away: each law of ``bundle.waivers`` by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.decision import Deny
from bundle.waivers import Found, Waiver, waive
from keys.digest import Digest
from signer.predicates.waiver import WaivedPack, WaiverScope
from tests.simulators.signing import NOW, Workshop

PACK = Digest.of(b"pack")
SAID = Workshop().waiver(pack=WaivedPack(name="change-control", digest=PACK))
WAIVER = Waiver(Digest.of(b"statement"), SAID)
BOTS = Found(Deny("pack", SAID.rule_id, "a bot"), PACK)
CONTEXT = {"service": "billing", "target": {"name": "east", "tier": "prod"}}


def left(found, *waivers, at=NOW, context=CONTEXT):
    return waive([found], waivers or (WAIVER,), context, at=at)


def test_a_live_waiver_takes_its_deny_away():
    waived = left(BOTS)
    assert (waived.denies, waived.digests) == ((), (WAIVER.digest,))


@pytest.mark.parametrize(
    "found",
    [
        replace(BOTS, pack=None),
        replace(BOTS, pack=Digest.of(b"another pack")),
        replace(BOTS, deny=replace(BOTS.deny, rule_id="change_control.another")),
        replace(BOTS, deny=replace(BOTS.deny, code="evaluation-error")),
    ],
    ids=["not a pack's", "another pack's", "another rule's", "no answer"],
)
def test_any_other_deny_stays(found):
    waived = left(found)
    assert (waived.denies, waived.applied) == ((found.deny,), ())


def test_it_counts_from_its_first_second_to_before_its_last():
    second = timedelta(seconds=1)
    assert left(BOTS, at=SAID.not_before - second).denies
    assert not left(BOTS, at=SAID.not_before).denies
    assert not left(BOTS, at=SAID.expires - second).denies
    assert left(BOTS, at=SAID.expires).denies
    assert left(BOTS, at=SAID.expires + second).denies


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        (WaiverScope(), True),
        (WaiverScope(services=("billing", "mail")), True),
        (WaiverScope(services=("mail",)), False),
        (WaiverScope(targets=("east",), tiers=("prod",)), True),
        (WaiverScope(targets=("east",), tiers=("dev",)), False),
    ],
)
def test_the_scope_is_every_part_of_it(scope, covers):
    waiver = replace(WAIVER, said=replace(SAID, scope=scope))
    assert bool(left(BOTS, waiver).applied) == covers


@given(st.sampled_from(["services", "targets", "tiers"]), st.data())
def test_a_proposal_that_does_not_say_is_not_in_a_scope_that_asks(part, data):
    scope = WaiverScope(**{part: ("billing",)})
    context = data.draw(
        st.sampled_from([{}, {"target": None}, {"target": "billing"}, {"service": []}])
    )
    waiver = replace(WAIVER, said=replace(SAID, scope=scope))
    assert left(BOTS, waiver, context=context).denies


def test_of_two_that_would_do_one_is_named_always_the_same():
    other = Waiver(Digest.of(b"another statement"), SAID)
    for order in ((WAIVER, other), (other, WAIVER)):
        assert left(BOTS, *order).digests == (
            min(WAIVER.digest, other.digest, key=str),
        )
