# SPDX-License-Identifier: Apache-2.0
"""How a figure is taken: in turn with its baseline, and the least of several.

The least time is the one that the machine's other work disturbed least; two things are
timed in turn, A B A B, so that a slow minute slows both. Beside the time on the clock
stands the CPU time that the work and its child processes used: on a machine with other
work it is the steadier of the two, though work on two cores at once counts twice.
"""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_READ = """The least of several runs, in turn with the baseline.
CPU is user and system time, of child processes too."""


@dataclass(frozen=True)
class Taken:
    """One figure.

    Attributes:
        wall: Seconds on the clock.
        cpu: Seconds of CPU, user and system, children included.
    """

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured.
        taken: Its least figures.
        base: What it is measured against, or None for what stands for itself.
        goal: The goal in words, or nothing.
        bound: The most seconds that the goal allows in this run, or None.
        by_cpu: Whether the goal is of CPU, and not of the clock.
    """

    name: str
    taken: Taken
    base: Taken | None = None
    goal: str = ""
    bound: float | None = None
    by_cpu: bool = False

    @property
    def met(self) -> str:
        """Whether the time is within the bound."""
        if self.bound is None:
            return ""
        taken = self.taken.cpu if self.by_cpu else self.taken.wall
        return "met" if taken <= self.bound else "**not met**"

    def cells(self) -> tuple[str, ...]:
        base = self.base
        return (
            self.name,
            _ms(self.taken.wall),
            _ms(self.taken.cpu),
            _ms(base.wall) if base else "",
            f"{self.taken.wall / base.wall:.2f}" if base else "",
            self.goal if self.bound is None else f"{self.goal}: {_ms(self.bound)}",
            self.met,
        )


@dataclass(frozen=True)
class Count:
    """One line of the table that is no time.

    Attributes:
        name: What was counted.
        value: How many.
        unit: Of what.
        bound: The most that the goal allows.
    """

    name: str
    value: int
    unit: str
    bound: int

    def cells(self) -> tuple[str, ...]:
        met = "met" if self.value <= self.bound else "**not met**"
        most = f"at most {self.bound:,} {self.unit}"
        return (self.name, f"{self.value:,} {self.unit}", "", "", "", most, met)


@dataclass(frozen=True)
class Rate:
    """One line of the table that is how much per second.

    Attributes:
        name: What was measured.
        value: How many per second.
        unit: Of what.
        least: The least that the goal allows, or None.
    """

    name: str
    value: float
    unit: str
    least: float | None

    def cells(self) -> tuple[str, ...]:
        goal, met = "", ""
        if self.least is not None:
            goal = f"at least {self.least:,.0f} {self.unit}"
            met = "met" if self.value >= self.least else "**not met**"
        return (self.name, f"{self.value:,.0f} {self.unit}", "", "", "", goal, met)


def least(
    work: Callable[[], object], base: Callable[[], object], *, times: int
) -> tuple[Taken, Taken]:
    """Time ``work`` and ``base`` in turn; return the least of each."""
    work()
    base()
    taken = [(once(work), once(base)) for _ in range(times)]
    return best([w for w, _ in taken]), best([b for _, b in taken])


def stretch(work: Callable[[], object], *, times: int) -> Callable[[], object]:
    """Return what does it so many times on end; ``shared`` gives the figure of one.

    For what takes less than a millisecond and is asked about *warm*: its baseline, in
    between, would leave the processor's caches full of its own.
    """

    def works() -> None:
        for _ in range(times):
            work()

    return works


def shared(taken: Taken, *, times: int) -> Taken:
    """Return one of so many equal parts."""
    return Taken(taken.wall / times, taken.cpu / times)


def best(taken: Sequence[Taken]) -> Taken:
    """Return the least of each figure."""
    return Taken(min(t.wall for t in taken), min(t.cpu for t in taken))


def once(work: Callable[[], object]) -> Taken:
    """Time something once."""
    start, used = time.perf_counter(), _cpu()
    work()
    return Taken(time.perf_counter() - start, _cpu() - used)


def process(*argv: str, env: dict[str, str] | None = None) -> Callable[[], object]:
    """Return a function that runs a command as a whole process."""
    return lambda: subprocess.run(argv, check=True, capture_output=True, env=env)


def table(rows: Sequence[Row | Count | Rate]) -> str:
    """Return the figures as a Markdown table, times in milliseconds."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    lines = [
        "| what | ms | CPU, ms | baseline, ms | ratio | goal, ms | |",
        "|---|--:|--:|--:|--:|---|---|",
        *(f"| {' | '.join(row.cells())} |" for row in rows),
        "",
        f"{cores} cores, load {load}. {_READ}",
    ]
    return "\n".join(lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def _cpu() -> float:
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usages = [resource.getrusage(who) for who in both]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
