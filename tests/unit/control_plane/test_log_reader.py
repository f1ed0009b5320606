# SPDX-License-Identifier: Apache-2.0
"""Reading a log: fresh proofs of one committed tree, beside a running writer."""

import pytest

from control_plane.log import Log
from control_plane.log.reader import LogReader
from keys.errors import NotFoundError
from signer.tlog.checkpoint import open_checkpoint
from signer.tlog.errors import CheckpointSignatureError
from signer.tlog.merkle import leaf_hash, verify_consistency, verify_inclusion
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import MemoryStorage

ORIGIN = "acme.log.example"
KEY = MemoryKey.ed25519()


@pytest.fixture(scope="module")
def filled():
    storage = MemoryStorage()
    log = Log.create(storage, origin=ORIGIN, key=KEY)
    heads = [log.head()]
    for start in (0, 1, 200, 256, 400):
        end = {0: 1, 1: 200, 200: 256, 256: 400, 400: 700}[start]
        log.append([b"%d" % n for n in range(start, end)])
        heads.append(log.head())
    return storage, heads


@pytest.fixture
def reader(filled):
    return LogReader(filled[0], origin=ORIGIN, key=KEY.public_key)


@pytest.mark.parametrize("index", [0, 1, 199, 200, 255, 256, 511, 512, 698, 699])
def test_any_entry_comes_with_a_proof_to_the_newest_checkpoint(reader, index):
    entry = reader.entry(index)
    head = open_checkpoint(entry.checkpoint.encode(), origin=ORIGIN, key=KEY.public_key)
    assert (entry.index, entry.body, head.size) == (index, b"%d" % index, 700)
    verify_inclusion(
        leaf=leaf_hash(entry.body),
        index=index,
        size=head.size,
        proof=entry.proof,
        root=head.root,
    )


@pytest.mark.parametrize("index", [-1, 700, 10**9])
def test_an_entry_that_is_not_there_is_not_found(reader, index):
    with pytest.raises(NotFoundError) as refused:
        reader.entry(index)
    assert refused.value.evidence == {"size": 700}


@pytest.mark.parametrize(
    ("start", "end"), [(0, 0), (0, 700), (255, 257), (256, 512), (699, 700), (300, 310)]
)
def test_leaves_are_read_in_ranges(reader, start, end):
    assert reader.bodies(start, end) == [b"%d" % n for n in range(start, end)]


@pytest.mark.parametrize(("start", "end"), [(0, 701), (-1, 3), (5, 4), (701, 701)])
def test_a_range_that_is_not_committed_is_not_found(reader, start, end):
    with pytest.raises(NotFoundError):
        reader.bodies(start, end)


def test_the_newest_tree_extends_every_checkpoint_that_was_signed(filled, reader):
    newest = reader.head()
    for old in filled[1]:
        verify_consistency(
            old_size=old.size,
            old_root=old.root,
            new_size=newest.size,
            new_root=newest.root,
            proof=reader.consistency(old.size),
        )


@pytest.mark.parametrize("size", [-1, 701])
def test_there_is_no_proof_from_a_tree_that_never_was(reader, size):
    with pytest.raises(NotFoundError):
        reader.consistency(size)


def test_a_reader_with_another_key_reads_nothing(filled):
    other = LogReader(filled[0], origin=ORIGIN, key=MemoryKey.ed25519().public_key)
    for read in (other.head, lambda: other.entry(0), lambda: other.bodies(0, 1)):
        with pytest.raises(CheckpointSignatureError):
            read()


def test_a_reader_with_an_old_checkpoint_finds_the_full_tiles(filled):
    """A checkpoint read just before its partial tiles went."""
    storage = filled[0]
    full = {n: d for n, d in storage.objects.items() if ".p/" not in n}
    upper = {n: d for n, d in storage.objects.items() if n.startswith("log/tile/1/")}
    old = MemoryStorage()
    log = Log.create(old, origin=ORIGIN, key=KEY)
    log.append([b"%d" % n for n in range(300)])
    raw = old.objects["log/checkpoint"]
    old.objects = {
        **full,
        **upper,
        **{n: d for n, d in old.objects.items() if "/1/" in n},
    }
    old.objects["log/checkpoint"] = raw
    assert log.entry(299).body == b"299"
    assert log.bodies(290, 300) == [b"%d" % n for n in range(290, 300)]
    assert log.consistency(257)
