# SPDX-License-Identifier: Apache-2.0
"""The house rules that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("keys", "signer", "bundle", "control_plane", "trustacks")
TOP_LEVEL = {
    *PACKAGES,
    ".ci",
    "benchmarks",
    "deploy",
    "docs",
    "examples",
    "requirements",
    "tests",
}


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def test_the_top_level_stays():
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    assert folders <= TOP_LEVEL


@pytest.mark.parametrize("suffix", [".py", ".sh", ".toml"])
def test_every_source_file_names_its_licence(suffix):
    missing = [
        name
        for name in tracked()
        if name.endswith(suffix)
        and "SPDX-License-Identifier: Apache-2.0" not in (ROOT / name).read_text()[:400]
    ]
    assert missing == []


def test_no_file_names_a_package_index_or_a_machine():
    hosts = ["py" + "pi.org", "python" + "hosted", "npm" + "js.", "proxy." + "golang"]
    hosts += ["crates" + ".io", "/wo" + "rk/", "/fa" + "rm/"]
    pattern = re.compile("|".join(re.escape(h) for h in hosts))
    found = []
    for name in tracked():
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{name}: {m.group()}" for m in pattern.finditer(text)]
    assert found == []


def test_rooms_stay_small():
    long = {
        name: lines
        for name in tracked()
        if name.endswith(".py") and name.startswith(PACKAGES)
        if (lines := (ROOT / name).read_text().count("\n")) > 300
    }
    assert long == {}


def test_the_lock_pins_every_package_by_hash():
    for lock in ("runtime.txt", "dev.txt"):
        text = (ROOT / "requirements" / lock).read_text()
        entries = re.split(r"\n(?=[a-z])", text.strip())
        assert entries
        assert [e.split()[0] for e in entries if "--hash=sha256:" not in e] == []


def test_the_build_backend_is_the_locked_one():
    backend = re.search(
        r'requires = \["(.+?)"\]', (ROOT / "pyproject.toml").read_text()
    )
    assert backend
    for lock in ("runtime.txt", "dev.txt"):
        assert f"{backend[1]} " in (ROOT / "requirements" / lock).read_text()
