# SPDX-License-Identifier: Apache-2.0
"""A hostile mirror, and a thief of the online keys, against a client with state.

Each attack is refused by its code, and what the client had stays as it was.
"""

import pytest
from tuf.api.metadata import Metadata, Root, TargetFile

from bundle.limits import MAX_TIMESTAMP_BYTES
from bundle.tuf import documents
from bundle.tuf.client import TufClient
from bundle.tuf.errors import (
    TufCustodyError,
    TufExpiredError,
    TufFormatError,
    TufHashError,
    TufKeyError,
    TufLengthError,
    TufMissingError,
    TufRollbackError,
    TufSignatureError,
)
from bundle.tuf.keys import role_key
from bundle.tuf.view import read_view
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import JsonFormatError, TrustacksError, UnavailableError
from signer.attestation import parse_attestation
from signer.form import Custody
from signer.predicates.layer import LayerPredicate
from signer.sign import attest_bare
from signer.statement import Subject, build_statement
from tests.simulators.memory_key import MemoryKey
from tests.simulators.tuf_mirror import FILES, URL, Mirror, Ticks, Workspace

AT = utc_now()
TIMESTAMP = "metadata/timestamp.json"
BUNDLE = "overlay/1/bundle.tar.gz"


@pytest.fixture(params=[False, True], ids=["embedded", "sovereign"])
def workspace(request):
    workspace = Workspace.create(AT, sovereign=request.param)
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


@pytest.fixture
def sovereign():
    workspace = Workspace.create(AT, sovereign=True)
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def mirror(workspace, ticks):
    return Mirror(workspace.storage, ticks)


@pytest.fixture
def client(workspace, mirror, ticks, tmp_path):
    return client_of(workspace, mirror, tmp_path, ticks)


def client_of(workspace, mirror, directory, ticks=None):
    return TufClient(
        root=workspace.root,
        directory=directory,
        url=URL,
        fetcher=mirror,
        deadline_s=60,
        monotonic=ticks or mirror.ticks,
    )


def assert_held(client, mirror, error: type[TrustacksError]):
    """The refresh is refused, the old set stays, and an honest mirror is believed again."""
    before = client.cached()
    with pytest.raises(error) as refusal:
        client.refresh()
    assert refusal.value.code == error.code
    assert client.cached() == before
    mirror.replaced.clear()
    mirror.endless.clear()
    mirror.status.clear()
    mirror.slow.clear()
    mirror.cut.clear()
    client.refresh()


def stored(workspace, name):
    return workspace.storage.get(name, max_bytes=1 << 20)


# -------------------------------------------------------- rollback and freeze


def test_an_old_timestamp_put_back_is_a_rollback(client, mirror, workspace):
    old = stored(workspace, TIMESTAMP)
    workspace.publish_release(2)
    client.refresh()
    mirror.replaced[TIMESTAMP] = old
    assert_held(client, mirror, TufRollbackError)


def test_a_fresh_client_is_frozen_only_until_the_timestamp_expires(
    workspace, mirror, tmp_path
):
    def expire(metadata):
        metadata.signed.expires = AT

    expired = workspace.resign(
        stored(workspace, TIMESTAMP),
        expire,
        [workspace.timestamp_key],
        Custody.CONTROL_PLANE,
    )
    mirror.replaced[TIMESTAMP] = expired
    with pytest.raises(TufExpiredError):
        client_of(workspace, mirror, tmp_path).refresh()


def test_an_old_snapshot_under_a_newer_timestamp_is_refused(client, mirror, workspace):
    client.refresh()
    old = stored(workspace, "metadata/2.snapshot.json")
    workspace.publish_release(2)
    mirror.replaced["metadata/3.snapshot.json"] = old
    assert_held(client, mirror, TufHashError)


def test_old_targets_under_a_newer_snapshot_are_refused(client, mirror, workspace):
    client.refresh()
    old = stored(workspace, "metadata/1.targets.json")
    workspace.publish_trust({**FILES, "trust/policy.json": b'{"version":2}'})
    new = stored(workspace, "metadata/2.targets.json")
    longer = len(old) > len(new)  # an ECDSA signature has 70 to 72 bytes
    mirror.replaced["metadata/2.targets.json"] = old
    assert_held(client, mirror, TufLengthError if longer else TufHashError)


def test_a_withdrawn_release_role_under_a_committed_number_is_refused(
    client, mirror, workspace
):
    client.refresh()
    rival = workspace.on(workspace.storage.copy())
    rival.publish_release(2, "withdrawn")
    workspace.publish_release(2, "wanted")
    name = "metadata/3.release.json"
    mirror.replaced[name] = stored(rival, name)
    assert_held(client, mirror, TufHashError)


