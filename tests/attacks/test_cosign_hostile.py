# SPDX-License-Identifier: Apache-2.0
"""A Control Plane that has a release identity sign what it should not (DESIGN T9).

The thief has everything of control-plane custody, and one of two release identities.
``bundle cosign`` judges what it is given against its own pin, before it is shown: each
attempt is refused by its code, and nothing is signed, logged or handed in.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bundle.pending import PendingRelease
from bundle.tuf.client import TufClient
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import b64encode
from signer.attestation import build_attestation, join_jsonl, parse_attestation
from signer.revocation import Revocation
from tests.simulators.runner import ToldClock
from tests.simulators.tuf_mirror import URL, Mirror
from tests.simulators.workspace import DAY, WINDOW, SimulatedWorkspace, rule_text
from trustacks.client import segment
from trustacks.pending import ReleaseCosigner
from trustacks.pinned import Pinned
from trustacks.signatory import KeySignatory
from trustacks.submitting import PLACE

TWO = {"rule": 1, "release": 2}


@dataclass
class Plane:
    """The API that a cosigner calls, in the thief's hands: it answers as it is told."""

    house: SimulatedWorkspace
    kept: list[PendingRelease] = field(default_factory=list)
    posted: list[tuple[str, dict]] = field(default_factory=list)
    logged: list[bytes] = field(default_factory=list)
    name: str = "acme"
    by: str = "second"
    lie: bytes | None = None

    @property
    def client(self):
        return self

    def get(self, path):
        listed = [
            {
                "digest": str(one.digest),
                "revision": one.link.release.revision,
                "status": "open",
            }
            for one in self.kept
        ]
        if path == PLACE:
            return {"items": listed}
        one = self.kept[-1]
        return {"bundle": b64encode(one.bundle), "attestations": b64encode(one.lines)}

    def post(self, path, value):
        self.posted.append((path, value))
        return {}

    def timestamp(self, request):
        return self.house.authority.answer(request, at=self.house.at)

    def log(self, attestation):
        self.logged.append(attestation)
        if self.lie is not None:
            return self.lie
        return self.house.notary(self.house.people[self.by]).log(attestation)


@dataclass
class Store:
    """What a cosigner is pinned to, read from a mirror."""

    house: SimulatedWorkspace
    client: TufClient

    def refresh(self, *, at):
        return Pinned.of(self.client.refresh(), at=at)


@dataclass
class Desk:
    """A second release identity at work."""

    house: SimulatedWorkspace
    plane: Plane
    cosigner: ReleaseCosigner
    shown: list[bytes]

    def offer(self, *rules, **changes):
        """The first releaser's own release, which waits."""
        made = self.house.make_release(*(rules or self.rules), **changes)
        return self.given(made.archive, made.lines)

    def given(self, archive, lines):
        self.plane.kept.append(PendingRelease.of(archive, lines))
        return self.plane.kept[-1]

    @property
    def rules(self):
        return self.house.releases[-1].rules

    def cosign(self, named=None):
        reviewed = self.cosigner.review(self.cosigner.find(named))
        return self.cosigner.sign(reviewed)


@pytest.fixture
def desk(engine, tmp_path):
    house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine, sovereign=True)
    for name, terms in (
        ("second", {}),
        ("third", {}),
        ("laptop", {"principal": "releaser@example.com"}),
    ):
        house.people[name] = house.person(name, "release", **terms)
    house.publish_trust(thresholds=TWO)
    house.release(house.rule(), further=("second",))
    plane, shown = Plane(house), []
    client = TufClient(
        root=house.root,
        directory=tmp_path / "tuf",
        url=URL,
        fetcher=Mirror(house.storage),
    )
    cosigner = ReleaseCosigner(
        store=Store(house, client),
        api=plane,
        signatory=KeySignatory(house.people["second"].key),
        engine=engine,
        clock=ToldClock(house.at + timedelta(minutes=1)),
        show=shown.append,
    )
    return Desk(house, plane, cosigner, shown)


def test_an_honest_release_is_shown_signed_and_published(desk):
    pending = desk.offer(*desk.rules, desk.house.rule(WINDOW))
    signed = desk.cosign()
    assert desk.shown == [pending.statement]
    assert ([one.id for one in signed.signers], signed.enough) == (
        ["releaser", "second"],
        True,
    )
    first, second = map(parse_attestation, signed.pending.signatures)
    assert first.digest == second.digest
    desk.cosigner.hand_in(signed, known=1)
    desk.cosigner.publish(signed)
    assert [path for path, _ in desk.plane.posted] == [
        f"{PLACE}/{segment(str(pending.digest))}/signatures",
        "/releases",
    ]


def test_who_has_signed_signs_nothing_again(desk):
    desk.offer(further=("second",))
    signed = desk.cosign()
    assert signed.enough
    assert (desk.shown, desk.plane.logged) == ([], [])


# ------------------------------------------------------------------ refused


def a_rule_that_nobody_signed(desk):
    window = desk.house.rule(WINDOW)
    made = desk.house.make_release(*desk.rules, window)
    lines = [raw for rule in desk.rules for raw in rule.attestations]
    desk.given(made.archive, join_jsonl([*lines, made.attestation]))
    return "attestation-set"


