# SPDX-License-Identifier: Apache-2.0
"""The structures of RFC 6962, in TLS encoding, for who reads and who writes them."""

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509

SCT_LIST: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")

_V1: Final = 0
_CERTIFICATE_TIMESTAMP: Final = 0
_TIMESTAMPED_ENTRY: Final = 0
_PRECERT_ENTRY: Final = 1
# hash sha256(4), signature ecdsa(3): RFC 5246 §7.4.1.4.1.
_SHA256_ECDSA: Final = b"\4\3"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def digitally_signed(
    *, at: datetime, issuer_key_hash: bytes, tbs: bytes, extensions: bytes = b""
) -> bytes:
    """Return what a log of certificates signs for a ``precert_entry``.

    Args:
        at: When it saw it, to the millisecond.
        issuer_key_hash: SHA-256 of the issuing CA's SPKI.
        tbs: The certificate without the timestamp.
        extensions: Of the timestamp.

    Source: RFC 6962 §3.2.
    """
    head = struct.pack(">BB", _V1, _CERTIFICATE_TIMESTAMP)
    return head + _entry(at, issuer_key_hash, tbs, extensions)


def merkle_tree_leaf(*, at: datetime, issuer_key_hash: bytes, tbs: bytes) -> bytes:
    """Return the leaf of a log's tree for the same.

    Source: RFC 6962 §3.4.
    """
    head = struct.pack(">BB", _V1, _TIMESTAMPED_ENTRY)
    return head + _entry(at, issuer_key_hash, tbs, b"")


def encode_sct(*, log_id: bytes, at: datetime, signature: bytes) -> bytes:
    """Return a ``SignedCertificateTimestamp`` v1 without extensions.

    Source: RFC 6962 §3.2.
    """
    head = struct.pack(">B32sQH", _V1, log_id, _milliseconds(at), 0)
    return head + _SHA256_ECDSA + _opaque(signature)


def sct_list(sct: bytes) -> bytes:
    """Return a ``SignedCertificateTimestampList`` of one (RFC 6962 §3.3)."""
    return _opaque(_opaque(sct))


def _entry(
    at: datetime, issuer_key_hash: bytes, tbs: bytes, extensions: bytes
) -> bytes:
    head = struct.pack(">QH", _milliseconds(at), _PRECERT_ENTRY)
    return head + issuer_key_hash + len(tbs).to_bytes(3) + tbs + _opaque(extensions)


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _opaque(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data
