# SPDX-License-Identifier: Apache-2.0
"""A large overlay: lint and test of a thousand rules, and what one more costs."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.installed import COMMAND
from benchmarks.measure import Row, Taken, best, least, once, process
from benchmarks.overlays import LAYERS, write_overlay
from bundle.confine import examine_rule
from bundle.overlay import read_overlay
from bundle.rego.embedded import EmbeddedEngine

RULES = 1_000
FEWER = 250
# Seconds.
LINT_ALL = 10.0
STRUCTURAL = 0.005
# How much slower four times the rules may be, a fifth of it noise.
LINEAR = 4 * 1.2


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        many = write_overlay(Path(folder) / "many", RULES)
        few = write_overlay(Path(folder) / "few", FEWER)
        yield _structural(many)
        yield from _commands(many, few)


def _commands(many: Path, few: Path) -> Iterator[Row]:
    argv = (COMMAND, "rule", "lint", *LAYERS)
    all_of_it = process(*argv, f"--overlay={many}")
    part = process(*argv, f"--overlay={few}")
    taken, base = least(all_of_it, part, times=2)
    yield Row(f"`rule lint` of {RULES} rules", taken, None, "under", LINT_ALL)
    name = f"`rule lint` of {RULES} rules, against {FEWER}"
    yield Row(name, taken, base, "linear", LINEAR * base.wall)
    argv = (COMMAND, "rule", "test", *LAYERS)
    tested = best([once(process(*argv, f"--overlay={many}"))])
    yield Row(f"`rule test` of {RULES} rules", tested)


def _structural(overlay: Path) -> Row:
    """The proof that a file can only add denies, parsing included, for one rule."""
    rules = read_overlay(overlay).rules[:FEWER]
    with EmbeddedEngine() as engine:

        def examine() -> None:
            for one in rules:
                found = examine_rule("x", one.rule, parse=engine.parse)
                assert not found.findings

        examine()
        taken = best([once(examine) for _ in range(5)])
    each = Taken(taken.wall / len(rules), taken.cpu / len(rules))
    return Row("structural proof of a rule, parsed", each, None, "under", STRUCTURAL)


if __name__ == "__main__":
    folder, count = sys.argv[1:]
    write_overlay(Path(folder), int(count))
