# SPDX-License-Identifier: Apache-2.0
"""A Runner that dies at any line, or has no room to write, leaves a gate that holds."""

import itertools
import json
import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bundle.rego.embedded import EmbeddedEngine
from keys.clock import utc_now
from tests.simulators.runner import Bench, disk, outcome
from tests.simulators.workspace import TICKET, WINDOW, SimulatedWorkspace, proposal

ROOT = Path(__file__).parents[2]


def kill_table():
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulators.kill_table"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_kill_before_any_change_on_disk_leaves_a_gate_that_holds():
    """One test, because the table takes some seconds and workers would each make it."""
    rows = kill_table()
    for case, at_least, before, after in (
        ("first", 15, None, 1),
        ("upgrade", 10, 1, 2),
    ):
        table = [row for row in rows if row["case"] == case]
        # Before each of its changes, until none was left.
        assert [row["before"] for row in table] == list(range(1, len(table) + 1))
        assert [row["died"] for row in table] == [True] * (len(table) - 1) + [False]
        assert len(table) > at_least
        # What decides changes once and never back; the next step finishes.
        found = [row["found"] for row in table]
        assert [key for key, _ in itertools.groupby(found)] == [before, after]
        assert {row["revision"] for row in table} == {after}
    for row in rows:
        assert row["code"] is None, row  # never taken for damage
        assert row["denied"], row
        assert row["allows"] == (row["found"] is not None), row
        assert row["left"] == [], row
        assert row["then_allows"], row


# ------------------------------------------------------------------ a full disk


@pytest.fixture
def bench(tmp_path):
    with EmbeddedEngine() as engine:
        house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
        house.release(house.rule())
        bench = Bench(house, tmp_path / "runner")
        yield bench
        bench.close()


class NoRoom:
    """Files may not grow beyond so many bytes: the nearest thing to a full disk."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes

    def __enter__(self):
        # Or an import in here would leave a truncated .pyc for everybody.
        self.bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.max_bytes, self.before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)
        sys.dont_write_bytecode = self.bytecode


@pytest.mark.parametrize("max_bytes", [0, 64, 1024, 4096, 8192, 16384])
def test_a_full_disk_holds_and_the_next_step_just_works(bench, max_bytes):
    runner = bench.runner()
    runner.step()
    bench.house.release(*bench.house.releases[0].rules, bench.house.rule(WINDOW))
    with NoRoom(max_bytes):
        event = runner.step()
    assert (event.outcome, event.revision) == ("held", 1)
    assert event.code == "storage-unavailable"
    assert [d.rule_id for d in runner.decide(proposal()).denies] == [TICKET]
    assert not [n for n in disk(bench.directory) if ".tmp-" in n]
    assert outcome(runner.step()) == ("activated", None, 2)


def test_a_decision_that_cannot_be_recorded_is_deny(bench):
    runner = bench.runner()
    runner.step()
    with NoRoom(64):
        decision = runner.decide(proposal(body="CM-1"))
    assert [d.code for d in decision.denies] == ["storage-unavailable"]
    assert decision.record.sequence == 0
    again = runner.decide(proposal(body="CM-1"))
    assert again.allowed
    assert again.record.sequence == 1
