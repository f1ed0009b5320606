# SPDX-License-Identifier: Apache-2.0
"""Publish, in an order that a crash on any line cannot spoil.

::

    prepare   1 the Runner's own view accepts the new role     refused: nothing happened
              2 put payloads, by digest                        crash: unreferenced files
              3 put N.targets.json or N.release.json           crash: an orphan, skipped
    publish   4 put N.release.json, if targets changed its key crash: an orphan, skipped
              5 put N.snapshot.json                            crash: an orphan, skipped
              6 swap timestamp.json, if it is still the one
                that all this was built on                     THE COMMIT

Laws:

- Clients see the state before 6 or after it, never between. Nothing needs repair: the
  next publish starts from what ``timestamp.json`` reaches.
- A version number that was ever stored is never signed again, committed or not: a
  mirror could serve the orphan in place of the committed bytes. Numbers have gaps.
- A retry of ``publish_*`` puts the stored bytes again and is done if they are current.
- Between prepare and publish the caller may log what was signed; the bytes are safe.

One writer per workspace is the caller's matter and saves work; the swap is the fence.

In the sovereign form admins sign targets elsewhere (``proposal``) and hand them in
whole: ``handed_in.stage_targets`` stands where ``prepare_targets`` does.

Not here: root rotation (``adopt``), garbage collection (``garbage``).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from bundle.storage.interface import Storage
from bundle.tuf import documents
from bundle.tuf.committed import (
    Before,
    Committed,
    metadata_name,
    read_before,
    read_committed,
)
from bundle.tuf.documents import RoleKeys, target_file, target_name
from bundle.tuf.errors import (
    NothingPublishedError,
    TufRootChainError,
)
from bundle.tuf.listing import newest_of, payloads_of
from bundle.tuf.roles import RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from bundle.tuf.rootchain import open_roots
from bundle.tuf.staged import Staged, StagedRelease, StagedTargets
from bundle.tuf.status import RoleStatus, due_roles, role_status
from bundle.tuf.view import view_under
from bundle.tuf.writer import Writer
from keys.errors import NotFoundError, UsageError, WriteConflictError

# Writers of other roles may win the swap so often before this one gives up.
_SWAPS: Final = 8

# What a publish proposes to commit (targets, release), or None if it is done already.
_Proposal = Callable[[Before], tuple[bytes, bytes] | None]


class Repository:
    """The publishing side of one workspace's TUF repository.

    Args:
        storage: Where it lives.
        keys: The private keys at hand.
    """

    def __init__(self, storage: Storage, keys: RoleKeys) -> None:
        self._storage = storage
        self._keys = keys
        self._writer = Writer(storage, keys)
        self._known: Committed | None = None

    def create(self, root: bytes) -> None:
        """Store the genesis root; storing the same again is success.

        Raises:
            TufRootChainError: It is not version 1.
            VerificationError: A Runner would not accept it as its pin.
            WriteConflictError: There is another genesis root.
        """
        version = open_roots([root]).current.version
        if version != 1:
            raise TufRootChainError(f"expected root 1, got {version}")
        self._writer.put({metadata_name(ROOT, version): root})

    def current(self) -> Committed:
        """Return the committed state.

        Raises:
            NothingPublishedError: Nothing has been published.
            VerificationError: The store holds what nobody signed.
        """
        self._known = read_committed(self._storage, self._known)
        return self._known

    def read(self, path: str, *, max_bytes: int) -> bytes:
        """Return a target of the committed state.

        Raises:
            NotFoundError: It is not listed.
            NothingPublishedError: Nothing has been published.
        """
        state = self.current()
        listed = {**state.delegated.signed.targets, **state.top.targets}
        if path not in listed:
            raise NotFoundError(f"expected a target {path}, got none")
        return self._storage.get(target_name(listed[path]), max_bytes=max_bytes)

    def prepare_targets(
        self, files: Mapping[str, bytes], *, checkpoint: str, at: datetime
    ) -> StagedTargets:
        """Sign and store the next targets; nothing is published.

        Args:
            files: Every trust file and layer, by target name; none is carried over.
            checkpoint: The log's signed note that the admins saw.
            at: Now.

        Raises:
            NothingPublishedError: There is no genesis root.
            TufSignatureError: The keys at hand do not reach the admins' threshold.
            VerificationError: A Runner would refuse the result.
            StorageError: It may or may not have been stored; prepare again.
        """
        before = self._before()
        described = {path: target_file(path, data) for path, data in files.items()}
        payloads = payloads_of(described, files)

        def build(version: int) -> bytes:
            data = documents.sign_targets(
                self._keys,
                before.root,
                described,
                checkpoint=checkpoint,
                version=version,
                at=at,
            )
            view_under(before.chain, data, None, at=at)
            return data

        base = before.version(TARGETS)
        version, data = self._writer.store(TARGETS, base, build, payloads)
        return StagedTargets(version, data, base, payloads)

    def publish_targets(self, staged: StagedTargets, *, at: datetime) -> None:
        """Commit targets; done already is success.

        Raises:
            StaleStageError: Other targets were committed meanwhile.
            StorageError: They may or may not have been committed; publish again.
        """

        def propose(before: Before) -> tuple[bytes, bytes] | None:
            if before.state and before.state.targets == staged.metadata:
                return None
            staged.require_base(before.version(TARGETS))
            release = self._writer.release_under(staged.metadata, before, at)
            return staged.metadata, release

        self._publish(staged, propose, at)

    def prepare_release(
        self, revision: int, files: Mapping[str, bytes], *, keep: int, at: datetime
    ) -> StagedRelease:
        """Sign and store the release role with a new revision; nothing is published.

        Args:
            revision: Above every revision listed.
            files: Content by bare file name, such as ``bundle.tar.gz``.
            keep: How many of the newest revisions stay listed, this one included.
            at: Now.

        Raises:
            UsageError: No files, or ``keep`` out of range.
            NothingPublishedError: There are no targets yet.
            RevisionTakenError: The revision is listed with other files, or too low.
            VerificationError: A Runner would refuse the result.
            StorageError: It may or may not have been stored; prepare again.
        """
        if not files:
            raise UsageError(f"expected the files of revision {revision}, got none")
        state = self.current()
        base = state.delegated.signed.version
        named = {f"overlay/{revision}/{name}": data for name, data in files.items()}
        described = {path: target_file(path, data) for path, data in named.items()}
        payloads = payloads_of(described, named)
        listed = state.delegated.signed.targets
        if described.items() <= listed.items():
            return StagedRelease(base, state.release, base, payloads)
        kept = {**newest_of(listed, keep - 1, below=revision), **described}

        def build(version: int) -> bytes:
            data = documents.sign_release(
                self._keys, state.top, kept, version=version, at=at
            )
            view_under(state.chain, state.targets, data, at=at)
            return data

        version, data = self._writer.store(RELEASE, base, build, payloads)
        return StagedRelease(version, data, base, payloads)

    def publish_release(self, staged: StagedRelease, *, at: datetime) -> None:
        """Commit a release; done already is success.

        Raises:
            StaleStageError: Another release was committed meanwhile.
            StorageError: It may or may not have been committed; publish again.
        """

        def propose(before: Before) -> tuple[bytes, bytes] | None:
            if before.state is None:
                raise NothingPublishedError("expected published targets, got none")
            if before.state.release == staged.metadata:
                return None
            staged.require_base(before.version(RELEASE))
            return before.state.targets, staged.metadata

        self._publish(staged, propose, at)

    def refresh(self, at: datetime) -> tuple[str, ...]:
        """Renew what has lived half of its life, and return which roles that were.

        Targets are the admins' and are never renewed here. Nothing is returned if
        somebody else published meanwhile: then the state is fresh already.

        Raises:
            NothingPublishedError: Nothing has been published.
            StorageError: The state is the old or the renewed one.
        """
        before = self._before()
        due = due_roles(before, at)
        try:
            return self._renew(before, due, at)
        except WriteConflictError:
            return ()

    def status(self, at: datetime) -> dict[str, RoleStatus]:
        """Return how each role stands.

        Raises:
            NothingPublishedError: Nothing has been published.
        """
        return role_status(self.current(), at)

    def _before(self) -> Before:
        before = read_before(self._storage, self._known)
        self._known = before.state
        return before

    def _publish(self, staged: Staged, propose: _Proposal, at: datetime) -> None:
        """Commit what ``propose`` says, anew as often as another role's writer wins."""
        for attempt in range(1, _SWAPS + 1):
            before = self._before()
            proposed = propose(before)
            if proposed is None:
                return
            view_under(staged.under or before.chain, *proposed, at=at)
            self._writer.put(staged.files)
            name = metadata_name(staged.role, staged.version)
            self._writer.put({name: staged.metadata})
            try:
                self._known = self._writer.commit(before, *proposed, at)
            except WriteConflictError:
                if attempt == _SWAPS:
                    raise
            else:
                return

    def _renew(self, before: Before, due: set[str], at: datetime) -> tuple[str, ...]:
        state = before.state
        if state is None:
            raise NothingPublishedError("expected a published state, got none")
        if RELEASE in due:
            release = self._writer.release_again(state.targets, before, at)
            self._known = self._writer.commit(before, state.targets, release, at)
            return (RELEASE, SNAPSHOT, TIMESTAMP)
        if SNAPSHOT in due:
            self._known = self._writer.commit(before, state.targets, state.release, at)
            return (SNAPSHOT, TIMESTAMP)
        if TIMESTAMP in due:
            snapshot = (before.version(SNAPSHOT), state.snapshot)
            self._writer.swap_timestamp(before, snapshot, at)
            return (TIMESTAMP,)
        return ()
