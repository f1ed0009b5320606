# SPDX-License-Identifier: Apache-2.0
"""Public keys: two kinds, one name each, and signatures that hold or do not."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import KeyFormatError, LimitExceededError, SignatureInvalidError
from keys.public import ECDSA_P256, ED25519, MAX_KEY_BYTES, PublicKey
from keys.signing import CheckedKey
from keys.strict import b64encode
from tests.simulators.memory_key import MemoryKey

P256, EDWARDS = MemoryKey.ecdsa(), MemoryKey.ed25519()


def spki(key) -> bytes:
    return key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    ("key", "details"),
    [(P256, ECDSA_P256), (EDWARDS, ED25519)],
    ids=["P-256", "Ed25519"],
)
def test_a_key_is_read_named_and_verifies(key, details):
    public = PublicKey.from_pem(key.public_key.pem)

    assert public == key.public_key
    assert public.details == details
    assert public.key_id == hashlib.sha256(public.spki).hexdigest()
    assert public.hint == b64encode(bytes.fromhex(public.key_id))
    public.verify(key.sign(b"message"), b"message")


@pytest.mark.parametrize("key", [P256, EDWARDS], ids=["P-256", "Ed25519"])
def test_a_signature_of_another_message_key_or_length_does_not_hold(key):
    signature, other = key.sign(b"message"), MemoryKey.ecdsa()
    wrong = [
        (key, signature, b"massage"),
        (other, signature, b"message"),
        (key, signature[:-1], b"message"),
        (key, signature + b"\0", b"message"),
        (key, b"", b"message"),
        (key, bytes(len(signature)), b"message"),
    ]

    for holder, given_signature, message in wrong:
        with pytest.raises(SignatureInvalidError) as refused:
            holder.public_key.verify(given_signature, message)
        assert refused.value.evidence == {"key_id": holder.public_key.key_id}


def test_a_signature_with_another_hash_does_not_hold():
    signature = P256.private.sign(b"message", ec.ECDSA(hashes.SHA384()))

    with pytest.raises(SignatureInvalidError):
        P256.public_key.verify(signature, b"message")


REFUSED = {
    "P-384": spki(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": spki(ec.generate_private_key(ec.SECP256K1())),
    "RSA": spki(rsa.generate_private_key(65537, 2048)),
    "X25519": spki(x25519.X25519PrivateKey.generate()),
    "a point off the curve": P256.public_key.spki[:-1] + b"\0\0",
    "nothing": b"",
    "junk after the key": P256.public_key.spki + b"\0",
    "a raw Ed25519 key": EDWARDS.public_key.raw,
}


@pytest.mark.parametrize(
    "der", [pytest.param(d, id=name) for name, d in REFUSED.items()]
)
def test_another_kind_of_key_cannot_be_built(der):
    with pytest.raises(KeyFormatError):
        PublicKey(der)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_refusal(data):
    with pytest.raises(KeyFormatError):
        PublicKey(data)
    with pytest.raises(KeyFormatError):
        PublicKey.from_pem(data)


def test_a_key_is_bounded_before_it_is_parsed():
    pem = P256.public_key.pem.encode()

    PublicKey.from_pem(pem + b"\n" * (MAX_KEY_BYTES - len(pem)))
    with pytest.raises(LimitExceededError):
        PublicKey.from_pem(pem + b"\n" * (MAX_KEY_BYTES - len(pem) + 1))
    with pytest.raises(LimitExceededError):
        PublicKey(bytes(MAX_KEY_BYTES + 1))


def test_a_private_key_is_not_a_public_one():
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes_raw()

    with pytest.raises(KeyFormatError):
        PublicKey.from_pem(pem)


def test_only_ed25519_has_raw_bytes():
    assert len(EDWARDS.public_key.raw) == 32
    with pytest.raises(KeyFormatError):
        _ = P256.public_key.raw


def test_a_key_whose_halves_do_not_match_signs_nothing():
    class WrongHalf(MemoryKey):
        pass

    wrong = CheckedKey(WrongHalf(P256.private, EDWARDS.public_key))
    other = CheckedKey(WrongHalf(P256.private, MemoryKey.ecdsa().public_key))

    for key in (wrong, other):
        with pytest.raises(SignatureInvalidError):
            key.sign(b"message")
    good = CheckedKey(P256)
    good.public_key.verify(good.sign(b"message"), b"message")
