# SPDX-License-Identifier: Apache-2.0
"""What a publisher remembers of its repository, and what it asks for every time."""

from collections import Counter

import pytest

from bundle.tuf.errors import TufSignatureError
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import StorageUnavailableError
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import Fault
from tests.simulators.tuf_mirror import FILES, Workspace, release_files

AT = utc_now()
STAMP = "metadata/timestamp.json"


@pytest.fixture
def ws():
    made = Workspace.create(AT)
    made.publish_trust()
    made.publish_release(1)
    return made


@pytest.fixture
def publisher(ws):
    """One that has read everything and will publish more."""
    found = ws.repository
    found.current()
    return found


def publish(publisher, revision):
    files = release_files(str(revision))
    staged = publisher.prepare_release(revision, files, keep=3, at=AT)
    publisher.publish_release(staged, at=AT)


def next_root(ws):
    def change(metadata):
        metadata.signed.version = 2
        named = {"workspace": str(Digest.of(ws.root))}
        metadata.signed.unrecognized_fields["x-trustacks"] = named

    return ws.resign(ws.root, change, ws.root_keys)


def test_what_cannot_change_is_read_once(ws, publisher):
    ws.storage.reads.clear()
    before = publisher.current()
    assert publisher.current() is before
    assert ws.storage.reads == ["metadata/2.root.json", STAMP] * 2


def test_a_publish_reads_no_object_twice_but_the_one_that_changes(ws, publisher):
    ws.storage.reads.clear()
    publish(publisher, 2)
    publisher.current()
    asked = Counter(ws.storage.reads)
    there = {name for name in asked if name in ws.storage.objects}
    assert {name for name in there if asked[name] > 1} <= {STAMP}
    assert len(there) <= 3, "only the timestamp, and the numbers that it took"


def test_what_was_published_is_what_is_read_from_the_store(ws, publisher):
    publish(publisher, 2)
    assert publisher.current() == ws.repository.current()
    publisher.refresh(AT)
    assert publisher.current() == ws.repository.current()


def test_another_writers_commit_is_seen(ws, publisher):
    ws.publish_trust({**FILES, "trust/policy.json": b'{"version":2}'})
    ws.publish_release(2)
    assert publisher.current() == ws.repository.current()
    publish(publisher, 3)
    assert publisher.current() == ws.repository.current()


def test_a_root_that_followed_is_seen_before_the_next_timestamp(ws, publisher):
    root = next_root(ws)
    ws.storage.put_immutable("metadata/2.root.json", root)
    assert publisher.current().roots == (ws.root, root)


def test_a_timestamp_that_nobody_signed_is_refused_as_on_the_first_look(ws, publisher):
    forged = ws.resign(ws.storage.objects[STAMP], lambda _: None, [MemoryKey.ed25519()])
    ws.storage.objects[STAMP] = forged
    written = len(ws.storage.writes)
    with pytest.raises(TufSignatureError):
        publish(publisher, 2)
    assert len(ws.storage.writes) == written


@pytest.mark.parametrize("fault", Fault)
def test_a_commit_that_failed_is_not_remembered_as_one(ws, publisher, fault):
    staged = publisher.prepare_release(2, release_files("2"), keep=3, at=AT)
    ws.storage.fail_write(len(staged.files) + 2, fault)  # payloads, role, snapshot
    with pytest.raises(StorageUnavailableError):
        publisher.publish_release(staged, at=AT)
    assert ws.storage.writes[-1] == STAMP
    assert publisher.current() == ws.repository.current()
    happened = fault is Fault.FAILED_BUT_PERSISTED
    assert (
        "overlay/2/bundle.tar.gz" in publisher.current().delegated.signed.targets
    ) is happened
