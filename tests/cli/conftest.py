# SPDX-License-Identifier: Apache-2.0
"""A person, a repository, and one Control Plane for all tests of this folder."""

import pytest

from tests.simulators.plane import RULE, Person, overlay_repository, planted


@pytest.fixture
def cli(tmp_path):
    """Somebody who never logged in."""
    return Person.make(tmp_path / "somebody")


@pytest.fixture
def home(cli):
    return cli.home


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def alice(plane, tmp_path):
    """The author, on a day of her own."""
    return plane.alice.copy(tmp_path / "alice")


@pytest.fixture
def ci(plane, tmp_path):
    return plane.ci.copy(tmp_path / "ci")


@pytest.fixture
def admin(plane, tmp_path):
    return plane.admin.copy(tmp_path / "admin")


@pytest.fixture
def repository(tmp_path):
    return overlay_repository(tmp_path / "policy")


@pytest.fixture
def drafted(alice, repository):
    """A repository with one drafted rule."""
    alice.must(
        "rule", "new", RULE, "--from", "change-calendar", "--overlay", repository
    )
    return repository
