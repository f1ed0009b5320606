# SPDX-License-Identifier: Apache-2.0
"""C2SP tlog-tiles: where a log's hashes and entries lie, and how they are encoded.

A tile is up to 256 neighbouring hashes of one level out of every eight. Names say
index and width, so a tile of given width never changes; a reader that misses a
partial tile takes the full one, which begins with the same bytes.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from keys.errors import LimitExceededError, NotFoundError, UsageError
from signer.tlog.errors import TileFormatError
from signer.tlog.limits import MAX_CACHED_TILES, MAX_ENTRY_BYTES
from signer.tlog.merkle import node_hash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
HASH_BYTES: Final = 32
# C2SP tlog-tiles: a full bundle is 256 entries, each behind its uint16 length.
MAX_BUNDLE_BYTES: Final = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)
MAX_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES

# Returns the object of that path under the log's prefix, or raises NotFoundError.
GetTile = Callable[[str], bytes]


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return ``tile/<L>/<N>[.p/<W>]``."""
    return f"tile/{level}/{_index_path(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return ``tile/entries/<N>[.p/<W>]``."""
    return f"tile/entries/{_index_path(index, width)}"


def tile_width(level: int, index: int, size: int) -> int:
    """Return how many hashes that tile has in a tree of ``size`` leaves.

    Source: C2SP tlog-tiles, "Partial Tiles": floor(s / 256**l) mod 256 for the last.
    """
    hashes = size >> (TILE_HEIGHT * level)
    return max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH))


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Encode an entry bundle.

    Raises:
        LimitExceededError: An entry of more than 65,535 bytes.
    """
    packed = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise LimitExceededError(
                f"log entry: expected at most {MAX_ENTRY_BYTES} bytes, got {len(entry)}"
            )
        packed += [struct.pack(">H", len(entry)), entry]
    return b"".join(packed)


def parse_entries(bundle: bytes) -> tuple[bytes, ...]:
    """Decode an entry bundle.

    Raises:
        TileFormatError: It ends inside an entry, or has more than 256.
    """
    entries, offset = [], 0
    while offset < len(bundle):
        end = offset + 2 + int.from_bytes(bundle[offset : offset + 2])
        if offset + 2 > len(bundle) or end > len(bundle):
            raise TileFormatError(f"entry bundle: expected {end} bytes, got less")
        entries.append(bundle[offset + 2 : end])
        offset = end
    if len(entries) > TILE_WIDTH:
        raise TileFormatError(
            f"entry bundle: expected at most {TILE_WIDTH} entries, got {len(entries)}"
        )
    return tuple(entries)


def read_entries(get: GetTile, index: int, width: int) -> tuple[bytes, ...]:
    """Read the first ``width`` entries of bundle ``index``, partial or full.

    Raises:
        NotFoundError: Neither the partial nor the full bundle is there.
        TileFormatError: It has fewer entries.
    """
    entries = parse_entries(_get(get, entries_path, index, width))
    if len(entries) < width:
        raise TileFormatError(
            f"entry bundle {index}: expected {width} entries, got {len(entries)}"
        )
    return entries[:width]


def read_tile(get: GetTile, level: int, index: int, width: int) -> bytes:
    """Read the first ``width`` hashes of a tile, partial or full.

    Raises:
        NotFoundError: Neither the partial nor the full tile is there.
        TileFormatError: It has fewer hashes, or more than 256.
    """
    tile = _get(get, lambda n, w: tile_path(level, n, w), index, width)
    if len(tile) < width * HASH_BYTES or len(tile) > MAX_TILE_BYTES:
        raise TileFormatError(
            f"tile {level}/{index}: expected {width} hashes, got {len(tile)} bytes"
        )
    return tile[: width * HASH_BYTES]


class TileReader:
    """A ``HashReader`` over tiles.

    Args:
        get: Fetches an object by its path under the log's prefix.
        size: The tree's size; nothing beyond it is read.

    The hashes are as true as ``get``: whoever verifies recomputes a root from them
    and compares it with a signed one. Not for use by several threads.
    """

    def __init__(self, get: GetTile, size: int) -> None:
        self._get = get
        self._size = size
        self._tiles: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of leaves [index << level, (index + 1) << level).

        Raises:
            UsageError: That subtree is not complete in this tree.
            NotFoundError: A tile is missing.
            TileFormatError: A tile of the wrong size.
        """
        if not 0 <= index < self._size >> level:
            raise UsageError(
                f"expected a complete subtree of {self._size} leaves,"
                f" got level {level} index {index}"
            )
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        tile = self._tile(tile_level, tile_index)
        return fold(tile[first * HASH_BYTES : (first + (1 << height)) * HASH_BYTES])

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) in self._tiles:
            self._tiles.move_to_end((level, index))
            return self._tiles[level, index]
        width = tile_width(level, index, self._size)
        tile = read_tile(self._get, level, index, width)
        self._tiles[level, index] = tile
        if len(self._tiles) > MAX_CACHED_TILES:
            self._tiles.popitem(last=False)
        return tile


def _get(
    get: GetTile, path: Callable[[int, int], str], index: int, width: int
) -> bytes:
    try:
        return get(path(index, width))
    except NotFoundError:
        # C2SP tlog-tiles: logs "MAY delete any partial tile once the corresponding
        # full tile is available".
        if width == TILE_WIDTH:
            raise
        return get(path(index, TILE_WIDTH))


def _index_path(index: int, width: int) -> str:
    if index < 0 or not 0 < width <= TILE_WIDTH:
        raise UsageError(f"expected a tile, got index {index} width {width}")
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def fold(hashes: bytes) -> bytes:
    """Return the root over neighbouring hashes, a power of two of them."""
    row = [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
