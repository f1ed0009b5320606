# SPDX-License-Identifier: Apache-2.0
"""Vault's transit engine on loopback: Ed25519 keys in versions, and faults on demand.

As Vault's HTTP API says, for the two calls that are needed; stricter, as every other
call and every request without the token is refused.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOKEN = "hvs.simulated"
_HANG_S = 20


class Fault(Enum):
    """What happens to every request until Vault is healed."""

    DENIED = auto()
    """403."""
    DISABLED = auto()
    """400: the key cannot be used so."""
    SEALED = auto()
    """503."""
    DOWN = auto()
    """The connection ends without an answer."""
    HANGING = auto()
    """No answer until healed."""
    HTML = auto()
    """200 and a page."""
    EMPTY = auto()
    """200 and no data."""
    OTHER_KEY_SIGNS = auto()
    """A good signature, by another key."""
    GARBAGE_SIGNATURE = auto()
    """64 other bytes."""
    LONG_SIGNATURE = auto()
    """4096 bytes."""
    OTHER_KEY_ANSWERS = auto()
    """Another public half."""


_STATUS = {Fault.DENIED: 403, Fault.DISABLED: 400, Fault.SEALED: 503}
_BODIES = {Fault.HTML: b"<html>log in</html>", Fault.EMPTY: b'{"data": {}}'}


@dataclass
class SimulatedVault:
    """A Vault.

    Attributes:
        url: Its address.
        keys: Versions of each key, oldest first.
        signed: How many signatures left.
    """

    url: str = ""
    keys: dict[str, list] = field(default_factory=dict)
    signed: int = 0
    fault: Fault | None = None
    healed: threading.Event = field(default_factory=threading.Event)

    def make(self, name: str, *, kind: str = "ed25519") -> str:
        """Make a key, or its next version; return its URI."""
        made = (
            ed25519.Ed25519PrivateKey.generate()
            if kind == "ed25519"
            else rsa.generate_private_key(65537, 2048)
        )
        versions = self.keys.setdefault(name, [])
        versions.append(made)
        return f"hv:{name}/{len(versions)}"

    @contextmanager
    def fails(self, fault: Fault) -> Iterator[None]:
        self.healed.clear()
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None
            self.healed.set()

    def answer(self, path: str, request: dict) -> tuple[int, bytes]:
        """Return status and body of a request that has the token."""
        verb, _, name = path.removeprefix("/v1/transit/").partition("/")
        if self.fault in _STATUS:
            return _STATUS[self.fault], b'{"errors": ["no"]}'
        if self.fault in _BODIES:
            return 200, _BODIES[self.fault]
        versions = self.keys.get(name)
        if versions is None or verb not in ("keys", "sign"):
            return 404, b'{"errors": []}'
        data = self._read(versions) if verb == "keys" else self._sign(versions, request)
        return 200, json.dumps({"data": data}).encode()

    def _read(self, versions: list) -> dict:
        shown = versions
        if self.fault is Fault.OTHER_KEY_ANSWERS:
            shown = [ed25519.Ed25519PrivateKey.generate() for _ in versions]
        keys = {str(n): {"public_key": _public(k)} for n, k in enumerate(shown, 1)}
        return {"type": "ed25519", "latest_version": len(versions), "keys": keys}

    def _sign(self, versions: list, request: dict) -> dict:
        number = request["key_version"]
        key = versions[number - 1]
        if self.fault is Fault.OTHER_KEY_SIGNS:
            key = ed25519.Ed25519PrivateKey.generate()
        signature = key.sign(base64.b64decode(request["input"]))
        if self.fault is Fault.GARBAGE_SIGNATURE:
            signature = bytes(64)
        if self.fault is Fault.LONG_SIGNATURE:
            signature = bytes(4096)
        self.signed += 1
        encoded = base64.b64encode(signature).decode()
        return {"signature": f"vault:v{number}:{encoded}"}


def _public(key) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return base64.b64encode(key.public_key().public_bytes_raw()).decode()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def _handler(vault: SimulatedVault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PUT(self) -> None:
            self._serve()

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if vault.fault is Fault.HANGING:
                vault.healed.wait(_HANG_S)
            if vault.fault is Fault.DOWN or self.headers.get("x-vault-token") != TOKEN:
                self.close_connection = True
                return
            status, answer = vault.answer(self.path, json.loads(body or b"{}"))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


@contextmanager
def serve_vault() -> Iterator[SimulatedVault]:
    """Serve until the end."""
    vault = SimulatedVault()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(vault))
    server.daemon_threads = True
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    vault.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield vault
    finally:
        vault.healed.set()
        server.shutdown()
        thread.join()
        server.server_close()
