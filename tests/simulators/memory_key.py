# SPDX-License-Identifier: Apache-2.0
"""Signing keys that live for one test: real cryptography, no file, no passphrase."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.public import PublicKey
from keys.schemes import PrivateHalf, sign_with


@dataclass(frozen=True)
class MemoryKey:
    """A ``SigningKey``; ``private`` is for tests that need what no provider gives."""

    private: PrivateHalf
    public_key: PublicKey

    @classmethod
    def ecdsa(cls) -> "MemoryKey":
        return cls.of(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def ecdsa_p384(cls) -> "MemoryKey":
        return cls.of(ec.generate_private_key(ec.SECP384R1()))

    @classmethod
    def ed25519(cls) -> "MemoryKey":
        return cls.of(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def rsa(cls, bits: int = 3072) -> "MemoryKey":
        return cls.of(rsa.generate_private_key(65537, bits))

    @classmethod
    def of(cls, private) -> "MemoryKey":
        spki = private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return cls(private, PublicKey(spki))

    def sign(self, message: bytes) -> bytes:
        return sign_with(self.private, message)

    sign_unchecked = sign
