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


@pytest.fixture(scope="module")
def rows():
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


def of(rows, case):
    return [row for row in rows if row["case"] == case]


def test_the_runner_was_killed_before_each_of_its_changes(rows):
    for case, at_least in (("first", 15), ("upgrade", 10)):
        table = of(rows, case)
        assert [row["before"] for row in table] == list(range(1, len(table) + 1))
        assert [row["died"] for row in table] == [True] * (len(table) - 1) + [False]
        assert len(table) > at_least


def test_a_kill_on_the_way_up_never_weakens_the_gate(rows):
    for row in rows:
        assert row["code"] is None, row
        assert row["denied"], row
        assert row["left"] == [], row
        assert row["then_allows"], row
    assert {row["found"] for row in of(rows, "first")} == {None, 1}
    assert {row["found"] for row in of(rows, "upgrade")} == {1, 2}


def test_what_decides_after_a_kill_changes_once_and_never_back(rows):
    for case, last in (("first", 1), ("upgrade", 2)):
        found = [row["found"] for row in of(rows, case)]
        assert len(list(itertools.groupby(found))) == 2
        assert {row["revision"] for row in of(rows, case)} == {last}


def test_without_a_release_nothing_was_allowed(rows):
    assert all(not row["allows"] for row in rows if row["found"] is None)
    assert all(row["allows"] for row in rows if row["found"] is not None)


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
