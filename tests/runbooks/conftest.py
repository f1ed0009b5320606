# SPDX-License-Identifier: Apache-2.0
"""Desks to play runbooks at."""

import pytest

from tests.simulators.desk import desk
from tests.simulators.settled import copied, settle, settle_embedded


@pytest.fixture
def empty(tmp_path):
    """A Control Plane without a workspace."""
    with desk(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A workspace at work, which nobody changes any more."""
    folder = tmp_path_factory.mktemp("settled")
    with desk(folder) as made:
        settle(made)
    return folder


@pytest.fixture
def settled(template, tmp_path):
    """A workspace at work, the test's own."""
    with copied(template, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def embedded_template(tmp_path_factory):
    """An embedded workspace at work, which nobody changes any more."""
    folder = tmp_path_factory.mktemp("embedded")
    with desk(folder) as made:
        settle_embedded(made)
    return folder


@pytest.fixture
def embedded(embedded_template, tmp_path):
    """An embedded workspace at work, the test's own."""
    with copied(embedded_template, tmp_path) as made:
        yield made
