# SPDX-License-Identifier: Apache-2.0
"""The refresh job of two servers on one PostgreSQL and one bucket: one of them writes."""

import shutil
import threading

import pytest

from bundle.tuf.committed import read_committed
from control_plane.jobs import refresh_all
from tests.simulators.service import ControlPlane

pytestmark = pytest.mark.integration


@pytest.fixture
def servers(tmp_path, s3_settings, postgresql_url):
    """Two servers with the same keys, and one workspace."""
    settings = {**s3_settings, "database_url": postgresql_url}
    first = ControlPlane(tmp_path / "one", **settings)
    first.create_workspace()
    first.close()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    both = [ControlPlane(tmp_path / name, **settings) for name in ("one", "two")]
    yield both
    for one in both:
        one.close()


def versions(server):
    storage = server.services.workspaces.storage("acme")
    roles = read_committed(storage).roles
    return {role: signed.version for role, signed in roles.items()}


def test_what_is_due_is_renewed_by_one_server_once(servers):
    before = versions(servers[0])
    start, renewed = threading.Barrier(2), []

    def work(server):
        server.clock.advance(hours=13)
        start.wait()
        renewed.append(refresh_all(server.services))

    threads = [threading.Thread(target=work, args=(one,)) for one in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(renewed) == [0, 1]
    assert versions(servers[1]) == {**before, "timestamp": before["timestamp"] + 1}


def test_a_server_that_lost_its_lock_does_not_undo_the_other_s_work(
    servers, monkeypatch
):
    """The fence: a timestamp is swapped only for the one that was looked at."""
    one, two = servers
    for server in servers:
        server.clock.advance(hours=13)
    workspace = one.services.workspaces.open("acme")
    storage, swap = workspace.storage, workspace.storage.replace

    def late(name, data, *, expected):
        monkeypatch.setattr(storage, "replace", swap)
        # This server's lock has gone with its connection; the other one works on.
        other = two.services.workspaces.open("acme")
        assert other.repository.refresh(two.clock()) == ("timestamp",)
        swap(name, data, expected=expected)

    before = versions(one)
    monkeypatch.setattr(storage, "replace", late)
    assert refresh_all(one.services) == 0
    assert versions(one) == {**before, "timestamp": before["timestamp"] + 1}
