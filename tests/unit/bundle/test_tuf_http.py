# SPDX-License-Identifier: Apache-2.0
"""HTTP to real sockets on loopback: every request ends, and nothing is decoded."""

import contextlib
import gzip
import ipaddress
import socket
import ssl
import threading
import time
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from bundle.runner.notary import HttpNotary
from bundle.tuf.client import TufClient
from bundle.tuf.guard import translated
from bundle.tuf.http import HttpFetcher
from keys.clock import utc_now
from keys.errors import UnavailableError
from tests.simulators.tuf_mirror import Workspace

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def certificate(tmp_path):
    """A certificate for 127.0.0.1 that signs itself, as a server context and a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mirror")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "mirror.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


class RawServer:
    """Answers each connection with one script; keeps what it was asked."""

    def __init__(self, script, context=None):
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.script = script
        self.stop = threading.Event()
        self.asked = []
        self.connections = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.stop.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError), self._secured(connection) as connection:
                while request := connection.recv(65536):
                    self.asked.append(request)
                    self.script(connection, self.stop)

    def _secured(self, connection):
        if self.context is None:
            return connection
        try:
            return self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise

    def close(self):
        self.stop.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(timeout=5)


@pytest.fixture
def serve():
    servers = []

    def start(script, context=None):
        servers.append(RawServer(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def fetcher():
    fetcher = HttpFetcher(request_deadline_s=0.4, socket_timeout_s=0.3)
    yield fetcher
    for manager in fetcher._managers.values():
        manager.clear()


def says(data):
    return lambda connection, stop: connection.sendall(data)


def drips(first, drop):
    """Send a beginning, and then a byte every twentieth of a second."""

    def script(connection, stop):
        connection.sendall(first)
        while not stop.wait(0.05):
            connection.sendall(drop)

    return script


def fetch(fetcher, server, path="/x"):
    return b"".join(fetcher.fetch(server.url + path))


def test_a_body_arrives(serve, fetcher):
    assert fetch(fetcher, serve(says(OK))) == b"hello"


def test_a_chunked_body_arrives(serve, fetcher):
    body = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    server = serve(
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    )
    assert fetch(fetcher, server) == b"hello"


def test_a_connection_is_kept_for_the_next_request(serve, fetcher):
    server = serve(says(OK))
    assert [fetch(fetcher, server) for _ in range(3)] == [b"hello"] * 3
    assert (server.connections, len(server.asked)) == (1, 3)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 404 X\r\n\r\n",
    ],
    ids=["status-line", "header", "body", "chunk-size", "no-length", "error-body"],
)
def test_one_byte_at_a_time_ends_at_the_deadline(serve, fetcher, first):
    with pytest.raises(DownloadError):
        fetch(fetcher, serve(drips(first, b"1")))


def test_tls_is_verified_and_dripping_in_it_ends(serve, fetcher, tmp_path, monkeypatch):
    context, trusted = certificate(tmp_path)
    server = serve(says(OK), context)
    with pytest.raises(DownloadError, match="certificate"):
        fetch(fetcher, server)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    fresh = HttpFetcher(request_deadline_s=0.4, socket_timeout_s=0.3)
    assert fetch(fresh, server) == b"hello"
    for first in (b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"):
        with pytest.raises(DownloadError):
            fetch(fresh, serve(drips(first, b"1"), context))
    for manager in fresh._managers.values():
        manager.clear()


def test_who_is_not_there_is_named_without_the_names_of_objects(fetcher):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/x"
        with pytest.raises(UnavailableError) as refused, translated("refresh"):
            list(fetcher.fetch(address))

    assert refused.value.message.startswith(f"refresh: no answer from {address}: ")
    assert refused.value.message.endswith("connection refused")
    assert "host=" not in refused.value.message
    assert "running?" in refused.value.hint


def test_silence_ends_at_the_socket_timeout(serve, fetcher):
    with pytest.raises(DownloadError):
        fetch(fetcher, serve(lambda connection, stop: stop.wait(5)))


def test_a_body_that_is_cut_is_an_error(serve, fetcher):
    def script(connection, stop):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
        connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(DownloadError):
        fetch(fetcher, serve(script))


@pytest.mark.parametrize("status", [301, 302, 304, 403, 404, 500])
def test_anything_but_success_is_an_error_and_redirects_are_not_followed(
    serve, fetcher, status
):
    server = serve(
        says(
            b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
            % status
        )
    )
    with pytest.raises(DownloadHTTPError) as refusal:
        fetch(fetcher, server)
    assert refusal.value.status_code == status
    assert len(server.asked) == 1


def test_what_a_mirror_compresses_is_not_decompressed(serve, fetcher):
    body = gzip.compress(b"hello", mtime=0)
    server = serve(
        says(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )
    )
    assert fetch(fetcher, server) == body


def test_nobody_there_is_an_error(fetcher):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DownloadError):
        b"".join(fetcher.fetch(f"http://127.0.0.1:{port}/x"))


@pytest.mark.parametrize(
    "url", ["", "x", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://"]
)
def test_other_urls_are_refused(fetcher, url):
    with pytest.raises(DownloadError):
        b"".join(fetcher.fetch(url))


def test_loopback_never_goes_through_a_proxy(serve, fetcher, monkeypatch):
    proxy = serve(says(OK))
    server = serve(says(OK))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert fetch(fetcher, server) == b"hello"
    assert fetch(fetcher, server, "/y") == b"hello"
    assert proxy.asked == []
    assert b"".join(fetcher.fetch("http://mirror.invalid/x")) == b"hello"
    assert proxy.asked[0].startswith(b"GET http://mirror.invalid/x ")


def test_a_client_over_http_says_unavailable(serve, fetcher, tmp_path):
    workspace = Workspace.create(utc_now())
    for script in (
        says(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"),
        says(b"junk\r\n\r\n"),
    ):
        client = TufClient(
            root=workspace.root,
            directory=tmp_path,
            url=serve(script).url,
            fetcher=fetcher,
        )
        with pytest.raises(UnavailableError):
            client.refresh()


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n",
    ],
)
def test_a_control_plane_that_drips_does_not_hold_up_a_report(serve, first):
    server = serve(drips(first, b"x"))
    notary = HttpNotary(
        url=server.url, workspace="acme", runner="r", token="t", deadline_s=0.4
    )
    begun = time.monotonic()

    for ask in (notary.timestamp, notary.log):
        with pytest.raises(UnavailableError):
            ask(b"x")

    assert time.monotonic() - begun < 5
