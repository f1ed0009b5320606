# SPDX-License-Identifier: Apache-2.0
"""Who may write, where several servers share one PostgreSQL.

- A *turn*: every transaction that writes waits for the one before it, as SQLite's do by
  nature. Without it two of them can read the same state and both act on it.
- A *writer lock*: one workspace is changed by one thread of one server at a time,
  across transactions, storage and log. It saves work and waiting; what keeps a writer
  out that has lost its connection, and its lock with it, is the compare-and-swap of
  ``timestamp.json`` and of the checkpoint.
"""

import threading
from types import TracebackType
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from control_plane import limits
from control_plane.registry.failures import translated
from keys.digest import Digest
from keys.errors import BusyError

# SQLSTATE lock_not_available: lock_timeout has passed.
_TIMED_OUT: Final = "55P03"
_TURN: Final = text("SELECT pg_advisory_xact_lock(:key)")
_LOCK: Final = text("SELECT pg_advisory_lock(:key)")
_UNLOCK: Final = text("SELECT pg_advisory_unlock(:key)")


class WriterLock:
    """A reentrant lock: of this process's threads, then of the database's servers.

    Args:
        workspace: What is locked.
        engine: Connections for locks alone; None: one server has the database.
    """

    def __init__(self, workspace: str, engine: Engine | None) -> None:
        self._workspace = workspace
        self._engine = engine
        self._threads = threading.RLock()
        self._depth = 0
        self._connection: Connection | None = None

    def __enter__(self) -> None:
        """Wait for the lock.

        Raises:
            BusyError: Another server has held it for too long.
            StorageUnavailableError: The database does not answer.
        """
        self._threads.acquire()
        try:
            if self._depth == 0 and self._engine is not None:
                self._connection = self._locked(self._engine)
            self._depth += 1
        except BaseException:
            self._threads.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the next one in."""
        try:
            self._depth -= 1
            if self._depth == 0 and self._connection is not None:
                connection, self._connection = self._connection, None
                _unlock(connection, self._workspace)
        finally:
            self._threads.release()

    def _locked(self, engine: Engine) -> Connection:
        with translated():
            connection = engine.connect()
            try:
                connection.execute(text(f"SET lock_timeout = {limits.LOCK_WAIT_MS}"))
                connection.execute(_LOCK, {"key": _key(self._workspace)})
            except OperationalError as error:
                connection.invalidate()
                connection.close()
                if getattr(error.orig, "sqlstate", None) != _TIMED_OUT:
                    raise
                raise BusyError(
                    f"expected to be the writer of {self._workspace}, got another one",
                    hint="look at the other server of this database",
                ) from None
        return connection


def take_turn(connection: Connection) -> None:
    """Let a transaction that writes wait for the one before it."""
    if connection.get_execution_options().get("immediate", False):
        connection.execute(_TURN, {"key": _key("")})


def _unlock(connection: Connection, workspace: str) -> None:
    """A connection that breaks here has let go of its lock by that."""
    try:
        connection.execute(_UNLOCK, {"key": _key(workspace)})
    except OperationalError:
        connection.invalidate()
    finally:
        connection.close()


def _key(workspace: str) -> int:
    """PostgreSQL's lock names are 64 bits; no two workspaces will share one."""
    raw = Digest.of(f"trustacks workspace {workspace}".encode()).raw
    return int.from_bytes(raw[:8], "big", signed=True)
