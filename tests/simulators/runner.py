# SPDX-License-Identifier: Apache-2.0
"""A Runner on a real directory, a mirror in memory, and a clock that is told the time.

The Runner, its gate, its engine and its disk are the real ones.
"""

from datetime import datetime, timedelta
from pathlib import Path

from bundle.runner.event import Event
from bundle.runner.runner import Runner
from tests.simulators.tuf_mirror import URL, Mirror
from tests.simulators.workspace import SimulatedWorkspace


class ToldClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


class Bench:
    """A Runner and everything around it.

    Attributes:
        house: The workspace.
        mirror: What the Runner reads from.
        clock: The Runner's.
        directory: Its state.
    """

    def __init__(self, house: SimulatedWorkspace, directory: Path) -> None:
        self.house, self.directory = house, directory
        self.mirror = Mirror(house.storage)
        self.clock = ToldClock(house.at)
        self._open: list[Runner] = []

    def runner(self, **changes) -> Runner:
        """Start a Runner, as after a boot."""
        given = {
            "state": self.directory,
            "root": self.house.root,
            "url": URL,
            "clock": self.clock,
            "fetcher": self.mirror,
            "engine": self.house.engine,
        }
        runner = Runner(**{**given, **changes})
        self._open.append(runner)
        return runner

    def restart(self, runner: Runner, **changes) -> Runner:
        runner.close()
        return self.runner(**changes)

    def close(self) -> None:
        for runner in self._open:
            runner.close()


def disk(directory: Path) -> dict[str, bytes]:
    """Return everything that the Runner itself keeps: not TUF's cache, nor locks."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        and "tuf" not in path.relative_to(directory).parts
        and path.name not in {"runner.lock", "decisions.json"}
    }


def outcome(event: Event) -> tuple[str, str | None, int | None]:
    return event.outcome, event.code, event.revision
