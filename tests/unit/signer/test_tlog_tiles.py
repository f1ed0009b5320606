# SPDX-License-Identifier: Apache-2.0
"""C2SP tlog-tiles: names, encodings, and reading any hash of any tree."""

import pytest

from keys.errors import LimitExceededError, NotFoundError, UsageError
from signer.tlog.errors import TileFormatError
from signer.tlog.limits import MAX_CACHED_TILES, MAX_ENTRY_BYTES
from signer.tlog.merkle import inclusion_proof, leaf_hash, node_hash, tree_root
from signer.tlog.tiles import (
    TileReader,
    entries_path,
    pack_entries,
    parse_entries,
    read_entries,
    tile_path,
    tile_width,
)

PATHS = {
    "first": (0, 0, 256, "tile/0/000"),
    "partial": (0, 273, 112, "tile/0/273.p/112"),
    "thousands": (1, 1234, 256, "tile/1/x001/234"),
    "the specification's example": (0, 1234067, 256, "tile/0/x001/x234/067"),
    "its partial form": (0, 1234067, 1, "tile/0/x001/x234/067.p/1"),
    "high level": (63, 999, 255, "tile/63/999.p/255"),
}


@pytest.mark.parametrize(("level", "index", "width", "path"), PATHS.values(), ids=PATHS)
def test_tiles_lie_where_the_specification_says(level, index, width, path):
    assert tile_path(level, index, width) == path
    expected = path.replace(f"tile/{level}/", "tile/entries/")
    assert entries_path(index, width) == expected


@pytest.mark.parametrize(("index", "width"), [(-1, 256), (0, 0), (0, 257), (0, -1)])
def test_what_is_no_tile_has_no_path(index, width):
    with pytest.raises(UsageError):
        tile_path(0, index, width)


def test_widths_are_those_of_the_specifications_example():
    """A tree of 70,000: 273 full tiles and one of 112; one full and one of 17; one of 1."""
    assert [tile_width(0, n, 70_000) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tile_width(1, n, 70_000) for n in (0, 1, 2)] == [256, 17, 0]
    assert [tile_width(2, n, 70_000) for n in (0, 1)] == [1, 0]


def test_entries_are_read_as_they_were_packed():
    entries = (b"", b"a", b"b" * 300, b"c" * MAX_ENTRY_BYTES)
    packed = pack_entries(entries)
    assert packed[:5] == b"\x00\x00\x00\x01a"
    assert parse_entries(packed) == entries
    assert parse_entries(b"") == ()


def test_an_entry_past_the_limit_is_not_packed():
    with pytest.raises(LimitExceededError):
        pack_entries([b"x" * (MAX_ENTRY_BYTES + 1)])


TORN = {
    "half a length": b"\x00",
    "no entry": b"\x00\x02",
    "half an entry": b"\x00\x02a",
    "after a whole one": b"\x00\x01a\x00\x05b",
    "too many": pack_entries([b"x"] * 257),
}


@pytest.mark.parametrize("bundle", TORN.values(), ids=TORN)
def test_a_torn_bundle_is_refused(bundle):
    with pytest.raises(TileFormatError) as refused:
        parse_entries(bundle)
    assert refused.value.code == "tile-format"


def test_a_full_bundle_is_the_limit():
    assert len(parse_entries(pack_entries([b"x"] * 256))) == 256


# ------------------------------------------------------------------ reading


def tiles_of(size: int) -> tuple[dict[str, bytes], list[list[bytes]]]:
    """Lay a tree out as tiles, level by level, from all of its rows."""
    rows = [[leaf_hash(b"%d" % n) for n in range(size)]]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
    objects = {}
    for level, row in enumerate(rows[::8]):
        for index in range(-(-len(row) // 256)):
            tile = row[index * 256 : (index + 1) * 256]
            objects[tile_path(level, index, len(tile))] = b"".join(tile)
    return objects, rows


def getter(objects, read=None):
    def get(path):
        if read is not None:
            read.append(path)
        if path not in objects:
            raise NotFoundError(f"expected {path}, got none")
        return objects[path]

    return get


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1000, 70_000])
def test_every_kind_of_hash_is_read_from_tiles(size):
    objects, rows = tiles_of(size)
    reader = TileReader(getter(objects), size)
    for level, row in enumerate(rows):
        for index in {0, len(row) // 2, len(row) - 1}:
            assert reader(level, index) == row[index]


def test_a_proof_reads_a_tile_for_each_level_of_eight():
    objects, _ = tiles_of(70_000)
    read = []
    inclusion_proof(123, 70_000, TileReader(getter(objects, read), 70_000))
    assert len(read) <= 6
    assert len(read) == len(set(read))


def test_an_old_tree_is_read_from_the_tiles_of_a_newer_one():
    old, _ = tiles_of(300)
    new, _ = tiles_of(600)
    full = {path: tile for path, tile in new.items() if ".p/" not in path}
    # The partial tiles of the old tree are gone, but the upper one, not yet full.
    full |= {path: tile for path, tile in old.items() if path.startswith("tile/1/")}
    assert tree_root(300, TileReader(getter(full), 300)) == tree_root(
        300, TileReader(getter(old), 300)
    )


@pytest.mark.parametrize(
    ("level", "index"), [(0, 300), (0, -1), (8, 1), (9, 0), (64, 0), (2, 75)]
)
def test_a_subtree_that_is_not_complete_has_no_hash(level, index):
    objects, _ = tiles_of(300)
    with pytest.raises(UsageError):
        TileReader(getter(objects), 300)(level, index)


def test_a_missing_tile_is_not_found():
    objects, _ = tiles_of(300)
    del objects["tile/0/000"]
    read = []
    with pytest.raises(NotFoundError):
        TileReader(getter(objects, read), 300)(0, 0)
    assert read == ["tile/0/000"]
    del objects["tile/0/001.p/44"]
    with pytest.raises(NotFoundError):
        TileReader(getter(objects), 300)(0, 299)


@pytest.mark.parametrize("length", [0, 31, 43 * 32, 44 * 32 - 1, 257 * 32])
def test_a_tile_of_the_wrong_size_is_refused(length):
    objects, _ = tiles_of(300)
    objects["tile/0/001.p/44"] = bytes(length)
    with pytest.raises(TileFormatError):
        TileReader(getter(objects), 300)(0, 256)


def test_a_reader_keeps_as_many_tiles_as_the_limit():
    objects, _ = tiles_of(70_000)
    read = []
    reader = TileReader(getter(objects, read), 70_000)
    for tile in range(MAX_CACHED_TILES):
        reader(0, tile * 256)
    reader(0, 0)
    assert len(read) == MAX_CACHED_TILES
    reader(0, MAX_CACHED_TILES * 256)
    reader(0, 256)
    assert len(read) == MAX_CACHED_TILES + 2


def test_a_bundle_with_too_few_entries_is_refused():
    get = getter({"tile/entries/000.p/3": pack_entries([b"a", b"b"])})
    with pytest.raises(TileFormatError):
        read_entries(get, 0, 3)


def test_entries_of_an_old_tree_are_read_from_the_full_bundle():
    get = getter({"tile/entries/000": pack_entries(b"%d" % n for n in range(256))})
    assert read_entries(get, 0, 3) == (b"0", b"1", b"2")
