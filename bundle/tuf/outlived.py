# SPDX-License-Identifier: Apache-2.0
"""Read metadata that has run out, for whoever is to renew it.

A client stops at an expired root or at expired targets, and so it should. An admin who
signs the next version must read the last one. Everything but expiry is checked as by a
client, and trust is never older than what was seen here before. That it is the newest
there is nobody can tell: expiry was what told it. Admins compare its number.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from tuf.api.metadata import MetaFile, Root, Snapshot, Targets, Timestamp

from bundle.tuf.committed import TIMESTAMP_NAME, metadata_name
from bundle.tuf.errors import TufFormatError, TufHashError, TufRollbackError
from bundle.tuf.fetched import Fetched
from bundle.tuf.metadata import (
    MAX_BYTES,
    digest_of,
    parse_metadata,
    require_signed,
)
from bundle.tuf.roles import RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from keys.digest import Digest

_SECOND: Final = timedelta(seconds=1)


class Get(Protocol):
    """Returns an object of a repository."""

    def __call__(self, name: str, *, max_bytes: int) -> bytes:
        """Return its bytes, of which there are at most so many."""


class Held(Protocol):
    """What a client holds of a workspace."""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """From the pinned root to the newest."""

    @property
    def targets(self) -> bytes:
        """Newest targets."""

    @property
    def release(self) -> bytes:
        """The release role."""


class Outlived(NamedTuple):
    """A set of metadata, verified but for its expiry."""

    targets: bytes
    release: bytes
    timestamp: bytes
    snapshot: bytes


def follow(root: Root, get: Get) -> Outlived:
    """Follow the timestamp down to every role.

    Raises:
        TufSignatureError: A role that too few of its keys signed.
        TufHashError: Another file than the one that the file above it names.
        FormatError: Not TUF metadata.
    """
    timestamp = get(TIMESTAMP_NAME, max_bytes=MAX_BYTES[TIMESTAMP])
    stamp = parse_metadata(timestamp, Timestamp, TIMESTAMP)
    require_signed(root, TIMESTAMP, stamp)
    snapshot = _listed(get, SNAPSHOT, stamp.signed.snapshot_meta)
    listed = parse_metadata(snapshot, Snapshot, SNAPSHOT)
    require_signed(root, SNAPSHOT, listed)
    meta = listed.signed.meta
    targets = _listed(get, TARGETS, meta.get(f"{TARGETS}.json"))
    top = parse_metadata(targets, Targets, TARGETS)
    require_signed(root, TARGETS, top)
    release = _listed(get, RELEASE, meta.get(f"{RELEASE}.json"))
    require_signed(top.signed, RELEASE, parse_metadata(release, Targets, RELEASE))
    return Outlived(targets, release, timestamp, snapshot)


def require_not_older(fetched: Fetched, known: Fetched) -> None:
    """Refuse roots or targets below those seen before, or others of their version.

    Raises:
        TufRollbackError: They are.
    """
    if fetched.roots[: len(known.roots)] != known.roots:
        raise TufRollbackError(
            f"expected the {len(known.roots)} roots that were here before, "
            f"got {len(fetched.roots)}, or others"
        )
    old, new = (
        parse_metadata(one.targets, Targets, TARGETS).signed.version
        for one in (known, fetched)
    )
    if new < old or (new == old and fetched.targets != known.targets):
        raise TufRollbackError(f"expected targets {old} or above, got {new}, or others")


def last_instant(held: Held, at: datetime) -> datetime:
    """Return ``at``, or the last second in which all of this held together."""
    expiries = [
        parse_metadata(held.roots[-1], Root, ROOT).signed.expires,
        parse_metadata(held.targets, Targets, TARGETS).signed.expires,
        parse_metadata(held.release, Targets, RELEASE).signed.expires,
    ]
    return min(at, *(expires - _SECOND for expires in expiries))


def _listed(get: Get, role: str, meta: MetaFile | None) -> bytes:
    if meta is None:
        raise TufFormatError(f"snapshot: expected the role {role}, got none")
    data = get(metadata_name(role, meta.version), max_bytes=MAX_BYTES[role])
    expected = digest_of(meta.hashes or {}, role)
    if Digest.of(data) != expected:
        raise TufHashError(f"{role}: expected {expected}, got {Digest.of(data)}")
    return data
