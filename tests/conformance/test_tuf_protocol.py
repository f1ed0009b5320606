# SPDX-License-Identifier: Apache-2.0
"""``tuf_client`` speaks the protocol of tuf-conformance, and passes its cases.

The cases are data that stays outside the project: ``TUF_CONFORMANCE_SUITE`` names a
checkout of theupdateframework/tuf-conformance. They need Debian's ``faketime``.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bundle.storage.directory import DirectoryStorage
from tests.simulators.tuf_mirror import Workspace

CLIENT = Path(__file__).with_name("tuf_client")
ABSENT = "SKIPPED: tuf-conformance suite absent"
# Cases of the suite at the version that was run last.
CASES = 113


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def client(tmp_path):
    """A client beside a repository; returns exit code and what it said."""
    served = tmp_path / "w"
    workspace = Workspace.create(
        datetime.now(UTC).replace(microsecond=0), storage=DirectoryStorage(served)
    )
    workspace.publish_trust()
    workspace.publish_release(1)
    (tmp_path / "root.json").write_bytes(workspace.root)
    for name in ("metadata", "files"):
        (tmp_path / name).mkdir()
    handler = partial(_Files, directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    places = ("--metadata-dir", "metadata", "--metadata-url", f"{url}/metadata/")
    files = ("--target-dir", "files", "--target-base-url", f"{url}/targets/")

    def run(*words):
        done = subprocess.run(
            [CLIENT, *places, *files, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHON": sys.executable},
        )
        return done.returncode, done.stderr

    yield run
    server.shutdown()
    thread.join()
    server.server_close()


def _downloaded(tmp_path):
    return sorted(p.read_bytes() for p in (tmp_path / "files").iterdir())


def test_init_refresh_and_download(client, tmp_path):
    assert client("init", "root.json") == (0, "")
    assert client("refresh") == (0, "")
    names = {p.name for p in (tmp_path / "metadata").glob("*.json")}
    assert names == {"root.json", "timestamp.json", "snapshot.json", "targets.json"}
    two = [f"overlay/1/{n}" for n in ("bundle.tar.gz", "attestations.sigstore.jsonl")]
    wanted = [word for name in two for word in ("--target-name", name)]
    assert client(*wanted, "download") == (0, "")
    assert _downloaded(tmp_path) == [b"attestations 1", b"bundle 1"]


def test_the_first_target_that_is_not_there_ends_a_download(client, tmp_path):
    client("init", "root.json")
    wanted = ["--target-name", "no", "--target-name", "overlay/1/bundle.tar.gz"]
    assert client(*wanted, "download") == (
        1,
        "not-found: expected a target no, got none\n",
    )
    assert _downloaded(tmp_path) == []


def test_a_refusal_has_its_code(client, tmp_path):
    client("init", "root.json")
    client("refresh")
    stamp = tmp_path / "w" / "metadata" / "timestamp.json"
    stamp.write_bytes(b"{}")
    code, said = client("refresh")
    assert (code, said.split(":")[0]) == (1, "tuf-format")


def test_the_public_suite_passes():
    suite = os.environ.get("TUF_CONFORMANCE_SUITE")
    if not suite:
        pytest.skip(ABSENT)
    assert shutil.which("faketime"), "apt-get install faketime"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir=.", "-c", "pyproject.toml", "tuf_conformance"]
    done = subprocess.run(
        [*command, "--entrypoint", CLIENT],
        cwd=suite,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={**os.environ, "PYTHON": sys.executable},
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= CASES
