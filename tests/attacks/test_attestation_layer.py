# SPDX-License-Identifier: Apache-2.0
"""Attacks on a publisher's word for a layer, one for each step of ``verify_layer``."""

from dataclasses import replace

import pytest

from keys.errors import JsonFormatError
from signer.attestation import build_attestation
from signer.dsse import IN_TOTO, Envelope, pae
from signer.errors import NotVerifiedError
from signer.predicates.layer import LayerPredicate
from signer.result import Status
from signer.sign import attest_bare
from signer.verify import verify_layer
from signer.verify_key import LAYER_STEPS
from tests.simulators.keyless import CI_ISSUER, MAIN, KeylessWorkshop
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import NOW, Workshop, say

ARCHIVE = b"the archive of a pack"
LAYER = LayerPredicate(layer="pack", name="change-control", version="1.0.0")
KEY = MemoryKey.ecdsa()


def signed(
    payload: bytes, *, key: MemoryKey = KEY, payload_type: str = IN_TOTO
) -> bytes:
    envelope = Envelope(
        payload_type, payload, key.public_key.hint, key.sign(pae(payload_type, payload))
    )
    return build_attestation(envelope=envelope, key=key.public_key)


def an_attestation_cut_short() -> bytes:
    return signed(say(LAYER, ARCHIVE))[:-1]


def another_publisher() -> bytes:
    return signed(say(LAYER, ARCHIVE), key=MemoryKey.ecdsa())


def the_publishers_key_in_a_certificate() -> bytes:
    """A key was pinned, and a certificate of it is another kind of word."""
    der = (
        KeylessWorkshop()
        .instances["public"]
        .certify(KEY, subject=MAIN, issuer=CI_ISSUER, at=NOW)
    )
    payload = say(LAYER, ARCHIVE)
    envelope = Envelope(IN_TOTO, payload, "", KEY.sign(pae(IN_TOTO, payload)))
    return build_attestation(envelope=envelope, key=KEY.public_key, certificate=der)


def another_key_under_the_publishers_hint() -> bytes:
    return signed(
        say(LAYER, ARCHIVE), key=replace(MemoryKey.ecdsa(), public_key=KEY.public_key)
    )


def another_payload_type() -> bytes:
    return signed(say(LAYER, ARCHIVE), payload_type="text/plain")


def a_statement_that_is_none() -> bytes:
    return signed(b"[]")


def a_rule_instead_of_a_layer() -> bytes:
    return signed(say(Workshop().rule(), ARCHIVE))


def a_layer_without_a_version() -> bytes:
    return signed(say(LAYER, ARCHIVE).replace(b',"version":"1.0.0"', b""))


def another_archive() -> bytes:
    return signed(say(LAYER, b"another archive"))


ATTACKS = [
    ("shape", "json-format", an_attestation_cut_short),
    ("signer", "unknown-signer", another_publisher),
    ("signer", "signer-kind", the_publishers_key_in_a_certificate),
    ("signature", "signature-invalid", another_key_under_the_publishers_hint),
    ("payload-type", "payload-type", another_payload_type),
    ("statement", "statement-format", a_statement_that_is_none),
    ("predicate-type", "predicate-type", a_rule_instead_of_a_layer),
    ("predicate", "field-format", a_layer_without_a_version),
    ("subject", "subject-mismatch", another_archive),
]


@pytest.mark.parametrize(
    ("step", "code", "attack"),
    [
        pytest.param(*row, id=f"{row[0]}: {row[2].__name__} -> {row[1]}")
        for row in ATTACKS
    ],
)
def test_an_attack_on_a_layer_is_refused_by_its_own_step(step, code, attack):
    verified = verify_layer(attack(), publisher=KEY.public_key, archive=ARCHIVE)

    assert verified.result.code == code
    assert verified.result.first_failure.id == step
    assert not verified
    assert verified.predicate is None


def test_every_step_of_a_layer_has_an_attack():
    attacked = dict.fromkeys(step for step, _, _ in ATTACKS)
    assert list(attacked) == [step for step, _ in LAYER_STEPS]


def test_a_layer_in_order_is_accepted():
    raw = attest_bare(say(LAYER, ARCHIVE), key=KEY)

    verified = verify_layer(raw, publisher=KEY.public_key, archive=ARCHIVE)

    assert verified.result.code is None
    assert {check.status for check in verified.result.checks} == {Status.PASSED}
    assert verified.require() == LAYER


def test_a_refused_layer_gives_nothing_even_to_who_forgets_to_look():
    verified = verify_layer(b"", publisher=KEY.public_key, archive=ARCHIVE)

    with pytest.raises(JsonFormatError) as refused:
        verified.require()

    assert refused.value.code == "json-format"
    with pytest.raises(NotVerifiedError):
        replace(verified, result=replace(verified.result, checks=())).require()
    accepted = verify_layer(
        signed(say(LAYER, ARCHIVE)), publisher=KEY.public_key, archive=ARCHIVE
    )
    with pytest.raises(NotVerifiedError):
        replace(accepted, predicate=None).require()