def test_a_thief_of_the_online_keys_cannot_go_back(client, mirror, workspace):
    """With timestamp and snapshot keys: the numbers go up, the release role back."""
    old = workspace.repository.current()
    workspace.publish_release(2)
    client.refresh()
    root = Metadata[Root].from_bytes(workspace.root).signed
    snapshot = documents.sign_snapshot(
        workspace.keys,
        root,
        {"targets": (1, old.targets), "release": (2, old.release)},
        version=10,
        at=AT,
    )
    mirror.replaced["metadata/10.snapshot.json"] = snapshot
    mirror.replaced[TIMESTAMP] = documents.sign_timestamp(
        workspace.keys, root, (10, snapshot), version=10, at=AT
    )
    before = client.cached()
    with pytest.raises(TufRollbackError):
        client.refresh()
    assert client.cached() == before


def test_fast_forwarded_versions_are_not_believed_without_the_key(
    client, mirror, workspace
):
    client.refresh()

    def forward(metadata):
        metadata.signed.version = 1 << 40

    mirror.replaced[TIMESTAMP] = workspace.resign(
        stored(workspace, TIMESTAMP),
        forward,
        [MemoryKey.ed25519()],
        Custody.CONTROL_PLANE,
    )
    assert_held(client, mirror, TufSignatureError)


# ----------------------------------------------------------------- tampering


@pytest.mark.parametrize("fault", ["tamper", "shorter", "longer", "other"])
def test_a_changed_bundle_is_refused_and_not_kept(
    client, mirror, workspace, tmp_path, fault
):
    fetched = client.refresh()
    (name,) = [n for n in workspace.storage.objects if n.endswith("bundle.tar.gz")]
    data = stored(workspace, name)
    changed = {
        "tamper": bytes([data[0] ^ 1]) + data[1:],
        "shorter": data[:-1],
        "longer": data + b"!",
        "other": b"",
    }[fault]
    mirror.replaced[name] = changed
    with pytest.raises((TufHashError, TufLengthError)):
        fetched.target(BUNDLE, max_bytes=100)
    assert not (tmp_path / "targets").exists()
    mirror.replaced.clear()
    assert fetched.target(BUNDLE, max_bytes=100) == data


@pytest.mark.parametrize("place", [0, 40, 200, -2])
@pytest.mark.parametrize("role", ["snapshot", "release"])
def test_any_changed_byte_of_metadata_is_refused(
    client, mirror, workspace, role, place
):
    client.refresh()
    workspace.publish_release(2)
    name = f"metadata/{'3' if role != 'targets' else '2'}.{role}.json"
    data = stored(workspace, name)
    mirror.tamper(name, place % len(data))
    assert_held(client, mirror, TufHashError)


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 2000, b"\xff", b"{"])
def test_a_timestamp_that_is_none_is_refused(client, mirror, workspace, data):
    client.refresh()
    workspace.publish_release(2)
    mirror.replaced[TIMESTAMP] = data
    assert_held(client, mirror, TufFormatError)


def test_the_metadata_of_another_workspace_is_refused(client, mirror, workspace):
    client.refresh()
    rival = Workspace.create(AT)
    rival.publish_trust()
    for revision in range(1, 5):
        rival.publish_release(revision)
    honest, mirror.storage = mirror.storage, rival.storage
    before = client.cached()
    with pytest.raises(TufSignatureError):
        client.refresh()
    assert client.cached() == before
    mirror.storage = honest
    client.refresh()


# ------------------------------------------------------------- roots and keys


def second_root(workspace, change, keys=None):
    def changed(metadata):
        metadata.signed.version = 2
        change(metadata.signed)

    return workspace.resign(workspace.root, changed, keys or workspace.root_keys)


def assert_root_refused(workspace, mirror, directory, root, error):
    client = client_of(workspace, mirror, directory)
    client.refresh()
    mirror.replaced["metadata/2.root.json"] = root
    assert_held(client, mirror, error)
    assert not (directory / "metadata/root_history/2.root.json").exists()
    assert client.refresh().roots == (workspace.root,)


def test_a_rival_root_is_never_stored(workspace, mirror, tmp_path):
    rival = MemoryKey.ecdsa()
    root = second_root(workspace, lambda r: None, [rival])
    assert_root_refused(workspace, mirror, tmp_path, root, TufSignatureError)


