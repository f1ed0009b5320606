# SPDX-License-Identifier: Apache-2.0
"""Garbage: what no client and no auditor needs, and not one object more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bundle.tuf.committed import read_committed
from bundle.tuf.garbage import look, reached
from bundle.tuf.garbage_note import MAX_NOTED, Judged, Note, note_of
from keys.errors import FormatError, StorageUnavailableError
from keys.strict import dumps_json, loads_json
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import Fault
from tests.simulators.tuf_mirror import FILES, Workspace, release_files

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


class Collected:
    """A workspace whose garbage is looked for and deleted, as the server does."""

    def __init__(self):
        self.ws = Workspace.create(AT)
        self.ws.publish_trust()
        self.note = None

    def look(self, at=AT):
        state = read_committed(self.ws.storage)
        found = look(self.ws.storage, state, self.note)
        assert not found.garbage & reached(state)
        self.note = note_of(found.garbage, found.judged, before=self.note, at=at)
        return found.garbage

    def sweep(self, at):
        self.look(at)
        due = self.note.due(WEEK)
        for name in due:
            self.ws.storage.discard(name)
        return set(due)

    def metadata(self, role):
        return sorted(
            int(name.split("/")[1].split(".")[0])
            for name in self.ws.storage.names("metadata/")
            if name.endswith(f".{role}.json")
        )


@pytest.fixture
def it():
    return Collected()


def test_what_the_committed_state_reaches_is_never_garbage(it):
    it.look()
    for revision in range(1, 6):
        it.ws.publish_release(revision)
        it.ws.publish_trust({**FILES, "trust/policy.json": b"%d" % revision})
        it.look()  # asserts it


def test_superseded_snapshots_go_a_week_after_the_look_that_found_them(it):
    it.look()
    it.ws.publish_release(1)
    it.look(AT + timedelta(days=1))
    assert it.sweep(AT + timedelta(days=8) - timedelta(seconds=1)) == set()
    empty = "metadata/1.release.json"
    assert it.sweep(AT + timedelta(days=8)) == {"metadata/1.snapshot.json", empty}
    assert it.metadata("snapshot") == [2]


def test_the_grace_is_of_the_successor_and_not_of_the_object(it):
    """An object that was in force for a year stays a week when it is superseded."""
    it.look()
    year = AT + timedelta(days=60)
    it.ws.repository.refresh(year)
    assert it.sweep(year) == set()
    assert it.sweep(year + WEEK) >= {"metadata/1.snapshot.json"}


def test_an_orphan_does_not_start_the_clock_of_what_is_in_force(it):
    it.look()
    it.ws.storage.fail_write(7, Fault.FAILED)  # the swap
    with pytest.raises(StorageUnavailableError):
        it.ws.publish_release(1)
    assert it.metadata("snapshot") == [1, 2]
    assert it.look() == set(it.ws.storage.names("targets/overlay/"))


def test_every_root_and_all_targets_with_their_files_stay(it):
    it.look()
    for number in range(5):
        it.ws.publish_trust({**FILES, "trust/policy.json": b"%d" % number})
    trust = set(it.ws.storage.names("targets/"))
    it.sweep(AT)
    it.sweep(AT + WEEK)
    assert it.metadata("root") == [1]
    assert it.metadata("targets") == [1, 2, 3, 4, 5, 6]
    assert set(it.ws.storage.names("targets/")) == trust


@pytest.mark.parametrize("every", [1, 2, 7], ids=lambda n: f"a-look-every-{n}")
@pytest.mark.parametrize("keep", [1, 3])
def test_of_each_revision_files_and_first_role_stay(it, every, keep):
    it.look()
    first = {}
    for revision in range(1, 9):
        it.ws.publish_release(revision, keep=keep)
        version = read_committed(it.ws.storage).delegated.signed.version
        first[revision] = version
        for _ in range(revision % 3):  # renewals, that list the same
            other = replace(it.ws, release_key=MemoryKey.ed25519())
            other.publish_trust()
            it.ws.publish_trust()
        if revision % every == 0:
            it.look(AT)
    it.sweep(AT)
    it.sweep(AT + WEEK)
    it.sweep(AT + 2 * WEEK)
    current = read_committed(it.ws.storage).delegated.signed.version
    assert set(it.metadata("release")) == {*first.values(), current}
    for revision in first:
        assert len(it.ws.storage.names(f"targets/overlay/{revision}/")) == 2


@pytest.mark.parametrize("keep", [1, 3])
def test_a_release_that_was_never_published_goes_with_its_files(it, keep):
    it.look()
    it.ws.publish_release(1, keep=keep)
    repository = it.ws.repository
    refused = repository.prepare_release(2, release_files("no"), keep=keep, at=AT)
    it.ws.publish_release(2, "yes", keep=keep)
    for revision in range(3, 8):
        it.ws.publish_release(revision, keep=keep)
    gone = {f"metadata/{refused.version}.release.json", *refused.files}
    assert gone <= it.look(AT)
    for revision in range(8, 12):
        it.ws.publish_release(revision, keep=keep)
    assert gone <= it.sweep(AT + WEEK)
    for revision in range(1, 12):
        assert len(it.ws.storage.names(f"targets/overlay/{revision}/")) == 2


def test_a_number_that_was_stored_and_is_still_ahead_stays_taken(it):
    it.look()
    orphan = it.ws.repository.prepare_release(1, release_files("no"), keep=3, at=AT)
    it.sweep(AT)
    it.sweep(AT + 2 * WEEK)
    assert orphan.version in it.metadata("release")
    it.ws.publish_release(1, "yes")
    version = read_committed(it.ws.storage).delegated.signed.version
    assert version == orphan.version + 1


def test_what_is_published_after_all_is_no_garbage_any_more(it):
    it.look()
    staged = it.ws.repository.prepare_release(1, release_files("1"), keep=3, at=AT)
    assert set(staged.files) <= it.look(AT)
    it.ws.repository.publish_release(staged, at=AT)
    assert it.sweep(AT + 2 * WEEK).isdisjoint(staged.files)
    assert not set(staged.files) & set(it.note.since)


def test_what_goes_out_of_the_list_between_two_looks_stays(it):
    """K = 1: revision 1 was never listed when anybody looked."""
    it.look()
    it.ws.publish_release(1, keep=1)
    it.ws.publish_release(2, keep=1)
    it.sweep(AT)
    it.sweep(AT + WEEK)
    assert len(it.ws.storage.names("targets/overlay/1/")) == 2


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_without_the_note_only_what_is_certain_is_garbage(it, looks):
    refused = it.ws.repository.prepare_release(1, release_files("no"), keep=1, at=AT)
    for revision in range(1, 5):
        it.ws.publish_release(revision, "yes", keep=1)
    for number in range(looks):
        it.sweep(AT + number * WEEK)
    it.note = None
    found = it.look(AT + 9 * WEEK)
    kinds = {name.rpartition(".")[0].rpartition(".")[2] for name in found}
    assert kinds <= {"snapshot"}
    assert refused.version in it.metadata("release")


def test_what_was_judged_by_snapshots_that_are_gone_is_not_judged_again(it):
    it.look()
    for revision in range(1, 5):
        it.ws.publish_release(revision, keep=1)
    it.sweep(AT)
    it.sweep(AT + WEEK)
    assert len(it.metadata("snapshot")) == 1
    for number in range(2, 6):
        it.sweep(AT + number * WEEK)
    assert it.metadata("release") == [2, 3, 4, 5]  # 1 listed nothing


def test_a_look_writes_nothing(it):
    it.ws.publish_release(1)
    it.ws.storage.sealed = True
    look(it.ws.storage, read_committed(it.ws.storage), None)


def test_looking_costs_no_more_after_many_releases(it):
    for revision in range(1, 30):
        it.ws.publish_release(revision)
        if revision in (4, 28):
            it.look()
    reads = []
    for _ in range(2):
        it.ws.storage.reads.clear()
        it.look()
        reads.append(len(it.ws.storage.reads))
    assert reads[1] <= 8


# ------------------------------------------------------------------- the note


def note(**since):
    return Note(AT, Judged(3, 2, 1), since)


def test_a_note_says_what_it_was_told():
    one = note(a=AT - WEEK, b=AT)
    assert Note.parse(one.to_bytes()) == one
    assert one.due(WEEK) == ["a"]
    assert one.due(timedelta(0)) == ["a", "b"]


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop("at"),
        lambda v: v.update(format="https://example.com"),
        lambda v: v.update(more=1),
        lambda v: v["judged"].update(release=-1),
        lambda v: v["judged"].update(more=1),
        lambda v: v["since"].update(a=7),
        lambda v: v["since"].update(a="yesterday"),
    ],
)
def test_a_note_that_is_none_is_refused(change):
    value = loads_json(note(a=AT).to_bytes(), max_bytes=9999, what="note")
    change(value)
    with pytest.raises(FormatError):
        Note.parse(dumps_json(value))


def test_what_stays_garbage_keeps_its_time_and_what_does_not_loses_it():
    before = note(a=AT - WEEK, b=AT - WEEK)
    after = note_of({"a", "c"}, before.judged, before=before, at=AT)
    assert after.since == {"a": AT - WEEK, "c": AT}
    again = note_of({"b"}, after.judged, before=after, at=AT)
    assert again.since == {"b": AT}


def test_a_clock_that_went_back_deletes_nothing():
    before = note(a=AT)
    after = note_of({"a"}, before.judged, before=before, at=AT - 2 * WEEK)
    assert after.due(WEEK) == []


def test_a_note_is_bounded_and_those_who_wait_longest_stay_in_it():
    names = {f"n{number:06}" for number in range(MAX_NOTED)}
    before = note_of(names, Judged(1, 1, 0), before=None, at=AT - WEEK)
    after = note_of(names | {"a"}, before.judged, before=before, at=AT)
    assert set(after.since) == names
    assert len(after.due(WEEK)) == MAX_NOTED
