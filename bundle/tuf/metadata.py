# SPDX-License-Identifier: Apache-2.0
"""TUF metadata from bytes, strictly, and back.

python-tuf reads JSON with the standard library, which keeps the last of two equal
keys; here the bytes go through ``keys.strict`` first. Nothing is verified here.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from bundle.limits import (
    MAX_RELEASE_ROLE_BYTES,
    MAX_ROOT_BYTES,
    MAX_SNAPSHOT_BYTES,
    MAX_TARGETS_BYTES,
    MAX_TIMESTAMP_BYTES,
)
from bundle.tuf.errors import TufExpiredError, TufFormatError, TufSignatureError
from bundle.tuf.roles import RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from keys.clock import format_instant
from keys.digest import Digest
from keys.strict import loads_json

Role = TypeVar("Role", Root, Targets, Snapshot, Timestamp)

MAX_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        ROOT: MAX_ROOT_BYTES,
        TARGETS: MAX_TARGETS_BYTES,
        RELEASE: MAX_RELEASE_ROLE_BYTES,
        SNAPSHOT: MAX_SNAPSHOT_BYTES,
        TIMESTAMP: MAX_TIMESTAMP_BYTES,
    }
)


def parse_metadata(data: bytes, kind: type[Role], name: str) -> Metadata[Role]:
    """Parse metadata of one role.

    Args:
        data: The bytes of the file.
        kind: The type that is expected.
        name: The role, such as ``release``; it decides the bound.

    Raises:
        TufFormatError: Not metadata of that type.
        JsonFormatError: Not strict JSON.
        LimitExceededError: Too large.
    """
    value: Any = loads_json(data, max_bytes=MAX_BYTES[name], what=name)
    try:
        metadata: Metadata[Any] = Metadata.from_dict(value)
    except (ValueError, KeyError, TypeError, AttributeError, RepositoryError) as error:
        raise TufFormatError(f"{name}: expected TUF metadata: {error}") from error
    if not isinstance(metadata.signed, kind):
        raise TufFormatError(
            f"{name}: expected type {kind.type}, got {metadata.signed.type}"
        )
    return metadata


def require_signed(
    delegator: Root | Targets, name: str, metadata: Metadata[Role]
) -> None:
    """Check that a role's threshold of keys signed the metadata.

    python-tuf counts key ids; the caller has refused one key under two of them.

    Raises:
        TufSignatureError: Fewer keys signed.
    """
    try:
        delegator.verify_delegate(name, metadata.signed_bytes, metadata.signatures)
    except (UnsignedMetadataError, ValueError) as error:
        raise TufSignatureError(
            f"{name} {metadata.signed.version}: {_lower(error)}",
            role=name,
            version=metadata.signed.version,
        ) from error


def require_current(metadata: Metadata[Role], name: str, at: datetime) -> None:
    """Check that metadata has not expired.

    Raises:
        TufExpiredError: It has.
    """
    if metadata.signed.is_expired(at):
        raise TufExpiredError(
            f"{name} {metadata.signed.version}: expected an expiry after"
            f" {format_instant(at)}, got {format_instant(metadata.signed.expires)}",
            role=name,
            expires=format_instant(metadata.signed.expires),
        )


def digest_of(hashes: Mapping[str, str], what: str) -> Digest:
    """Return the SHA-256 that metadata gives for a file.

    Raises:
        TufFormatError: It gives another hash, or more than that one.
    """
    if set(hashes) != {"sha256"}:
        raise TufFormatError(f"{what}: expected one sha256, got {sorted(hashes)}")
    return Digest(hashes["sha256"])


def _lower(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]
