# SPDX-License-Identifier: Apache-2.0
"""The usual bytes of a body are those that are read, field by field, to say the same."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.digest import Digest
from keys.errors import TrustacksError
from keys.strict import dumps_json, loads_json
from signer.dsse import IN_TOTO, pae
from signer.signed import Signed
from signer.tlog import bodies, usual
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import (
    BODIES,
    DATA,
    Signer,
    SimulatedSigstore,
    statement,
)

INSTANCE = SimulatedSigstore()
PAYLOAD = statement(DATA)
REKORD, DSSE = ("hashedrekord", "0.0.1"), ("dsse", "0.0.1")
SIGNERS = {"a certificate": INSTANCE.keyless(), "a key": Signer(MemoryKey.ecdsa())}


def logged(kind, by):
    payload = PAYLOAD if kind == DSSE else None
    message = DATA if payload is None else pae(IN_TOTO, payload)
    signature = by.key.sign(message)
    body = BODIES[kind](by, message, signature, payload or b"")
    entry = INSTANCE.log(kind, by, message, signature, payload, at=INSTANCE_AT)
    signed = Signed(signature, Digest.of(message), message, payload)
    verifier = bodies.Verifier(by.key.public_key, by.certificate)
    return replace(entry, body=body), signed, verifier


INSTANCE_AT = INSTANCE.fulcio.certificate.not_valid_before_utc
CASES = [(kind, by) for kind in (REKORD, DSSE) for by in SIGNERS]
IS_USUAL = {REKORD: usual.is_usual_rekord, DSSE: usual.is_usual_dsse}


def unusual(monkeypatch):
    for name in ("is_usual_rekord", "is_usual_dsse"):
        monkeypatch.setattr(bodies, name, lambda *_: False)


@pytest.mark.parametrize(("kind", "by"), CASES)
def test_the_usual_bytes_are_accepted_either_way(kind, by, monkeypatch):
    entry, signed, verifier = logged(kind, SIGNERS[by])

    assert IS_USUAL[kind](entry.body, signed, verifier)
    unusual(monkeypatch)
    bodies.require_about(entry, signed, verifier)


@pytest.mark.parametrize(("kind", "by"), CASES)
def test_what_says_the_same_in_other_bytes_is_read(kind, by):
    entry, signed, verifier = logged(kind, SIGNERS[by])
    spaced = entry.body.replace(b'{"apiVersion"', b'{ "apiVersion"')

    assert not IS_USUAL[kind](spaced, signed, verifier)
    bodies.require_about(replace(entry, body=spaced), signed, verifier)


@pytest.mark.parametrize(("kind", "by"), CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_other_byte_is_usual(kind, by, data):
    entry, signed, verifier = logged(kind, SIGNERS[by])
    # Signatures are of several lengths, and drawn from is what every run has.
    place = data.draw(st.integers(0, 2**16)) % len(entry.body)
    bits = data.draw(st.integers(1, 255))
    changed = bytearray(entry.body)
    changed[place] ^= bits
    taken = IS_USUAL[kind](bytes(changed), signed, verifier)

    # but the hash of an envelope that nobody has
    assert not taken or (kind == DSSE and reads_alike(bytes(changed), entry.body))


def reads_alike(changed: bytes, body: bytes) -> bool:
    both = [loads_json(one, max_bytes=len(one)) for one in (changed, body)]
    for one in both:
        one["spec"]["envelopeHash"]["value"] = ""
    return both[0] == both[1]


@pytest.mark.parametrize("kind", [REKORD, DSSE])
def test_bytes_about_another_signature_are_not_usual(kind):
    entry, signed, verifier = logged(kind, SIGNERS["a key"])
    other = replace(signed, signature=b"another")

    assert not IS_USUAL[kind](entry.body, other, verifier)
    with pytest.raises(TrustacksError):
        bodies.require_about(entry, other, verifier)


def test_a_file_has_no_usual_envelope_and_an_envelope_no_usual_file():
    for kind in (REKORD, DSSE):
        entry, signed, verifier = logged(kind, SIGNERS["a key"])
        other = replace(signed, payload=None if signed.payload else PAYLOAD)
        assert not IS_USUAL[kind](entry.body, other, verifier)


def test_the_template_is_what_canonical_json_writes():
    """RFC 8785, which ``dumps_json`` writes for what is ASCII and has no fractions."""
    for kind, by in CASES:
        entry, *_ = logged(kind, SIGNERS[by])
        assert dumps_json(loads_json(entry.body, max_bytes=10**5)) == entry.body
