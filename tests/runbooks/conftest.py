# SPDX-License-Identifier: Apache-2.0
"""Desks to play runbooks at."""

import pytest

from tests.simulators.desk import desk


@pytest.fixture
def empty(tmp_path):
    """A Control Plane without a workspace."""
    with desk(tmp_path) as made:
        yield made
