# SPDX-License-Identifier: Apache-2.0
"""A release takes what stands behind its changes, and says what it leaves out."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bundle.gate.errors import AttestationSetError, RuleChangeUnapprovedError
from bundle.overlay import RuleFiles
from bundle.rego.embedded import EmbeddedEngine
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.limits import MAX_APPROVALS
from signer.revocation import Revocation
from tests.simulators.signing import NOW
from tests.simulators.workspace import TICKET, WINDOW, SimulatedWorkspace, rule_text
from trustacks.approved import Approvals
from trustacks.pinned import Head

OTHER = Digest.of(b"another")


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@dataclass
class Desk:
    """Somebody about to release a change of the one rule that is released."""

    house: SimulatedWorkspace
    warned: list[str]

    @property
    def old(self):
        return self.house.releases[-1].rules[0]

    def newer(self, **said):
        return self.house.rule(
            text=rule_text(message="newer"), supersedes=self.old.head, **said
        )

    def approvals(self) -> Approvals:
        release = self.house.releases[-1]
        published = {
            parse_attestation(raw).digest: raw
            for rule in release.rules
            for raw in rule.attestations
        }
        head = Head(release.digest, release.predicate, published, {})
        trust = self.house.check(floor=release.known).trust.trust
        return Approvals(SimpleNamespace(trust=trust), head, NOW, self.warned.append)

    def require(self, rule):
        behind = {parse_attestation(raw).digest: raw for raw in rule.approvals}
        said = {rule.head: rule.attestation}
        self.approvals().require([rule.item], said, behind)

    def of(self, rule, *beside: bytes) -> list[bytes]:
        files = self.files(rule, *beside)
        return list(
            self.approvals().of(files, replace(rule.item, approvals=())).values()
        )

    def files(self, rule, *beside: bytes) -> RuleFiles:
        return RuleFiles(
            rule_id=rule.rule_id,
            rule_path=Path("r.rego"),
            test_path=Path("r_test.rego"),
            attestation_path=Path("r.sigstore.json"),
            rule=rule.rule,
            test=rule.test,
            attestation=rule.attestation,
            approvals=tuple((Path(f"{i}"), raw) for i, raw in enumerate(beside)),
        )


@pytest.fixture
def desk(engine):
    house = SimulatedWorkspace(NOW, engine, sovereign=True)
    house.people["both"] = house.person("both", "author", "approve")
    house.publish_trust()
    house.release(house.rule())
    return Desk(house, [])


def test_what_fits_the_change_is_taken(desk):
    new = desk.newer()
    both = (desk.house.linted(desk.old, new), desk.house.approval(desk.old, new))
    assert desk.of(new, *both) == list(both)
    assert desk.warned == []


def by_the_author(desk):
    new = desk.newer(by="both")
    return new, desk.house.approval(desk.old, new, by="both"), "approval-not-second"


def of_another_change(desk):
    new = desk.newer()
    return new, desk.house.approval(desk.old, new, old=OTHER), "approval-mismatch"


def by_who_may_not(desk):
    new = desk.newer()
    approval = desk.house.approval(desk.old, new, by="releaser")
    return new, approval, "signer-not-permitted"


def by_who_was_revoked(desk):
    new = desk.newer()
    approval = desk.house.approval(desk.old, new)
    revoked = (Revocation("approver", NOW, "left"),)
    desk.house.publish_trust(revocations=revoked)
    desk.house.release_again()
    return new, approval, "revoked"


def of_nothing_at_all(desk):
    return desk.newer(), b"{}", "field-format"


def of_a_rule_that_does_not_change(desk):
    new = desk.newer()
    return desk.old, desk.house.approval(desk.old, new), "does not change"


def of_a_rule_that_is_new(desk):
    window = desk.house.rule(WINDOW)
    return window, desk.house.approval(desk.old, window), "does not change"


@pytest.mark.parametrize(
    "left_out",
    [
        by_the_author,
        of_another_change,
        by_who_may_not,
        by_who_was_revoked,
        of_nothing_at_all,
        of_a_rule_that_does_not_change,
        of_a_rule_that_is_new,
    ],
    ids=lambda case: case.__name__.replace("_", " "),
)
def test_what_does_not_fit_is_left_out_and_said(desk, left_out):
    rule, raw, why = left_out(desk)
    assert desk.of(rule, raw) == []
    (said,) = desk.warned
    assert said.startswith("left out 0: ")
    assert why in said


def test_a_file_that_is_no_attestation_beside_a_rule_that_stays_is_said(desk):
    assert desk.of(desk.old, b"rubbish") == []
    assert len(desk.warned) == 1


def test_what_stands_behind_bytes_that_stay_is_carried_along(desk):
    new = desk.newer()
    approval = desk.house.approval(desk.old, new)
    desk.house.release(new.approved(approval))
    again = desk.house.rule(text=new.rule.decode(), supersedes=new.head)
    assert desk.of(again, approval) == [approval]
    assert desk.warned == []


def test_a_release_that_hides_what_it_lists_cannot_be_built_upon(desk):
    new = desk.newer()
    approved = new.approved(desk.house.approval(desk.old, new))
    desk.house.release(approved)
    listed = approved.item
    hidden = replace(desk.house.releases[-1], rules=(new,))
    desk.house.releases[-1] = replace(
        hidden, predicate=replace(hidden.predicate, inventory=(listed,))
    )
    approvals = Approvals(
        SimpleNamespace(trust=desk.house.check(floor=None).trust.trust),
        Head(hidden.digest, desk.house.releases[-1].predicate, {}, {}),
        NOW,
        desk.warned.append,
    )
    files = SimpleNamespace(approvals=())
    with pytest.raises(AttestationSetError):
        approvals.of(files, new.item)


def test_no_more_are_taken_than_a_release_may_list(desk):
    new = desk.newer()
    many = [
        desk.house.approval(desk.old, new, justification=f"For reason {i}.")
        for i in range(MAX_APPROVALS + 1)
    ]
    assert len(desk.of(new, *many)) == MAX_APPROVALS


def test_a_sovereign_change_that_nobody_stands_behind_is_not_even_signed(desk):
    new = desk.newer()
    assert new.rule_id == TICKET
    with pytest.raises(RuleChangeUnapprovedError):
        desk.require(new)
    desk.require(desk.old)
    desk.require(new.approved(desk.house.approval(desk.old, new)))
    desk.require(new.approved(desk.house.linted(desk.old, new)))


def test_as_many_as_the_admins_ask_for_must_stand_behind_a_change(desk):
    desk.house.people["third"] = desk.house.person("third", "approve")
    desk.house.publish_trust(thresholds={"rule": 1, "release": 1, "approval": 3})
    desk.house.release_again()
    new = desk.newer()
    one = desk.house.approval(desk.old, new)
    with pytest.raises(RuleChangeUnapprovedError, match="expected 3 principals"):
        desk.require(new.approved(one))
    desk.require(new.approved(one, desk.house.approval(desk.old, new, by="third")))
    desk.require(new.approved(desk.house.linted(desk.old, new)))
