# SPDX-License-Identifier: Apache-2.0
"""A Runner of the ``house`` of each attack: one that kept its state, and a fresh one."""

import shutil

import pytest

from bundle.rego.embedded import EmbeddedEngine
from tests.simulators.runner import Bench


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
