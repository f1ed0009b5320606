# SPDX-License-Identifier: Apache-2.0
"""Appending: what is returned is in the log, for good, whatever fails on the way."""

import hashlib
import threading
from contextlib import contextmanager
from functools import cache

import pytest

from bundle.storage.directory import DirectoryStorage
from control_plane.log import Log
from control_plane.log.errors import LogDamagedError
from control_plane.log.limits import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES
from control_plane.log.writer import JOURNAL
from keys.digest import Digest
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    TrustacksError,
    WriteConflictError,
)
from signer.tlog.checkpoint import open_checkpoint
from signer.tlog.errors import CheckpointSignatureError
from signer.tlog.limits import MAX_ENTRY_BYTES
from signer.tlog.merkle import leaf_hash, verify_consistency, verify_inclusion
from signer.tlog.tiles import parse_entries
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import Fault, MemoryStorage

ORIGIN = "acme.log.example"
KEY = MemoryKey.ed25519()


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    halves = naive_root(leaves[:k]) + naive_root(leaves[k:])
    return hashlib.sha256(b"\x01" + halves).digest()


def body(number: int) -> bytes:
    return b"entry %d" % number


def new_log(storage=None) -> tuple[MemoryStorage, Log]:
    storage = storage or MemoryStorage()
    return storage, Log.create(storage, origin=ORIGIN, key=KEY)


def reopen(storage) -> Log:
    return Log(storage, origin=ORIGIN, key=KEY)