def a_rule_by_the_thief(desk):
    desk.house.people["thief"] = desk.house.person("thief", "author")
    desk.offer(*desk.rules, desk.house.rule(WINDOW, by="thief"))
    return "unknown-signer"


def another_bundle_than_was_released(desk):
    made = desk.house.make_release(*desk.rules)
    other = desk.house.make_release(*desk.rules, desk.house.rule(WINDOW))
    desk.given(other.archive, made.lines)
    return "subject-mismatch"


def a_rule_that_is_dropped(desk):
    desk.house.release(*desk.rules, desk.house.rule(WINDOW), further=("second",))
    desk.offer(desk.rules[0])
    return "rule-dropped"


def a_change_that_nobody_approved(desk):
    old = desk.rules[0]
    text = rule_text(message="looser")
    desk.offer(desk.house.rule(text=text, supersedes=old.head))
    return "change-not-approved"


def an_older_predecessor(desk):
    desk.house.release_again(further=("second",))
    first = desk.house.releases[0].digest
    desk.offer(predecessor=first, revision=2)
    return "pending-stale"


def a_release_above_the_next(desk):
    desk.offer(revision=7)
    return "pending-stale"


def a_release_under_older_trust(desk):
    made = desk.house.make_release(*desk.rules)
    desk.house.publish_trust()
    desk.given(made.archive, made.lines)
    return "parents-not-current"


def a_release_that_has_expired(desk):
    issued = desk.house.at - 8 * DAY
    desk.offer(issued_at=issued, expires=issued + 7 * DAY)
    return "release-expired"


def a_release_that_lives_for_a_month(desk):
    desk.offer(expires=desk.house.at + 30 * DAY)
    return "release-lifetime"


def a_first_signature_by_an_author(desk):
    desk.offer(by="author")
    return "signer-not-permitted"


def a_first_signature_by_who_was_revoked(desk):
    revoked = Revocation("third", desk.house.at, "stolen")
    desk.house.publish_trust(revocations=(revoked,))
    desk.offer(by="third")
    return "revoked"


def a_forged_further_signature(desk):
    made = desk.house.make_release(*desk.rules, further=("third",))
    own = parse_attestation(made.cosignatures[0])
    forged = bytearray(own.envelope.signature)
    forged[-1] ^= 1
    lie = build_attestation(
        envelope=replace(own.envelope, signature=bytes(forged)),
        key=desk.house.people["third"].key.public_key,
        timestamps=own.timestamps,
        entries=own.entries,
    )
    lines = [raw for rule in desk.rules for raw in rule.attestations]
    desk.given(made.archive, join_jsonl([*lines, made.attestation, lie]))
    return "signature-invalid"


def another_workspace_s_release(desk):
    desk.offer(workspace=Digest.of(b"another"))
    return "workspace-mismatch"


def another_of_the_same_principal_s_keys(desk):
    desk.offer(by="laptop")
    desk.cosigner = replace(
        desk.cosigner, signatory=KeySignatory(desk.house.people["releaser"].key)
    )
    return "cosigner-not-distinct"


def a_key_of_nobody(desk):
    desk.offer()
    stranger = desk.house.person("stranger", "release")
    desk.cosigner = replace(desk.cosigner, signatory=KeySignatory(stranger.key))
    return "unknown-signer"


ATTACKS = [
    a_rule_that_nobody_signed,
    a_rule_by_the_thief,
    another_bundle_than_was_released,
    a_rule_that_is_dropped,
    a_change_that_nobody_approved,
    an_older_predecessor,
    a_release_above_the_next,
    a_release_under_older_trust,
    a_release_that_has_expired,
    a_release_that_lives_for_a_month,
    a_first_signature_by_an_author,
    a_first_signature_by_who_was_revoked,
    a_forged_further_signature,
    another_workspace_s_release,
    another_of_the_same_principal_s_keys,
    a_key_of_nobody,
]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[one.__name__.replace("_", " ") for one in ATTACKS]
)
def test_is_not_signed(desk, attack):
    code = attack(desk)
    size = len(desk.house.log.bodies)
    with pytest.raises(TrustacksError) as refused:
        desk.cosign()
    assert refused.value.code == code
    assert (desk.shown, desk.plane.logged, desk.plane.posted) == ([], [], [])
    assert len(desk.house.log.bodies) == size


def test_another_release_than_was_asked_for_is_refused(desk):
    asked = desk.offer()
    desk.offer(expires=desk.house.at + 6 * DAY)
    with pytest.raises(TrustacksError) as refused:
        desk.cosign(str(asked.digest))
    assert refused.value.code == "statement-mismatch"
    assert not desk.shown


@pytest.mark.parametrize("named", [None, "2", "7", "sha256:00", "nothing"])
def test_what_is_not_one_release_is_not_chosen(desk, named):
    desk.offer()
    desk.offer(expires=desk.house.at + 6 * DAY)
    with pytest.raises(TrustacksError) as refused:
        desk.cosign(named)
    assert refused.value.code == "pending-choice"


def test_what_comes_back_from_the_log_is_verified(desk):
    desk.offer()
    desk.plane.lie = desk.house.releases[-1].attestation
    with pytest.raises(TrustacksError) as refused:
        desk.cosign()
    assert refused.value.code == "not-logged"
    assert desk.plane.posted == []
