# SPDX-License-Identifier: Apache-2.0
"""A new root: no gap for clients, whatever write a crash spares; a stolen key is out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tuf.api.metadata import Metadata, Root, Timestamp
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from bundle.tuf.adopt import adopt_root, check_root
from bundle.tuf.client import TufClient
from bundle.tuf.errors import (
    RootOrphansTargetsError,
    TufKeyError,
    TufSignatureError,
    UnsafeRoleKeysError,
)
from bundle.tuf.keys import RoleSigner, role_key
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.repository import Repository
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    root_signers,
    sign_root,
)
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import StorageUnavailableError, VerificationError
from signer.form import Custody
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import Fault
from tests.simulators.tuf_mirror import URL, Mirror, Workspace, release_files

AT = utc_now()


@pytest.fixture
def ws():
    made = Workspace.create(AT, sovereign=True)
    made.publish_trust()
    made.publish_release(1)
    return made


def newest(ws):
    roots = ws.repository.current().roots
    return parse_metadata(roots[-1], Root, "root").signed


def drafted(
    ws, *, root=None, targets=None, snapshot=None, timestamp=None, signers=None
):
    """The next root, signed by the admins' keys."""
    before = newest(ws)
    keys = RootKeys(
        root=admin_keys(k.public_key for k in root or ws.root_keys),
        targets=admin_keys(k.public_key for k in targets or ws.targets_keys),
        snapshot=online_keys([(snapshot or ws.snapshot_key).public_key]),
        timestamp=online_keys([(timestamp or ws.timestamp_key).public_key]),
    )
    data = draft_root(keys, at=AT, previous=before, workspace=Digest.of(ws.root))
    for key in signers or {id(k): k for k in [*ws.root_keys, *(root or [])]}.values():
        data = sign_root(data, key, previous=before)
    return data


def held(ws, *others):
    return replace(ws.keys, others=lambda: others)


def client(ws, storage, folder):
    folder.mkdir(exist_ok=True)
    mirror = Mirror(storage)
    return TufClient(
        root=ws.root,
        directory=folder,
        url=URL,
        fetcher=mirror,
        deadline_s=60,
        monotonic=mirror.ticks,
    )


def signers(ws, role="timestamp"):
    """Whose keys signed what is committed of an online role, by key id."""
    state = ws.repository.current()
    return set(Metadata.from_bytes(getattr(state, role)).signatures)


def named(root, role="timestamp"):
    return set(parse_metadata(root, Root, "root").signed.roles[role].keyids)


def test_an_online_key_is_replaced_and_clients_follow(ws, tmp_path):
    before = client(ws, ws.storage, tmp_path / "c").refresh()
    key = MemoryKey.ed25519()
    root = drafted(ws, timestamp=key)
    adopt_root(ws.storage, held(ws, key), root, at=AT)
    after = client(ws, ws.storage, tmp_path / "c").refresh()
    fresh = client(ws, ws.storage, tmp_path / "fresh").refresh()
    assert len(before.roots) == 1
    assert after.roots[-1] == fresh.roots[-1] == root


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_old_keys_sign_along_for_a_day_and_then_no_more(ws, role):
    key = MemoryKey.ed25519()
    root = drafted(ws, **{role: key})
    both = named(ws.root, role) | named(root, role)
    adopt_root(ws.storage, held(ws, key), root, at=AT)
    assert signers(ws, role) == both
    later = replace(ws, snapshot_key=key) if role == "snapshot" else ws
    keys = held(later, key, ws.snapshot_key)
    publisher = Repository(ws.storage, keys)
    for hours in (1, 13, 23):
        publish(publisher, hours, AT + timedelta(hours=hours))
        assert signers(ws, role) == both
    publish(publisher, 24, AT + timedelta(hours=24))
    assert signers(ws, role) == named(root, role)


def publish(publisher, revision, at):
    files = release_files(str(revision))
    staged = publisher.prepare_release(revision, files, keep=3, at=at)
    publisher.publish_release(staged, at=at)


def test_a_root_that_comes_between_two_requests_of_a_client_leaves_no_gap(ws, tmp_path):
    """A foreign client asks once, and has read the roots before the new one came."""
    key, other = MemoryKey.ed25519(), MemoryKey.ed25519()
    root = drafted(ws, timestamp=key, snapshot=other)
    keys = held(ws, key, other)
    adopt_root(ws.storage, keys, root, at=AT)
    publish(Repository(ws.storage, keys), 2, AT + timedelta(minutes=1))
    mirror = Mirror(ws.storage)
    mirror.status["metadata/2.root.json"] = 404
    updater = Updater(
        str(tmp_path), f"{URL}/metadata/", fetcher=mirror, bootstrap=ws.root
    )
    updater.refresh()
    assert mirror.asked.count("metadata/2.root.json") == 1


