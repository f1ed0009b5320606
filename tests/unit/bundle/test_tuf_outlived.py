# SPDX-License-Identifier: Apache-2.0
"""Metadata that ran out is read by whoever renews it, and checked but for its expiry."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tuf.api.metadata import Metadata, MetaFile, Root

from bundle.tuf.adopt import adopt_root
from bundle.tuf.client import TufClient
from bundle.tuf.errors import (
    TufExpiredError,
    TufHashError,
    TufRollbackError,
    TufRootChainError,
    TufSignatureError,
)
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.outlived import last_instant
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    sign_root,
    still_needed,
)
from bundle.tuf.rootchain import open_next, open_roots
from bundle.tuf.view import read_view
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import VerificationError
from signer.form import Custody
from tests.simulators.memory_key import MemoryKey
from tests.simulators.tuf_mirror import FILES, URL, Mirror, Workspace

NOW = utc_now()
AT = NOW - timedelta(days=400)
LATER = {**FILES, "trust/policy.json": b'{"version":2}'}


@pytest.fixture
def ws():
    made = Workspace.create(AT, sovereign=True)
    made.publish_trust()
    made.publish_release(1)
    return made


@pytest.fixture
def mirror(ws):
    return Mirror(ws.storage)


@pytest.fixture
def client(ws, mirror, tmp_path):
    return TufClient(
        root=ws.root,
        directory=tmp_path / "client",
        url=URL,
        fetcher=mirror,
        monotonic=mirror.ticks,
    )


def drafted(ws, *, at=AT, workspace=None, signers=None, **keys):
    """The next root; whoever is named for a role comes instead of who is there."""
    before = parse_metadata(ws.repository.current().roots[-1], Root, "root").signed
    named = RootKeys(
        root=admin_keys(k.public_key for k in keys.get("root", ws.root_keys)),
        targets=admin_keys(k.public_key for k in ws.targets_keys),
        snapshot=online_keys([ws.snapshot_key.public_key]),
        timestamp=online_keys([keys.get("timestamp", ws.timestamp_key).public_key]),
    )
    data = draft_root(
        named, at=at, previous=before, workspace=workspace or Digest.of(ws.root)
    )
    for key in ws.root_keys if signers is None else signers:
        data = sign_root(data, key, previous=before)
    return data


def test_an_expired_repository_is_read_by_who_says_so(ws, client):
    with pytest.raises(TufExpiredError):
        client.refresh()
    found = client.outlived()
    current = ws.repository.current()
    assert (found.targets, found.release) == (current.targets, current.release)
    with pytest.raises(TufExpiredError):
        read_view(found.roots, found.targets, found.release, at=NOW)
    last = last_instant(found, NOW)
    assert read_view(found.roots, found.targets, found.release, at=last)
    with pytest.raises(TufExpiredError):
        read_view(
            found.roots, found.targets, found.release, at=last + timedelta(seconds=1)
        )
    assert last_instant(found, AT) == AT


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "release"])
def test_what_the_keys_of_a_role_did_not_sign_is_refused(ws, mirror, client, role):
    """A thief has keys of their own, and the online keys above the role."""
    serve(ws, mirror)
    assert client.outlived()
    serve(ws, mirror, forged=role)
    with pytest.raises(TufSignatureError):
        client.outlived()


def serve(ws, mirror, *, forged=None):
    """Serve it all signed again, one role by a stranger."""
    state = ws.repository.current()
    names = ("targets", "release", "snapshot", "timestamp")
    signers = {
        "targets": ws.targets_keys,
        "release": [ws.release_key],
        "snapshot": [ws.snapshot_key],
        "timestamp": [ws.timestamp_key],
    }
    custody = {"targets": Custody.EXTERNAL}
    meta = {}
    for role in names:

        def change(metadata, role=role):
            if role == "snapshot":
                metadata.signed.meta = {f"{k}.json": v for k, v in meta.items()}
            if role == "timestamp":
                metadata.signed.snapshot_meta = meta["snapshot"]

        keys = [MemoryKey.ecdsa()] if role == forged else signers[role]
        data = ws.resign(
            getattr(state, role),
            change,
            keys,
            custody.get(role, Custody.CONTROL_PLANE),
        )
        version = Metadata.from_bytes(data).signed.version
        meta[role] = MetaFile.from_data(version, data, ["sha256"])
        numbered = f"metadata/{version}.{role}.json"
        name = "metadata/timestamp.json" if role == "timestamp" else numbered
        mirror.replaced[name] = data


@pytest.mark.parametrize("role", ["snapshot", "targets", "release"])
def test_another_file_than_the_one_above_names_is_refused(ws, mirror, client, role):
    data = getattr(ws.repository.current(), role)
    version = Metadata.from_bytes(data).signed.version
    mirror.tamper(f"metadata/{version}.{role}.json", at=-3)
    with pytest.raises(TufHashError):
        client.outlived()


def test_trust_that_is_older_than_what_was_here_is_refused(ws, mirror, client):
    before = ws.storage.copy()
    ws.publish_trust(LATER)
    client.keep(client.outlived())
    mirror.storage = before
    with pytest.raises(TufRollbackError, match="expected targets 2"):
        client.outlived()


def test_roots_are_followed_past_their_end_and_never_forgotten(ws, mirror, client):
    assert client.roots() == (ws.root,)
    second = drafted(ws)
    adopt_root(ws.storage, ws.keys, second, at=AT)
    assert client.roots() == (ws.root, second)
    third = drafted(ws, at=NOW)
    adopt_root(ws.storage, ws.keys, third, at=NOW)
    for _ in range(2):
        assert client.roots() == (ws.root, second, third)
        ws.repository.refresh(NOW)
        client.keep(client.outlived())
    with pytest.raises(TufExpiredError):
        client.refresh()  # targets are out; the roots are here now
    mirror.status["metadata/3.root.json"] = 404
    assert client.roots() == (ws.root, second, third)


def test_a_root_that_nobody_could_follow_is_refused(ws, mirror, client):
    strangers = [MemoryKey.ecdsa(), MemoryKey.ecdsa()]
    mirror.replaced["metadata/2.root.json"] = drafted(
        ws, root=strangers, signers=strangers
    )
    with pytest.raises(TufSignatureError):
        client.roots()


def test_a_draft_is_held_against_the_roots_before_it(ws):
    draft = drafted(ws, signers=[])
    assert open_next(open_roots([ws.root]), draft).version == 2
    assert still_needed(
        draft, [], previous=open_next(open_roots([ws.root]), draft)
    ) == {2: 2}
    adopt_root(ws.storage, ws.keys, drafted(ws), at=AT)
    roots = ws.repository.current().chain
    with pytest.raises(TufRootChainError):
        open_next(roots, draft)
    with pytest.raises(TufRootChainError):
        open_next(roots, drafted(ws, workspace=Digest.of(b"other")))


def test_a_draft_that_is_not_sovereign_is_shown_to_nobody(ws):
    def alone(metadata):
        metadata.signed.roles["root"].threshold = 1

    draft = ws.resign(drafted(ws), alone, [])
    with pytest.raises(VerificationError) as refused:
        open_next(open_roots([ws.root]), draft)
    assert refused.value.code == "tuf-threshold"


def test_who_must_still_sign_is_counted_for_both_roots(ws):
    came = [ws.root_keys[0], MemoryKey.ecdsa()]
    draft = drafted(ws, root=came, signers=[])
    before = parse_metadata(ws.root, Root, "root").signed
    ids = [key.public_key.key_id for key in (*ws.root_keys, came[1])]
    table = {0: {1: 2, 2: 2}, 1: {1: 1, 2: 1}, 2: {1: 0, 2: 1}, 3: {1: 0, 2: 0}}
    for count, needed in table.items():
        assert still_needed(draft, ids[:count], previous=before) == needed


def test_a_key_that_is_kept_beside_the_new_one_keeps_the_mark(tmp_path):
    """DESIGN 9, T7: marks reset when a root replaces the key, not when it adds one."""
    at = utc_now()
    fresh = Workspace.create(at, sovereign=True)
    fresh.publish_trust()
    fresh.publish_release(1)
    mirror = Mirror(fresh.storage)
    victim = TufClient(
        root=fresh.root,
        directory=tmp_path / "victim",
        url=URL,
        fetcher=mirror,
        monotonic=mirror.ticks,
    )
    stamp = fresh.storage.get("metadata/timestamp.json", max_bytes=1 << 16)

    def forward(metadata):
        metadata.signed.version = 2**31

    mirror.replaced["metadata/timestamp.json"] = fresh.resign(
        stamp, forward, [fresh.timestamp_key], Custody.CONTROL_PLANE
    )
    victim.refresh()
    mirror.replaced.clear()
    key = MemoryKey.ed25519()
    keys = replace(fresh.keys, others=lambda: [key])
    before = parse_metadata(fresh.root, Root, "root").signed
    for named, refused in (((fresh.timestamp_key, key), True), ((key,), False)):
        wish = RootKeys(
            root=admin_keys(k.public_key for k in fresh.root_keys),
            targets=admin_keys(k.public_key for k in fresh.targets_keys),
            snapshot=online_keys([fresh.snapshot_key.public_key]),
            timestamp=online_keys(k.public_key for k in named),
        )
        root = draft_root(wish, at=at, previous=before, workspace=Digest.of(fresh.root))
        for one in fresh.root_keys:
            root = sign_root(root, one, previous=before)
        adopt_root(fresh.storage, keys, root, at=at)
        before = parse_metadata(root, Root, "root").signed
        if refused:
            with pytest.raises(TufRollbackError):
                victim.refresh()
        else:
            assert victim.refresh().roots[-1] == root
