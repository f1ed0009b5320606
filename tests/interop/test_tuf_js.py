# SPDX-License-Identifier: Apache-2.0
"""npm's TUF client, which also reads Sigstore's root, reads what we publish."""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest

from tests.simulators.tuf_mirror import FILES, release_files

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".cache" / "npm" / "node_modules"
ABSENT = "SKIPPED: tuf-js absent (.ci/run installs it into .cache/npm)"
PROGRAM = Path(__file__).with_name("tuf_js.cjs")

pytestmark = pytest.mark.integration


@pytest.fixture
def read(served, tmp_path):
    """Refresh with a new process on one cache; return targets' bytes, None: not listed."""
    node = shutil.which("node")
    if node is None or not (MODULES / "tuf-js").is_dir():
        pytest.skip(ABSENT)
    cache, files = tmp_path / "cache", tmp_path / "files"
    cache.mkdir()
    files.mkdir()
    (cache / "root.json").write_bytes(served.workspace.root)

    def run(*targets, fails=False):
        done = subprocess.run(
            [node, PROGRAM, MODULES, cache, files, served.url, *targets],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        assert (done.returncode != 0) == fails, done.stderr
        if fails:
            return done.stderr
        found = json.loads(done.stdout)
        return {path: data and b64decode(data) for path, data in found.items()}

    return run


def test_trust_and_delegated_releases_are_read(read):
    expected = {
        **FILES,
        **{f"overlay/1/{name}": data for name, data in release_files("1").items()},
    }
    assert read(*expected) == expected


def test_a_client_with_a_cache_follows_releases_and_trust(served, read):
    read()
    for revision in range(2, 6):
        served.workspace.publish_release(revision)
    served.workspace.publish_trust({**FILES, "layers/packs/p.tar.gz": b"pack"})
    assert read(
        "layers/packs/p.tar.gz",
        "overlay/5/bundle.tar.gz",
        "overlay/2/bundle.tar.gz",
        "overlay/5/deeper/bundle.tar.gz",
    ) == {
        "layers/packs/p.tar.gz": b"pack",
        "overlay/5/bundle.tar.gz": b"bundle 5",
        "overlay/2/bundle.tar.gz": None,
        "overlay/5/deeper/bundle.tar.gz": None,
    }


def test_a_mirror_that_goes_back_is_refused(served, read):
    old = (served.folder / "metadata" / "timestamp.json").read_bytes()
    served.workspace.publish_release(2)
    read()
    (served.folder / "metadata" / "timestamp.json").write_bytes(old)
    assert "less than current version" in read(fails=True)


def test_a_file_that_was_changed_is_refused(served, read):
    for path in (served.folder / "targets" / "overlay" / "1").iterdir():
        path.write_bytes(b"other! 1")
    assert "Error" in read("overlay/1/bundle.tar.gz", fails=True)
