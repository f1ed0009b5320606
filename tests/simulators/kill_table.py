# SPDX-License-Identifier: Apache-2.0
"""Kill a Runner before each change that it makes to its directory, and start it again.

Run as a program of its own: it forks, and an audit hook cannot be taken off again. For
each case it prints, as JSON lines, what the next start found and what the next step did.
"""

import json
import os
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from bundle.rego.embedded import EmbeddedEngine
from bundle.runner.runner import Runner
from keys.clock import utc_now
from tests.simulators.tuf_mirror import URL, Mirror
from tests.simulators.workspace import WINDOW, SimulatedWorkspace, proposal

# Every way in which names of a directory, and what they mean, can change.
CHANGES = {"os.rename", "os.remove", "os.symlink", "os.link", "os.mkdir", "os.rmdir"}
KILLED = 9


def paths_of(event: str, args: tuple) -> list[str]:
    if event == "open":
        path, _, flags = args
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        return [os.fspath(path)] if writes and isinstance(path, str | Path) else []
    if event in CHANGES:
        return [os.fspath(a) for a in args if isinstance(a, str | Path)]
    return []


def die_before(count: int, directory: Path) -> None:
    """End this process, at once, before its ``count``-th change in the directory."""
    left = [count]
    inside, outside = f"{directory}/", f"{directory}/tuf"

    def hook(event, args):
        for path in paths_of(event, args):
            if path.startswith(inside) and not path.startswith(outside):
                left[0] -= 1
                if left[0] == 0:
                    os._exit(KILLED)

    sys.addaudithook(hook)


def start(house, mirror, directory, engine) -> Runner:
    return Runner(
        state=directory, root=house.root, url=URL, fetcher=mirror, engine=engine
    )


def step_and_die(house, mirror, directory, count) -> bool:
    """Return whether it died; a child does it, so that it really ends."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with EmbeddedEngine() as engine:
                die_before(count, directory)
                with start(house, mirror, directory, engine) as runner:
                    code = 0 if runner.step().outcome == "activated" else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}, code
    return code == KILLED


def judge(house, mirror, directory, engine) -> dict:
    """Start again without a network, then with one."""
    mirror.down = True
    with start(house, mirror, directory, engine) as runner:
        left = [p.name for p in directory.rglob("*") if ".tmp-" in p.name]
        found = runner.status()
        denied = not runner.decide(proposal()).allowed
        window = runner.decide(proposal(body="CM-1"))
    mirror.down = False
    with start(house, mirror, directory, engine) as runner:
        event = runner.step()
        after = runner.decide(proposal(body="CM-1"))
    return {
        "found": found.revision,
        "code": found.code,
        "denied": denied,
        "allows": window.allowed,
        "outcome": event.outcome,
        "revision": event.revision,
        "left": [n for n in left if "tuf" not in n],
        "then_allows": after.allowed,
    }


def table(house, mirror, base: Path | None, engine, scratch: Path) -> None:
    name = "upgrade" if base else "first"
    for count in range(1, 200):
        directory = scratch / f"{name}-{count}"
        if base:
            shutil.copytree(base, directory, symlinks=True)
        died = step_and_die(house, mirror, directory, count)
        found = judge(house, mirror, directory, engine)
        sys.stdout.write(
            json.dumps({"case": name, "before": count, "died": died, **found}) + "\n"
        )
        shutil.rmtree(directory)
        if not died:
            return


def main() -> None:
    with (
        EmbeddedEngine() as engine,
        tempfile.TemporaryDirectory(prefix="kill-") as name,
    ):
        scratch = Path(name).resolve()
        house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
        house.release(house.rule())
        mirror = Mirror(house.storage)
        base = scratch / "base"
        with start(house, mirror, base, engine) as runner:
            assert runner.step().outcome == "activated"
        table(house, mirror, None, engine, scratch)
        house.release(*house.releases[0].rules, house.rule(WINDOW))
        table(house, mirror, base, engine, scratch)


if __name__ == "__main__":
    main()
