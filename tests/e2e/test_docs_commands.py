# SPDX-License-Identifier: Apache-2.0
"""The command blocks of the guides are run, word for word, against a real server.

In a ``console`` block each line that begins with ``$ `` is a command, and a here
document goes on to its end. Blocks of one page share a shell. Only the port differs:
the pages say 8080, a test takes a free one.
"""

import os
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = ["docs/guides/first-hour.md"]
READY = re.compile(r"ready on (http://127\.0\.0\.1:[0-9]+)")
START_S = 60


def commands(page: Path) -> list[str]:
    blocks = re.findall(
        r"^```console\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE
    )
    return [line for block in blocks for line in _lines(block)]


def _lines(block: str):
    command = ""
    for line in block.splitlines():
        if line.startswith("$ ") and command:
            yield command
            command = ""
        command = line[2:] if line.startswith("$ ") else f"{command}\n{line}"
    yield command


@pytest.fixture
def clone(tmp_path):
    """A folder like a clone: the examples, and the environment's commands."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.executable).parent)
    return tmp_path


@pytest.fixture
def server(clone):
    argv = ["trustacks", "server", "run", "--state", "state", "--port", "0"]
    argv[0] = str(Path(sys.executable).parent / "trustacks")
    process = subprocess.Popen(argv, cwd=clone, stderr=subprocess.PIPE, text=True)
    try:
        yield _ready(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _ready(process) -> str:
    said = ""
    while select.select([process.stderr], [], [], START_S)[0]:
        line = process.stderr.readline()
        if found := READY.search(line):
            return found[1]
        said += line
        if not line:
            break
    pytest.fail(f"the server did not get ready: {said}")


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_guide_do_what_it_says(name, clone, server):
    script = "\n".join(["set -eu", *commands(ROOT / name)])
    script = script.replace("http://127.0.0.1:8080", server)
    home = clone / "home"
    home.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTACKS_")}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env=env | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "accepted" in done.stdout
    assert "release 1: same" in done.stdout
    _embed(clone, server)


def _embed(clone, server):
    """Run the README's ten lines as a program of somebody else's."""
    block = re.search(
        r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE
    )
    first = "build/first-hour"
    program = (
        block[1]
        .replace("1.root.json", f"{first}/first.root.json")
        .replace("http://127.0.0.1:8080/w/acme", f"{server}/w/first")
    )
    given = f"import json; proposal = json.load(open('{first}/proposal.json'))\n"
    done = subprocess.run(
        [sys.executable, "-c", given + program],
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("accepted")
    assert done.stdout.splitlines()[-1] == "allow"


def test_every_make_target_that_a_page_names_exists():
    targets = set(
        re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {t for p in pages for t in re.findall(r"`make ([a-z]+)`", p.read_text())}
    assert named
    assert named <= targets
