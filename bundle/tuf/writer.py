# SPDX-License-Identifier: Apache-2.0
"""Store signed versions, and commit them by one swap of ``timestamp.json``.

Law: a number that was ever stored is never signed again, committed or not. Whoever
kept the orphan could serve it in place of the committed bytes. Numbers have gaps.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from tuf.api.metadata import Targets

from bundle.storage.interface import Storage
from bundle.tuf import documents
from bundle.tuf.committed import (
    TIMESTAMP_NAME,
    Before,
    Committed,
    metadata_name,
)
from bundle.tuf.documents import Along, RoleKeys, along_until
from bundle.tuf.errors import TufSignatureError
from bundle.tuf.keys import identify
from bundle.tuf.metadata import MAX_BYTES, parse_metadata, require_signed
from bundle.tuf.roles import RELEASE, SNAPSHOT, TARGETS, TIMESTAMP
from keys.digest import Digest
from keys.errors import LimitExceededError, NotFoundError, WriteConflictError


class Writer:
    """The writes of one publisher; what to write is decided elsewhere.

    Args:
        storage: Where the repository lives.
        keys: The private keys at hand.
    """

    def __init__(self, storage: Storage, keys: RoleKeys) -> None:
        self._storage = storage
        self._keys = keys

    def store(
        self,
        role: str,
        after: int,
        build: Callable[[int], bytes],
        payloads: Mapping[str, bytes],
    ) -> tuple[int, bytes]:
        """Sign a role under the next free number; store payloads, then the role.

        Args:
            role: Which role.
            after: Its committed version.
            build: Signs and verifies the given version.
            payloads: What the role lists, by object name.
        """
        version = after
        while True:
            version = self._free(role, version + 1)
            data = build(version)
            self.put(payloads)
            try:
                self.put({metadata_name(role, version): data})
            except WriteConflictError:
                continue  # another writer took the number since
            return version, data

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Store objects; the same bytes again are success."""
        for name, data in objects.items():
            self._storage.put_immutable(name, data)

    def release_under(self, targets: bytes, before: Before, at: datetime) -> bytes:
        """Return the release role, signed again if the targets name another key."""
        if before.state is not None:
            top = parse_metadata(targets, Targets, TARGETS).signed
            try:
                require_signed(top, RELEASE, before.state.delegated)
            except TufSignatureError:
                return self.release_again(targets, before, at)
            return before.state.release
        return self.release_again(targets, before, at)

    def release_again(self, targets: bytes, before: Before, at: datetime) -> bytes:
        """Store the release role with the same releases under its next number."""
        top = parse_metadata(targets, Targets, TARGETS).signed
        listed = before.state.delegated.signed.targets if before.state else {}

        def build(version: int) -> bytes:
            return documents.sign_release(
                self._keys, top, listed, version=version, at=at
            )

        return self.store(RELEASE, before.version(RELEASE), build, {})[1]

    def commit(
        self,
        before: Before,
        targets: bytes,
        release: bytes,
        at: datetime,
        along: Along | None = None,
    ) -> Committed:
        """Store the next snapshot, then swap the timestamp.

        Args:
            before: What this builds on.
            targets: Top-level targets.
            release: The delegated role.
            at: Now.
            along: A root whose online keys sign besides; by default the one before,
                for as long as the timestamp in force says.

        Returns:
            What is committed now.

        Raises:
            WriteConflictError: Somebody else committed since ``before``.
        """
        files = {
            role: (parse_metadata(data, Targets, role).signed.version, data)
            for role, data in ((TARGETS, targets), (RELEASE, release))
        }

        along = along or self._along(before, at)

        def build(version: int) -> bytes:
            return documents.sign_snapshot(
                self._keys, before.root, files, version=version, at=at, along=along
            )

        snapshot = self.store(SNAPSHOT, before.version(SNAPSHOT), build, {})
        timestamp = self.swap_timestamp(before, snapshot, at, along)
        return Committed(before.chain, targets, release, timestamp, snapshot[1])

    def swap_timestamp(
        self,
        before: Before,
        snapshot: tuple[int, bytes],
        at: datetime,
        along: Along | None = None,
    ) -> bytes:
        """Commit: point the timestamp at a snapshot, if nobody else did.

        Returns:
            The timestamp's bytes.

        Raises:
            WriteConflictError: Somebody else committed since ``before``.
        """
        version = before.version(TIMESTAMP) + 1
        along = along or self._along(before, at)
        data = documents.sign_timestamp(
            self._keys, before.root, snapshot, version=version, at=at, along=along
        )
        expected = Digest.of(before.state.timestamp) if before.state else None
        self._storage.replace(TIMESTAMP_NAME, data, expected=expected)
        return data

    def _along(self, before: Before, at: datetime) -> Along | None:
        """Return the root before, while clients may still hold it to be the newest."""
        earlier = before.chain.opened[:-1]
        if before.state is None or not earlier:
            return None
        until = along_until(before.state.roles[TIMESTAMP])
        if until is None or until <= at:
            return None
        old = earlier[-1].signed
        keys = (self._keys.snapshot, self._keys.timestamp, *self._keys.others())
        held = {key.public_key.key_id for key in keys}
        for role in (SNAPSHOT, TIMESTAMP):
            if not held & {identify(old.get_key(k)) for k in old.roles[role].keyids}:
                return None
        return Along(old, until)

    def _free(self, role: str, version: int) -> int:
        while True:
            name = metadata_name(role, version)
            try:
                self._storage.get(name, max_bytes=MAX_BYTES[role])
            except NotFoundError:
                return version
            except LimitExceededError:
                pass  # something is there, and that is all that counts
            version += 1
