# SPDX-License-Identifier: Apache-2.0
"""Trust and its repository: what a publish, a poll and a workspace cost as they grow.

``FEW`` and ``MANY`` releases are published side by side in one server, and so are their
next ones, in turn. Filling the larger workspace takes minutes; nothing is simulated in
it but the gate's verdict (``publishing``).
"""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tuf.ngclient.updater import Updater

from benchmarks.measure import Count, Row, Taken, best, least, once
from benchmarks.publishing import Publisher, control_plane, without_gate
from bundle.rego.embedded import EmbeddedEngine
from bundle.tuf.client import CONFIG
from control_plane.jobs import refresh_all
from keys.clock import utc_now
from tests.simulators.runner import Bench
from tests.simulators.tuf_mirror import URL
from tests.simulators.workspace import SimulatedWorkspace

FEW, MANY = 10, 10_000
TIMES = 20
WORKSPACES = 1_000
# How much dearer the later one may be.
RELEASE_RATIO = 1.1
WORKSPACE_RATIO = 1.2
# Seconds of CPU: a publish without the gate, and a poll beyond python-tuf's refresh.
PUBLISH_CPU = 0.015
POLL_CPU = 0.005
# Seconds on the clock.
REFRESH_ALL = 20.0
# Bytes of metadata that a publish stores, at three releases listed.
METADATA = 3 * 1024
POLL_REQUESTS = 2
POLL_BYTES = 1024


def rows() -> Iterator[Row | Count]:
    yield from _poll()
    yield from _workspaces()
    yield from _publish()


def _publish() -> Iterator[Row | Count]:
    with control_plane() as plane:
        few, many = Publisher(plane, "few"), Publisher(plane, "many")
        few.fill(FEW)
        many.fill(MANY)
        for publisher in (few, many):
            publisher.prepare(2 * TIMES + 3)
        taken, base = least(many.publish, few.publish, times=TIMES)
        name = f"publish after {MANY:,} releases, against {FEW}"
        bound = RELEASE_RATIO * base.wall
        yield Row(name, taken, base, f"{RELEASE_RATIO} times", bound)
        with without_gate():
            bare = best([once(many.publish) for _ in range(TIMES)])
        name = "publish, registry and log included, without the gate"
        yield Row(name, bare, None, "CPU under", PUBLISH_CPU, by_cpu=True)
        before = few.metadata()
        few.publish()
        written = few.metadata().items() - before.items()
        name = "metadata that one publish stores, three releases listed"
        yield Count(name, sum(len(data) for _, data in written), "bytes", METADATA)


def _poll() -> Iterator[Row | Count]:
    """A Runner that finds nothing new, beside python-tuf on the same repository."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedEngine() as engine:
        house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
        house.release(house.rule())
        bench = Bench(house, Path(folder) / "runner")
        bench.clock.move(minutes=1)
        runner = bench.runner()
        assert runner.step().outcome == "activated"
        asked, served = len(bench.mirror.asked), bench.mirror.served
        assert runner.step().outcome == "unchanged"
        requests = len(bench.mirror.asked) - asked
        name = "idle poll of a Runner"
        yield Count(name, requests, "requests", POLL_REQUESTS)
        yield Count(name, bench.mirror.served - served, "bytes", POLL_BYTES)
        plain = Path(folder) / "plain"
        plain.mkdir()

        def refresh() -> None:
            updater = Updater(
                str(plain),
                f"{URL}/metadata/",
                fetcher=bench.mirror,
                config=CONFIG,
                bootstrap=house.root,
            )
            updater.refresh()
            updater.get_targetinfo("overlay/1/bundle.tar.gz")

        taken, base = least(runner.step, refresh, times=10 * TIMES)
        bench.close()
    name = "idle poll, against python-tuf's refresh"
    bound = base.cpu + POLL_CPU
    yield Row(name, taken, base, "CPU within 5 of it", bound, by_cpu=True)


def _workspaces() -> Iterator[Row]:
    with control_plane() as plane:
        names = (f"w{number}" for number in range(1, WORKSPACES + 1))
        taken = [once(lambda n=n: plane.create_workspace(n)) for n in names]
        early, late = best(taken[5:15]), best(taken[-10:])
        bound = WORKSPACE_RATIO * early.wall
        name = f"make workspace {WORKSPACES:,}, against the 10th"
        yield Row(name, late, early, f"{WORKSPACE_RATIO} times", bound)
        plane.clock.advance(hours=13)
        renewed: list[int] = []
        spent = once(lambda: renewed.append(refresh_all(plane.services)))
    assert renewed == [WORKSPACES]
    name = f"refresh the timestamps of {WORKSPACES:,} workspaces"
    yield Row(name, Taken(spent.wall, spent.cpu), None, "under", REFRESH_ALL)
