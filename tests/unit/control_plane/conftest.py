# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest

from tests.simulators.service import ControlPlane, Workspace

# Keys and workspaces take many durable writes; a copy of a state directory takes none.


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory):
    made = ControlPlane(tmp_path_factory.mktemp("empty") / "state")
    made.close()
    return made.settings.state


@pytest.fixture(scope="session")
def acme(tmp_path_factory):
    made = ControlPlane(tmp_path_factory.mktemp("acme") / "state")
    workspace = made.create_workspace()
    made.close()
    return workspace


@pytest.fixture
def server(request, tmp_path, empty_state):
    """A server; with the workspace ``acme`` if the test asks for ``workspace``."""
    source = empty_state
    if "workspace" in request.fixturenames:
        source = request.getfixturevalue("acme").server.settings.state
    shutil.copytree(source, tmp_path / "state")
    found = ControlPlane(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture
def workspace(server, acme):
    return Workspace(server, "acme", acme.digest)


@pytest.fixture
def refused(server):
    """Assert that a call is refused with a code, and that it changed nothing."""

    def check(call, status, code):
        before = server.everything()
        answer = call()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (status, code), (
            answer.text
        )
        assert server.everything() == before
        return answer.json()

    return check
