# SPDX-License-Identifier: Apache-2.0
"""Whole processes: what a person waits for."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Ratio, least, process
from bundle.rego.templates import render

ROOT = Path(__file__).parents[1]
RULE = "acme.requires_change_ticket"
COMMAND = str(Path(sys.executable).parent / "trustacks")
LAYERS = [
    f"--constitution={ROOT / 'examples/constitution'}",
    f"--pack={ROOT / 'examples/packs/change-control'}",
]
TIMES = 7


def rows() -> Iterator[Ratio]:
    bare = process(sys.executable, "-c", "pass")
    with tempfile.TemporaryDirectory() as folder:
        overlay = _overlay(Path(folder))
        argv = [RULE, f"--overlay={overlay}", *LAYERS]
        for name, command in {
            "trustacks version": process(COMMAND, "version"),
            "rule lint ONE": process(COMMAND, "rule", "lint", *argv),
            "rule test ONE": process(COMMAND, "rule", "test", *argv),
        }.items():
            taken = least(command, bare, times=TIMES)
            yield Ratio(f"{name}, against `python -c pass`", *taken)


def _overlay(folder: Path) -> Path:
    rule, test = render("change-calendar", RULE)
    home = folder / "overlay/rules" / RULE
    home.mkdir(parents=True)
    (home / f"{RULE}.rego").write_text(rule)
    (home / f"{RULE}_test.rego").write_text(test)
    return folder
