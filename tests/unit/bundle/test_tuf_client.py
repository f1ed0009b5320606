# SPDX-License-Identifier: Apache-2.0
"""Fetching: what arrives, what is kept, and what works without a network."""

import threading

import pytest

from bundle.archive import pack_tar, unpack_tar
from bundle.tuf.client import TufClient
from bundle.tuf.errors import TufFormatError, TufLengthError
from bundle.tuf.view import read_view
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import (
    FormatError,
    NotFoundError,
    UnavailableError,
)
from tests.simulators.tuf_mirror import FILES, URL, Mirror, Workspace

# python-tuf's client reads this machine's clock, so the repository must be of today.
AT = utc_now()
LATER = {**FILES, "trust/policy.json": b'{"version":2}'}


@pytest.fixture
def workspace():
    workspace = Workspace.create(AT)
    workspace.publish_trust()
    workspace.publish_release(1)
    return workspace


@pytest.fixture
def mirror(workspace):
    return Mirror(workspace.storage)


@pytest.fixture
def client(workspace, mirror, tmp_path):
    return TufClient(root=workspace.root, directory=tmp_path, url=URL, fetcher=mirror)


def revision(fetched):
    return read_view(fetched.roots, fetched.targets, fetched.release, at=AT).revision


def test_a_refresh_returns_what_is_committed(client, workspace):
    fetched = client.refresh()
    state = workspace.repository.current()
    for part in ("roots", "targets", "release", "timestamp", "snapshot"):
        assert getattr(fetched, part) == getattr(state, part)


def test_files_are_looked_up_where_they_belong(client):
    fetched = client.refresh()
    assert fetched.target("trust/policy.json", max_bytes=10) == b"{}"
    assert fetched.target("overlay/1/bundle.tar.gz", max_bytes=10) == b"bundle 1"
    for name in ("overlay/2/bundle.tar.gz", "trust/other.json", ""):
        with pytest.raises(NotFoundError):
            fetched.target(name, max_bytes=10)


def test_the_callers_bound_holds_whatever_metadata_says(client):
    fetched = client.refresh()
    assert fetched.target("overlay/1/bundle.tar.gz", max_bytes=8)
    with pytest.raises(TufLengthError):
        fetched.target("overlay/1/bundle.tar.gz", max_bytes=7)


def test_an_idle_poll_is_two_small_requests(client, mirror):
    client.refresh()
    mirror.asked.clear()
    mirror.served = 0
    client.refresh()
    assert mirror.asked == ["metadata/2.root.json", "metadata/timestamp.json"]
    assert mirror.served < 1000


def test_a_file_is_fetched_once(client, mirror):
    client.refresh().target("overlay/1/bundle.tar.gz", max_bytes=10)
    mirror.asked.clear()
    client.refresh().target("overlay/1/bundle.tar.gz", max_bytes=10)
    assert not any("bundle" in name for name in mirror.asked)


def test_files_that_are_no_longer_listed_are_dropped(client, workspace, tmp_path):
    client.refresh().target("overlay/1/bundle.tar.gz", max_bytes=10)
    workspace.publish_release(2, keep=1)
    fetched = client.refresh()
    fetched.target("overlay/2/bundle.tar.gz", max_bytes=10)
    kept = {path.name for path in (tmp_path / "targets").iterdir()}
    assert kept == {Digest.of(b"bundle 2").hex}


def test_a_new_release_and_new_trust_are_seen(client, workspace):
    assert revision(client.refresh()) == 1
    workspace.publish_release(2)
    workspace.publish_trust(LATER)
    fetched = client.refresh()
    assert revision(fetched) == 2
    assert (
        fetched.target("trust/policy.json", max_bytes=99) == LATER["trust/policy.json"]
    )


