# SPDX-License-Identifier: Apache-2.0
"""The hashes that timestamps may use: SHA-2; signatures are in ``schemes``."""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives import hashes

from signer.timestamp.asn1 import AlgorithmIdentifier, Oid
from signer.timestamp.errors import TimestampAlgorithmError

SHA256: Final = Oid("2.16.840.1.101.3.4.2.1")  # RFC 5754 §2.2
ECDSA_SHA256: Final = Oid("1.2.840.10045.4.3.2")  # RFC 5758 §3.2

_HASHES: Final = MappingProxyType(
    {
        SHA256: hashes.SHA256(),
        Oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
        Oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
    }
)


def _sha1(data: bytes) -> bytes:
    """Hash for ESSCertID alone (``token``); ``hash_of`` gives nobody else it."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


_MADE_BY: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "sha1": _sha1,
        "sha256": lambda data: hashlib.sha256(data).digest(),
        "sha384": lambda data: hashlib.sha384(data).digest(),
        "sha512": lambda data: hashlib.sha512(data).digest(),
    }
)


def hash_of(algorithm: AlgorithmIdentifier) -> hashes.HashAlgorithm:
    """Return the hash that ``algorithm`` names.

    Raises:
        TimestampAlgorithmError: Not SHA-256, SHA-384 or SHA-512.
    """
    found = _HASHES.get(algorithm.algorithm)
    if found is None:
        raise TimestampAlgorithmError(
            f"expected a SHA-2 hash, got {algorithm.algorithm.dotted_string}"
        )
    return found


def digest(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    """Hash ``data``."""
    return _MADE_BY[algorithm.name](data)
