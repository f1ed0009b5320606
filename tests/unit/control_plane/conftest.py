# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.simulators.service import ControlPlane


@pytest.fixture
def server(tmp_path):
    found = ControlPlane(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture
def workspace(server):
    return server.create_workspace()


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