def test_roots_are_kept_from_the_pin_on(client, workspace):
    def bump(metadata):
        metadata.signed.version += 1

    second = workspace.resign(workspace.root, bump, workspace.root_keys)
    third = workspace.resign(second, bump, workspace.root_keys)
    workspace.storage.put_immutable("metadata/2.root.json", second)
    assert client.refresh().roots == (workspace.root, second)
    workspace.storage.put_immutable("metadata/3.root.json", third)
    assert client.refresh().roots == (workspace.root, second, third)


# ------------------------------------------------------------------- offline


def test_the_last_whole_set_is_there_without_a_network(client, workspace, mirror):
    fetched = client.refresh()
    fetched.target("overlay/1/bundle.tar.gz", max_bytes=10)
    mirror.down = True
    mirror.asked.clear()
    with pytest.raises(UnavailableError):
        client.refresh()
    cached = client.cached()
    assert cached == fetched
    assert cached.target("overlay/1/bundle.tar.gz", max_bytes=10) == b"bundle 1"
    with pytest.raises(UnavailableError):
        cached.target("trust/policy.json", max_bytes=10)
    assert mirror.asked == []


def test_a_client_that_never_refreshed_has_no_set(client):
    with pytest.raises(NotFoundError):
        client.cached()


def test_a_set_under_another_pin_is_not_ours(client, tmp_path):
    client.refresh()
    rival = Workspace.create(AT)
    other = TufClient(
        root=rival.root, directory=tmp_path, url=URL, fetcher=Mirror(rival.storage)
    )
    with pytest.raises(NotFoundError):
        other.cached()


@pytest.mark.parametrize("damage", [b"", b"junk", b"\0" * 1024])
def test_a_damaged_set_is_refused_and_the_next_refresh_heals_it(
    client, tmp_path, damage
):
    client.refresh()
    (tmp_path / "fetched.tar").write_bytes(damage)
    with pytest.raises(FormatError):
        client.cached()
    fetched = client.refresh()
    assert client.cached() == fetched


def test_a_set_with_other_members_is_refused(client, tmp_path):
    client.refresh()
    path = tmp_path / "fetched.tar"
    files = unpack_tar(path.read_bytes())
    for changed in (
        {**files, "more": b""},
        {k: v for k, v in files.items() if k != "release"},
    ):
        path.write_bytes(pack_tar(changed))
        with pytest.raises(TufFormatError):
            client.cached()


@pytest.mark.parametrize(
    "name", ["timestamp.json", "snapshot.json", "targets.json", "release.json"]
)
@pytest.mark.parametrize("damage", [b"", b"{}", b"junk", None])
def test_a_damaged_cache_of_metadata_heals(client, workspace, tmp_path, name, damage):
    fetched = client.refresh()
    path = tmp_path / "metadata" / name
    path.unlink() if damage is None else path.write_bytes(damage)
    assert client.refresh() == fetched


def test_a_damaged_file_is_fetched_again(client, tmp_path):
    fetched = client.refresh()
    fetched.target("overlay/1/bundle.tar.gz", max_bytes=10)
    path = tmp_path / "targets" / Digest.of(b"bundle 1").hex
    for damage in (b"bundle 9", b"", b"longer than it was"):
        path.write_bytes(damage)
        assert fetched.target("overlay/1/bundle.tar.gz", max_bytes=10) == b"bundle 1"
        assert path.read_bytes() == b"bundle 1"


# --------------------------------------------------------------------- turns


def test_clients_in_one_directory_take_turns(workspace, mirror, tmp_path):
    failures = []

    def work():
        try:
            for _ in range(10):
                TufClient(
                    root=workspace.root,
                    directory=tmp_path,
                    url=URL,
                    fetcher=Mirror(workspace.storage),
                ).refresh()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_cache_one_step_behind_is_asked_once_more(client, workspace, mirror):
    client.refresh()
    old = workspace.storage.objects["metadata/timestamp.json"]
    workspace.publish_release(2)
    client.refresh()
    mirror.once["metadata/timestamp.json"] = old
    assert revision(client.refresh()) == 2
