# SPDX-License-Identifier: Apache-2.0
"""A person, a repository, and one Control Plane for all tests of this folder."""

import threading

import pytest

from tests.simulators.plane import RULE, Person, overlay_repository, replanted
from trustacks.client import Client
from trustacks.errors import ControlPlaneRefusalError


@pytest.fixture
def cli(tmp_path):
    """Somebody who never logged in."""
    return Person.make(tmp_path / "somebody")


@pytest.fixture
def home(cli):
    return cli.home


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    with replanted(tmp_path_factory.mktemp("plane")) as running:
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


@pytest.fixture(scope="session")
def expired(plane):
    """A token that was good for a second, a second ago."""
    token = plane.admin_token.read_text().strip()
    with Client(plane.url, token=token) as api:
        wanted = {"role": "author", "subject": "late", "ttl_seconds": 1}
        made = api.workspace("acme").post("/tokens", wanted)["token"]
    with Client(plane.url, token=made) as api:
        for _ in range(200):
            try:
                api.get("/v1/whoami")
            except ControlPlaneRefusalError:
                return made
            threading.Event().wait(0.02)
    raise AssertionError("the token never expired")
