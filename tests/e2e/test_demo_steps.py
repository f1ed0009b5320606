# SPDX-License-Identifier: Apache-2.0
"""The demo in this tree: its steps, its exit codes, and what it leaves behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "deploy" / "demo.py"


def play(tmp_path, *words, **more):
    return subprocess.Popen(
        [sys.executable, str(DEMO), *words],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **more,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    with play(folder) as process:
        shown, _ = process.communicate()
    return process.returncode, shown, folder


@pytest.mark.demo
def test_every_step_does_what_it_says(played):
    code, shown, _ = played
    assert code == 0, shown[-3000:]
    titles = re.findall(r"^======== (\d+)\. ", shown, re.MULTILINE)
    assert titles == [str(number) for number in range(1, 13)]


@pytest.mark.demo
def test_each_attack_is_refused_with_its_code(played):
    _, shown, _ = played
    attacks = shown.partition("======== 10.")[2].partition("======== 11.")[0]
    for code in ("unknown-signer", "tuf-hash", "tuf-rollback"):
        assert f"[{code}]" in attacks
    assert attacks.count("by revision 1") == 2
    assert attacks.count("by revision 2") == 1


@pytest.mark.demo
def test_nothing_is_left_behind(played):
    _, _, folder = played
    assert list(folder.iterdir()) == []


@pytest.mark.demo
def test_no_line_is_a_traceback(played):
    assert "Traceback" not in played[1]


@pytest.mark.parametrize("to_all", [True, False], ids=["by a terminal", "to it alone"])
def test_ctrl_c_stops_its_server_and_leaves_nothing(tmp_path, to_all):
    with play(tmp_path) as process:
        server = None
        for line in process.stdout:
            if found := re.search(r"ready on http://127\.0\.0\.1:(\d+)", line):
                server = int(found[1])
            if line.startswith("======== 2."):
                break
        press = os.killpg if to_all else os.kill
        press(process.pid, signal.SIGINT)
        shown, _ = process.communicate(timeout=60)
    assert process.returncode == 3, shown
    assert "demo: interrupted" in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []
    assert server is not None
    assert _free(server)


def _free(port: int) -> bool:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return True
        threading.Event().wait(0.05)
    return False
