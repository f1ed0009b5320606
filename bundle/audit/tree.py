# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree of a whole log, built from its leaves and held in memory.

A level is one array of bytes, not a list of objects: a million leaves take 64 MB. The
arithmetic is ``signer.tlog.merkle``'s; here it is only given its hashes.
"""

from typing import Final

from signer.tlog.merkle import leaf_hash, node_hash, tree_root
from signer.tlog.tiles import HASH_BYTES, TILE_HEIGHT

_PAIR: Final = 2 * HASH_BYTES


class LogTree:
    """A tree that grows by leaves, and a ``HashReader`` over itself."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, entry: bytes) -> None:
        """Add a leaf, and every subtree that it completes."""
        self._levels[0] += leaf_hash(entry)
        level = 0
        while len(self._levels[level]) % _PAIR == 0:
            row = self._levels[level]
            left, right = row[-_PAIR:-HASH_BYTES], row[-HASH_BYTES:]
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += node_hash(bytes(left), bytes(right))

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of leaves [index << level, (index + 1) << level)."""
        start = index * HASH_BYTES
        return bytes(self._levels[level][start : start + HASH_BYTES])

    def root(self, size: int) -> bytes:
        """Return the root of the first ``size`` leaves, at most all of them."""
        return tree_root(size, self)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the content of a tile (C2SP tlog-tiles)."""
        height = level * TILE_HEIGHT
        first = index << TILE_HEIGHT
        return b"".join(self(height, first + i) for i in range(width))
