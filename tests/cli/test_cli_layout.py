# SPDX-License-Identifier: Apache-2.0
"""A release for stock ``in-toto-verify``: layout by admins, links by who did the steps."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulators.plane import RULE, joined, overlay_repository, planted

VERIFY = Path(sys.executable).with_name("in-toto-verify")


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        yield running


def verify(folder, *keys):
    words = ["--layout", "root.layout", "--link-dir", ".", "--verification-keys", *keys]
    done = subprocess.run(
        [str(VERIFY), *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


def public(person, name, folder):
    path = folder / f"{name}.pub"
    path.write_text(person.must("keys", "show", name, "--json").value["public_key"])
    return path


def test_admins_sign_the_layout_and_others_the_links(alice, ci, plane, tmp_path):
    olga, pavel = (joined(plane, name, "admin", "admin") for name in ("olga", "pavel"))
    robot = joined(plane, "robot", "author", "lint")
    here = overlay_repository(tmp_path / "policy")
    overlay, folder = ("--overlay", here), tmp_path / "links"
    alice.must("rule", "new", RULE, "--from", "change-calendar", *overlay)
    none = ci("layout", "link", folder)
    assert (none.exit_code, none.code) == (1, "nothing-released")
    alice.must("rule", "sign", RULE, *overlay)
    ci.must("bundle", "release", *overlay)

    folder.mkdir()
    layout = folder / "root.layout"
    refused = alice("layout", "sign", layout)
    assert (refused.exit_code, refused.code) == (1, "signer-not-permitted")
    assert not layout.exists()
    olga.must("layout", "sign", layout)
    second = pavel.must("layout", "sign", layout, "--json").value
    assert second["signatures"] == 2
    wrong = ci("layout", "link", folder, "--step", "lint")
    assert (wrong.exit_code, wrong.code) == (1, "signer-not-permitted")
    robot.must("layout", "link", folder, "--step", "lint")
    ci.must("layout", "link", folder)
    keys = [public(olga, "olga", folder), public(pavel, "pavel", folder)]
    passed, said = verify(folder, *keys)
    assert passed, said
    assert not verify(folder, public(alice, "alice", folder))[0]

    joined(plane, "newcomer", "author", "lint")
    kept = layout.read_bytes()
    stale = olga("layout", "sign", layout)
    assert (stale.exit_code, stale.code) == (1, "layout-mismatch")
    assert layout.read_bytes() == kept
