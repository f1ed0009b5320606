# SPDX-License-Identifier: Apache-2.0
"""A Sigstore instance over HTTP on loopback: issuer, Fulcio, Rekor v1 and v2, a TSA.

Real cryptography, and stricter than the real services: an unknown field, another media
type, a path that is not exactly right or a key that was not proved is a refusal. Every
request is written down in ``asked``, in order. ``faults`` says, by service, what goes
wrong instead: a callable that gets the handler, for so many requests.
"""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.clock import utc_now
from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.tlog.entry import LogEntry
from signer.tlog.hashedrekord import hashedrekord_body, verifier_of
from tests.simulators.fulcio import LeafTerms, name_of, pem_of
from tests.simulators.memory_key import MemoryKey
from tests.simulators.oidc import SimulatedOidc
from tests.simulators.sigstore import BODIES, Signer, SimulatedSigstore

PREFIX = "/sigstore"
FULCIO, TSA = f"{PREFIX}/fulcio/api/v2/signingCert", f"{PREFIX}/tsa"
REKOR_V1, REKOR_V2 = (
    f"{PREFIX}/v1/api/v1/log/entries",
    f"{PREFIX}/log/api/v2/log/entries",
)
SERVICES = {"fulcio": FULCIO, "tsa": TSA, "log": REKOR_V2, "log-v1": REKOR_V1}
ALICE = "alice@example.com"
Fault = Callable[["Handler"], None]


@dataclass
class SigstoreHttp:
    """The instance; ``parts`` are its keys and logs."""

    parts: SimulatedSigstore = field(default_factory=SimulatedSigstore)
    now: Callable[[], datetime] = utc_now
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    oidc: MemoryKey = field(default_factory=MemoryKey.ecdsa)

    @cached_property
    def people(self) -> SimulatedOidc:
        """How people and jobs come by tokens."""
        return SimulatedOidc(lambda: self.url, self.token)

    # ------------------------------------------------------------------ documents

    def trusted_root(self) -> bytes:
        return dumps_json(self.parts.document())

    def signing_config(self, *, rekor: int = 2, **changes) -> bytes:
        log = f"{PREFIX}/v1" if rekor == 1 else f"{PREFIX}/log"
        document = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [self.service(f"{PREFIX}/fulcio")],
            "oidcUrls": [self.service("/issuer")],
            "rekorTlogUrls": [self.service(log, version=rekor)],
            "tsaUrls": [self.service(TSA)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }
        return dumps_json(document | changes)

    def service(self, path: str, *, version: int = 1, operator: str = "example"):
        start = {"start": "2020-01-01T00:00:00Z"}
        return {
            "url": f"{self.url}{path}",
            "majorApiVersion": version,
            "validFor": start,
            "operator": operator,
        }

    @property
    def issuer(self) -> str:
        return f"{self.url}/issuer"

    def token(self, subject: str = ALICE, *, life: int = 600, **claims) -> str:
        now = int(self.now().timestamp())
        said = {
            "iss": self.issuer,
            "aud": "sigstore",
            "sub": subject,
            "iat": now,
            "exp": now + life,
        }
        return jwt.encode(said | claims, self.oidc.private, algorithm="ES256")

    # ------------------------------------------------------------------ services

    def certify(self, body: bytes, authorization: str) -> tuple[int, bytes]:
        request = loads_json(body, max_bytes=1 << 16)
        assert set(request) == {"certificateSigningRequest"}
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(
            token,
            self.oidc.private.public_key(),
            algorithms=["ES256"],
            audience="sigstore",
            issuer=self.issuer,
        )
        csr = x509.load_pem_x509_csr(b64decode(request["certificateSigningRequest"]))
        assert csr.is_signature_valid
        assert csr.subject == x509.Name([])
        spki = csr.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return 200, self.certificates(
            self.issue(PublicKey(spki), claims["sub"], claims["iss"])
        )

    def certificates(self, der: bytes) -> bytes:
        chain = [der, *self.parts.fulcio.chain]
        pems = [pem_of(one).decode() for one in chain]
        answer = {"signedCertificateEmbeddedSct": {"chain": {"certificates": pems}}}
        return dumps_json(answer)

    def issue(self, key: PublicKey, subject: str, issuer: str) -> bytes:
        terms = LeafTerms(
            names=(name_of(subject),),
            issuer=issuer,
            issuer_v2=issuer,
            at=self.now().replace(microsecond=0),
        )
        return self.parts.fulcio.forge(key, terms)

    def stamp(self, query: bytes) -> tuple[int, bytes]:
        at = self.now().replace(microsecond=0)
        return 201, self.parts.authority.answer(query, at=at)

    def log_v2(self, body: bytes) -> tuple[int, bytes]:
        request = loads_json(body, max_bytes=1 << 20)
        assert set(request) == {"hashedRekordRequestV002"}
        said = request["hashedRekordRequestV002"]
        assert set(said) == {"digest", "signature"}
        by = _signer(said["signature"]["verifier"])
        digest, signature = (
            b64decode(said["digest"]),
            b64decode(said["signature"]["content"]),
        )
        key = by.key.public_key
        assert said["signature"]["verifier"] == verifier_of(key, by.certificate)
        key.verify_digest(signature, digest)
        leaf = hashedrekord_body(
            digest=Digest(digest.hex()),
            signature=signature,
            key=key,
            certificate=by.certificate,
        )
        return 201, dumps_json(_proto(self.parts.rekor.append(leaf)))

    def log_v1(self, body: bytes) -> tuple[int, bytes]:
        request = loads_json(body, max_bytes=1 << 20)
        assert set(request) == {"apiVersion", "kind", "spec"}
        spec, kind = request["spec"], (request["kind"], request["apiVersion"])
        if kind[0] == "dsse":
            content = spec["proposedContent"]
            envelope = json.loads(content["envelope"])
            pem, payload = content["verifiers"][0], b64decode(envelope["payload"])
            signature = b64decode(envelope["signatures"][0]["sig"])
            by = _pem_signer(b64decode(pem))
            leaf = BODIES[kind](by, b"", signature, payload)
        else:
            digest = spec["data"]["hash"]
            assert digest["algorithm"] == "sha256"
            signature = b64decode(spec["signature"]["content"])
            by = _pem_signer(b64decode(spec["signature"]["publicKey"]["content"]))
            by.key.public_key.verify_digest(signature, bytes.fromhex(digest["value"]))
            leaf = dumps_json(
                {
                    "apiVersion": "0.0.1",
                    "kind": "hashedrekord",
                    "spec": {"data": spec["data"], "signature": spec["signature"]},
                }
            )
        entry = self.parts.rekor_v1.append(kind, leaf, at=self.now())
        return 201, dumps_json({"24296fb24b8ad77a" + "0" * 64: _v1(entry)})

    @property
    def entries(self) -> int:
        return len(self.parts.rekor.bodies) + len(self.parts.rekor_v1.bodies)

    def count(self, service: str) -> int:
        return Counter(self.asked)[SERVICES[service]]

    # ------------------------------------------------------------------ HTTP

    def answer(self, path: str, body: bytes, headers) -> tuple[int, bytes]:
        kind = headers.get("content-type")
        if path == TSA:
            assert kind == "application/timestamp-query"
            return self.stamp(body)
        assert kind == "application/json"
        if path in (FULCIO, FULCIO.removeprefix(f"{PREFIX}/fulcio")):
            return self.certify(body, headers["authorization"])
        return {REKOR_V1: self.log_v1, REKOR_V2: self.log_v2}[path](body)

    @contextlib.contextmanager
    def serving(self):
        class Bound(Handler):
            instance = self

        server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)


