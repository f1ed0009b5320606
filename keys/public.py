# SPDX-License-Identifier: Apache-2.0
"""Public keys: parsed strictly, named by the SHA-256 of their SPKI."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from keys.digest import Digest
from keys.errors import KeyFormatError, LimitExceededError, SignatureInvalidError
from keys.strict import b64encode

# A P-521 key in PEM is under 300 bytes, an RSA 4096 key 800.
MAX_KEY_BYTES: Final = 4096

# Names as in Sigstore's PublicKeyDetails (protobuf-specs, sigstore_common.proto).
ECDSA_P256: Final = "PKIX_ECDSA_P256_SHA_256"
ED25519: Final = "PKIX_ED25519"

_Key = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True)
class PublicKey:
    """A public key that may verify: ECDSA P-256 with SHA-256, or Ed25519.

    Attributes:
        spki: The SubjectPublicKeyInfo, DER (RFC 5280 §4.1).
    """

    spki: bytes

    def __post_init__(self) -> None:
        _ = self.details

    @classmethod
    def from_pem(cls, pem: bytes | str) -> Self:
        """Parse one PEM public key.

        Raises:
            KeyFormatError: Not a key, or of a kind or curve that is not accepted.
            LimitExceededError: More than 4096 bytes.
        """
        data = pem.encode() if isinstance(pem, str) else pem
        if len(data) > MAX_KEY_BYTES:
            raise LimitExceededError(
                f"public key: expected at most {MAX_KEY_BYTES} bytes, got {len(data)}"
            )
        try:
            key = load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFormatError(
                "expected a PEM public key of an accepted kind, got something else"
            ) from error
        return cls(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @cached_property
    def _key(self) -> _Key:
        if len(self.spki) > MAX_KEY_BYTES:
            raise LimitExceededError(
                f"public key: expected at most {MAX_KEY_BYTES} bytes, got more"
            )
        try:
            key = load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFormatError(f"expected a DER public key: {error}") from error
        if isinstance(key, ed25519.Ed25519PublicKey):
            return key
        if isinstance(key, ec.EllipticCurvePublicKey):
            if isinstance(key.curve, ec.SECP256R1):
                return key
            raise KeyFormatError(f"expected curve P-256, got {key.curve.name}")
        raise KeyFormatError(
            f"expected ECDSA P-256 or Ed25519, got {type(key).__name__}"
        )

    @cached_property
    def details(self) -> str:
        """The algorithm, by Sigstore's name: ``ECDSA_P256`` or ``ED25519``."""
        if isinstance(self._key, ed25519.Ed25519PublicKey):
            return ED25519
        return ECDSA_P256

    @cached_property
    def key_id(self) -> str:
        """64 hex digits: SHA-256 of the SPKI."""
        return Digest.of(self.spki).hex

    @cached_property
    def hint(self) -> str:
        """Base64 of SHA-256 of the SPKI, as in a Sigstore bundle's ``publicKey``."""
        return b64encode(Digest.of(self.spki).raw)

    @cached_property
    def raw(self) -> bytes:
        """The 32 bytes of an Ed25519 key (for C2SP note key ids).

        Raises:
            KeyFormatError: It is not an Ed25519 key.
        """
        if isinstance(self._key, ed25519.Ed25519PublicKey):
            return self._key.public_bytes_raw()
        raise KeyFormatError(f"expected an Ed25519 key, got {self.details}")

    @cached_property
    def pem(self) -> str:
        """The key as PEM text."""
        data = self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return data.decode("ascii")

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature over ``message``.

        Args:
            signature: DER Ecdsa-Sig-Value (SEC 1 C.5), or 64 bytes (RFC 8032).
            message: The bytes signed; hashed here, never by the caller.

        Raises:
            SignatureInvalidError: It does not verify.
        """
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise SignatureInvalidError(
                f"the signature does not verify with key {self.key_id[:16]}",
                key_id=self.key_id,
            ) from None
