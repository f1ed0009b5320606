# SPDX-License-Identifier: Apache-2.0
"""Plain python-tuf reads what we publish: its own fetcher, config and lookup."""

from pathlib import Path

import pytest
from tuf.api.exceptions import RepositoryError
from tuf.ngclient.updater import Updater

from tests.simulators.tuf_mirror import FILES, release_files


@pytest.fixture
def update(served, tmp_path):
    """Refresh with a new client on one cache."""
    for name in ("cache", "files"):
        (tmp_path / name).mkdir()

    def new():
        updater = Updater(
            str(tmp_path / "cache"),
            f"{served.url}/metadata/",
            str(tmp_path / "files"),
            f"{served.url}/targets/",
            bootstrap=served.workspace.root,
        )
        updater.refresh()
        return updater

    return new


def _read(updater, path):
    info = updater.get_targetinfo(path)
    assert info is not None, path
    return Path(updater.download_target(info)).read_bytes()


def test_trust_and_delegated_releases_are_read(update):
    updater = update()
    for path, data in FILES.items():
        assert _read(updater, path) == data
    for name, data in release_files("1").items():
        assert _read(updater, f"overlay/1/{name}") == data


def test_a_client_with_a_cache_follows_releases_trust_and_refreshes(served, update):
    update()
    workspace = served.workspace
    for revision in range(2, 6):
        workspace.publish_release(revision)
    workspace.publish_trust({**FILES, "layers/packs/p.tar.gz": b"pack"})
    updater = update()
    assert _read(updater, "layers/packs/p.tar.gz") == b"pack"
    assert _read(updater, "overlay/5/bundle.tar.gz") == b"bundle 5"
    assert updater.get_targetinfo("overlay/2/bundle.tar.gz") is None


def test_a_publish_that_crashed_is_not_seen(served, update):
    """An orphan under the next number, as a crash leaves it."""
    update()
    staged = served.workspace.repository.prepare_release(
        2, release_files("withdrawn"), keep=3, at=served.workspace.at
    )
    assert update().get_targetinfo("overlay/2/bundle.tar.gz") is None
    served.workspace.publish_release(2)
    assert (served.folder / f"metadata/{staged.version}.release.json").exists()
    assert _read(update(), "overlay/2/bundle.tar.gz") == b"bundle 2"


def test_releases_are_never_found_beside_their_delegation(update):
    updater = update()
    for path in ("overlay/1/deeper/bundle.tar.gz", "overlay/x", "trust/other"):
        assert updater.get_targetinfo(path) is None


def test_a_file_that_was_changed_is_refused(served, update):
    updater = update()
    info = updater.get_targetinfo("overlay/1/bundle.tar.gz")
    path = served.folder / "targets" / info.get_prefixed_paths()[0]
    path.write_bytes(b"other! 1")
    with pytest.raises(RepositoryError):
        updater.download_target(info)