class Handler(BaseHTTPRequestHandler):
    """One connection to the instance."""

    instance: SigstoreHttp
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one segment: no wait for an acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, *args) -> None:
        pass

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        people = self.instance.people
        self.reply(lambda: people.get(self.path, self.headers))

    def reply(self, ask) -> None:
        try:
            code, answer, headers = ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client's fault
            return self.send(403, f"{type(error).__name__}: {error}".encode())
        return self.send(code, answer, **headers)

    def do_POST(self) -> None:
        instance = self.instance
        body = self.body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.startswith("/issuer/"):
            people = instance.people
            return self.reply(lambda: people.post(self.path, body, self.headers))
        instance.asked.append(self.path)
        names = {path: name for name, path in SERVICES.items()}
        waiting = instance.faults.get(names.get(self.path, ""), [])
        if waiting:
            return waiting.pop(0)(self)
        try:
            status, answer = instance.answer(self.path, body, self.headers)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client's fault
            said = {"code": 400, "message": f"{type(error).__name__}: {error}"}
            return self.send(400, dumps_json(said))
        return self.send(status, answer)


# ---------------------------------------------------------------------- faults


def status(code: int, body: bytes = b"{}", **headers: str) -> Fault:
    return lambda handler: handler.send(code, body, **headers)


def hang_up(handler: Handler) -> None:
    """End the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


def silent(handler: Handler) -> None:
    """Take the request and say nothing, until the client goes away."""
    handler.close_connection = True
    handler.connection.settimeout(20)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def drip(handler: Handler, length: bytes = b"Content-Length: 100000\r\n") -> None:
    """Send a byte now and then, for ever."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        handler.wfile.flush()
        for _ in range(200):
            handler.wfile.write(b"{")
            handler.wfile.flush()
            threading.Event().wait(0.1)


def drip_without_length(handler: Handler) -> None:
    """The same, of an answer that ends where the connection does."""
    drip(handler, b"Connection: close\r\n")


def _signer(verifier) -> Signer:
    if "x509Certificate" in verifier:
        der = b64decode(verifier["x509Certificate"]["rawBytes"])
        return _of_certificate(der)
    spki = b64decode(verifier["publicKey"]["rawBytes"])
    return Signer(_Public(PublicKey(spki)))


def _pem_signer(pem: bytes) -> Signer:
    if b"CERTIFICATE" in pem:
        der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        return _of_certificate(der)
    return Signer(_Public(PublicKey.from_pem(pem.decode())))


def _of_certificate(der: bytes) -> Signer:
    key = x509.load_der_x509_certificate(der).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Signer(_Public(PublicKey(spki)), der)


@dataclass(frozen=True)
class _Public:
    public_key: PublicKey


def _proto(entry: LogEntry):
    """As Rekor v2 answers: with the fields of v1, empty."""
    return entry.to_json() | {"integratedTime": "0", "inclusionPromise": None}


def _v1(entry: LogEntry):
    return {
        "body": b64encode(entry.body),
        "integratedTime": entry.promise.integrated,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
        "verification": {
            "signedEntryTimestamp": b64encode(entry.promise.signature),
            "inclusionProof": {
                "logIndex": entry.leaf_index,
                "treeSize": entry.tree_size,
                "rootHash": entry.root.hex(),
                "hashes": [one.hex() for one in entry.proof],
                "checkpoint": entry.checkpoint,
            },
        },
    }