def test_a_client_asks_again_for_what_its_roots_know_nothing_of(ws, tmp_path):
    key = MemoryKey.ed25519()
    root = drafted(ws, timestamp=key)
    adopt_root(ws.storage, held(ws, key), root, at=AT)
    publish(Repository(ws.storage, held(ws, key)), 2, AT + timedelta(days=2))
    assert signers(ws) == named(root)
    mirror = Mirror(ws.storage)
    mirror.status["metadata/2.root.json"] = 404
    victim = TufClient(
        root=ws.root,
        directory=tmp_path,
        url=URL,
        fetcher=Between(mirror),
        deadline_s=60,
        monotonic=mirror.ticks,
    )
    assert victim.refresh().roots[-1] == root


class Between(FetcherInterface):
    """A mirror at which the second root appears after it was asked for once."""

    def __init__(self, mirror):
        self._mirror = mirror

    def _fetch(self, url):
        try:
            return self._mirror._fetch(url)
        finally:
            if url.endswith("/2.root.json"):
                self._mirror.status.clear()


def test_a_root_with_the_same_online_keys_needs_nothing_signed_again(ws):
    before = ws.repository.current()
    writes = len(ws.storage.writes)
    adopt_root(ws.storage, ws.keys, drafted(ws), at=AT)
    assert ws.storage.writes[writes:] == ["metadata/2.root.json"]
    assert ws.repository.current().timestamp == before.timestamp


@pytest.mark.parametrize("fault", list(Fault))
def test_no_crash_leaves_a_client_without_metadata_that_holds(ws, tmp_path, fault):
    key, other = MemoryKey.ed25519(), MemoryKey.ed25519()
    root = drafted(ws, timestamp=key, snapshot=other)
    start = ws.storage.copy()
    probe = start.copy()
    adopt_root(probe, held(ws, key, other), root, at=AT)
    writes = len(probe.writes)
    assert writes == 3  # snapshot, timestamp, root
    for count in range(writes):
        storage = start.copy()
        old = tmp_path / f"{fault.name}-{count}"
        client(ws, storage, old).refresh()
        storage.fail_write(count, fault)
        with pytest.raises(StorageUnavailableError):
            adopt_root(storage, held(ws, key, other), root, at=AT)
        crashed = storage.copy()
        for folder in (old, tmp_path / f"{fault.name}-{count}-fresh"):
            seen = client(ws, crashed, folder).refresh()
            assert len(seen.roots) in (1, 2)
        adopt_root(crashed, held(ws, key, other), root, at=AT)
        assert client(ws, crashed, old).refresh().roots[-1] == root


def test_adopting_again_is_success(ws):
    root = drafted(ws)
    adopt_root(ws.storage, ws.keys, root, at=AT)
    adopt_root(ws.storage, ws.keys, root, at=AT)
    assert newest(ws).version == 2


def test_a_fast_forwarded_timestamp_is_forgotten_with_its_key(ws, tmp_path):
    """The thief's version number is out with the thief's key."""
    stamp = Metadata[Timestamp].from_bytes(
        ws.storage.get("metadata/timestamp.json", max_bytes=99999)
    )
    stamp.signed.version = 2**31
    stamp.signatures.clear()
    public = role_key(ws.timestamp_key.public_key, Custody.CONTROL_PLANE)
    stamp.sign(RoleSigner(ws.timestamp_key, public))
    mirror = Mirror(ws.storage)
    mirror.replaced["metadata/timestamp.json"] = stamp.to_bytes()
    victim = TufClient(
        root=ws.root,
        directory=tmp_path,
        url=URL,
        fetcher=mirror,
        deadline_s=60,
        monotonic=mirror.ticks,
    )
    victim.refresh()
    mirror.replaced.clear()
    with pytest.raises(VerificationError) as refused:
        victim.refresh()
    assert refused.value.code == "tuf-rollback"
    key = MemoryKey.ed25519()
    root = drafted(ws, timestamp=key)
    adopt_root(ws.storage, held(ws, key), root, at=AT)
    assert victim.refresh().roots[-1] == root


