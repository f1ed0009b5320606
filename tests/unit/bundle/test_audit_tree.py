# SPDX-License-Identifier: Apache-2.0
"""The tree in memory gives the hashes of RFC 6962, at every size."""

import pytest

from bundle.audit.tree import LogTree
from signer.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from signer.tlog.tiles import TileReader, tile_path


def grown(size):
    tree = LogTree()
    for index in range(size):
        tree.append(str(index).encode())
    return tree


def plain_root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(plain_root(hashes[:half]), plain_root(hashes[half:]))


def test_an_empty_tree_has_the_empty_root():
    assert LogTree().root(0) == EMPTY_ROOT
    assert len(LogTree()) == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 255, 256, 257, 300])
def test_every_size_has_the_root_of_its_leaves(size):
    tree = grown(size)
    assert len(tree) == size
    assert tree.root(size) == plain_root(
        [leaf_hash(str(i).encode()) for i in range(size)]
    )


def test_roots_of_the_past_stay():
    early = grown(100).root(100)
    assert grown(300).root(100) == early


def test_proofs_from_it_hold():
    tree = grown(300)
    verify_inclusion(
        leaf=leaf_hash(b"77"),
        index=77,
        size=300,
        proof=inclusion_proof(77, 300, tree),
        root=tree.root(300),
    )
    verify_consistency(
        old_size=100,
        old_root=tree.root(100),
        new_size=300,
        new_root=tree.root(300),
        proof=consistency_proof(100, 300, tree),
    )


def test_its_tiles_are_those_that_tile_readers_read():
    tree = grown(300)
    tiles = {
        tile_path(0, 0): tree.tile(0, 0, 256),
        tile_path(0, 1, 44): tree.tile(0, 1, 44),
        tile_path(1, 0, 1): tree.tile(1, 0, 1),
    }
    reader = TileReader(tiles.__getitem__, 300)
    assert [reader(0, i) for i in (0, 256, 299)] == [tree(0, i) for i in (0, 256, 299)]
    assert reader(8, 0) == tree(8, 0)
