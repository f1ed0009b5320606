# SPDX-License-Identifier: Apache-2.0
"""Read a log from its storage, with fresh proofs; no lock, beside a running writer.

Every answer is of one committed tree: the checkpoint is read first, then tiles of its
size. A proof that does not hold never leaves.
"""

from typing import Final

from bundle.storage.interface import Storage
from control_plane.log.errors import LogDamagedError
from keys.errors import NotFoundError
from keys.public import PublicKey
from signer.tlog.checkpoint import Checkpoint, open_checkpoint
from signer.tlog.entry import LogEntry
from signer.tlog.errors import NotIncludedError
from signer.tlog.limits import MAX_NOTE_BYTES
from signer.tlog.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_inclusion,
)
from signer.tlog.note import full_key_hash
from signer.tlog.tiles import (
    MAX_BUNDLE_BYTES,
    TILE_WIDTH,
    TileReader,
    read_entries,
    tile_width,
)

PREFIX: Final = "log/"
CHECKPOINT: Final = "log/checkpoint"


class LogReader:
    """A log's committed history.

    Args:
        storage: The workspace's storage.
        origin: The log's name.
        key: The log's public key.

    Attributes:
        log_id: The 32 bytes that entries name the log by.
    """

    def __init__(self, storage: Storage, *, origin: str, key: PublicKey) -> None:
        self._storage = storage
        self.origin = origin
        self.key = key
        self.log_id = full_key_hash(origin, key)

    @property
    def size(self) -> int:
        """How many entries are committed."""
        return self.head().size

    def checkpoint(self) -> bytes:
        """Return the newest signed checkpoint.

        Raises:
            NotFoundError: There is no log.
        """
        return self._storage.get(CHECKPOINT, max_bytes=MAX_NOTE_BYTES)

    def head(self) -> Checkpoint:
        """Return what the newest checkpoint says, its signature verified.

        Raises:
            NotFoundError: There is no log.
            VerificationError: It is another log's, or not signed by this one's key.
        """
        return open_checkpoint(self.checkpoint(), origin=self.origin, key=self.key)

    def entry(self, index: int) -> LogEntry:
        """Return an entry with its proof to the newest checkpoint.

        Raises:
            NotFoundError: There is no such entry.
            LogDamagedError: The stored tiles do not prove it.
        """
        raw = self.checkpoint()
        head = open_checkpoint(raw, origin=self.origin, key=self.key)
        _check_range(index, index + 1, head.size)
        bundle, place = divmod(index, TILE_WIDTH)
        entry = LogEntry(
            index=index,
            log_id=self.log_id,
            body=self._bundle(bundle, head.size)[place],
            proof=inclusion_proof(index, head.size, TileReader(self._get, head.size)),
            tree_size=head.size,
            root=head.root,
            checkpoint=raw.decode(),
        )
        _require_proof(entry)
        return entry

    def bodies(self, start: int, end: int) -> list[bytes]:
        """Return the leaves from ``start`` up to, not including, ``end``.

        Raises:
            NotFoundError: Not all of them are committed.
        """
        size = self.size
        _check_range(start, end, size)
        first, last = start // TILE_WIDTH, -(-end // TILE_WIDTH)
        found = [b for n in range(first, last) for b in self._bundle(n, size)]
        skipped = first * TILE_WIDTH
        return found[start - skipped : end - skipped]

    def consistency(self, old_size: int) -> tuple[bytes, ...]:
        """Return the proof that the newest tree extends the one of ``old_size``.

        Raises:
            NotFoundError: There is no tree of that size yet.
        """
        size = self.size
        _check_range(0, old_size, size)
        return consistency_proof(old_size, size, TileReader(self._get, size))

    def _bundle(self, index: int, size: int) -> tuple[bytes, ...]:
        return read_entries(self._get, index, tile_width(0, index, size))

    def _get(self, path: str) -> bytes:
        return self._storage.get(PREFIX + path, max_bytes=MAX_BUNDLE_BYTES)


def _check_range(start: int, end: int, size: int) -> None:
    if not 0 <= start <= end <= size:
        raise NotFoundError(
            f"expected entries of a log of {size}, got {start} to {end}", size=size
        )


def _require_proof(entry: LogEntry) -> None:
    try:
        verify_inclusion(
            leaf=leaf_hash(entry.body),
            index=entry.index,
            size=entry.tree_size,
            proof=entry.proof,
            root=entry.root,
        )
    except NotIncludedError as error:
        raise LogDamagedError(
            f"entry {entry.index} does not hash to the checkpoint's tree"
        ) from error
