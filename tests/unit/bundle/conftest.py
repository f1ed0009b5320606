# SPDX-License-Identifier: Apache-2.0
"""A Runner at its bench, in a workspace with one release; a test file may say others."""

from datetime import timedelta

import pytest

from bundle.rego.embedded import EmbeddedEngine
from keys.clock import utc_now
from tests.simulators.runner import Bench
from tests.simulators.workspace import SimulatedWorkspace


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture
def house(engine):
    house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
    house.release(house.rule())
    return house


@pytest.fixture
def bench(house, tmp_path):
    bench = Bench(house, tmp_path / "runner")
    bench.clock.move(minutes=1)
    yield bench
    bench.close()
