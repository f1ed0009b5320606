# SPDX-License-Identifier: Apache-2.0
"""Whole processes: what a person waits for."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.installed import COMMAND, PYTHON
from benchmarks.measure import Row, Taken, least, process
from benchmarks.overlays import LAYERS, ROOT, write_rule
from tests.simulators.plane import overlay_repository, planted

RULE = "acme.requires_change_ticket"
TIMES = 15
# Seconds that a command may take beyond four times a bare Python.
UNSIGNED = 0.100
SIGNED = 0.250


def rows() -> Iterator[Row]:
    bare = process(PYTHON, "-c", "pass")
    for words in (("version",), ("--help",), ("rule", "lint", "--help")):
        taken, base = least(process(COMMAND, *words), bare, times=TIMES)
        yield Row(f"`trustacks {' '.join(words)}`", taken, base)
    with tempfile.TemporaryDirectory() as folder:
        yield from _unsigned(Path(folder), bare)
        yield from _signed(Path(folder), bare)


def _unsigned(folder: Path, bare: Callable[[], object]) -> Iterator[Row]:
    overlay = write_rule(folder / "unsigned", RULE)
    for command in ("lint", "test"):
        argv = (COMMAND, "rule", command, RULE, f"--overlay={overlay}", *LAYERS)
        name = f"`trustacks rule {command}` of one rule"
        yield _within(name, *least(process(*argv), bare, times=TIMES), UNSIGNED)


def _signed(folder: Path, bare: Callable[[], object]) -> Iterator[Row]:
    """A signed rule, by its author, with the workspace's pinned layers."""
    with planted(folder / "plane") as plane:
        overlay = overlay_repository(folder / "signed")
        new = ("rule", "new", RULE, "--from", "change-calendar", "--overlay", overlay)
        plane.alice.must(*new)
        plane.alice.must("rule", "sign", "--overlay", overlay)
        env = plane.alice.variables | {"PYTHONPATH": str(ROOT)}
    argv = (COMMAND, "rule", "lint", RULE, f"--overlay={overlay}")
    name = "`trustacks rule lint` of one rule, signature checked"
    yield _within(name, *least(process(*argv, env=env), bare, times=TIMES), SIGNED)


def _within(name: str, taken: Taken, base: Taken, more: float) -> Row:
    goal = f"4 times the baseline and {more * 1e3:.0f}"
    return Row(name, taken, base, goal, 4 * base.wall + more)
