# SPDX-License-Identifier: Apache-2.0
"""Attacks on a proof of possession, one for each step of ``verify_possession``."""

from dataclasses import dataclass, replace

import pytest

from keys.digest import Digest
from keys.errors import JsonFormatError, UsageError
from signer.attestation import build_attestation
from signer.dsse import IN_TOTO, Envelope, pae
from signer.errors import NotVerifiedError
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.verify import verify_possession
from signer.verify_key import POSSESSION_STEPS
from tests.simulators.keyless import CI_ISSUER, MAIN, KeylessWorkshop
from tests.simulators.signing import (
    DAY,
    NOW,
    Person,
    SimulatedAuthority,
    SimulatedLog,
    Workshop,
    person,
    say,
)

CHALLENGE = bytes(range(32))


@dataclass(frozen=True)
class Attack:
    """What the attacker hands in, and when."""

    raw: bytes
    pending: bool = False


class Registry(Workshop):
    """A workspace, and somebody who wants to be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.newcomer = person("newcomer", "author")

    def proof(self, **changes) -> IdentityProofPredicate:
        predicate = IdentityProofPredicate(
            workspace=self.workspace,
            identity=self.newcomer.identity.terms,
            challenge=CHALLENGE,
            expires=NOW + DAY,
        )
        return replace(predicate, **changes)

    def prove(self, statement: bytes, *, by: Person | None = None, **how) -> bytes:
        return self.attest(statement, by=by or self.newcomer, **how)

    @property
    def spki(self) -> bytes:
        return self.newcomer.key.public_key.spki

    def honest(self, **how) -> bytes:
        return self.prove(say(self.proof(), self.spki), **how)


def a_proof_cut_short(shop: Registry) -> Attack:
    return Attack(shop.honest()[:-1])


def a_proof_by_another_key(shop: Registry) -> Attack:
    return Attack(shop.prove(say(shop.proof(), shop.spki), by=person("x", "author")))


def a_certificate_of_the_newcomers_key(shop: Registry) -> Attack:
    """Someone has the key certified, and a certificate proves another thing."""
    key = shop.newcomer.key
    der = (
        KeylessWorkshop()
        .instances["public"]
        .certify(key, subject=MAIN, issuer=CI_ISSUER, at=NOW)
    )
    payload = say(shop.proof(), shop.spki)
    envelope = Envelope(IN_TOTO, payload, "", key.sign(pae(IN_TOTO, payload)))
    raw = build_attestation(envelope=envelope, key=key.public_key, certificate=der)
    return Attack(raw, pending=True)


def another_key_under_the_newcomers_hint(shop: Registry) -> Attack:
    """Somebody registers a key that they have seen and do not hold."""
    theirs = person("x", "author")
    claimed = replace(theirs.key, public_key=shop.newcomer.key.public_key)
    raw = shop.attest_anything(
        say(shop.proof(), shop.spki), by=replace(theirs, key=claimed)
    )
    return Attack(raw)


def a_foreign_timestamp(shop: Registry) -> Attack:
    shop.authority = SimulatedAuthority("https://tsa.example.net")
    return Attack(shop.honest())


def a_proof_from_the_future(shop: Registry) -> Attack:
    return Attack(shop.honest(at=NOW + DAY))


def a_foreign_log(shop: Registry) -> Attack:
    shop.log = SimulatedLog(shop.log.origin)
    return Attack(shop.honest())


def an_entry_before_its_time(shop: Registry) -> Attack:
    return Attack(shop.honest(), pending=True)


def another_payload_type(shop: Registry) -> Attack:
    payload = say(shop.proof(), shop.spki)
    raw = shop.attest_anything(payload, by=shop.newcomer, payload_type="text/plain")
    return Attack(raw)


def a_bare_nonce(shop: Registry) -> Attack:
    """DESIGN T9: nobody is made to sign a challenge that is not a statement."""
    return Attack(shop.attest_anything(CHALLENGE, by=shop.newcomer))


def a_vouching_instead_of_a_proof(shop: Registry) -> Attack:
    return Attack(shop.prove(say(shop.artifact(), shop.spki)))


def a_short_challenge(shop: Registry) -> Attack:
    payload = say(shop.proof(), shop.spki)
    start = payload.index(b'"challenge":"') + len(b'"challenge":"')
    short = payload[:start] + payload[payload.index(b'"', start) :]
    return Attack(shop.attest_anything(short, by=shop.newcomer))


def a_proof_for_another_workspace(shop: Registry) -> Attack:
    foreign = shop.proof(workspace=Digest.of(b"another genesis root"))
    return Attack(shop.prove(say(foreign, shop.spki)))


def an_answer_to_another_challenge(shop: Registry) -> Attack:
    return Attack(shop.prove(say(shop.proof(challenge=bytes(32)), shop.spki)))


def an_answer_that_came_late(shop: Registry) -> Attack:
    late = shop.proof(expires=NOW - DAY)
    return Attack(shop.prove(say(late, shop.spki)))


def an_answer_in_time_that_is_handed_in_late(shop: Registry) -> Attack:
    """T3: the authority's stamp of an earlier time does not help."""
    late = shop.proof(expires=NOW - DAY)
    raw = shop.prove(say(late, shop.spki), at=NOW - 2 * DAY, pending=True)
    return Attack(raw, pending=True)


