# SPDX-License-Identifier: Apache-2.0
"""A command is alone with loopback, or is not run at all."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHOW = "import socket; print(socket.if_nameindex()); socket.create_server(('127.0.0.1', 0))"
# Linux, prctl.h and capability.h.
_DROP, _SYS_ADMIN = 24, 21


def alone(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "deploy.loopback", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def _without_rights():
    """Give up what root may do in the kernel, before the command begins."""
    ctypes.CDLL(None).prctl(_DROP, _SYS_ADMIN)


@pytest.mark.parametrize("before", [None, _without_rights], ids=["as is", "no root"])
def test_a_command_has_loopback_alone_or_is_not_run(before):
    ended = alone(sys.executable, "-c", SHOW, preexec_fn=before)

    if ended.returncode == 3:
        assert ended.stdout == ""
        assert "trustacks: missing: a network namespace (" in ended.stderr
    else:
        assert (ended.returncode, ended.stdout) == (0, "[(1, 'lo')]\n"), ended.stderr


def test_the_exit_code_is_the_commands():
    assert alone("sh", "-c", "exit 7").returncode in {3, 7}


@pytest.mark.parametrize("words", [[], ["no-such-program"]])
def test_what_is_no_command_is_misuse(words):
    ended = alone(*words)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "usage: python -m deploy.loopback COMMAND...\n"
