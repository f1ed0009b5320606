# SPDX-License-Identifier: Apache-2.0
"""A public key from the attributes of a token's object (PKCS #11 v2.40 §2.3)."""

from typing import Any, Final

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType

from keys.errors import KeyAnswerError, KeyFormatError
from keys.public import PublicKey

# DER of the parameters; libraries write Edwards curves by OID or by name.
_CURVES: Final[dict[bytes, type[ec.EllipticCurve]]] = {
    bytes.fromhex("06082a8648ce3d030107"): ec.SECP256R1,
    bytes.fromhex("06052b81040022"): ec.SECP384R1,
}
_EDWARDS25519: Final = frozenset({bytes.fromhex("06032b6570"), b"\x13\x0cedwards25519"})
# X.690: the octet string around a point is shorter than 128 bytes for these curves.
_OCTET_STRING: Final = 0x04


def read_public(found: pkcs11.PublicKey, name: str) -> PublicKey:
    """Read the public half of a key.

    Raises:
        KeyFormatError: A kind, curve or size that is not accepted.
        KeyAnswerError: Attributes that make no key.
    """
    kind = found[Attribute.KEY_TYPE]
    try:
        match kind:
            case KeyType.EC:
                key: Any = _ec(found)
            case KeyType.EC_EDWARDS:
                key = _edwards(found)
            case KeyType.RSA:
                key = _rsa(found)
            case _:
                raise KeyFormatError(f"{name}: expected EC, Ed25519 or RSA, got {kind}")
    except (ValueError, KeyError, TypeError) as error:
        raise KeyAnswerError(f"{name}: expected a public key, got {error}") from error
    return PublicKey(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _ec(found: pkcs11.PublicKey) -> ec.EllipticCurvePublicKey:
    parameters = found[Attribute.EC_PARAMS]
    curve = _CURVES.get(parameters)
    if curve is None:
        raise KeyFormatError(
            f"expected curve P-256 or P-384, got parameters {parameters.hex()[:40]}"
        )
    point = _unwrap(found[Attribute.EC_POINT])
    return ec.EllipticCurvePublicKey.from_encoded_point(curve(), point)


def _edwards(found: pkcs11.PublicKey) -> ed25519.Ed25519PublicKey:
    parameters = found[Attribute.EC_PARAMS]
    if parameters not in _EDWARDS25519:
        raise KeyFormatError(
            f"expected Ed25519, got parameters {parameters.hex()[:40]}"
        )
    point = _unwrap(found[Attribute.EC_POINT])
    return ed25519.Ed25519PublicKey.from_public_bytes(point)


def _rsa(found: pkcs11.PublicKey) -> rsa.RSAPublicKey:
    exponent = int.from_bytes(found[Attribute.PUBLIC_EXPONENT], "big")
    modulus = int.from_bytes(found[Attribute.MODULUS], "big")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _unwrap(value: bytes) -> bytes:
    """Take a point out of its octet string; some libraries give it bare."""
    if len(value) > 2 and value[0] == _OCTET_STRING and value[1] == len(value) - 2:  # noqa: PLR2004 - tag and length
        return value[2:]
    return value
