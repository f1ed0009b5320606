# SPDX-License-Identifier: Apache-2.0
"""The embedded timestamp authority: one per server, listed in every workspace's trust.

One authority serves all workspaces because RFC 3161 requests carry no workspace, and
its answer grants nothing: of control-plane custody, its time may make evidence invalid,
never valid (DESIGN 9, T3).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import (
    load_der_x509_certificate,
    load_pem_x509_certificates,
)

from control_plane.tsa import TimestampService, create_chain
from keys.durable import create_file, read_file
from keys.errors import KeyProviderError, NotFoundError
from keys.public import PublicKey
from keys.signing import SigningKey

# Bytes. Two P-256 certificates in PEM are under 2 KiB.
_MAX_CHAIN_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority and what its relying parties must know.

    Attributes:
        service: Answers requests.
        chain: Certificates, DER, the signing one first.
        start: When the signing certificate begins.
        keys: Of the authority and its CA; neither may have another purpose.
    """

    service: TimestampService
    chain: tuple[bytes, ...]
    start: datetime
    keys: tuple[PublicKey, ...]


def open_authority(
    path: Path, *, ca_key: SigningKey, key: SigningKey, at: datetime
) -> Authority:
    """Open the authority; its certificates are made at the first start.

    Raises:
        KeyProviderError: The certificates are not of these keys.
        StorageError: They cannot be read or written.
    """
    try:
        pem = read_file(path, max_bytes=_MAX_CHAIN_BYTES)
    except NotFoundError:
        chain = create_chain(ca_key, key, at=at)
        pem = b"".join(
            load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in chain
        )
        create_file(path, pem)
    certificates = load_pem_x509_certificates(pem)
    start = certificates[0].not_valid_before_utc
    chain = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
    found = (
        certificates[0]
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    if found != key.public_key.spki:
        raise KeyProviderError(
            f"expected certificates of the key of {path}, got others"
        )
    return Authority(
        service=TimestampService(key, chain),
        chain=tuple(chain),
        start=start,
        keys=(key.public_key, ca_key.public_key),
    )
