# SPDX-License-Identifier: Apache-2.0
"""The embedded timestamp authority: one per server, listed in every workspace's trust.

One authority serves all workspaces because RFC 3161 requests carry no workspace, and
its answer grants nothing: of control-plane custody, its time may make evidence invalid,
never valid (DESIGN 9, T3).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from control_plane.certificates import open_chain
from control_plane.tsa import TimestampService, create_chain
from keys.public import PublicKey
from keys.signing import SigningKey


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
    certificates = open_chain(
        path, key.public_key, lambda: create_chain(ca_key, key, at=at)
    )
    chain = [certificate.public_bytes(Encoding.DER) for certificate in certificates]
    return Authority(
        service=TimestampService(key, chain),
        chain=tuple(chain),
        start=certificates[0].not_valid_before_utc,
        keys=(key.public_key, ca_key.public_key),
    )
