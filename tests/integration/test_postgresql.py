# SPDX-License-Identifier: Apache-2.0
"""What servers that share a PostgreSQL owe each other: turns, and one writer."""

import threading

import pytest
from sqlalchemy import func, select

from control_plane import limits
from control_plane.registry.migrate import migrate
from control_plane.registry.models import WorkspaceRow
from control_plane.registry.session import Registry
from keys.errors import BusyError, StorageUnavailableError

pytestmark = pytest.mark.integration
AT = "2026-01-31T09:00:00Z"


@pytest.fixture
def servers(postgresql_url):
    """Two servers on one database, migrated by whichever was first."""
    found = [Registry(postgresql_url, connections=4) for _ in range(2)]
    threads = [threading.Thread(target=migrate, args=(one,)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield found
    for one in found:
        one.close()


def _row(number):
    return WorkspaceRow(name=f"w{number}", digest=f"d{number}", created_at=AT)


def _count(session):
    return session.scalar(select(func.count()).select_from(WorkspaceRow))


def test_two_servers_may_start_at_once(servers):
    assert migrate(servers[0]) == migrate(servers[1]) == "0003"


def test_writers_take_turns_and_see_what_the_one_before_wrote(servers):
    """Each adds the row whose number it counted: a stale look would count one twice."""

    def work(registry):
        for _ in range(10):
            with registry.write() as session:
                session.add(_row(_count(session)))

    threads = [threading.Thread(target=work, args=(servers[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with servers[0].read() as session:
        assert _count(session) == 40


def test_a_reader_sees_one_state_and_waits_for_nobody(servers):
    one, other = servers
    with one.read() as session, other.write() as writing:
        assert _count(session) == 0
        writing.add(_row(1))
        writing.flush()
        assert _count(session) == 0
    with one.read() as session:
        assert _count(session) == 1


def test_one_server_at_a_time_writes_a_workspace(servers):
    held, order = threading.Event(), []

    def second():
        held.wait()
        with servers[1].writer_lock("acme"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with servers[0].writer_lock("acme") as _:
        held.set()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_another_workspace_has_another_lock(servers):
    with servers[0].writer_lock("acme"), servers[1].writer_lock("other"):
        pass


def test_the_lock_is_reentrant_and_then_free(servers):
    lock = servers[0].writer_lock("acme")
    with lock, lock, servers[0].write() as session:
        session.add(_row(1))
    with servers[1].writer_lock("acme"):
        pass


def test_a_lock_that_never_comes_is_said_to_be_busy(servers, monkeypatch):
    monkeypatch.setattr(limits, "LOCK_WAIT_MS", 100)
    with servers[0].writer_lock("acme"):
        lock = servers[1].writer_lock("acme")
        with pytest.raises(BusyError) as refused, lock:
            pass
        assert refused.value.code == "busy"
    with lock:
        pass


def test_a_lost_connection_loses_the_lock_and_nothing_else(
    servers, postgresql, postgresql_url
):
    lock = servers[0].writer_lock("acme")
    with lock:
        postgresql.end_sessions(postgresql_url)
    with servers[1].writer_lock("acme"), servers[1].write() as session:
        session.add(_row(1))
    with lock, servers[0].read() as session:
        assert _count(session) == 1


def test_a_database_that_is_cut_off_changes_nothing(
    servers, postgresql, postgresql_url
):
    def cut():
        with servers[0].write() as session:
            session.add(_row(1))
            session.flush()
            postgresql.end_sessions(postgresql_url)

    with pytest.raises(StorageUnavailableError):
        cut()
    with servers[0].read() as session:
        assert _count(session) == 0
