# SPDX-License-Identifier: Apache-2.0
"""Replay across the move from embedded to sovereign, from either root, and its forgeries.

From the genesis root everything is judged again, and the form is embedded. From the root
that made the workspace sovereign, what came before is told apart, and only what its
admins vouch for is relied on.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tuf.api.metadata import Metadata

from bundle.tuf.adopt import adopt_root
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    sign_root,
)
from keys.clock import utc_now
from keys.digest import Digest
from signer.form import Custody
from signer.predicates.root_change import RootChangePredicate
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    LAYERS_CHANGED,
    MADE_SOVEREIGN,
    Change,
)
from signer.statement import Subject, build_statement
from tests.simulators.evidence import AuditedWorkspace
from tests.simulators.moved import KEPT, draft, publish
from tests.simulators.workspace import WINDOW, rule_text


class House(AuditedWorkspace):
    """A workspace with a release, a report and a custodial author, before its move."""

    def __init__(self, engine):
        super().__init__(utc_now() - timedelta(minutes=1), engine)
        custody = Custody.CONTROL_PLANE
        bot = self.person("bot", "author", custody=custody)
        self.people["bot"] = bot
        self.publish_trust(change=Change(kind=IDENTITY_REGISTERED, identity="bot"))
        self.release(self.rule(), self.rule(WINDOW, by="bot"))
        self.report(self.releases[-1])
        self.genesis = self.root

    def moved(self, *, lies=None, **how):
        relics = publish(draft(self, **(lies or {})), **how)
        self.release_again()
        self.report(self.releases[-1])
        self.release_again()
        self.report(self.releases[-1])
        return relics


@pytest.fixture(scope="module")
def house(engine):
    made = House(engine)
    made.moved()
    return made


def codes(report, severity="refused"):
    return {one.code for one in report.findings if one.severity.value == severity}


def test_from_the_genesis_root_all_is_the_same_and_embedded(house):
    report = house.replay(root=house.genesis)
    assert report.accepted, report.text()
    assert report.form == "embedded"
    assert [one.revision for one in report.releases] == [1, 2, 3]
    assert codes(report, "warning") <= {"unanchored", "unwitnessed"}
    assert any("made the workspace sovereign" in i.text for i in report.timeline)


def test_from_the_new_root_what_came_before_is_told_apart(house):
    report = house.replay(root=house.root)
    assert report.accepted, report.text()
    assert report.form == "sovereign"
    assert report.workspace == house.workspace != Digest.of(house.root)
    assert [one.revision for one in report.releases] == [2, 3]
    assert [one.sequence for one in report.reports] == [2, 3]
    (before,) = [f for f in report.findings if f.code == "before-the-pin"]
    assert before.severity.value == "warning"
    # The first two trust events and the root's are the embedded admin's.
    assert "for 3 of them nobody vouches" in before.message
    authors = {rule.rule_id: rule.author for rule in report.releases[0].rules}
    assert authors[WINDOW].identity.id == "bot"
    assert authors[WINDOW].admin == "ann"


def test_an_outside_anchor_of_before_the_move_holds_after_it(engine):
    house = House(engine)
    note = house.log.checkpoint()
    house.moved()
    for root in (house.genesis, house.root):
        report = house.replay(root=root, anchors=[note])
        assert report.accepted
        assert "unwitnessed" not in codes(report, "warning")


@dataclass(frozen=True)
class Forgery:
    name: str
    genesis: set
    pinned: set
    lies: dict
    how: dict


def kept_by_trick(policy):
    ends = tuple(end for end in policy.revocations if end.identity != "bot")
    return replace(policy, revocations=ends)


FORGERIES = (
    Forgery("the root without its event", {"trust-event-missing"},
            {"trust-event-missing"}, {}, {"logged": False}),
    Forgery("the trust attested by the embedded admin", {"revoked"}, {"revoked"},
            {}, {"by": "admin"}),
    Forgery("the trust attested by an author", {"signer-not-permitted"},
            {"signer-not-permitted"}, {}, {"by": "author"}),
    Forgery("another event", {"trust-event-untrue"}, {"trust-event-missing"},
            {"change": Change(kind=LAYERS_CHANGED)}, {"judged": False}),
    Forgery("a custodial author who stays", {"custody"}, {"custody"},
            {"policy": kept_by_trick}, {"judged": False}),
)  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES, ids=[f.name for f in FORGERIES])
def test_a_forged_move_is_refused_from_either_root(forgery, engine):
    house = House(engine)
    house.moved(lies=forgery.lies, **forgery.how)
    for root, expected in (
        (house.genesis, forgery.genesis),
        (house.root, forgery.pinned),
    ):
        report = house.replay(root=root)
        assert not report.accepted
        assert expected <= codes(report), report.text()


def test_a_signature_of_who_ended_is_refused_after_the_move(engine):
    house = House(engine)
    relics = house.moved()
    house.people["bot"] = relics.people["bot"]
    house.rule("acme.late", text=rule_text("acme.late"), by="bot")
    for root in (house.genesis, house.root):
        assert codes(house.replay(root=root)) == {"revoked"}


def test_a_workspace_does_not_become_sovereign_twice(engine):
    house = House(engine)
    house.moved()
    house.publish_trust(change=Change(kind=MADE_SOVEREIGN), by="ann")
    for root in (house.genesis, house.root):
        assert "trust-event-untrue" in codes(house.replay(root=root))


def test_another_root_than_the_published_one_is_refused(house, engine):
    other = House(engine)
    other.moved()
    rival = house.tuf.resign(
        house.root, lambda m: m.signed.keys.copy(), house.tuf.root_keys
    )
    assert rival != house.root
    for root in (rival, other.root):
        assert codes(house.replay(root=root)) == {"root-other"}


def test_a_root_of_a_rotation_is_no_place_to_begin(engine):
    """Its targets were signed before it: there is no first event under it."""
    house = House(engine)
    house.moved()
    tuf, current = house.tuf, house.repository.current()
    keys = RootKeys(
        root=admin_keys(k.public_key for k in tuf.root_keys),
        targets=admin_keys(k.public_key for k in tuf.targets_keys),
        snapshot=online_keys([tuf.snapshot_key.public_key]),
        timestamp=online_keys([tuf.timestamp_key.public_key]),
    )
    root = draft_root(
        keys, at=house.at, previous=current.chain.current, workspace=house.workspace
    )
    for key in tuf.root_keys:
        root = sign_root(root, key)
    said = RootChangePredicate(
        workspace=house.workspace,
        root_version=3,
        previous=current.chain.digest,
        at=house.at,
        checkpoint=house.log.checkpoint().decode(),
    )
    subject = Subject("3.root.json", Digest.of(root))
    house.attest(build_statement([subject], said), by=house.people["ann"])
    adopt_root(house.storage, tuf.keys, root, at=house.at)
    for pin in (house.genesis, house.root):
        assert house.replay(root=pin).accepted
    refused = house.replay(root=root)
    assert not refused.accepted
    assert Metadata.from_bytes(root).signed.version == 3
    assert "trust-event-missing" in codes(refused)


def test_only_who_was_kept_stays(house):
    policy = house.policy()
    stay = {one.id for one in policy.identities if not policy.revocation(one.id)}
    assert stay == {*KEPT, "ann", "ben"}
