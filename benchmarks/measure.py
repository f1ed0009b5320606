# SPDX-License-Identifier: Apache-2.0
"""How a figure is taken: interleaved repetitions, and the least of them.

The least time is the one that the machine's other work disturbed least; two things
are timed in turn, A B A B, so that a slow minute slows both.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """One line of the table.

    Attributes:
        name: What was measured, against what.
        seconds: The least time of the thing itself.
        base_seconds: The least time of what it is measured against.
        goal: The bound on the ratio that an issue states, or None.
    """

    name: str
    seconds: float
    base_seconds: float
    goal: float | None = None

    @property
    def ratio(self) -> float:
        return self.seconds / self.base_seconds


def least(
    work: Callable[[], object], base: Callable[[], object], *, times: int
) -> tuple[float, float]:
    """Time ``work`` and ``base`` in turn; return the least of each, in seconds."""
    work()
    base()
    taken = [(_once(work), _once(base)) for _ in range(times)]
    return min(w for w, _ in taken), min(b for _, b in taken)


def process(*argv: str, env: dict[str, str] | None = None) -> Callable[[], object]:
    """Return a function that runs a command as a whole process."""
    return lambda: subprocess.run(argv, check=True, capture_output=True, env=env)


def table(rows: Sequence[Ratio]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| what | ms | against, ms | ratio | goal |", "|---|--:|--:|--:|--:|"]
    lines += [
        f"| {r.name} | {r.seconds * 1e3:.2f} | {r.base_seconds * 1e3:.2f} "
        f"| {r.ratio:.2f} | {'' if r.goal is None else f'≤ {r.goal}'} |"
        for r in rows
    ]
    return "\n".join(lines)


def _once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
