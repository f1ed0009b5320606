# SPDX-License-Identifier: Apache-2.0
"""A workspace as a publisher of ours writes it, and the peers that tests speak to."""

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


# Keys of CA and timestamp authority, and of the log: as we recommend it, as the
# public-good instance has it (but for its log), and as old authorities have it.
_KINDS = {
    "p256": ("P-256", "Ed25519"),
    "p384": ("P-384", "P-256"),
    "rsa": ("RSA", "Ed25519"),
}


@pytest.fixture(scope="session")
def peers():
    """The real peers are installed, and loopback is the only network."""
    from deploy.loopback import is_alone  # noqa: PLC0415
    from deploy.peers import lacking  # noqa: PLC0415

    if missing := lacking():
        pytest.skip(f"SKIPPED: {', '.join(missing)} absent (make interop)")
    if not is_alone():
        pytest.skip("SKIPPED: a network with other hosts (make interop)")


@pytest.fixture(scope="session", params=_KINDS)
def instance(request, peers, tmp_path_factory):
    """A Sigstore instance of the real services, on loopback."""
    from tests.interop.peers.instance import run_instance  # noqa: PLC0415

    kind, log_kind = _KINDS[request.param]
    home = tmp_path_factory.mktemp("instance")
    with run_instance(home, kind=kind, log_kind=log_kind) as running:
        yield running


@pytest.fixture
def cosign(peers, tmp_path):
    """Stock cosign with an empty home."""
    from tests.interop.peers.cosign import Cosign  # noqa: PLC0415

    return Cosign(tmp_path)
