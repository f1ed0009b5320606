# SPDX-License-Identifier: Apache-2.0
"""Public keys: parsed strictly, named by the SHA-256 of their SPKI."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from keys.digest import Digest
from keys.errors import (
    KeyFormatError,
    LimitExceededError,
    SignatureInvalidError,
    UsageError,
)
from keys.schemes import (
    ECDSA_P256,
    ED25519,
    PublicHalf,
    accepted,
    details_of,
    hash_of,
    verify_with,
)
from keys.strict import b64encode

__all__ = ["ECDSA_P256", "ED25519", "MAX_KEY_BYTES", "PublicKey"]

# A P-521 key in PEM is under 300 bytes, an RSA 4096 key 800.
MAX_KEY_BYTES: Final = 4096


@dataclass(frozen=True)
class PublicKey:
    """A public key of a kind that ``keys.schemes`` accepts.

    Attributes:
        spki: The SubjectPublicKeyInfo, DER (RFC 5280 §4.1), in its one usual form:
            a compressed point is the same key under another name, so it is refused.

    Raises:
        KeyFormatError: Not a key, or of a kind, curve, size or form not accepted.
        LimitExceededError: More than 4096 bytes.
    """

    spki: bytes

    def __post_init__(self) -> None:
        _ = self.details
        usual = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if usual != self.spki:
            raise KeyFormatError("expected the usual form of the key, got another")

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
    def _key(self) -> PublicHalf:
        if len(self.spki) > MAX_KEY_BYTES:
            raise LimitExceededError(
                f"public key: expected at most {MAX_KEY_BYTES} bytes, got more"
            )
        try:
            key = load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFormatError(f"expected a DER public key: {error}") from error
        return self._accept(key)

    @cached_property
    def details(self) -> str:
        """The kind, by Sigstore's name, such as ``ECDSA_P256``."""
        return details_of(self._key)

    @cached_property
    def hash(self) -> hashes.HashAlgorithm | None:
        """The hash that it signs with; none for Ed25519, which has it inside."""
        return hash_of(self._key)

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
            signature: DER Ecdsa-Sig-Value (SEC 1 C.5), 64 bytes (RFC 8032), or as
                many as an RSA modulus has (RFC 8017 §8.1).
            message: The bytes signed; hashed here, never by the caller.

        Raises:
            SignatureInvalidError: It does not verify.
        """
        self._check(signature, message, prehashed=False)

    def verify_digest(self, signature: bytes, digest: bytes) -> None:
        """Check a signature over a message of which only the digest is at hand.

        Args:
            signature: As ``verify`` takes it.
            digest: By the key's own hash.

        Raises:
            UsageError: A key without such a hash, or a digest of another length.
            SignatureInvalidError: It does not verify.
        """
        if self.hash is None or len(digest) != self.hash.digest_size:
            raise UsageError(f"expected a digest for {self.details}, got another")
        self._check(signature, digest, prehashed=True)

    def _check(self, signature: bytes, data: bytes, *, prehashed: bool) -> None:
        try:
            self._verify(signature, data, prehashed=prehashed)
        except InvalidSignature:
            raise SignatureInvalidError(
                f"the signature does not verify with key {self.key_id[:16]}",
                key_id=self.key_id,
            ) from None

    def _verify(self, signature: bytes, data: bytes, *, prehashed: bool) -> None:
        verify_with(self._key, signature, data, prehashed=prehashed)

    def _accept(self, key: object) -> PublicHalf:
        return accepted(key)