def a_proof_about_another_key(shop: Registry) -> Attack:
    return Attack(shop.prove(say(shop.proof(), b"another SPKI")))


ATTACKS = [
    ("shape", "json-format", a_proof_cut_short),
    ("signer", "unknown-signer", a_proof_by_another_key),
    ("signer", "signer-kind", a_certificate_of_the_newcomers_key),
    ("signature", "signature-invalid", another_key_under_the_newcomers_hint),
    ("time", "no-trusted-time", a_foreign_timestamp),
    ("past", "from-the-future", a_proof_from_the_future),
    ("log", "unknown-log", a_foreign_log),
    ("log", "not-logged", an_entry_before_its_time),
    ("payload-type", "payload-type", another_payload_type),
    ("statement", "json-format", a_bare_nonce),
    ("predicate-type", "predicate-type", a_vouching_instead_of_a_proof),
    ("predicate", "field-format", a_short_challenge),
    ("workspace", "workspace-mismatch", a_proof_for_another_workspace),
    ("challenge", "possession", an_answer_to_another_challenge),
    ("expiry", "possession", an_answer_that_came_late),
    ("expiry", "possession", an_answer_in_time_that_is_handed_in_late),
    ("subject", "subject-mismatch", a_proof_about_another_key),
]


def verify(shop: Registry, attack: Attack, trusted_root):
    return verify_possession(
        attack.raw,
        public_key=shop.newcomer.key.public_key,
        workspace=shop.workspace,
        trusted_root=trusted_root,
        challenge=CHALLENGE,
        at=NOW,
        pending=attack.pending,
    )


@pytest.mark.parametrize(
    ("step", "code", "attack"),
    [
        pytest.param(*row, id=f"{row[0]}: {row[2].__name__} -> {row[1]}")
        for row in ATTACKS
    ],
)
def test_an_attack_on_a_proof_is_refused_by_its_own_step(step, code, attack):
    shop = Registry()
    trusted_root = shop.trusted_root()

    verified = verify(shop, attack(shop), trusted_root)

    assert verified.result.code == code
    assert verified.result.first_failure.id == step
    assert not verified
    assert verified.predicate is None


def test_every_step_of_a_proof_has_an_attack():
    assert {step for step, _, _ in ATTACKS} == {step for step, _ in POSSESSION_STEPS}


@pytest.mark.parametrize("pending", [True, False])
def test_a_proof_in_order_is_accepted(pending):
    shop = Registry()
    attack = Attack(shop.honest(pending=pending), pending=pending)

    verified = verify(shop, attack, shop.trusted_root())

    assert verified.result.code is None
    assert verified.require().identity == shop.newcomer.identity.terms


def test_replay_accepts_a_proof_long_after_its_challenge_ended():
    shop = Registry()

    verified = verify_possession(
        shop.honest(),
        public_key=shop.newcomer.key.public_key,
        workspace=shop.workspace,
        trusted_root=shop.trusted_root(),
        challenge=CHALLENGE,
        at=NOW + 1000 * DAY,
    )

    assert verified.result.code is None


def test_a_refused_proof_gives_nothing_even_to_who_forgets_to_look():
    shop = Registry()
    refused = verify(shop, Attack(b""), shop.trusted_root())
    accepted = verify(shop, Attack(shop.honest()), shop.trusted_root())

    with pytest.raises(JsonFormatError):
        refused.require()
    with pytest.raises(JsonFormatError):
        replace(refused, predicate=accepted.predicate).require()
    with pytest.raises(NotVerifiedError):
        replace(accepted, predicate=None).require()


def test_the_instant_of_a_proof_is_utc_or_a_mistake():
    shop = Registry()

    with pytest.raises(UsageError):
        verify_possession(
            shop.honest(),
            public_key=shop.newcomer.key.public_key,
            workspace=shop.workspace,
            trusted_root=shop.trusted_root(),
            challenge=CHALLENGE,
            at=NOW.replace(tzinfo=None),
        )
