# SPDX-License-Identifier: Apache-2.0
"""Retirements and waivers, judged again from an evidence pack: the same gate, later."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bundle.rego.embedded import EmbeddedEngine
from tests.simulators.evidence import AuditedWorkspace
from tests.simulators.workspace import TICKET, WINDOW

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as one:
        yield one


@pytest.fixture
def acme(engine):
    """Two rules; nobody's change counts without a second principal."""
    acme = AuditedWorkspace(AT, engine)
    acme.publish_trust(thresholds={"rule": 1, "release": 1, "approval": 2})
    acme.release(acme.rule(), acme.rule(WINDOW))
    return acme


def rule(acme, rule_id):
    return next(one for one in acme.releases[-1].rules if one.rule_id == rule_id)


def ended(acme, end):
    acme.release(rule(acme, WINDOW), ends=(end,))
    return acme


def test_a_retirement_and_a_waiver_replay_the_same(acme):
    ended(acme, acme.retired(rule(acme, TICKET)))
    acme.release_again(waivers=(acme.waiver(),))
    report = acme.replay()
    assert report.accepted, report.codes
    assert [one.outcome.value for one in report.releases] == ["same"] * 3


def dropped(acme):
    acme.release(rule(acme, WINDOW))
    return "rule-dropped"


def by_its_author_only(acme):
    ended(acme, acme.retirement(rule(acme, TICKET)))
    return "change-not-approved"


def of_another_version(acme):
    old = rule(acme, TICKET)
    end = acme.retired(old)
    acme.release(acme.rule(supersedes=old.head), rule(acme, WINDOW))
    ended(acme, end)
    return "rule-chain"


def forgotten(acme):
    ended(acme, acme.retired(rule(acme, TICKET)))
    acme.release(rule(acme, WINDOW))
    return "retirement"


def of_another_rule(acme):
    end = acme.retired(rule(acme, WINDOW))
    acme.release(rule(acme, WINDOW), ends=(replace(end, rule_id=TICKET),))
    return "rule-mismatch"


def a_waiver_by_one(acme):
    acme.release_again(waivers=(acme.waiver(further=()),))
    return "waiver-not-approved"


def a_waiver_of_the_constitution(acme):
    acme.release_again(waivers=(acme.waiver(rule_id="proposal.allowed_paths"),))
    return "waiver-not-allowed"


@pytest.mark.parametrize(
    "attack",
    [
        dropped,
        by_its_author_only,
        of_another_version,
        forgotten,
        of_another_rule,
        a_waiver_by_one,
        a_waiver_of_the_constitution,
    ],
    ids=lambda one: one.__name__.replace("_", " "),
)
def test_replay_says_what_the_gate_said(acme, attack):
    code = attack(acme)
    report = acme.replay()
    assert not report.accepted
    assert report.releases[-1].outcome.value == "different"
    assert code in report.codes
