# SPDX-License-Identifier: Apache-2.0
"""What a store has committed: what ``timestamp.json`` reaches, and nothing else.

A higher version number in the store is not newer, it is an orphan of a publish that
never happened. Each step down is checked by hash, length and signature, so that the
online keys never sign on top of what somebody else put into the store.

Expiry is not checked here: an expired state must still be readable to be renewed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Signed,
    Snapshot,
    Targets,
    Timestamp,
)

from bundle.limits import MAX_ROOT_VERSIONS
from bundle.storage.interface import Storage
from bundle.tuf.errors import (
    NothingPublishedError,
    TufFormatError,
    TufHashError,
    TufSignatureError,
)
from bundle.tuf.metadata import (
    MAX_BYTES,
    Role,
    digest_of,
    parse_metadata,
    require_signed,
)
from bundle.tuf.roles import RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from keys.errors import NotFoundError

TIMESTAMP_NAME: Final = "metadata/timestamp.json"

_KINDS: Final[Mapping[str, type[Any]]] = {
    ROOT: Root,
    TARGETS: Targets,
    RELEASE: Targets,
    SNAPSHOT: Snapshot,
    TIMESTAMP: Timestamp,
}


class Committed(NamedTuple):
    """The bytes of one consistent state.

    Attributes:
        roots: Every root, from the genesis root.
        targets: Top-level targets.
        release: The delegated role.
        timestamp: The commit.
        snapshot: What the timestamp names.
    """

    roots: tuple[bytes, ...]
    targets: bytes
    release: bytes
    timestamp: bytes
    snapshot: bytes

    @property
    def roles(self) -> dict[str, Signed]:
        """Every role's signed part, parsed."""
        return {role: self.signed(role) for role in _KINDS}

    def signed(self, role: str) -> Signed:
        """Return one role's signed part, parsed."""
        data = {
            ROOT: self.roots[-1],
            TARGETS: self.targets,
            RELEASE: self.release,
            SNAPSHOT: self.snapshot,
            TIMESTAMP: self.timestamp,
        }[role]
        signed: Signed = parse_metadata(data, _KINDS[role], role).signed
        return signed

    @property
    def top(self) -> Targets:
        """Top-level targets, parsed."""
        return parse_metadata(self.targets, Targets, TARGETS).signed

    @property
    def delegated(self) -> Metadata[Targets]:
        """The release role with its signatures, parsed."""
        return parse_metadata(self.release, Targets, RELEASE)


@dataclass(frozen=True, slots=True)
class Before:
    """A store before a write: its roots, and what is committed, if anything is.

    Attributes:
        roots: Every root, from the genesis root.
        state: What is committed, or ``None``.
    """

    roots: tuple[bytes, ...]
    state: Committed | None

    @property
    def root(self) -> Root:
        """The newest root."""
        return parse_metadata(self.roots[-1], Root, ROOT).signed

    def version(self, role: str) -> int:
        """Return the committed version of a role; 0 before the first."""
        return self.state.signed(role).version if self.state else 0


def metadata_name(role: str, version: int) -> str:
    """Return the object name of one version of a role (consistent snapshots)."""
    return f"metadata/{version}.{role}.json"


def read_roots(storage: Storage) -> tuple[bytes, ...]:
    """Return every root of a store, from the genesis root.

    Raises:
        NothingPublishedError: There is none.
        StorageError: The store does not answer.
    """
    roots = []
    for version in range(1, MAX_ROOT_VERSIONS + 1):
        try:
            name = metadata_name(ROOT, version)
            roots.append(storage.get(name, max_bytes=MAX_BYTES[ROOT]))
        except NotFoundError:
            break
    if not roots:
        raise NothingPublishedError("expected a genesis root, got none")
    return tuple(roots)


def read_committed(storage: Storage) -> Committed:
    """Follow ``timestamp.json`` down to every file of the committed state.

    Raises:
        NothingPublishedError: Nothing has been committed yet.
        TufSignatureError: Something that no root of the workspace vouches for.
        TufHashError: A file that is not the one that the file above names.
        StorageError: The store does not answer.
    """
    roots = read_roots(storage)
    open_roots(roots)
    try:
        timestamp = storage.get(TIMESTAMP_NAME, max_bytes=MAX_BYTES[TIMESTAMP])
    except NotFoundError:
        raise NothingPublishedError("expected a published state, got none") from None
    opened = parse_metadata(timestamp, Timestamp, TIMESTAMP)
    _require_signed_by_any(roots, TIMESTAMP, opened)
    snapshot = _read(storage, SNAPSHOT, opened.signed.snapshot_meta)
    listed = parse_metadata(snapshot, Snapshot, SNAPSHOT)
    _require_signed_by_any(roots, SNAPSHOT, listed)
    return Committed(
        roots=roots,
        targets=_read(storage, TARGETS, _meta(listed.signed, TARGETS)),
        release=_read(storage, RELEASE, _meta(listed.signed, RELEASE)),
        timestamp=timestamp,
        snapshot=snapshot,
    )


def read_before(storage: Storage) -> Before:
    """Return the state that a write builds on.

    Raises:
        NothingPublishedError: There is no genesis root.
        VerificationError: See ``read_committed``.
        StorageError: The store does not answer.
    """
    try:
        state = read_committed(storage)
    except NothingPublishedError:
        return Before(read_roots(storage), None)
    return Before(state.roots, state)


def _meta(snapshot: Snapshot, role: str) -> MetaFile:
    meta = snapshot.meta.get(f"{role}.json")
    if meta is None:
        raise TufFormatError(f"snapshot: expected the role {role}, got none")
    return meta


def _read(storage: Storage, role: str, meta: MetaFile) -> bytes:
    data = storage.get(metadata_name(role, meta.version), max_bytes=MAX_BYTES[role])
    expected = digest_of(meta.hashes or {}, role)
    if Digest.of(data) != expected:
        raise TufHashError(
            f"{role} {meta.version}: expected {expected}, got {Digest.of(data)}"
        )
    return data


def _require_signed_by_any(
    roots: Sequence[bytes], name: str, metadata: Metadata[Role]
) -> None:
    """A root may have replaced the online key after the last commit."""
    for data in reversed(roots):
        root = parse_metadata(data, Root, ROOT).signed
        try:
            require_signed(root, name, metadata)
        except TufSignatureError:
            continue
        return
    raise TufSignatureError(f"{name}: expected the signature of a root's key, got none")
