# SPDX-License-Identifier: Apache-2.0
"""The signatures that timestamp authorities make: ECDSA and RSA, both with SHA-2.

The key's kind chooses the family, and what the token names must be of it. Keys of RSA
have 2048 to 4096 bits, because public authorities have them; those that this project
makes are of P-256.
"""

from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from keys.schemes import RSA_EXPONENT
from signer.timestamp.algorithms import ECDSA_SHA256, hash_of
from signer.timestamp.asn1 import (
    Oid,
    PssParameters,
    SignatureAlgorithm,
    SignerInfo,
)
from signer.timestamp.errors import (
    TimestampAlgorithmError,
    TimestampSignatureError,
)

_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_RSA_BITS: Final = range(2048, 4096 + 1)
_MGF1: Final = Oid("1.2.840.113549.1.1.8")  # RFC 8017 A.2.1
_PSS: Final = Oid("1.2.840.113549.1.1.10")  # RFC 4056 §2.2
# RFC 3370 §3.2: the hash is then the signer's digest algorithm; OpenSSL writes this.
_RSA: Final = Oid("1.2.840.113549.1.1.1")
_PKCS1: Final = MappingProxyType(  # RFC 5754 §3.2
    {
        Oid("1.2.840.113549.1.1.11"): hashes.SHA256(),
        Oid("1.2.840.113549.1.1.12"): hashes.SHA384(),
        Oid("1.2.840.113549.1.1.13"): hashes.SHA512(),
    }
)
_ECDSA: Final = MappingProxyType(  # RFC 5758 §3.2
    {
        ECDSA_SHA256: ec.ECDSA(hashes.SHA256()),
        Oid("1.2.840.10045.4.3.3"): ec.ECDSA(hashes.SHA384()),
        Oid("1.2.840.10045.4.3.4"): ec.ECDSA(hashes.SHA512()),
    }
)


def require_signed(signer: SignerInfo, signed: bytes, key: object) -> None:
    """Refuse a token that the key of the authority's certificate did not sign.

    Raises:
        TimestampAlgorithmError: Not ECDSA or RSA with SHA-2, a scheme that is not the
            key's, or a key of another curve or size.
        TimestampSignatureError: The signature does not hold.
    """
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(
                signer.signature, signed, _ecdsa(key, signer.signature_algorithm)
            )
        elif isinstance(key, rsa.RSAPublicKey):
            _require_rsa(key)
            key.verify(signer.signature, signed, *_padding(signer))
        else:
            raise TimestampAlgorithmError(
                f"expected an ECDSA or RSA key, got {type(key).__name__}"
            )
    except InvalidSignature:
        raise TimestampSignatureError(
            "the timestamp's signature does not verify with the authority's key"
        ) from None


def _ecdsa(key: ec.EllipticCurvePublicKey, named: SignatureAlgorithm) -> ec.ECDSA:
    found = _ECDSA.get(named.algorithm)
    # RFC 5758 §3.2: "the encoding MUST omit the parameters field".
    if found is None or named.parameters is not None:
        raise _unexpected("ECDSA with SHA-2", named)
    if not isinstance(key.curve, _CURVES):
        raise TimestampAlgorithmError(f"expected a NIST curve, got {key.curve.name}")
    return found


def _require_rsa(key: rsa.RSAPublicKey) -> None:
    exponent = key.public_numbers().e
    if key.key_size not in _RSA_BITS or exponent != RSA_EXPONENT:
        raise TimestampAlgorithmError(
            f"expected RSA of 2048 to 4096 bits with exponent {RSA_EXPONENT}, "
            f"got {key.key_size} and one of {exponent.bit_length()}"
        )


def _padding(
    signer: SignerInfo,
) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    named = signer.signature_algorithm
    if named.algorithm == _PSS:
        return _pss(named)
    found = _PKCS1.get(named.algorithm)
    if named.algorithm == _RSA:
        found = hash_of(signer.digest_algorithm)
    # RFC 4055 §5: NULL, and absent parameters are to be accepted too.
    if found is None or isinstance(named.parameters, PssParameters):
        raise _unexpected("RSA with SHA-2", named)
    return padding.PKCS1v15(), found


def _pss(
    named: SignatureAlgorithm,
) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    """Read the parameters; RFC 4056 §2.2: MGF1 with one hash, and a salt as long."""
    said = named.parameters
    if (
        not isinstance(said, PssParameters)
        or said.hash_algorithm is None
        or said.mask_algorithm is None
    ):
        raise _unexpected("RSASSA-PSS with SHA-2", named)
    found, mask = hash_of(said.hash_algorithm), said.mask_algorithm
    if (
        mask.algorithm != _MGF1
        or hash_of(mask.parameters) is not found
        or said.salt_length != found.digest_size
        or said.trailer is not None
    ):
        raise _unexpected("RSASSA-PSS with one hash and a salt as long", named)
    return padding.PSS(padding.MGF1(found), found.digest_size), found


def _unexpected(expected: str, named: SignatureAlgorithm) -> TimestampAlgorithmError:
    return TimestampAlgorithmError(
        f"expected {expected}, got {named.algorithm.dotted_string}"
    )
