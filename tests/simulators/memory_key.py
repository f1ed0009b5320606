# SPDX-License-Identifier: Apache-2.0
"""Signing keys that live for one test: real cryptography, no file, no passphrase."""

from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.public import PublicKey


@dataclass(frozen=True)
class MemoryKey:
    """A ``SigningKey``; ``private`` is for tests that need what no provider gives."""

    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    public_key: PublicKey

    @classmethod
    def ecdsa(cls) -> "MemoryKey":
        return cls.of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def ed25519(cls) -> "MemoryKey":
        return cls.of(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def of(cls, private) -> "MemoryKey":
        spki = private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return cls(private, PublicKey(spki))

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, ec.ECDSA(hashes.SHA256()))
