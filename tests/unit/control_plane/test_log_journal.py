# SPDX-License-Identifier: Apache-2.0
"""The journal is our own file, and still parsed as if it were not."""

import pytest

from control_plane.log.errors import LogDamagedError
from control_plane.log.journal import Journal
from control_plane.log.limits import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ENTRIES,
    MAX_JOURNAL_BYTES,
)
from keys.errors import FormatError
from signer.tlog.checkpoint import Checkpoint

ROOT, OTHER = bytes(32), bytes(31) + b"1"
JOURNAL = Journal(5, ROOT, (b"a", b"a", b""))
RAW = JOURNAL.to_bytes()


def test_a_journal_is_read_as_it_was_written():
    assert Journal.parse(RAW) == JOURNAL


def test_the_largest_batch_fits():
    size = MAX_BATCH_BYTES // MAX_BATCH_ENTRIES
    raw = Journal(2**50, ROOT, (b"x" * size,) * MAX_BATCH_ENTRIES).to_bytes()
    assert len(raw) <= MAX_JOURNAL_BYTES
    assert len(Journal.parse(raw).bodies) == MAX_BATCH_ENTRIES


MALFORMED = {
    "empty": b"",
    "cut": RAW[:-1],
    "an unknown field": RAW.replace(b"{", b'{"a":1,', 1),
    "another format": RAW.replace(b"/v1", b"/v2"),
    "no root": RAW.replace(b'"root"', b'"toor"'),
    "a negative size": RAW.replace(b'"size":5', b'"size":-5'),
    "a body of another type": RAW.replace(b'["YQ=="', b"[true"),
    "a body that is not base64": RAW.replace(b'"YQ=="', b'"Y"', 1),
    "one body more than the limit": Journal(
        0, ROOT, (b"",) * (MAX_BATCH_ENTRIES + 1)
    ).to_bytes(),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_journal_is_refused(raw):
    with pytest.raises(FormatError):
        Journal.parse(raw)


@pytest.mark.parametrize(
    ("size", "root", "unfinished"),
    [(5, ROOT, True), (8, OTHER, False)],
    ids=["before the batch", "after it"],
)
def test_a_checkpoint_says_whether_the_batch_is_written(size, root, unfinished):
    assert JOURNAL.unfinished_at(Checkpoint("log", size, root)) is unfinished


CONTRADICTIONS = {"went back": 4, "in the middle": 7, "beyond": 9}


@pytest.mark.parametrize("size", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_checkpoint_that_is_neither_is_damage(size):
    with pytest.raises(LogDamagedError):
        JOURNAL.unfinished_at(Checkpoint("log", size, ROOT))


def test_a_checkpoint_of_another_tree_is_damage():
    with pytest.raises(LogDamagedError):
        JOURNAL.unfinished_at(Checkpoint("log", 5, OTHER))
