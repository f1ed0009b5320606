# SPDX-License-Identifier: Apache-2.0
"""Public keys: one name each, one scheme each, and signatures that hold or do not."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    ed25519,
    padding,
    rsa,
    x25519,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import KeyFormatError, LimitExceededError, SignatureInvalidError
from keys.public import MAX_KEY_BYTES, PublicKey
from keys.schemes import (
    ECDSA_P256,
    ECDSA_P384,
    ED25519,
    RSA_PSS_3072,
    RSA_PSS_4096,
    prehash,
)
from keys.strict import b64encode
from tests.simulators.memory_key import MemoryKey

P256, EDWARDS = MemoryKey.ecdsa(), MemoryKey.ed25519()
P384, RSA = MemoryKey.ecdsa_p384(), MemoryKey.rsa()
KINDS = {
    ECDSA_P256: P256,
    ECDSA_P384: P384,
    ED25519: EDWARDS,
    RSA_PSS_3072: RSA,
    RSA_PSS_4096: MemoryKey.rsa(4096),
}


def spki(key) -> bytes:
    return key.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    ("key", "details"), [pytest.param(k, d, id=d) for d, k in KINDS.items()]
)
def test_a_key_is_read_named_and_verifies(key, details):
    public = PublicKey.from_pem(key.public_key.pem)

    assert public == key.public_key
    assert public.details == details
    assert public.key_id == hashlib.sha256(public.spki).hexdigest()
    assert public.hint == b64encode(bytes.fromhex(public.key_id))
    public.verify(key.sign(b"message"), b"message")


@pytest.mark.parametrize(
    "key", [P256, P384, EDWARDS, RSA], ids=["P-256", "P-384", "Ed25519", "RSA"]
)
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


SHA256, SHA384 = hashes.SHA256(), hashes.SHA384()
OTHER_SCHEMES = {
    "P-256 with SHA-384": (P256, (ec.ECDSA(SHA384),)),
    "P-384 with SHA-256": (P384, (ec.ECDSA(SHA256),)),
    "RSA by PKCS #1 v1.5": (RSA, (padding.PKCS1v15(), SHA256)),
    "RSA without salt": (RSA, (padding.PSS(padding.MGF1(SHA256), 0), SHA256)),
    "RSA with SHA-384": (RSA, (padding.PSS(padding.MGF1(SHA384), 48), SHA384)),
}


@pytest.mark.parametrize(("key", "scheme"), OTHER_SCHEMES.values(), ids=OTHER_SCHEMES)
def test_a_signature_by_another_scheme_does_not_hold(key, scheme):
    signature = key.private.sign(b"message", *scheme)

    with pytest.raises(SignatureInvalidError):
        key.public_key.verify(signature, b"message")


def test_a_digest_to_sign_is_the_schemes():
    assert prehash(ECDSA_P256, b"m") == hashlib.sha256(b"m").digest()
    assert prehash(ECDSA_P384, b"m") == hashlib.sha384(b"m").digest()
    assert prehash(RSA_PSS_4096, b"m") == hashlib.sha256(b"m").digest()
    with pytest.raises(KeyFormatError):
        prehash(ED25519, b"m")


# SEC 1 §2.3.3: the same P-256 key in 33 bytes, and so under another SHA-256.
COMPRESSED = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
COMPRESSED += P256.private.public_key().public_bytes(
    Encoding.X962, PublicFormat.CompressedPoint
)

REFUSED = {
    "P-521": spki(ec.generate_private_key(ec.SECP521R1())),
    "secp256k1": spki(ec.generate_private_key(ec.SECP256K1())),
    "RSA of 2048 bits": spki(rsa.generate_private_key(65537, 2048)),
    "RSA of 3080 bits": spki(rsa.RSAPublicNumbers(65537, (1 << 3079) + 1)),
    "RSA of 8192 bits": spki(rsa.RSAPublicNumbers(65537, (1 << 8191) + 1)),
    "RSA with exponent 3": spki(rsa.generate_private_key(3, 3072)),
    "RSA with an exponent beyond any float": spki(
        rsa.RSAPublicNumbers((1 << 2000) + 1, (1 << 3071) + 1)
    ),
    "a compressed point": COMPRESSED,
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
