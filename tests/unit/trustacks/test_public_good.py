# SPDX-License-Identifier: Apache-2.0
"""The public-good instance's documents: by TUF, from the shipped root, or not at all."""

import functools
import http.server
import threading
from datetime import timedelta

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Metadata,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from keys.clock import utc_now
from tests.simulators.plane import tree
from tests.simulators.sigstore_http import SigstoreHttp
from trustacks.public_good import (
    PublicGood,
    PublicGoodRefusedError,
    PublicGoodUnavailableError,
    shipped_root,
)

INSTANCE = SigstoreHttp(url="https://example.com")
FILES = {
    "trusted_root.json": INSTANCE.trusted_root(),
    "signing_config.v0.2.json": INSTANCE.signing_config(),
}


class Repository:
    """A TUF repository in a folder, as Sigstore's is laid out."""

    def __init__(self, folder):
        self.folder, self.signer = folder, CryptoSigner.generate_ed25519()
        (folder / "targets").mkdir(parents=True)
        until = utc_now().replace(microsecond=0) + timedelta(days=1)
        root = Root(expires=until, consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            root.add_key(self.signer.public_key, role)
        self.root = self.signed(root)
        self.publish(FILES, until)

    def signed(self, role) -> bytes:
        made = Metadata(role)
        made.sign(self.signer)
        return made.to_bytes()

    def publish(self, files, until) -> None:
        targets = Targets(expires=until)
        for name, data in files.items():
            one = targets.targets[name] = TargetFile.from_data(name, data, ["sha256"])
            path = self.folder / f"targets/{one.hashes['sha256']}.{name}"
            path.write_bytes(data)
        written = {
            "1.root.json": self.root,
            "1.targets.json": self.signed(targets),
            "1.snapshot.json": self.signed(Snapshot(expires=until)),
            "timestamp.json": self.signed(Timestamp(expires=until)),
        }
        for name, data in written.items():
            (self.folder / name).write_bytes(data)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


@pytest.fixture
def fetch(repository, tmp_path):
    """Fetch as a person does, whose folder is ``home``."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=repository.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield lambda root=None: PublicGood.fetch(
            tmp_path / "home", url=url, root=root or repository.root
        )
        server.shutdown()
        thread.join(10)


def test_the_documents_of_now_are_fetched(fetch):
    for _ in range(2):
        found = fetch()
        assert found.trusted_root == FILES["trusted_root.json"]
        assert found.signing_config == FILES["signing_config.v0.2.json"]


def test_a_document_that_was_changed_is_refused(repository, fetch):
    for path in (repository.folder / "targets").glob("*trusted_root.json"):
        path.write_bytes(path.read_bytes().replace(b"CA", b"AC"))
    with pytest.raises(PublicGoodRefusedError):
        fetch()


def test_the_repository_of_another_is_refused(fetch, tmp_path):
    other = Repository(tmp_path / "other")
    with pytest.raises(PublicGoodRefusedError):
        fetch(other.root)


def test_metadata_that_has_expired_is_refused(repository, fetch):
    repository.publish(FILES, utc_now().replace(microsecond=0) - timedelta(seconds=1))
    with pytest.raises(PublicGoodRefusedError):
        fetch()


@pytest.mark.parametrize("name", FILES)
def test_a_document_that_is_missing_is_refused(repository, fetch, name):
    kept = {one: data for one, data in FILES.items() if one != name}
    until = utc_now().replace(microsecond=0) + timedelta(days=1)
    repository.publish(kept, until)
    with pytest.raises(PublicGoodRefusedError):
        fetch()


def test_what_was_fetched_before_is_not_taken_offline(repository, fetch, tmp_path):
    fetch()
    with pytest.raises(PublicGoodUnavailableError) as refused:
        PublicGood.fetch(
            tmp_path / "home", url="http://127.0.0.1:1", root=repository.root
        )
    assert refused.value.exit_code == 3


def test_a_folder_that_cannot_be_written_is_no_refusal(repository, tmp_path):
    (tmp_path / "home").write_text("a file")
    before = tree(tmp_path)
    with pytest.raises(Exception, match="home") as refused:
        PublicGood.fetch(tmp_path / "home", url="http://127.0.0.1:1")
    assert refused.value.exit_code == 3
    assert tree(tmp_path) == before


def test_the_shipped_root_is_sigstores():
    root = Metadata[Root].from_bytes(shipped_root()).signed
    assert root.roles["root"].threshold >= 3
