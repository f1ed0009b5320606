# SPDX-License-Identifier: Apache-2.0
"""Connections and transactions.

``Registry.write`` commits when its body ends and before the workflow returns; there is
no commit in a dependency's exit, which can answer 200 for a write that failed.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.orm import Session

from control_plane import limits
from keys.errors import StorageUnavailableError


class Registry:
    """The database of one server.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
        connections: The most connections at once.
    """

    def __init__(self, url: str, *, connections: int = limits.DEFAULT_THREADS) -> None:
        self.engine = _engine(url, connections)
        self._writer = self.engine.execution_options(immediate=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that is rolled back at the end.

        Raises:
            StorageUnavailableError: The database cannot be read.
        """
        with _translated(), Session(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed at the end, or not at all.

        Raises:
            StorageUnavailableError: Nothing was changed.
        """
        with _translated(), Session(self._writer) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _engine(url: str, connections: int) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=connections, max_overflow=0)
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
        return engine
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
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


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise StorageUnavailableError(
            f"the registry refused: {type(cause).__name__}: {cause}",
            hint="look at the disk and the database server",
        ) from error
