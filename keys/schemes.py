# SPDX-License-Identifier: Apache-2.0
"""Kinds of keys, and the one signature scheme that each kind has.

A key never signs or verifies under another hash or padding than its kind's. Which
kinds may do what is said where they do it: identities sign attestations with ECDSA
P-256, logs checkpoints with Ed25519, TUF roles with any (DESIGN 3.1).
"""

import hashlib
from typing import Final, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from keys.errors import KeyFormatError

# Names as in Sigstore's PublicKeyDetails (protobuf-specs, sigstore_common.proto).
ECDSA_P256: Final = "PKIX_ECDSA_P256_SHA_256"
ECDSA_P384: Final = "PKIX_ECDSA_P384_SHA_384"
ED25519: Final = "PKIX_ED25519"
RSA_PSS_3072: Final = "PKIX_RSA_PSS_3072_SHA256"
RSA_PSS_4096: Final = "PKIX_RSA_PSS_4096_SHA256"

PublicHalf = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
PrivateHalf = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

# With an exponent of 1 every message is its own signature; below 65537 lie old faults.
RSA_EXPONENT: Final = 65537
_CURVES: Final = {"secp256r1": ECDSA_P256, "secp384r1": ECDSA_P384}
_MODULI: Final = {3072: RSA_PSS_3072, 4096: RSA_PSS_4096}
_SHA256: Final = hashes.SHA256()
_ECDSA: Final = (ec.ECDSA(_SHA256), ec.ECDSA(hashes.SHA384()))
# RFC 8017 §9.1: MGF1 with the same hash, and a salt as long.
_PSS: Final = padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH)


def details_of(key: object) -> str:
    """Return the kind of a public key, one of the names above.

    Raises:
        KeyFormatError: A kind, curve, size or exponent that is not accepted.
    """
    match key:
        case ed25519.Ed25519PublicKey():
            return ED25519
        case ec.EllipticCurvePublicKey():
            found = _CURVES.get(key.curve.name)
            got = f"curve {key.curve.name}"
        case rsa.RSAPublicKey():
            exponent = key.public_numbers().e
            found = _MODULI.get(key.key_size) if exponent == RSA_EXPONENT else None
            got = f"RSA of {key.key_size} bits, exponent of {exponent.bit_length()}"
        case _:
            found, got = None, type(key).__name__
    if found is None:
        raise KeyFormatError(
            "expected ECDSA P-256 or P-384, Ed25519, or RSA of 3072 or 4096 bits "
            f"with exponent {RSA_EXPONENT}, got {got}"
        )
    return found


def accepted(key: object) -> PublicHalf:
    """Return a public key if its kind is accepted.

    Raises:
        KeyFormatError: As ``details_of``.
    """
    details_of(key)
    return cast("PublicHalf", key)


def prehash(details: str, message: bytes) -> bytes:
    """Return what a device signs that is given a digest: the scheme's hash.

    Raises:
        KeyFormatError: The scheme has none: Ed25519 signs whole messages.
    """
    if details == ED25519:
        raise KeyFormatError("expected a scheme that signs a digest, got Ed25519")
    name = "sha384" if details == ECDSA_P384 else "sha256"
    return hashlib.new(name, message).digest()


def verify_with(
    key: PublicHalf, signature: bytes, data: bytes, *, prehashed: bool = False
) -> None:
    """Verify by the key's scheme; raises ``cryptography``'s InvalidSignature.

    Args:
        key: Whose signature it would be.
        signature: Over the message.
        data: The message, or, ``prehashed``, its digest by ``hash_of``.
        prehashed: Which of the two.
    """
    if not prehashed and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, _ECDSA[isinstance(key.curve, ec.SECP384R1)])
        return
    algorithm = hash_of(key)
    used = Prehashed(algorithm) if prehashed and algorithm else algorithm
    match key:
        case ed25519.Ed25519PublicKey():
            key.verify(signature, data)
        case ec.EllipticCurvePublicKey():
            key.verify(signature, data, ec.ECDSA(used or _SHA256))
        case rsa.RSAPublicKey():
            key.verify(signature, data, _PSS, used or _SHA256)


def hash_of(key: PublicHalf) -> hashes.HashAlgorithm | None:
    """Return the hash of the key's scheme; none for Ed25519, which has it inside."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _hash_of(key.curve)
    return _SHA256


def sign_with(key: PrivateHalf, message: bytes) -> bytes:
    """Sign by the key's scheme: DER for ECDSA (SEC 1 C.5), else raw bytes."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(_hash_of(key.curve)))
        case rsa.RSAPrivateKey():
            return key.sign(message, _PSS, _SHA256)


def _hash_of(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    return hashes.SHA384() if isinstance(curve, ec.SECP384R1) else _SHA256
