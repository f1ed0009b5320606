# SPDX-License-Identifier: Apache-2.0
"""Connections and transactions.

``Registry.write`` commits when its body ends and before the workflow returns; there is
no commit in a dependency's exit, which can answer 200 for a write that failed.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from control_plane import limits
from control_plane.registry.failures import translated
from control_plane.registry.locks import WriterLock, take_turn

# A writer waits for its turn first, and must then see what was committed meanwhile.
_WRITER: Final = {"postgresql": {"isolation_level": "READ COMMITTED"}}


class Registry:
    """The database of one server.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
        connections: The most connections at once.
    """

    def __init__(self, url: str, *, connections: int = limits.DEFAULT_THREADS) -> None:
        self.engine = _engine(url, connections)
        self.writer = self.engine.execution_options(
            immediate=True, **_WRITER.get(self.engine.dialect.name, {})
        )
        self._locks = _lock_engine(url, connections)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that is rolled back at the end.

        Raises:
            StorageUnavailableError: The database cannot be read.
        """
        with translated(), Session(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed at the end, or not at all.

        Raises:
            StorageUnavailableError: Nothing was changed.
        """
        with translated(), Session(self.writer) as session, session.begin():
            yield session

    def writer_lock(self, workspace: str) -> WriterLock:
        """Return a lock that one writer of a workspace holds at a time.

        Threads of this process wait for each other on any database, and servers on one
        PostgreSQL do too. SQLite belongs to one server.
        """
        return WriterLock(workspace, self._locks)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if self._locks is not None:
            self._locks.dispose()


def _engine(url: str, connections: int) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=connections, max_overflow=0)
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
        return engine
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
    )
    event.listen(engine, "begin", take_turn)
    return engine


def _lock_engine(url: str, connections: int) -> Engine | None:
    # Connections of their own: whoever holds a lock needs another one for its work.
    if make_url(url).get_backend_name() == "sqlite":
        return None
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
    )


def _set_pragmas(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and late; `_begin` does it.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={limits.SQLITE_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # WAL with NORMAL may lose acknowledged commits
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading a read fails without waiting.
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