def stored_leaves(storage, size: int) -> list[bytes]:
    """Read all leaves from the bundles, as a monitor would."""
    leaves = []
    for index in range(-(-size // 256)):
        width = min(256, size - index * 256)
        path = f"log/tile/entries/{index:03}"
        name = path if width == 256 else f"{path}.p/{width}"
        leaves += parse_entries(storage.get(name, max_bytes=2**24))
    return leaves


def check_log(storage, acknowledged) -> None:
    """The whole invariant: the tree is its leaves, and keeps every promise."""
    raw = storage.get("log/checkpoint", max_bytes=4096)
    head = open_checkpoint(raw, origin=ORIGIN, key=KEY.public_key)
    leaves = stored_leaves(storage, head.size)
    assert len(leaves) == head.size
    assert naive_root(leaves) == head.root
    for entry in acknowledged:
        assert leaves[entry.index] == entry.body
        check_entry(entry)
    for size, root in {(e.tree_size, e.root) for e in acknowledged}:
        assert naive_root(leaves[:size]) == root
    log = reopen(storage)
    for index in (0, head.size // 2, head.size - 1) if head.size else ():
        check_entry(log.entry(index))


@cache
def open_once(checkpoint: str):
    return open_checkpoint(checkpoint.encode(), origin=ORIGIN, key=KEY.public_key)


def check_entry(entry) -> None:
    said = open_once(entry.checkpoint)
    assert (said.size, said.root) == (entry.tree_size, entry.root)
    verify_inclusion(
        leaf=leaf_hash(entry.body),
        index=entry.index,
        size=said.size,
        proof=entry.proof,
        root=said.root,
    )


# ------------------------------------------------------------------ appending


@pytest.mark.parametrize(
    "batches",
    [
        [1],
        [1, 1, 1],
        [255, 1, 1],
        [256],
        [257],
        [100, 200, 300],
        [512, 0, 1],
        [1000],
    ],
    ids=str,
)
def test_what_is_appended_is_in_the_log_with_a_proof(batches):
    storage, log = new_log()
    acknowledged, number = [], 0
    for size in batches:
        bodies = [body(number + i) for i in range(size)]
        entries = log.append(bodies)
        assert [(e.index, e.body) for e in entries] == list(enumerate(bodies, number))
        acknowledged += entries
        number += size
    assert log.size == number
    check_log(storage, acknowledged)


def test_one_by_one_and_all_at_once_give_the_same_tree():
    _, one_by_one = new_log()
    for number in range(300):
        one_by_one.append([body(number)])
    _, at_once = new_log()
    at_once.append([body(number) for number in range(300)])
    assert one_by_one.checkpoint() == at_once.checkpoint()


def test_the_same_body_may_be_appended_twice():
    storage, log = new_log()
    first, second, third = log.append([body(1), body(1)]) + log.append([body(1)])
    assert [first.index, second.index, third.index] == [0, 1, 2]
    check_log(storage, [first, second, third])


def test_the_first_level_two_tile_is_written_and_proved():
    storage, log = new_log()
    for start in range(0, 65_536, MAX_BATCH_ENTRIES):
        log.append([body(n) for n in range(start, start + MAX_BATCH_ENTRIES)])
    entry = log.append([b"last"])[0]
    check_entry(entry)
    check_entry(log.entry(0))
    check_entry(reopen(storage).append([b"after a restart"])[0])
    assert storage.names("log/tile/2/") == ["log/tile/2/000.p/1"]
    assert len(storage.get("log/tile/1/000", max_bytes=8192)) == 8192


def test_an_empty_append_writes_nothing():
    storage, log = new_log()
    storage.sealed = True
    assert log.append([]) == []


def test_every_tree_extends_the_ones_before():
    _, log = new_log()
    heads = [log.head()]
    for size in (1, 2, 60, 200, 300):
        log.append([body(n) for n in range(size)])
        heads.append(log.head())
    newest = heads[-1]
    for old in heads:
        verify_consistency(
            old_size=old.size,
            old_root=old.root,
            new_size=newest.size,
            new_root=newest.root,
            proof=log.consistency(old.size),
        )


def test_concurrent_submitters_share_commits_and_lose_nothing():
    storage, log = new_log()
    writes = len(storage.writes)
    acknowledged, lock = [], threading.Lock()

    def submit(worker):
        for number in range(20):
            entry = log.append([b"%d of %d" % (number, worker)])[0]
            assert entry.body == b"%d of %d" % (number, worker)
            with lock:
                acknowledged.append(entry)

    threads = [threading.Thread(target=submit, args=(w,)) for w in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(e.index for e in acknowledged) == list(range(320))
    assert len({e.body for e in acknowledged}) == 320
    assert storage.writes[writes:].count("log/checkpoint") <= 320
    check_log(storage, acknowledged)


def test_a_group_is_one_commit():
    storage, _ = new_log()
    first_is_in, others_wait = threading.Event(), threading.Event()

    def stall():
        first_is_in.set()
        assert others_wait.wait(10)

    log = reopen(Stalling(storage, 0, stall))
    results = []
    threads = [
        threading.Thread(target=lambda n=n: results.extend(log.append([body(n)])))
        for n in range(9)
    ]
    threads[0].start()
    assert first_is_in.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(log._group._waiting) < 8:
        first_is_in.wait(0)
    others_wait.set()
    for thread in threads:
        thread.join()
    assert storage.writes.count("log/checkpoint") == 3  # empty, the first, the other 8
    assert {e.tree_size for e in results} == {1, 9}


# ------------------------------------------------------------------ cost


@pytest.mark.parametrize("size", [0, 1, 255, 256, 1000, 70_000])
def test_an_append_reads_as_little_at_any_size(size):
    storage, log = new_log()
    for start in range(0, size, MAX_BATCH_ENTRIES):
        log.append(
            [body(n) for n in range(start, min(size, start + MAX_BATCH_ENTRIES))]
        )
    storage.reads.clear()
    log.append([b"warm"])
    assert len(storage.reads) == 2  # checkpoint and journal
    cold = reopen(storage)
    storage.reads.clear()
    cold.append([b"cold"])
    assert len(storage.reads) <= 2 + 1 + 3  # and the bundle, and a tile for each level


def test_full_tiles_replace_their_partial_ones():
    storage, log = new_log()
    for number in range(257):
        log.append([body(number)])
    assert storage.names("log/tile/") == [
        "log/tile/0/000",
        "log/tile/0/001.p/1",
        "log/tile/1/000.p/1",
        "log/tile/entries/000",
        "log/tile/entries/001.p/1",
    ]


# ------------------------------------------------------------------ faults


def batch(size: int, seed: str) -> list[bytes]:
    return [f"{seed} {n}".encode() for n in range(size)]


BEFORE = {
    "empty": 0,
    "small": 3,
    "one short of full": 255,
    "full": 256,
    "two tiles": 300,
}
WRITES = (
    8  # of the widest append below: journal, 2 full, 3 partial, checkpoint, discard
)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("restart", [False, True], ids=["same process", "new process"])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_a_fault_at_any_write_loses_nothing_and_tears_nothing(before, restart, fault):
    failed = 0
    for write in range(WRITES):
        storage, log = new_log()
        acknowledged = log.append(batch(before, "before"))
        storage.fail_write(write, fault)
        try:
            acknowledged += log.append(batch(2, "during"))
        except StorageUnavailableError:
            failed += 1
            # What was committed stays readable and whole while the fault lasts.
            check_log(storage, acknowledged)
        storage.heal()
        log = reopen(storage) if restart else log
        acknowledged += log.append(batch(2, "after"))
        check_log(storage, acknowledged)
        leaves = stored_leaves(storage, log.size)
        # The batch of the fault is there whole, or not at all.
        assert leaves.count(b"during 0") == leaves.count(b"during 1")
    assert failed >= 4


@pytest.mark.parametrize("first", Fault)
@pytest.mark.parametrize("second", Fault)
def test_a_fault_during_recovery_is_recovered_from(first, second):
    for write in range(5):
        for again in range(5):
            storage, log = new_log()
            acknowledged = log.append(batch(254, "before"))
            storage.fail_write(write, first)
            with pytest.raises(StorageUnavailableError):
                log.append(batch(3, "first"))
            storage.heal()
            storage.fail_write(again, second)
            try:
                acknowledged += reopen(storage).append(batch(1, "second"))
            except StorageUnavailableError:
                check_log(storage, acknowledged)
            storage.heal()
            acknowledged += reopen(storage).append(batch(300, "third"))
            check_log(storage, acknowledged)


def test_a_crash_after_the_journal_is_finished_by_whoever_comes_next():
    storage, log = new_log()
    storage.fail_write(1, Fault.FAILED)
    with pytest.raises(StorageUnavailableError):
        log.append([b"decided"])
    assert reopen(storage).recover().size == 1
    assert reopen(storage).entry(0).body == b"decided"


def test_a_failure_to_tidy_is_not_a_failure_to_append():
    storage, log = new_log()
    log.append(batch(255, "before"))
    names = storage.names("log/")
    storage.fail_write(5, Fault.FAILED)  # the first discard
    entry = log.append([b"fills the tile"])[0]
    assert set(names) - {"log/checkpoint"} <= set(storage.names("log/"))
    check_log(storage, [entry])


def test_every_submitter_of_a_failed_group_hears_of_it():
    storage, log = new_log()
    barrier = threading.Barrier(4)
    storage.fail_write(0, Fault.FAILED)
    heard = []

    def submit():
        barrier.wait()
        try:
            heard.append(log.append([b"x"])[0].index)
        except TrustacksError as error:
            heard.append(error.code)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 4
    assert heard.count("storage-unavailable") >= 1
    assert log.size == 4 - heard.count("storage-unavailable")


def test_an_interrupted_append_leaves_a_log_that_works():
    storage, _ = new_log()

    @contextmanager
    def interrupted():
        raise KeyboardInterrupt
        yield

    log = Log(storage, origin=ORIGIN, key=KEY, alone=interrupted)
    with pytest.raises(KeyboardInterrupt):
        log.append([b"x"])
    assert reopen(storage).append([b"y"])[0].index == 0


# ------------------------------------------------------------------ refusals


def test_no_log_is_begun_by_accident():
    storage = MemoryStorage()
    with pytest.raises(NotFoundError):
        reopen(storage).append([b"x"])
    assert storage.objects == {}


def test_creating_a_log_twice_is_creating_it_once():
    storage, _ = new_log()
    objects = dict(storage.objects)
    new_log(storage)
    assert storage.objects == objects


def test_a_log_is_not_created_over_another():
    storage, log = new_log()
    log.append([b"x"])
    objects = dict(storage.objects)
    with pytest.raises(WriteConflictError):
        Log.create(storage, origin=ORIGIN, key=KEY)
    with pytest.raises(WriteConflictError):
        Log.create(storage, origin="other.example", key=KEY)
    assert storage.objects == objects


def test_another_key_cannot_continue_a_log():
    storage, log = new_log()
    log.append([b"x"])
    objects = dict(storage.objects)
    with pytest.raises(CheckpointSignatureError):
        Log(storage, origin=ORIGIN, key=MemoryKey.ed25519()).append([b"y"])
    assert storage.objects == objects


AT_THE_LIMIT = {
    "entries": [b"x"] * MAX_BATCH_ENTRIES,
    "bytes": [b"x" * 65_535] * (MAX_BATCH_BYTES // 65_535)
    + [b"x" * (MAX_BATCH_BYTES % 65_535)],
    "bytes of one": [b"x" * MAX_ENTRY_BYTES],
}
PAST_THE_LIMIT = {
    "entries": [b"x"] * (MAX_BATCH_ENTRIES + 1),
    "bytes": [b"x" * 65_535] * (MAX_BATCH_BYTES // 65_535)
    + [b"x" * (MAX_BATCH_BYTES % 65_535 + 1)],
    "bytes of one": [b"x" * (MAX_ENTRY_BYTES + 1)],
}


@pytest.mark.parametrize("bodies", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_an_append_up_to_the_limit_is_taken_and_can_be_recovered(bodies):
    storage, log = new_log()
    storage.fail_write(1, Fault.FAILED)
    with pytest.raises(StorageUnavailableError):
        log.append(bodies)
    assert reopen(storage).recover().size == len(bodies)


@pytest.mark.parametrize("bodies", PAST_THE_LIMIT.values(), ids=PAST_THE_LIMIT)
def test_an_append_past_the_limit_is_refused_whole(bodies):
    storage, log = new_log()
    storage.sealed = True
    with pytest.raises(LimitExceededError) as refused:
        log.append(bodies)
    assert refused.value.code == "limit-exceeded"
    assert log.size == 0


# ------------------------------------------------------------------ damage


def damaged(change) -> tuple[MemoryStorage, Log]:
    storage, log = new_log()
    log.append(batch(300, "before"))
    log.append(batch(1, "last"))
    change(storage.objects)
    return storage, reopen(storage)


def set_to(name, data):
    return lambda objects: objects.__setitem__(name, data)


def flip(name):
    return lambda objects: objects.__setitem__(name, objects[name][:-1] + b"\xff")


def old_journal(objects):
    for _ in range(2):
        objects[JOURNAL] = objects[JOURNAL].replace(b'"size":300', b'"size":299')


DAMAGE = {
    "an entry of the edge": flip("log/tile/entries/001.p/45"),
    "a hash of the edge": flip("log/tile/0/001.p/45"),
    "a hash above": flip("log/tile/1/000.p/1"),
    "a missing tile": lambda o: [
        o.pop(n) for n in list(o) if n.startswith("log/tile/0/001")
    ],
    "a missing bundle": lambda o: [o.pop(n) for n in list(o) if "entries/001" in n],
    "a journal of another tree": old_journal,
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damage_at_the_edge_stops_the_log(change):
    storage, log = damaged(change)
    objects = dict(storage.objects)
    storage.sealed = True
    with pytest.raises(LogDamagedError) as refused:
        log.append([b"x"])
    assert refused.value.code == "log-damaged"
    assert storage.objects == objects


def test_a_checkpoint_that_went_back_is_noticed():
    storage, log = new_log()
    log.append([b"a"])
    old = storage.objects["log/checkpoint"]
    log.append([b"b"])
    log.append([b"c"])
    storage.objects["log/checkpoint"] = old
    storage.sealed = True
    with pytest.raises(LogDamagedError):
        reopen(storage).append([b"d"])


def test_a_damaged_full_tile_gives_no_proof():
    _, log = damaged(flip("log/tile/0/000"))
    with pytest.raises(LogDamagedError):
        log.entry(3)


def test_a_damaged_full_bundle_gives_no_entry():
    _, log = damaged(flip("log/tile/entries/000"))
    with pytest.raises(LogDamagedError):
        log.entry(255)


# ------------------------------------------------------------------ two writers


def test_a_second_writer_continues_where_the_first_stopped():
    storage, first = new_log()
    second = reopen(storage)
    entries = first.append([b"1"]) + second.append([b"2"]) + first.append([b"3"])
    assert [e.index for e in entries] == [0, 1, 2]
    check_log(storage, entries)


@pytest.mark.parametrize("stall", range(5))
def test_a_writer_that_lost_its_turn_is_refused_and_damages_nothing(stall):
    """The first writer stalls before one of its writes; another one goes ahead."""
    storage, log = new_log()
    acknowledged = log.append(batch(254, "before"))
    overtaken = []
    stalling = Stalling(
        storage, stall, lambda: overtaken.extend(log.append(batch(4, "b")))
    )
    try:
        acknowledged += reopen(stalling).append(batch(3, "a"))
    except WriteConflictError:
        assert stalling.stalled
    acknowledged += overtaken + reopen(storage).append(batch(1, "c"))
    check_log(storage, acknowledged)


class Stalling:
    """Lets somebody else write before the ``count``-th write of its owner."""

    def __init__(self, storage, count, meanwhile):
        self._storage, self._count, self._meanwhile = storage, count, meanwhile
        self.stalled = False

    def __getattr__(self, name):
        method = getattr(self._storage, name)
        if name not in ("put_immutable", "replace", "discard"):
            return method

        def write(*args, **kwargs):
            if self._count == 0:
                self.stalled = True
                self._meanwhile()
            self._count -= 1
            return method(*args, **kwargs)

        return write


# ------------------------------------------------------------------ a real disk


def test_a_log_in_a_directory_survives_its_process(tmp_path):
    storage = DirectoryStorage(tmp_path)
    _, log = new_log(storage)
    acknowledged = log.append(batch(300, "before"))
    acknowledged += reopen(DirectoryStorage(tmp_path)).append([b"x"])
    check_log(storage, acknowledged)
    assert Digest.of(log.checkpoint()) == Digest.of(
        (tmp_path / "log/checkpoint").read_bytes()
    )
