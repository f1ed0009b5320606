# SPDX-License-Identifier: Apache-2.0
"""The right edge of a tree: all that an append needs to know, whatever the size.

The edge of a tree of n leaves is its partial tiles: at most 255 hashes for each eight
levels, and at most 255 entries. Growing it is pure; the names and bytes that come out
are the objects of C2SP tlog-tiles, each the same whoever computes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from control_plane.log.errors import LogDamagedError
from keys.errors import NotFoundError
from signer.tlog.merkle import HashReader, leaf_hash, tree_root
from signer.tlog.tiles import (
    HASH_BYTES,
    MAX_TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    GetTile,
    TileReader,
    entries_path,
    fold,
    pack_entries,
    read_entries,
    read_tile,
    tile_path,
)


@dataclass(frozen=True, slots=True)
class Edge:
    """The partial tiles of a tree.

    Attributes:
        size: The tree's leaves.
        entries: Those of the partial entry bundle.
        tiles: For each level the partial tile's bytes, empty if there is none.
    """

    size: int
    entries: tuple[bytes, ...]
    tiles: tuple[bytes, ...]

    def objects(self) -> dict[str, bytes]:
        """Return the partial objects of this tree by their paths."""
        found = {}
        if self.entries:
            path = entries_path(self.size // TILE_WIDTH, len(self.entries))
            found[path] = pack_entries(self.entries)
        for level, tile in enumerate(self.tiles):
            if tile:
                index = self.size >> (TILE_HEIGHT * (level + 1))
                found[tile_path(level, index, len(tile) // HASH_BYTES)] = tile
        return found


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending made of an edge.

    Attributes:
        edge: The new edge.
        full: Paths of the objects that became full.
        objects: What has to be written, by path.
        hashes: Reads every hash that a proof of a new leaf needs.
    """

    edge: Edge
    full: tuple[str, ...]
    objects: dict[str, bytes]
    hashes: HashReader


def grow(edge: Edge, bodies: Iterable[bytes]) -> Growth:
    """Append entries to an edge."""
    entries = list(edge.entries)
    rows = [bytearray(tile) for tile in edge.tiles]
    size, full = edge.size, dict[str, bytes]()
    for body in bodies:
        entries.append(body)
        if len(entries) == TILE_WIDTH:
            full[entries_path(size // TILE_WIDTH)] = pack_entries(entries)
            entries.clear()
        _push(rows, leaf_hash(body), size, full)
        size += 1
    grown = Edge(size, tuple(entries), tuple(bytes(row) for row in rows))
    objects = {**full, **grown.objects()}
    known = edge.objects()
    new = {path: data for path, data in objects.items() if path not in known}
    return Growth(grown, tuple(full), new, edge_hashes(objects, size))


def edge_hashes(objects: dict[str, bytes], size: int) -> HashReader:
    """Return a reader of the hashes in ``objects``, each computed once."""
    return cache(TileReader(objects.__getitem__, size))


def load_edge(get: GetTile, size: int, *, root: bytes) -> Edge:
    """Read the edge of a committed tree: one object for each level, and one bundle.

    Raises:
        LogDamagedError: What is stored is not the tree with that root.
        StorageError: It cannot be read.
    """
    levels = -(-size.bit_length() // TILE_HEIGHT)
    try:
        tiles = tuple(_load_tile(get, level, size) for level in range(levels))
        width = size % TILE_WIDTH
        entries = read_entries(get, size // TILE_WIDTH, width) if width else ()
    except NotFoundError as error:
        raise LogDamagedError(
            f"expected the edge of a log of {size} entries: {error.message}"
        ) from error
    edge = Edge(size, entries, tiles)
    leaves = b"".join(leaf_hash(entry) for entry in entries)
    if leaves != (tiles[0] if tiles else b""):
        raise LogDamagedError("expected entries that hash to their tile, got others")
    if tree_root(size, edge_hashes(edge.objects(), size)) != root:
        raise LogDamagedError(
            f"expected the tree of the checkpoint of size {size}, got another tree"
        )
    return edge


def _push(
    rows: list[bytearray], found: bytes, leaf: int, full: dict[str, bytes]
) -> None:
    """Add a hash at level 0, and the roots of tiles that this fills above it."""
    for level in range(len(rows) + 1):
        if level == len(rows):
            rows.append(bytearray())
        rows[level] += found
        if len(rows[level]) < MAX_TILE_BYTES:
            return
        tile = bytes(rows[level])
        full[tile_path(level, leaf >> (TILE_HEIGHT * (level + 1)))] = tile
        rows[level].clear()
        found = fold(tile)


def _load_tile(get: GetTile, level: int, size: int) -> bytes:
    # C2SP tlog-tiles, "Partial Tiles": floor(s / 256**l) mod 256 hashes.
    index, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
    return read_tile(get, level, index, width) if width else b""