def test_a_root_that_counts_one_key_twice_is_never_stored(sovereign, tmp_path):
    """python-tuf alone would adopt it: it counts key ids."""

    def twice(root):
        twin = role_key(sovereign.root_keys[0].public_key, Custody.EXTERNAL)
        twin.keyid = "0" * 64
        root.keys[twin.keyid] = twin
        root.roles["root"].keyids.append(twin.keyid)

    root = second_root(sovereign, twice)
    assert_root_refused(
        sovereign, Mirror(sovereign.storage), tmp_path, root, TufKeyError
    )


def test_a_root_with_a_custodial_admin_is_never_stored(sovereign, tmp_path):
    key = role_key(MemoryKey.ecdsa().public_key, Custody.CONTROL_PLANE)
    root = second_root(sovereign, lambda r: r.add_key(key, "targets"))
    assert_root_refused(
        sovereign, Mirror(sovereign.storage), tmp_path, root, TufCustodyError
    )


def test_a_root_with_a_key_twice_in_its_json_is_never_stored(
    workspace, mirror, tmp_path
):
    root = second_root(workspace, lambda r: None)
    doubled = root.replace(b'"version":2', b'"version":9,"version":2')
    assert doubled != root
    assert_root_refused(workspace, mirror, tmp_path, doubled, JsonFormatError)


def test_a_root_that_skips_a_version_is_never_stored(workspace, mirror, tmp_path):
    def third(metadata):
        metadata.signed.version = 3

    root = workspace.resign(workspace.root, third, workspace.root_keys)
    client = client_of(workspace, mirror, tmp_path)
    client.refresh()
    mirror.replaced["metadata/2.root.json"] = root
    before = client.cached()
    with pytest.raises(TrustacksError) as refusal:
        client.refresh()
    assert refusal.value.code == "tuf-root-chain"
    assert client.cached() == before


def test_a_release_key_cannot_list_trust(workspace, mirror, tmp_path):
    """What the release role lists outside its paths is never looked up there."""

    def add(metadata):
        path = "trust/policy.json"
        metadata.signed.version += 1
        metadata.signed.targets[path] = TargetFile.from_data(path, b"evil", ["sha256"])

    state = workspace.repository.current()
    evil = workspace.resign(
        state.release, add, [workspace.release_key], Custody.CONTROL_PLANE
    )
    with pytest.raises(TrustacksError) as refusal:
        read_view(state.roots, state.targets, evil, at=AT)
    assert refusal.value.code == "tuf-target"
    fetched = client_of(workspace, mirror, tmp_path).refresh()
    assert fetched.target("trust/policy.json", max_bytes=10) == b"{}"


# ----------------------------------------------------- endless, slow, missing


@pytest.mark.parametrize(
    "name",
    [
        TIMESTAMP,
        "metadata/2.root.json",
        "metadata/3.snapshot.json",
        "metadata/3.release.json",
    ],
)
def test_endless_metadata_ends(client, mirror, workspace, name):
    client.refresh()
    workspace.publish_release(2)
    mirror.endless.add(name)
    served = mirror.served
    assert_held(client, mirror, TufLengthError)
    assert mirror.served - served < 1_000_000


def test_an_endless_bundle_ends_at_its_length(client, mirror, workspace):
    fetched = client.refresh()
    (name,) = [n for n in workspace.storage.objects if n.endswith("bundle.tar.gz")]
    mirror.endless.add(name)
    served = mirror.served
    with pytest.raises(TufLengthError):
        fetched.target(BUNDLE, max_bytes=100)
    assert mirror.served - served < 5000


def test_a_length_from_a_thief_of_the_snapshot_key_does_not_lift_our_bound(
    client, mirror, workspace
):
    """python-tuf takes the length in the snapshot over its own limit."""
    client.refresh()
    thief = workspace.on(workspace.storage.copy())
    thief.publish_release(2)
    snapshot_name = "metadata/3.snapshot.json"

    def lengthen(metadata):
        metadata.signed.meta["release.json"].length = 1 << 34

    snapshot = workspace.resign(
        stored(thief, snapshot_name),
        lengthen,
        [workspace.snapshot_key],
        Custody.CONTROL_PLANE,
    )

    def point(metadata):
        meta = metadata.signed.snapshot_meta
        meta.length = len(snapshot)
        meta.hashes = TargetFile.from_data("x", snapshot, ["sha256"]).hashes

    mirror.storage = thief.storage
    mirror.replaced[snapshot_name] = snapshot
    mirror.replaced[TIMESTAMP] = workspace.resign(
        stored(thief, TIMESTAMP),
        point,
        [workspace.timestamp_key],
        Custody.CONTROL_PLANE,
    )
    mirror.endless.add("metadata/3.release.json")
    served = mirror.served
    with pytest.raises(TufLengthError):
        client.refresh()
    assert mirror.served - served < 1_000_000


