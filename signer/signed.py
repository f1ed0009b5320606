# SPDX-License-Identifier: Apache-2.0
"""What was signed, and with what: the one thing that every witness must be about."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import hashes

from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64encode
from signer.errors import ArtifactNeededError


@dataclass(frozen=True)
class Verifier:
    """Whose signature it is, as logs name them.

    Attributes:
        key: The key.
        certificate: The certificate that carries the key, DER; none if there is none.
    """

    key: PublicKey
    certificate: bytes | None = None

    @property
    def label(self) -> bytes:
        """What a PEM of it begins with."""
        return b"PUBLIC KEY" if self.certificate is None else b"CERTIFICATE"

    @property
    def der(self) -> bytes:
        """The certificate, or else the SubjectPublicKeyInfo."""
        return self.certificate or self.key.spki

    @cached_property
    def der_text(self) -> str:
        """``der`` in base64, as Rekor v2 has it in a leaf."""
        return b64encode(self.der)

    @cached_property
    def pem_text(self) -> str:
        """PEM with lines of 64 characters (RFC 7468 §2) in base64, as Rekor v1 does."""
        text, label = self.der_text, self.label.decode()
        lines = [text[i : i + 64] for i in range(0, len(text), 64)]
        pem = [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]
        return b64encode("\n".join(pem).encode())


@dataclass(frozen=True)
class Signed:
    """A signature and what it is over.

    Attributes:
        signature: The signature.
        sha256: SHA-256 of what was signed.
        message: What was signed; none if only its digest is at hand.
        payload: The payload, if a DSSE envelope was signed.
    """

    signature: bytes
    sha256: Digest
    message: bytes | None = None
    payload: bytes | None = None

    def digest(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """Return what was signed, hashed.

        Raises:
            ArtifactNeededError: By another hash than SHA-256, and there is a digest
                only.
        """
        if algorithm.name == hashes.SHA256.name:
            return self.sha256.raw
        if self.message is None:
            raise ArtifactNeededError(
                f"expected the bytes that were signed, to hash with {algorithm.name}, "
                "got their SHA-256"
            )
        return hashlib.new(algorithm.name, self.message).digest()

    def require_signed_by(self, key: PublicKey) -> None:
        """Refuse a signature that the key did not make.

        Raises:
            SignatureInvalidError: It does not verify.
            ArtifactNeededError: The key needs the bytes, and there is a digest only.
        """
        if self.message is not None:
            key.verify(self.signature, self.message)
        elif key.hash is not None:
            key.verify_digest(self.signature, self.digest(key.hash))
        else:
            raise ArtifactNeededError(
                f"expected the bytes that were signed, for {key.details}, "
                "got their SHA-256"
            )
