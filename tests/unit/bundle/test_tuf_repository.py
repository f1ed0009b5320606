# SPDX-License-Identifier: Apache-2.0
"""Publishing: what is listed, in which order it is written, and what a crash leaves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tuf.api.metadata import MetaFile

from bundle.tuf.documents import RoleKeys
from bundle.tuf.errors import (
    NothingPublishedError,
    RevisionTakenError,
    StaleStageError,
    TufExpiredError,
    TufHashError,
    TufRootChainError,
    TufSignatureError,
    TufTargetError,
)
from bundle.tuf.repository import Repository
from bundle.tuf.roles import TERMS
from bundle.tuf.view import read_view
from keys.errors import (
    NotFoundError,
    StorageUnavailableError,
    UsageError,
    WriteConflictError,
)
from signer.form import Custody
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import Fault, MemoryStorage
from tests.simulators.tuf_mirror import CHECKPOINT, FILES, Workspace, release_files

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = {**FILES, "trust/policy.json": b'{"version":2}'}


@pytest.fixture
def workspace():
    return Workspace.create(AT)


@pytest.fixture
def published(workspace):
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


def seen(workspace, at=AT):
    """What a client would be told: versions and listed files."""
    state = workspace.repository.current()
    view = read_view(state.roots, state.targets, state.release, at=at)
    files = {**view.files, **view.overlay}
    for path, info in files.items():
        data = workspace.repository.read(path, max_bytes=1 << 20)
        assert len(data) == info.length
    return (
        view.targets_version,
        view.revision,
        {p: i.digest.hex for p, i in files.items()},
    )


# ------------------------------------------------------------------- listing


def test_nothing_is_current_before_the_first_publish(workspace):
    with pytest.raises(NothingPublishedError):
        workspace.repository.current()
    with pytest.raises(NothingPublishedError):
        workspace.repository.prepare_release(1, release_files("1"), keep=3, at=AT)


def test_without_a_root_nothing_can_be_prepared(workspace):
    empty = workspace.on(MemoryStorage())
    with pytest.raises(NothingPublishedError):
        empty.publish_trust()
    assert empty.storage.objects == {}


def test_creating_twice_is_success_and_another_root_is_refused(workspace):
    workspace.repository.create(workspace.root)
    with pytest.raises(WriteConflictError):
        workspace.repository.create(Workspace.create(AT).root)


def test_a_workspace_begins_with_root_1(workspace):
    second = workspace.resign(
        workspace.root,
        lambda m: (
            setattr(m.signed, "version", 2),
            m.signed.unrecognized_fields.update(
                {"x-trustacks": {"workspace": "sha256:" + "0" * 64}}
            ),
        ),
        workspace.root_keys,
    )
    storage = MemoryStorage()
    with pytest.raises(TufRootChainError):
        Repository(storage, workspace.keys).create(second)
    assert storage.writes == []


def test_the_newest_k_revisions_are_listed_and_the_rest_kept(workspace):
    workspace.publish_trust()
    for revision in range(1, 6):
        workspace.publish_release(revision, keep=3)
    view = seen(workspace)
    assert view[1] == 5
    assert {p.split("/")[1] for p in view[2] if p.startswith("overlay")} == {
        "3",
        "4",
        "5",
    }
    kept = workspace.storage.names("targets/overlay/1/")
    assert len(kept) == 2


def test_k_can_shrink_to_one(published):
    published.publish_release(2, keep=1)
    assert {p.split("/")[1] for p in seen(published)[2] if p.startswith("overlay")} == {
        "2"
    }


@pytest.mark.parametrize("keep", [0, -1, 101])
def test_a_k_out_of_range_is_refused(published, keep):
    before = dict(published.storage.objects)
    with pytest.raises(UsageError):
        published.publish_release(2, keep=keep)
    assert published.storage.objects == before


def test_a_release_without_files_is_refused(published):
    before = dict(published.storage.objects)
    with pytest.raises(UsageError):
        published.repository.prepare_release(2, {}, keep=3, at=AT)
    assert published.storage.objects == before


@pytest.mark.parametrize(("revision", "text"), [(2, "other"), (1, "1"), (1, "other")])
def test_a_revision_is_not_taken_twice_nor_gone_back_to(published, revision, text):
    published.publish_release(2)
    before = dict(published.storage.objects)
    with pytest.raises(RevisionTakenError):
        published.repository.prepare_release(
            revision, {**release_files(text), "opa-signed.tar.gz": b""}, keep=3, at=AT
        )
    assert published.storage.objects == before


def test_preparing_what_is_published_is_done_already(published):
    before = dict(published.storage.objects)
    published.publish_release(1)
    assert published.storage.objects == before


@pytest.mark.parametrize(
    "files",
    [
        {"bundle.tar.gz": b""},
        {**release_files("2"), "README": b""},
        {**release_files("2"), "../../trust/policy.json": b""},
    ],
    ids=["no-attestations", "unknown", "escape"],
)
def test_what_a_runner_would_refuse_is_not_written(published, files):
    before = dict(published.storage.objects)
    with pytest.raises(TufTargetError):
        published.repository.prepare_release(2, files, keep=3, at=AT)
    assert published.storage.objects == before


def test_targets_that_a_runner_would_refuse_are_not_written(workspace):
    before = dict(workspace.storage.objects)
    with pytest.raises(TufTargetError):
        workspace.publish_trust({**FILES, "overlay/1/bundle.tar.gz": b""})
    assert workspace.storage.objects == before


def test_admins_keys_below_the_threshold_write_nothing():
    workspace = Workspace.create(AT, sovereign=True)
    before = dict(workspace.storage.objects)
    for keys in (
        (),
        tuple(workspace.targets_keys[:1]),
        (MemoryKey.ecdsa(), MemoryKey.ecdsa()),
    ):
        repository = Repository(
            workspace.storage, replace(workspace.keys, targets=keys)
        )
        with pytest.raises(TufSignatureError):
            repository.prepare_targets(FILES, checkpoint=CHECKPOINT, at=AT)
    assert workspace.storage.objects == before


def publish(repository):
    staged = repository.prepare_release(2, release_files("2"), keep=3, at=AT)
    repository.publish_release(staged, at=AT)


@pytest.mark.parametrize("role", ["release", "snapshot", "timestamp"])
def test_an_online_key_of_another_workspace_publishes_nothing(published, role):
    keys: RoleKeys = replace(published.keys, **{role: MemoryKey.ed25519()})
    before = seen(published)
    repository = Repository(published.storage, keys)
    with pytest.raises(TufSignatureError):
        publish(repository)
    assert seen(published) == before


def test_a_release_stays_when_trust_changes(published):
    before = published.repository.current().release
    published.publish_trust(LATER)
    assert published.repository.current().release == before
    assert seen(published)[:2] == (2, 1)


def test_targets_with_a_new_release_key_sign_the_releases_again(published):
    other = replace(published, release_key=MemoryKey.ed25519())
    other.publish_trust(LATER)
    assert seen(other)[:2] == (2, 1)
    other.publish_release(2)
    assert seen(other)[:2] == (2, 2)


def test_reading_what_is_not_listed_is_refused(published):
    with pytest.raises(NotFoundError):
        published.repository.read("trust/other.json", max_bytes=100)


def test_what_somebody_put_into_the_store_is_not_signed_on_top_of(published):
    forged = published.storage.copy()
    name = "metadata/2.release.json"
    forged.objects[name] = forged.objects[name].replace(b"overlay/1/", b"overlay/9/")
    with pytest.raises(TufHashError):
        published.on(forged).publish_release(10)
    rival = Workspace.create(AT)
    rival.publish_trust()
    mixed = published.storage.copy()
    mixed.objects["metadata/timestamp.json"] = rival.storage.objects[
        "metadata/timestamp.json"
    ]
    with pytest.raises(TufSignatureError):
        published.on(mixed).publish_release(10)


def test_a_rival_root_in_the_store_stops_the_publisher(published):
    rival = Workspace.create(AT)

    def second(metadata):
        metadata.signed.version = 2

    forged = published.resign(published.root, second, rival.root_keys)
    published.storage.put_immutable("metadata/2.root.json", forged)
    before = dict(published.storage.objects)
    with pytest.raises(TufSignatureError):
        published.publish_release(2)
    with pytest.raises(TufSignatureError):
        published.repository.refresh(AT + timedelta(days=15))
    assert published.storage.objects == before


def test_a_thief_of_the_timestamp_key_alone_does_not_get_the_other_keys_to_sign(
    published,
):
    storage = published.storage.copy()
    bare = published.resign(
        storage.objects["metadata/2.snapshot.json"],
        lambda m: None,
        [MemoryKey.ed25519()],
    )
    storage.objects["metadata/2.snapshot.json"] = bare

    def point(metadata):
        metadata.signed.snapshot_meta = MetaFile.from_data(2, bare, ["sha256"])

    storage.objects["metadata/timestamp.json"] = published.resign(
        storage.objects["metadata/timestamp.json"],
        point,
        [published.timestamp_key],
        Custody.CONTROL_PLANE,
    )
    with pytest.raises(TufSignatureError):
        published.on(storage).publish_release(2)


# -------------------------------------------------------------------- order


def test_payloads_come_first_and_the_timestamp_last(published):
    published.storage.writes.clear()
    staged = published.repository.prepare_release(2, release_files("2"), keep=3, at=AT)
    kinds = [name.rpartition("/")[0].split("/")[0] for name in published.storage.writes]
    assert kinds == ["targets", "targets", "metadata"]
    assert published.storage.writes[-1] == "metadata/3.release.json"
    assert seen(published)[1] == 1
    published.storage.writes.clear()
    published.repository.publish_release(staged, at=AT)
    assert published.storage.writes[-2:] == [
        "metadata/3.snapshot.json",
        "metadata/timestamp.json",
    ]
    assert seen(published)[1] == 2


def test_the_digest_of_staged_targets_is_of_the_bytes_that_are_published(published):
    staged = published.repository.prepare_targets(LATER, checkpoint=CHECKPOINT, at=AT)
    published.repository.publish_targets(staged, at=AT)
    state = published.repository.current()
    assert staged.metadata == state.targets
    view = read_view(state.roots, state.targets, state.release, at=AT)
    assert (view.targets_digest, view.targets_version) == (
        staged.digest,
        staged.version,
    )


def test_publishing_twice_changes_nothing(published):
    staged = published.repository.prepare_release(2, release_files("2"), keep=3, at=AT)
    published.repository.publish_release(staged, at=AT)
    before = dict(published.storage.objects)
    published.repository.publish_release(staged, at=AT + timedelta(hours=1))
    assert published.storage.objects == before


def test_a_stage_that_has_expired_since_is_not_published(published):
    staged = published.repository.prepare_release(2, release_files("2"), keep=3, at=AT)
    before = dict(published.storage.objects)
    with pytest.raises(TufExpiredError):
        published.repository.publish_release(staged, at=AT + timedelta(days=31))
    assert published.storage.objects == before


def test_publishing_puts_the_files_again_that_were_collected_meanwhile(published):
    staged = published.repository.prepare_release(2, release_files("2"), keep=3, at=AT)
    for name in staged.files:
        published.storage.discard(name)
    published.repository.publish_release(staged, at=AT)
    assert seen(published)[1] == 2


def test_a_stage_under_which_the_role_moved_on_is_refused(published):
    one = published.repository.prepare_release(2, release_files("a"), keep=3, at=AT)
    two = published.repository.prepare_release(2, release_files("b"), keep=3, at=AT)
    assert (one.version, two.version) == (3, 4)
    published.repository.publish_release(two, at=AT)
    with pytest.raises(StaleStageError):
        published.repository.publish_release(one, at=AT)
    assert seen(published)[1] == 2
    first = published.repository.prepare_targets(LATER, checkpoint=CHECKPOINT, at=AT)
    published.publish_trust(LATER)
    with pytest.raises(StaleStageError):
        published.repository.publish_targets(first, at=AT)


def test_a_stage_of_another_role_does_not_go_stale(published):
    trust = published.repository.prepare_targets(LATER, checkpoint=CHECKPOINT, at=AT)
    published.publish_release(2)
    published.repository.publish_targets(trust, at=AT)
    assert seen(published)[:2] == (2, 2)


class Racing(MemoryStorage):
    """Lets a rival act right before a swap of the timestamp."""

    def race(self, rival):
        self.rival = rival

    def replace(self, name, data, *, expected):
        rival, self.rival = getattr(self, "rival", None), None
        if rival:
            rival()
        super().replace(name, data, expected=expected)


def test_a_lost_swap_is_built_again_on_the_winners_state():
    workspace = Workspace.create(AT, storage=Racing())
    workspace.publish_trust()
    workspace.storage.race(lambda: workspace.publish_release(1))
    workspace.publish_trust(LATER)
    assert seen(workspace)[:2] == (2, 1)


def test_two_releases_in_a_race_are_one_winner_and_one_stale_loser():
    workspace = Workspace.create(AT, storage=Racing())
    workspace.publish_trust()
    workspace.storage.race(lambda: workspace.publish_release(1, "winner"))
    with pytest.raises(StaleStageError):
        workspace.publish_release(1, "loser")
    assert (
        workspace.repository.read("overlay/1/bundle.tar.gz", max_bytes=99)
        == b"bundle winner"
    )


def test_a_number_that_was_stored_is_never_signed_again(published):
    orphan = published.repository.prepare_release(
        2, release_files("withdrawn"), keep=3, at=AT
    )
    published.publish_release(2, "wanted")
    state = published.repository.current()
    assert state.delegated.signed.version == orphan.version + 1
    assert published.storage.objects["metadata/3.release.json"] == orphan.metadata


class Remembering:
    """A key that remembers what it signed."""

    def __init__(self, key):
        self.key = key
        self.public_key = key.public_key
        self.signed = []

    def sign(self, message):
        self.signed.append(message)
        return self.key.sign(message)


def test_a_number_that_is_stored_is_not_even_tried(published):
    published.repository.prepare_release(2, release_files("withdrawn"), keep=3, at=AT)
    remembering = replace(published, release_key=Remembering(published.release_key))
    remembering.publish_release(2, "wanted")
    (message,) = remembering.release_key.signed
    assert b'"version":4}' in message


# ------------------------------------------------------------------- refresh


@pytest.mark.parametrize(
    ("after", "renewed"),
    [
        (timedelta(0), ()),
        (timedelta(hours=11), ()),
        (timedelta(hours=12), ("timestamp",)),
        (timedelta(days=3.4), ("timestamp",)),
        (timedelta(days=3.5), ("snapshot", "timestamp")),
        (timedelta(days=15), ("release", "snapshot", "timestamp")),
        (timedelta(days=88), ("release", "snapshot", "timestamp")),
    ],
)
def test_what_has_lived_half_its_life_is_renewed(published, after, renewed):
    at = AT + after
    before = published.repository.status(AT)
    assert published.repository.refresh(at) == renewed
    now = published.repository.status(at)
    for role, status in now.items():
        assert status.version == before[role].version + (role in renewed)
        if role in renewed:
            assert status.left == TERMS[role].life
    assert seen(published, at)[1] == 1
    assert published.repository.refresh(at) == ()


def test_the_admins_targets_are_never_renewed_by_the_job(published):
    published.repository.refresh(AT + timedelta(days=200))
    assert published.repository.status(AT)["targets"].version == 1


def test_status_says_what_is_left_and_what_is_due(published):
    status = published.repository.status(AT + timedelta(days=50))
    assert status["targets"].left == timedelta(days=39)
    assert [role for role, s in status.items() if s.due] == [
        "targets",
        "release",
        "snapshot",
        "timestamp",
    ]
    assert status["snapshot"].left < timedelta(0)


def test_a_refresh_that_loses_to_a_publish_is_satisfied():
    workspace = Workspace.create(AT, storage=Racing())
    workspace.publish_trust()
    workspace.storage.race(lambda: workspace.publish_release(1))
    assert workspace.repository.refresh(AT + timedelta(days=4)) == ()
    assert seen(workspace)[1] == 1


# ------------------------------------------------------------------- crashes


def first_trust(workspace):
    workspace.publish_trust()


def trust_change(workspace):
    workspace.publish_trust(LATER)


def release(workspace):
    workspace.publish_release(2)


def key_change(workspace):
    replace(workspace, release_key=ROTATED).publish_trust(LATER)


def renewal(workspace):
    workspace.repository.refresh(AT + timedelta(days=15))


ROTATED = MemoryKey.ed25519()
ACTS = [first_trust, trust_change, release, key_change, renewal]


def prepared(act) -> Workspace:
    workspace = Workspace.create(AT)
    if act is not first_trust:
        workspace.publish_trust()
        workspace.publish_release(1)
    return workspace


def outcome(workspace):
    """What clients are told, less version numbers, or None before the first publish."""
    try:
        state = workspace.repository.current()
    except NothingPublishedError:
        return None
    expiries = {role: signed.expires for role, signed in state.roles.items()}
    return seen(workspace)[1:], expiries


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("act", ACTS, ids=lambda a: a.__name__)
def test_a_crash_at_any_write_leaves_the_old_or_the_new_state(act, fault):
    probe = prepared(act)
    old = outcome(probe)
    probe.storage.writes.clear()
    act(probe)
    new = outcome(probe)
    writes = len(probe.storage.writes)
    assert writes > 0
    for count in range(writes):
        workspace = probe.on(prepared_like(probe, act))
        workspace.storage.fail_write(count, fault)
        with pytest.raises(StorageUnavailableError):
            act(workspace)
        crashed = workspace.on(workspace.storage.copy())
        last = count == writes - 1 and fault is Fault.FAILED_BUT_PERSISTED
        assert outcome(crashed) == (new if last else old), count
        act(crashed)
        assert outcome(crashed) == new, count


def prepared_like(probe, act) -> MemoryStorage:
    """A fresh disk in the old state, under the probe's keys."""
    fresh = probe.on(MemoryStorage())
    fresh.repository.create(fresh.root)
    if act is not first_trust:
        fresh.publish_trust()
        fresh.publish_release(1)
    return fresh.storage


@pytest.mark.parametrize("fault", list(Fault))
def test_a_failed_publish_is_finished_by_publishing_the_same_stage(published, fault):
    staged = published.repository.prepare_release(2, release_files("2"), keep=3, at=AT)
    published.storage.writes.clear()
    for count in range(5):
        published.storage.fail_write(count, fault)
    for _ in range(12):
        try:
            published.repository.publish_release(staged, at=AT)
        except StorageUnavailableError:
            continue
        break
    assert published.repository.current().release == staged.metadata