def test_the_bound_on_a_timestamp_is_exact(client, mirror, workspace):
    client.refresh()
    data = stored(workspace, TIMESTAMP)
    mirror.replaced[TIMESTAMP] = data + b" " * (MAX_TIMESTAMP_BYTES - len(data))
    client.refresh()
    mirror.replaced[TIMESTAMP] = data + b" " * (MAX_TIMESTAMP_BYTES - len(data) + 1)
    assert_held(client, mirror, TufLengthError)


@pytest.mark.parametrize(
    "name", ["metadata/2.root.json", TIMESTAMP, "metadata/3.snapshot.json"]
)
def test_a_slow_mirror_is_left_at_the_deadline(client, mirror, workspace, name):
    client.refresh()
    workspace.publish_release(2)
    mirror.replaced.setdefault("metadata/2.root.json", b"x" * 5000)
    if name != "metadata/2.root.json":
        mirror.replaced.clear()
    mirror.slow[name] = 61
    assert_held(client, mirror, UnavailableError)


def test_the_deadline_is_over_all_files_together(client, mirror, workspace):
    client.refresh()
    workspace.publish_release(2)
    for name in (TIMESTAMP, "metadata/3.snapshot.json", "metadata/3.release.json"):
        mirror.slow[name] = 25
    assert_held(client, mirror, UnavailableError)
    workspace.publish_release(3)
    for name in (TIMESTAMP, "metadata/4.snapshot.json", "metadata/4.release.json"):
        mirror.slow[name] = 14
    client.refresh()


@pytest.mark.parametrize("status", [500, 503, 429, 401, 301])
def test_a_failing_root_probe_is_not_taken_for_no_newer_root(client, mirror, status):
    client.refresh()
    mirror.status["metadata/2.root.json"] = status
    assert_held(client, mirror, UnavailableError)


@pytest.mark.parametrize("status", [403, 404])
def test_an_absent_root_is_the_end_of_the_search(client, mirror, status):
    client.refresh()
    mirror.status["metadata/2.root.json"] = status
    client.refresh()


MISSING = [(404, TufMissingError), (403, TufMissingError), (500, UnavailableError)]


@pytest.mark.parametrize("answer", MISSING, ids=str)
@pytest.mark.parametrize(
    "name", [TIMESTAMP, "metadata/3.snapshot.json", "metadata/3.release.json"]
)
def test_a_missing_file_is_named_by_its_code(client, mirror, workspace, name, answer):
    client.refresh()
    workspace.publish_release(2)
    mirror.status[name], error = answer
    assert_held(client, mirror, error)


def test_a_connection_that_breaks_is_unavailable(client, mirror, workspace):
    client.refresh()
    workspace.publish_release(2)
    mirror.cut.add("metadata/3.snapshot.json")
    assert_held(client, mirror, UnavailableError)


# ---------------------------------------------------------------- chain files


def attestation(name):
    said = LayerPredicate(layer="pack", name=name, version="1.0.0")
    subject = Subject("pack.tar.gz", Digest.of(name.encode()))
    return attest_bare(build_statement([subject], said), key=MemoryKey.ecdsa())


def test_a_chain_file_must_be_the_attestation_that_was_asked_for(
    client, mirror, workspace, tmp_path
):
    fetched = client.refresh()
    digest = Digest.of(b"pae")
    name = f"chain/{digest.hex}.sigstore.json"
    with pytest.raises(TufMissingError):
        fetched.chain(digest)
    for junk in (b"", b"{}", b"junk"):
        mirror.replaced[name] = junk
        with pytest.raises(TrustacksError):
            fetched.chain(digest)
    one, other = attestation("one"), attestation("other")
    digest = parse_attestation(one).digest
    name = f"chain/{digest.hex}.sigstore.json"
    mirror.replaced[name] = other
    with pytest.raises(TufHashError):
        fetched.chain(digest)
    assert not (tmp_path / "chain").exists()
    mirror.replaced[name] = one
    assert fetched.chain(digest) == one
    mirror.down = True
    assert client.cached().chain(digest) == one


def test_metadata_that_python_tuf_reads_as_unsigned_has_our_code(
    client, mirror, workspace
):
    client.refresh()
    bare = Metadata.from_bytes(stored(workspace, TIMESTAMP))
    bare.signatures.clear()
    mirror.replaced[TIMESTAMP] = bare.to_bytes()
    assert_held(client, mirror, TufSignatureError)
