# SPDX-License-Identifier: Apache-2.0
"""A workspace as a publisher of ours writes it, served as plain files on loopback."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bundle.storage.directory import DirectoryStorage
from tests.simulators.tuf_mirror import Workspace


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Served:
    """A workspace at a URL."""

    workspace: Workspace
    url: str
    folder: Path
    asked: list[str] = field(default_factory=list)


@pytest.fixture(params=["embedded", "sovereign"])
def served(request, tmp_path) -> Iterator[Served]:
    """A published workspace; clients judge it by today's clock."""
    folder = tmp_path / "w"
    workspace = Workspace.create(
        datetime.now(UTC).replace(microsecond=0),
        sovereign=request.param == "sovereign",
        storage=DirectoryStorage(folder),
    )
    workspace.publish_trust()
    workspace.publish_release(1)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Files, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Served(workspace, f"http://127.0.0.1:{server.server_port}", folder)
    server.shutdown()
    thread.join()
    server.server_close()
