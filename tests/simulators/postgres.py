# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for tests: a cluster of its own, on a Unix socket, gone afterwards.

Not a simulation; it is here because tests start it. It refuses to run as root, so that
root runs it as ``nobody``. No TCP port is opened.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

ABSENT = "SKIPPED: PostgreSQL absent (initdb and pg_ctl; apt-get install postgresql)"
_DEBIAN = "/usr/lib/postgresql"
_WAIT_S = 60
_names = itertools.count(1)


def find_program(name: str) -> str | None:
    """Return where a server program is: on PATH, or where Debian puts it."""
    found = sorted(Path(_DEBIAN).glob(f"*/bin/{name}"), key=lambda p: p.parts[-3])
    return shutil.which(name) or (str(found[-1]) if found else None)


class PostgreSql:
    """A running cluster."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def new_database(self) -> str:
        """Make a database; return its SQLAlchemy URL."""
        name = f"test_{os.getpid()}_{next(_names)}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://tests@/{name}?host={self._socket}"

    def end_sessions(self, database: str) -> None:
        """Cut every connection to a database, as a failover does."""
        with self._connect() as connection:
            done = connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = %s",
                [make_url(database).database],
            )
            assert done.rowcount, "there was none"

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket), user="tests", dbname="postgres", autocommit=True
        )


@contextmanager
def run_postgresql() -> Iterator[PostgreSql]:
    """Run a cluster until the end.

    Raises:
        FileNotFoundError: There is no PostgreSQL here.
    """
    initdb, pg_ctl = find_program("initdb"), find_program("pg_ctl")
    if initdb is None or pg_ctl is None:
        raise FileNotFoundError(ABSENT)
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    who = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        who = {"user": "nobody", "extra_groups": ()}

    def run(*words: str) -> None:
        subprocess.run(
            words, cwd=folder, check=True, timeout=_WAIT_S, capture_output=True, **who
        )

    data = str(folder / "data")
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
    try:
        run(initdb, "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8")
        run(pg_ctl, "-D", data, "-l", data + ".log", "-o", options, "-w", "start")
        try:
            yield PostgreSql(folder)
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
