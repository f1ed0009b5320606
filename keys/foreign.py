# SPDX-License-Identifier: Apache-2.0
"""Keys of kinds that only others sign with, under the schemes of Sigstore's clients.

No trust policy holds one: they are keys of other people's logs, certificates and files.
A class of their own, because RSA is RSASSA-PKCS1-v1_5 here (RFC 8017 §8.2) and PSS in
TUF's roles; what a key is used for says which, and never the signature.
"""

from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from keys.errors import KeyFormatError, LimitExceededError
from keys.public import MAX_KEY_BYTES, PublicKey
from keys.schemes import RSA_EXPONENT, PublicHalf

# Names as in Sigstore's PublicKeyDetails (protobuf-specs, sigstore_common.proto).
ECDSA_P521: Final = "PKIX_ECDSA_P521_SHA_512"
RSA_SIZES: Final = (2048, 3072, 4096)


class ForeignKey(PublicKey):
    """ECDSA P-521 with SHA-512, or RSASSA-PKCS1-v1_5 with SHA-256.

    Raises:
        KeyFormatError: Not a key, or of another kind, size or form.
        LimitExceededError: More than 4096 bytes.
    """

    @cached_property
    def details(self) -> str:
        """The kind, by Sigstore's name."""
        if isinstance(self._key, rsa.RSAPublicKey):
            return f"PKIX_RSA_PKCS1V15_{self._key.key_size}_SHA256"
        return ECDSA_P521

    @cached_property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash that it signs with."""
        is_rsa = isinstance(self._key, rsa.RSAPublicKey)
        return hashes.SHA256() if is_rsa else hashes.SHA512()

    def _accept(self, key: object) -> PublicHalf:
        match key:
            case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP521R1):
                return key
            case rsa.RSAPublicKey() if key.key_size in RSA_SIZES:
                if key.public_numbers().e == RSA_EXPONENT:
                    return key
        raise KeyFormatError(
            "expected ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048, 3072 or "
            f"4096 bits with exponent {RSA_EXPONENT}, got {type(key).__name__}"
        )

    def _verify(self, signature: bytes, data: bytes, *, prehashed: bool) -> None:
        used = Prehashed(self.hash) if prehashed else self.hash
        if isinstance(self._key, rsa.RSAPublicKey):
            # RFC 8017 §8.2, RSASSA-PKCS1-v1_5.
            self._key.verify(signature, data, padding.PKCS1v15(), used)
        elif isinstance(self._key, ec.EllipticCurvePublicKey):
            self._key.verify(signature, data, ec.ECDSA(used))
        else:
            raise InvalidSignature  # of no kind that _accept lets in


def foreign_key(spki: bytes) -> PublicKey:
    """Return a key of anybody's, under the scheme of Sigstore's clients.

    Args:
        spki: The SubjectPublicKeyInfo, DER.

    Raises:
        KeyFormatError: Not a key, or of a kind that is not accepted.
        LimitExceededError: More than 4096 bytes.
    """
    if len(spki) > MAX_KEY_BYTES:
        raise LimitExceededError(
            f"public key: expected at most {MAX_KEY_BYTES} bytes, got {len(spki)}"
        )
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFormatError(f"expected a DER public key: {error}") from error
    is_foreign = isinstance(key, rsa.RSAPublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, ec.SECP521R1)
    )
    return ForeignKey(spki) if is_foreign else PublicKey(spki)


def foreign_key_from_pem(pem: bytes) -> PublicKey:
    """Return a key of anybody's, from PEM.

    Raises:
        KeyFormatError: Not a key, or of a kind that is not accepted.
        LimitExceededError: More than 4096 bytes.
    """
    if len(pem) > MAX_KEY_BYTES:
        raise LimitExceededError(
            f"public key: expected at most {MAX_KEY_BYTES} bytes, got {len(pem)}"
        )
    try:
        key = load_pem_public_key(pem)
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFormatError(
            "expected a PEM public key of an accepted kind, got something else"
        ) from error
    return foreign_key(spki)
