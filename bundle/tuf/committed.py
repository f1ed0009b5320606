# SPDX-License-Identifier: Apache-2.0
"""What a store has committed: what ``timestamp.json`` reaches, and nothing else.

A higher version number in the store is not newer, it is an orphan of a publish that
never happened. Each step down is checked by hash, length and signature, so that the
online keys never sign on top of what somebody else put into the store.

Expiry is not checked here: an expired state must still be readable to be renewed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

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
from bundle.tuf.rootchain import RootChain, from_pin, open_roots
from keys.digest import Digest
from keys.errors import NotFoundError

TIMESTAMP_NAME: Final = "metadata/timestamp.json"


@dataclass(frozen=True)
class Committed:
    """One consistent state: its bytes, and what they say, parsed once.

    What is parsed is shared by everybody who holds the state; nobody changes it.

    Attributes:
        chain: Every root, from the genesis root, verified.
        targets: Top-level targets.
        release: The delegated role.
        timestamp: The commit.
        snapshot: What the timestamp names.
    """

    chain: RootChain
    targets: bytes
    release: bytes
    timestamp: bytes
    snapshot: bytes

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Every root's bytes, from the genesis root."""
        return self.chain.raw

    @cached_property
    def pinned(self) -> RootChain:
        """The roots from the one on that Runners pin, as those see them."""
        return from_pin(self.chain)

    @cached_property
    def roles(self) -> Mapping[str, Signed]:
        """Every role's signed part."""
        snapshot = parse_metadata(self.snapshot, Snapshot, SNAPSHOT).signed
        timestamp = parse_metadata(self.timestamp, Timestamp, TIMESTAMP).signed
        return MappingProxyType(
            {
                ROOT: self.chain.current,
                TARGETS: self.top,
                RELEASE: self.delegated.signed,
                SNAPSHOT: snapshot,
                TIMESTAMP: timestamp,
            }
        )

    @cached_property
    def top(self) -> Targets:
        """Top-level targets."""
        return parse_metadata(self.targets, Targets, TARGETS).signed

    @cached_property
    def delegated(self) -> Metadata[Targets]:
        """The release role with its signatures."""
        return parse_metadata(self.release, Targets, RELEASE)


@dataclass(frozen=True, slots=True)
class Before:
    """A store before a write: its roots, and what is committed, if anything is.

    Attributes:
        chain: Every root, from the genesis root, verified.
        state: What is committed, or ``None``.
    """

    chain: RootChain
    state: Committed | None

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Every root's bytes, from the genesis root."""
        return self.chain.raw

    @property
    def root(self) -> Root:
        """The newest root."""
        return self.chain.current

    def version(self, role: str) -> int:
        """Return the committed version of a role; 0 before the first."""
        return self.state.roles[role].version if self.state else 0


def metadata_name(role: str, version: int) -> str:
    """Return the object name of one version of a role (consistent snapshots)."""
    return f"metadata/{version}.{role}.json"


def read_roots(storage: Storage, known: RootChain | None = None) -> RootChain:
    """Return every root of a store, from the genesis root, verified.

    Args:
        storage: The store.
        known: What was read of it before: only what follows is read.

    Raises:
        NothingPublishedError: There is none.
        VerificationError: They are not a chain.
        StorageError: The store does not answer.
    """
    roots = list(known.raw) if known else []
    for version in range(len(roots) + 1, MAX_ROOT_VERSIONS + 1):
        try:
            name = metadata_name(ROOT, version)
            roots.append(storage.get(name, max_bytes=MAX_BYTES[ROOT]))
        except NotFoundError:
            break
    if not roots:
        raise NothingPublishedError("expected a genesis root, got none")
    if known and len(roots) == len(known.raw):
        return known
    return open_roots(roots)


def read_committed(storage: Storage, known: Committed | None = None) -> Committed:
    """Follow ``timestamp.json`` down to every file of the committed state.

    Args:
        storage: The store.
        known: What was read of it before. It is returned again while the timestamp's
            bytes are the same and no root has followed: no other object that it
            reaches can change under its name.

    Raises:
        NothingPublishedError: Nothing has been committed yet.
        TufSignatureError: Something that no root of the workspace vouches for.
        TufHashError: A file that is not the one that the file above names.
        StorageError: The store does not answer.
    """
    chain = read_roots(storage, known.chain if known else None)
    return _read_under(chain, storage, known)


def read_before(storage: Storage, known: Committed | None = None) -> Before:
    """Return the state that a write builds on; see ``read_committed``.

    Raises:
        NothingPublishedError: There is no genesis root.
        VerificationError: See ``read_committed``.
        StorageError: The store does not answer.
    """
    chain = read_roots(storage, known.chain if known else None)
    try:
        state = _read_under(chain, storage, known)
    except NothingPublishedError:
        return Before(chain, None)
    return Before(chain, state)


def _read_under(
    chain: RootChain, storage: Storage, known: Committed | None
) -> Committed:
    try:
        timestamp = storage.get(TIMESTAMP_NAME, max_bytes=MAX_BYTES[TIMESTAMP])
    except NotFoundError:
        raise NothingPublishedError("expected a published state, got none") from None
    if known and known.chain is chain and known.timestamp == timestamp:
        return known
    opened = parse_metadata(timestamp, Timestamp, TIMESTAMP)
    _require_signed_by_any(chain, TIMESTAMP, opened)
    snapshot = _read(storage, SNAPSHOT, opened.signed.snapshot_meta)
    listed = parse_metadata(snapshot, Snapshot, SNAPSHOT)
    _require_signed_by_any(chain, SNAPSHOT, listed)
    return Committed(
        chain=chain,
        targets=_read(storage, TARGETS, _meta(listed.signed, TARGETS)),
        release=_read(storage, RELEASE, _meta(listed.signed, RELEASE)),
        timestamp=timestamp,
        snapshot=snapshot,
    )


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
    chain: RootChain, name: str, metadata: Metadata[Role]
) -> None:
    """A root may have replaced the online key after the last commit."""
    for root in reversed(chain.opened):
        try:
            require_signed(root.signed, name, metadata)
        except TufSignatureError:
            continue
        return
    raise TufSignatureError(f"{name}: expected the signature of a root's key, got none")