def test_an_admin_is_replaced_below_the_threshold(ws, tmp_path):
    third = MemoryKey.ecdsa()
    roots = [ws.root_keys[0], third]
    root = drafted(ws, root=roots)
    adopt_root(ws.storage, ws.keys, root, at=AT)
    after = replace(ws, root_keys=roots)
    with pytest.raises(TufKeyError):
        drafted(after, signers=[ws.root_keys[1]])
    adopt_root(ws.storage, ws.keys, drafted(after), at=AT)
    assert len(client(ws, ws.storage, tmp_path / "c").refresh().roots) == 3


@pytest.mark.parametrize("missing", [0, 1])
def test_one_admin_alone_makes_no_root(ws, missing):
    root = drafted(ws, signers=[ws.root_keys[1 - missing]])
    before = dict(ws.storage.objects)
    with pytest.raises(TufSignatureError):
        adopt_root(ws.storage, ws.keys, root, at=AT)
    assert ws.storage.objects == before


def test_the_new_admins_alone_make_no_root(ws):
    strangers = [MemoryKey.ecdsa(), MemoryKey.ecdsa()]
    root = drafted(ws, root=strangers, signers=strangers)
    before = dict(ws.storage.objects)
    with pytest.raises(TufSignatureError):
        adopt_root(ws.storage, ws.keys, root, at=AT)
    assert ws.storage.objects == before


def test_a_root_that_orphans_the_targets_is_refused(ws):
    root = drafted(ws, targets=[MemoryKey.ecdsa(), MemoryKey.ecdsa()])
    before = dict(ws.storage.objects)
    with pytest.raises(RootOrphansTargetsError) as refused:
        adopt_root(ws.storage, ws.keys, root, at=AT)
    assert refused.value.code == "root-orphans-targets"
    assert ws.storage.objects == before


def test_a_root_whose_online_keys_are_not_at_hand_is_refused(ws):
    root = drafted(ws, timestamp=MemoryKey.ed25519())
    before = ws.storage.get("metadata/timestamp.json", max_bytes=99999)
    with pytest.raises(TufSignatureError):
        adopt_root(ws.storage, ws.keys, root, at=AT)
    assert "metadata/2.root.json" not in ws.storage.objects
    assert ws.storage.get("metadata/timestamp.json", max_bytes=99999) == before


def test_a_control_plane_key_never_counts_among_the_admins(ws):
    thief = MemoryKey.ecdsa()
    keys = RootKeys(
        root=(
            *admin_keys([ws.root_keys[0].public_key]),
            *online_keys([thief.public_key]),
        ),
        targets=admin_keys(k.public_key for k in ws.targets_keys),
        snapshot=online_keys([ws.snapshot_key.public_key]),
        timestamp=online_keys([ws.timestamp_key.public_key]),
    )
    before = newest(ws)
    data = draft_root(keys, at=AT, previous=before, workspace=Digest.of(ws.root))
    for key in (*ws.root_keys, thief):
        data = sign_root(data, key, previous=before)
    with pytest.raises(VerificationError) as refused:
        check_root(ws.storage, data, at=AT)
    assert refused.value.code == "tuf-custody"


@pytest.mark.parametrize("threshold", [0, 1, 3])
def test_a_threshold_is_two_to_as_many_as_there_are(ws, threshold):
    with pytest.raises(UnsafeRoleKeysError):
        RootKeys(
            root=admin_keys(k.public_key for k in ws.root_keys),
            targets=admin_keys(k.public_key for k in ws.targets_keys),
            snapshot=online_keys([ws.snapshot_key.public_key]),
            timestamp=online_keys([ws.timestamp_key.public_key]),
            root_threshold=threshold,
        )


def test_who_signed_is_told_and_a_strangers_signature_is_refused(ws):
    before = newest(ws)
    root = drafted(ws, signers=ws.root_keys[:1])
    there, missing = root_signers(root, previous=before)
    assert there == [ws.root_keys[0].public_key.key_id]
    assert missing == [ws.root_keys[1].public_key.key_id]
    opened = Metadata.from_bytes(root)
    stranger = MemoryKey.ecdsa()
    opened.sign(
        RoleSigner(stranger, role_key(stranger.public_key, Custody.EXTERNAL)),
        append=True,
    )
    with pytest.raises(TufSignatureError):
        root_signers(opened.to_bytes(), previous=before)
