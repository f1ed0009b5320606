# SPDX-License-Identifier: Apache-2.0
"""A Runner of the ``house`` of each attack: one that kept its state, and a fresh one."""

import shutil

import pytest

from bundle.rego.embedded import EmbeddedEngine
from tests.simulators.runner import Bench, disk


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture
def bench(house, tmp_path):
    bench = Bench(house, tmp_path / "runner")
    bench.clock.move(minutes=1)
    yield bench
    bench.close()


@pytest.fixture(params=["with state", "fresh"])
def runner(request, bench, house):
    runner = bench.runner(floor=house.releases[-1].known)
    assert runner.step().outcome == "activated"
    if request.param == "fresh":
        runner.close()
        shutil.rmtree(bench.directory)
        runner = bench.runner(floor=house.releases[-1].known)
    return runner


@pytest.fixture
def held(bench, runner, house):
    """Says whether a step is held by an attack, with nothing changed on disk."""

    def is_held(attack) -> None:
        had, kept = runner.status(), _releases(bench)
        code = attack(house)
        event = runner.step()
        assert (event.outcome, event.code) == ("held", code)
        assert _releases(bench) == kept
        status = runner.status()
        assert (status.revision, status.release) == (had.revision, had.release)

    return is_held


def _releases(bench) -> dict[str, bytes]:
    kept = disk(bench.directory)
    return {name: data for name, data in kept.items() if name.startswith("releases")}
