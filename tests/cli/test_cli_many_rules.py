# SPDX-License-Identifier: Apache-2.0
"""A thousand rules in several processes: the same answers, and no process left."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bundle.rego.templates import NAMES, render
from keys.errors import NotFoundError
from tests.simulators.plane import EXAMPLES, ROOT
from trustacks._cli import many
from trustacks._cli.processes import cores, in_processes
from trustacks.errors import InternalError, WorkerLostError

LAYERS = ("--constitution", str(EXAMPLES / "constitution"))
_PATIENCE = 60.0


def write_rules(folder, count):
    for number in range(count):
        rule_id = f"acme.rule_{number:03}"
        rule, test = render(NAMES[number % 3], rule_id)
        home = folder / "overlay/rules" / rule_id
        home.mkdir(parents=True)
        (home / f"{rule_id}.rego").write_text(rule)
        (home / f"{rule_id}_test.rego").write_text(test)
    return folder


@contextlib.contextmanager
def worker(act):
    yield functools.partial(_act, act)


def _act(act, item):
    if act == "square":
        return item * item, os.getpid()
    if item == 3 and act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 3 and act == "refuse":
        raise NotFoundError("expected a thing, got none", hint="make one")
    if item == 3 and act == "fault":
        raise ValueError("nobody foresaw this")
    return item


def start(act):
    return functools.partial(worker, act)


def children():
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return set(listed.split())


def test_results_come_in_order_from_more_than_one_process():
    found = list(in_processes(start("square"), range(300), count=2))
    assert [value for value, _ in found] == [n * n for n in range(300)]
    assert os.getpid() not in {pid for _, pid in found}


ENDS = {"die": WorkerLostError, "refuse": NotFoundError, "fault": InternalError}


@pytest.mark.parametrize(("act", "error"), ENDS.items(), ids=ENDS)
def test_a_worker_that_ends_is_said_and_takes_all_with_it(act, error):
    before = children()
    with pytest.raises(error) as caught:
        list(in_processes(start(act), range(20), count=2))
    assert caught.value.message
    left = children() - before
    names = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
    assert not any(b"spawn_main" in name for name in names), names


def test_a_refusal_keeps_its_hint():
    with pytest.raises(NotFoundError) as caught:
        list(in_processes(start("refuse"), range(20), count=2))
    assert caught.value.hint == "make one"


def test_there_is_at_least_one_core():
    assert 1 <= cores() <= 4


@pytest.mark.parametrize("command", ["lint", "test"])
def test_many_processes_say_what_one_says(cli, tmp_path, monkeypatch, command):
    overlay = write_rules(tmp_path, many.FEW + 6)
    broken = overlay / "overlay/rules/acme.rule_027/acme.rule_027.rego"
    broken.write_text(broken.read_text().replace("deny contains", "deny contain"))
    words = ("rule", command, "--overlay", overlay, *LAYERS, "--json")
    monkeypatch.setattr("trustacks._cli.processes.cores", lambda: 2)
    shared = cli(*words)
    monkeypatch.setattr(many, "FEW", 1_000)
    alone = cli(*words)
    assert json.loads(shared.out) == json.loads(alone.out)
    assert (shared.exit_code, shared.err) == (alone.exit_code, alone.err)
    assert shared.exit_code == 1
    assert "acme.rule_027" in shared.err


def test_ctrl_c_ends_every_process(cli, tmp_path):
    overlay = write_rules(tmp_path, 200)
    argv = [sys.executable, "-m", "trustacks", "rule", "lint", "--overlay", overlay]
    process = subprocess.Popen(
        [*argv, *LAYERS],
        env=cli.variables | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: b"spawn_main" in b"".join(group(process.pid)))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: all of them
    out, err = process.communicate(timeout=_PATIENCE)
    assert (process.returncode, out) == (3, "")
    assert err == "trustacks: interrupted [interrupted]\n"
    wait_for(lambda: group(process.pid) == [])


def group(leader):
    """The command lines of the processes of a group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == leader:
                found.append((folder / "cmdline").read_bytes())
    return [line for line in found if line]


def wait_for(held):
    end = time.monotonic() + _PATIENCE
    while not held():
        assert time.monotonic() < end
        threading.Event().wait(0.01)
