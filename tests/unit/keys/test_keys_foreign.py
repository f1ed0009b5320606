# SPDX-License-Identifier: Apache-2.0
"""Keys that only others sign with: more kinds, one scheme each, and digests."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.errors import (
    KeyFormatError,
    LimitExceededError,
    SignatureInvalidError,
    UsageError,
)
from keys.foreign import ForeignKey, foreign_key, foreign_key_from_pem
from keys.public import MAX_KEY_BYTES, PublicKey

P256, P384, P521 = (
    ec.generate_private_key(curve())
    for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
)
EDWARDS = ed25519.Ed25519PrivateKey.generate()
RSA_2048, RSA_3072 = (rsa.generate_private_key(65537, n) for n in (2048, 3072))
V1_5 = padding.PKCS1v15()
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def spki(private) -> bytes:
    return private.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def pem(private) -> bytes:
    return private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )


def sign(private, message: bytes) -> bytes:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(message)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(message, V1_5, hashes.SHA256())
    by_size = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    return private.sign(message, ec.ECDSA(by_size[private.curve.key_size]))


KINDS = [
    (P256, "PKIX_ECDSA_P256_SHA_256", "sha256"),
    (P384, "PKIX_ECDSA_P384_SHA_384", "sha384"),
    (P521, "PKIX_ECDSA_P521_SHA_512", "sha512"),
    (EDWARDS, "PKIX_ED25519", None),
    (RSA_2048, "PKIX_RSA_PKCS1V15_2048_SHA256", "sha256"),
    (RSA_3072, "PKIX_RSA_PKCS1V15_3072_SHA256", "sha256"),
]
EACH = pytest.mark.parametrize(("private", "details", "name"), KINDS)


@EACH
def test_a_key_of_each_kind_is_read_and_verifies(private, details, name):
    key = foreign_key(spki(private))

    assert (key.details, key.hash.name if key.hash else None) == (details, name)
    assert foreign_key_from_pem(pem(private)) == key
    key.verify(sign(private, b"message"), b"message")
    with pytest.raises(SignatureInvalidError):
        key.verify(sign(private, b"message"), b"massage")


@EACH
def test_a_digest_is_as_good_as_the_message(private, details, name):
    key, signature = foreign_key(spki(private)), sign(private, b"message")
    if name is None:
        with pytest.raises(UsageError):
            key.verify_digest(signature, bytes(32))
        return

    key.verify_digest(signature, hashlib.new(name, b"message").digest())
    with pytest.raises(SignatureInvalidError):
        key.verify_digest(signature, hashlib.new(name, b"massage").digest())
    with pytest.raises(UsageError):
        key.verify_digest(signature, b"message")


def test_rsa_has_one_padding_here_and_another_in_tuf():
    foreign, ours = foreign_key(spki(RSA_3072)), PublicKey(spki(RSA_3072))
    by_v1_5 = RSA_3072.sign(b"message", V1_5, hashes.SHA256())
    by_pss = RSA_3072.sign(b"message", PSS, hashes.SHA256())

    foreign.verify(by_v1_5, b"message")
    ours.verify(by_pss, b"message")
    with pytest.raises(SignatureInvalidError):
        foreign.verify(by_pss, b"message")
    with pytest.raises(SignatureInvalidError):
        ours.verify(by_v1_5, b"message")


REFUSED = {
    "secp256k1": spki(ec.generate_private_key(ec.SECP256K1())),
    "DSA": spki(dsa.generate_private_key(2048)),
    "RSA of exponent 3": spki(rsa.generate_private_key(3, 2048)),
    "nothing": b"",
    "junk after the key": spki(P521) + b"\0",
}


@pytest.mark.parametrize("der", REFUSED.values(), ids=REFUSED)
def test_another_kind_of_key_is_refused(der):
    with pytest.raises(KeyFormatError):
        foreign_key(der)


@pytest.mark.parametrize("private", [P256, P384, EDWARDS])
def test_a_foreign_key_is_only_what_nobody_here_signs_with(private):
    with pytest.raises(KeyFormatError):
        ForeignKey(spki(private))
    assert type(foreign_key(spki(private))) is PublicKey


def test_a_key_is_bounded_before_it_is_parsed():
    with pytest.raises(LimitExceededError):
        foreign_key(bytes(MAX_KEY_BYTES + 1))
    with pytest.raises(LimitExceededError):
        foreign_key_from_pem(bytes(MAX_KEY_BYTES + 1))
    with pytest.raises(KeyFormatError):
        foreign_key_from_pem(b"not a key")
