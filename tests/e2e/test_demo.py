# SPDX-License-Identifier: Apache-2.0
"""``make demo`` as a stranger runs it: a clean clone, an empty HOME, nothing else set."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The promise is a minute after installation (seconds).
PROMISED = 60
# The environment that a stranger needs to reach a package index at all.
_NETWORK = re.compile(
    r"(PIP_.*|.*_proxy|.*_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE|UV_.*)"
)


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder)],
        env={
            **os.environ,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        },
        check=True,
    )
    return folder


@pytest.mark.demo
def test_make_demo_in_a_clean_clone_with_a_clean_home(clone, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if _NETWORK.fullmatch(name)
    }
    done = subprocess.run(
        ["make", "demo"],
        cwd=clone,
        env={**kept, "PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    finished = re.search(r"all 12 steps did what they say, (\d+) s", done.stdout)
    assert finished
    # Promised of a machine that does nothing else.
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert int(finished[1]) < PROMISED * crowd
    # pip asks the machine's rustc for its version, and that may make a folder
    assert {path.name for path in home.iterdir()} <= {".rustup"}
    assert not (clone / "state").exists()
