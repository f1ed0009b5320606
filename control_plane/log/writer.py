# SPDX-License-Identifier: Apache-2.0
"""The log's writer; its order of durable writes is the protocol.

::

    0  the attestation of every leaf          by the caller, before it calls
    1  journal/log                            replace: this batch is next, and no other
    2  log/tile/entries/… log/tile/<L>/…      put_immutable: bundles and tiles, full and
                                              partial, a function of tree and batch
    3  log/checkpoint                         replace: THE COMMIT; then entries are
                                              returned to their submitters
    4  partial objects of tiles now full      discard; a failure costs space only

A crash before 1 leaves nothing. After 1 the batch *will* be in the log: whoever appends
next, in this process or another, reads journal and checkpoint, sees a batch unfinished
and performs 2 to 4 for it first. That is the same code as for a fresh batch, and it can
only write the same bytes under the same names, so tiles stay immutable though their
names say nothing but index and width. Without the journal, a crash in 2 would leave a
partial tile that the next, other batch had to overwrite, and overwriting is how a late
writer damages a log. A submitter who saw an error may find its entry in the log, once
or (having submitted again) twice: entries grant nothing, and equal entries are legal.

Two writers are kept apart by ``alone`` (a lock, so that they wait) and, if that fails,
by compare-and-swap on journal and checkpoint (so that one of them is refused).

Readers need no lock: they take the checkpoint, then tiles of that size, and where a
partial tile has gone meanwhile, the full one.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final, Self

from bundle.storage.interface import Storage
from control_plane.log.edge import Edge, Growth, grow, load_edge
from control_plane.log.group import Group
from control_plane.log.journal import Journal
from control_plane.log.limits import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ENTRIES,
    MAX_JOURNAL_BYTES,
)
from control_plane.log.reader import CHECKPOINT, PREFIX, LogReader
from keys.digest import Digest
from keys.errors import LimitExceededError, NotFoundError, StorageError
from keys.signing import SigningKey
from signer.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from signer.tlog.entry import LogEntry
from signer.tlog.limits import MAX_ENTRY_BYTES
from signer.tlog.merkle import EMPTY_ROOT, inclusion_proof, tree_root

# Outside ``log/``: it is nobody's business before it is in a checkpoint.
JOURNAL: Final = "journal/log"

# Makes a context in which this process is the only writer.
Alone = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class _Head:
    """A committed tree, as this process last saw it.

    Attributes:
        raw: The signed checkpoint's bytes.
        checkpoint: What they say.
        edge: The tree's right edge.
        journal: Digest of the journal's bytes, None if there is none yet.
    """

    raw: bytes
    checkpoint: Checkpoint
    edge: Edge
    journal: Digest | None


class Log(LogReader):
    """A log that can be appended to.

    Args:
        storage: The workspace's storage; the log's objects lie under ``log/``.
        origin: The log's name.
        key: The log's key, Ed25519, of no other purpose.
        alone: Makes a context that keeps writers of other processes out, for a
            directory ``partial(exclusive, path, wait=True)`` of ``keys.lock``.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        origin: str,
        key: SigningKey,
        alone: Alone = nullcontext,
    ) -> None:
        super().__init__(storage, origin=origin, key=key.public_key)
        self._signing_key = key
        self._alone = alone
        self._head: _Head | None = None
        self._group: Group[bytes, LogEntry] = Group(size=len)

    @classmethod
    def create(
        cls,
        storage: Storage,
        *,
        origin: str,
        key: SigningKey,
        alone: Alone = nullcontext,
    ) -> Self:
        """Begin a log: sign the empty tree. Done twice, it is done once.

        No other call begins one, so that a wrong path or origin is an error and never
        a second, empty history.

        Raises:
            WriteConflictError: There is a log already, and it is not empty or not ours.
        """
        raw = cls.empty_checkpoint(origin, key)
        log = cls(storage, origin=origin, key=key, alone=alone)
        if log._stored(CHECKPOINT) != raw:
            storage.replace(CHECKPOINT, raw, expected=None)
        return log

    @staticmethod
    def empty_checkpoint(origin: str, key: SigningKey) -> bytes:
        """Return the signed note of a log before its first entry; always the same."""
        return sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), key=key)

    def append(self, bodies: Sequence[bytes]) -> list[LogEntry]:
        """Append entries, all in one commit, perhaps with those of other threads.

        Args:
            bodies: Leaves; the attestation of each is stored already.

        Returns:
            For each body its entry, with a proof to the checkpoint of the commit.

        Raises:
            LimitExceededError: More than 1,024 entries or 4 MiB, or one entry of more
                than 65,535 bytes. Nothing was appended.
            NotFoundError: There is no log.
            LogDamagedError: The storage contradicts the checkpoint.
            StorageError: A write failed; the entries are not acknowledged, but may be
                in the log. The next append repairs what is to be repaired.
        """
        _check_bounds(bodies)
        return self._group.submit(tuple(bodies), self._commit) if bodies else []

    def recover(self) -> Checkpoint:
        """Finish a batch that a crash left; ``append`` does the same.

        Returns:
            The newest checkpoint.

        Raises:
            StorageError: As ``append``.
        """
        with self._alone():
            self._head = self._settle()
            return self._head.checkpoint

    def _commit(self, bodies: Sequence[bytes]) -> list[LogEntry]:
        with self._alone():
            head = self._settle()
            journal = Journal(head.checkpoint.size, head.checkpoint.root, tuple(bodies))
            raw = journal.to_bytes()
            self._head = None  # unknown until the commit: whoever comes next looks
            self._storage.replace(JOURNAL, raw, expected=head.journal)
            self._head, growth = self._finish(head, journal, Digest.of(raw))
            return self._entries(self._head, journal, growth)

    def _settle(self) -> _Head:
        """Return the head of the log with no batch unfinished."""
        # The journal first: the checkpoint read after it is never an older one.
        written = self._stored(JOURNAL)
        digest = None if written is None else Digest.of(written)
        raw = self.checkpoint()
        if self._head and (self._head.raw, self._head.journal) == (raw, digest):
            return self._head
        head = self._load(raw, digest)
        if written is not None and digest is not None:
            journal = Journal.parse(written)
            if journal.unfinished_at(head.checkpoint):
                return self._finish(head, journal, digest)[0]
        return head

    def _load(self, raw: bytes, journal: Digest | None) -> _Head:
        checkpoint = open_checkpoint(raw, origin=self.origin, key=self.key)
        edge = load_edge(self._get, checkpoint.size, root=checkpoint.root)
        return _Head(raw, checkpoint, edge, journal)

    def _finish(
        self, head: _Head, journal: Journal, digest: Digest
    ) -> tuple[_Head, Growth]:
        """Perform steps 2 to 4 for a batch that is in the journal."""
        growth = grow(head.edge, journal.bodies)
        for path, data in growth.objects.items():
            self._storage.put_immutable(PREFIX + path, data)
        size = growth.edge.size
        checkpoint = Checkpoint(self.origin, size, tree_root(size, growth.hashes))
        raw = sign_checkpoint(checkpoint, key=self._signing_key)
        self._storage.replace(CHECKPOINT, raw, expected=Digest.of(head.raw))
        self._tidy(growth)
        return _Head(raw, checkpoint, growth.edge, digest), growth

    def _entries(self, head: _Head, journal: Journal, growth: Growth) -> list[LogEntry]:
        size = head.checkpoint.size
        return [
            LogEntry(
                index=index,
                log_id=self.log_id,
                body=body,
                proof=inclusion_proof(index, size, growth.hashes),
                tree_size=size,
                root=head.checkpoint.root,
                checkpoint=head.raw.decode(),
            )
            for index, body in enumerate(journal.bodies, journal.size)
        ]

    def _tidy(self, growth: Growth) -> None:
        # C2SP tlog-tiles: logs "MAY delete any partial tile once the corresponding
        # full tile is [...] available". What stays after a failure is only space.
        with suppress(StorageError):
            for path in growth.full:
                for name in self._storage.names(f"{PREFIX}{path}.p/"):
                    self._storage.discard(name)

    def _stored(self, name: str) -> bytes | None:
        try:
            return self._storage.get(name, max_bytes=MAX_JOURNAL_BYTES)
        except NotFoundError:
            return None


def _check_bounds(bodies: Sequence[bytes]) -> None:
    size = sum(map(len, bodies))
    if len(bodies) > MAX_BATCH_ENTRIES or size > MAX_BATCH_BYTES:
        raise LimitExceededError(
            f"append: expected at most {MAX_BATCH_ENTRIES} entries and"
            f" {MAX_BATCH_BYTES} bytes, got {len(bodies)} and {size}"
        )
    # Before the journal: a batch that could never be finished would block the log.
    if any(len(body) > MAX_ENTRY_BYTES for body in bodies):
        raise LimitExceededError(
            f"append: expected entries of at most {MAX_ENTRY_BYTES} bytes, got more"
        )
