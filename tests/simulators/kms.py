# SPDX-License-Identifier: Apache-2.0
"""AWS KMS on loopback: moto behind a door that is stricter than Amazon's.

moto makes the keys and answers about them. The door mends what moto gets wrong: it
signs digests as digests (moto hashes them once more), gives ARNs, and refuses keys that
are disabled or to be deleted. It is stricter than KMS: whole messages, verbs other than
the two that are documented, and unsigned requests are refused. And it fails on demand,
in every way that a service, a network or a thief of an endpoint can.
"""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto

import boto3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.core import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REGION = "us-east-1"
SPECS = {
    "PKIX_ECDSA_P256_SHA_256": "ECC_NIST_P256",
    "PKIX_ECDSA_P384_SHA_384": "ECC_NIST_P384",
    "PKIX_RSA_PSS_3072_SHA256": "RSA_3072",
    "PKIX_RSA_PSS_4096_SHA256": "RSA_4096",
}
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
# Seconds that a hanging request hangs at most, whatever a test forgets.
_HANG_S = 20


class Fault(Enum):
    """What happens to every request until the door is healed."""

    DENIED = auto()
    """400 AccessDeniedException."""
    NO_CREDENTIALS = auto()
    """400 UnrecognizedClientException."""
    THROTTLED = auto()
    """400 ThrottlingException."""
    BROKEN = auto()
    """500 KMSInternalException."""
    STRANGE = auto()
    """400 and a code that KMS does not have."""
    DOWN = auto()
    """The connection ends without an answer."""
    HANGING = auto()
    """No answer until the door is healed."""
    DRIPPING = auto()
    """An answer of one byte now and then, without an end."""
    HTML = auto()
    """200 and a login page."""
    EMPTY = auto()
    """200 and an object without fields."""
    ILL_TYPED = auto()
    """200 and every field a list."""
    OTHER_KEY_SIGNS = auto()
    """Sign answers a good signature by a key of the same kind."""
    GARBAGE_SIGNATURE = auto()
    """Sign answers bytes."""
    HUGE_SIGNATURE = auto()
    """Sign answers 100,000 bytes."""
    OTHER_KEY_ANSWERS = auto()
    """GetPublicKey answers another key of the same kind."""
    EDWARDS = auto()
    """GetPublicKey answers as for a key of ECC_NIST_EDWARDS25519, which moto lacks."""
    ALIAS_ANSWERS = auto()
    """GetPublicKey answers a name that can be moved in place of the key's ARN."""


_REFUSALS = {
    Fault.DENIED: (400, "AccessDeniedException"),
    Fault.NO_CREDENTIALS: (400, "UnrecognizedClientException"),
    Fault.THROTTLED: (400, "ThrottlingException"),
    Fault.BROKEN: (500, "KMSInternalException"),
    Fault.STRANGE: (400, "<script>"),
}
_BODIES = {
    Fault.HTML: b"<html>please log in</html>",
    Fault.EMPTY: b"{}",
    Fault.ILL_TYPED: json.dumps(
        {"KeyId": [1], "KeyUsage": [], "PublicKey": {}, "Signature": 1}
    ).encode(),
}


_EDWARDS = {
    "KeySpec": "ECC_NIST_EDWARDS25519",
    "PublicKey": base64.b64encode(
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode(),
    "SigningAlgorithms": ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
}


class Door:
    """The strict door.

    Attributes:
        asked: Names of the operations that came, in order.
        signed: How many signatures left.
    """

    def __init__(self, inner: Callable) -> None:
        self._inner = inner
        self._healed = threading.Event()
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Forget what was."""
        self.heal()
        self.asked: list[str] = []
        self.signed = 0

    def fail(self, fault: Fault, *, times: int = 1_000_000) -> None:
        """Let a fault happen to the next requests."""
        self._healed.clear()
        self._fault, self._left = fault, times

    def heal(self) -> None:
        """Let everything happen as it should."""
        self._fault, self._left = None, 0
        self._healed.set()

    def __call__(self, environ: dict, start_response: Callable) -> Iterator[bytes]:
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        request = json.loads(body)
        with self._lock:
            self.asked.append(operation)
            fault = self._fault if self._left else None
            self._left -= 1
        if "AWS4-HMAC-SHA256" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _refuse(start_response, 400, "MissingAuthenticationToken")
        if fault in _REFUSALS:
            return _refuse(start_response, *_REFUSALS[fault])
        if fault in _BODIES:
            return _answer(start_response, _BODIES[fault])
        if fault is Fault.DRIPPING:
            return self._drip(start_response)
        if fault in (Fault.DOWN, Fault.HANGING):
            self._hang(fault)
        work = {"GetPublicKey": self._public, "Sign": self._sign}.get(operation)
        if work is None:
            return _refuse(start_response, 400, "AccessDeniedException")
        return work(request, fault, start_response)

    def _hang(self, fault: Fault) -> None:
        if fault is Fault.HANGING:
            self._healed.wait(_HANG_S)
        raise ConnectionAbortedError

    def _public(self, request, fault, start_response):
        key, refusal = _find(request["KeyId"])
        if refusal:
            return _refuse(start_response, *refusal)
        shown = _twin(key) if fault is Fault.OTHER_KEY_ANSWERS else key
        value = {
            "KeyId": key.arn,
            "KeySpec": key.key_spec,
            "KeyUsage": key.key_usage,
            "PublicKey": base64.b64encode(shown.private_key.public_key()).decode(),
            "SigningAlgorithms": key.signing_algorithms,
        }
        if fault is Fault.EDWARDS:
            value |= _EDWARDS
        if fault is Fault.ALIAS_ANSWERS:
            value["KeyId"] = "alias/acme"
        return _answer(start_response, json.dumps(value).encode())

    def _sign(self, request, fault, start_response):
        key, refusal = _find(request["KeyId"])
        refusal = refusal or _problem(key, request)
        if refusal:
            return _refuse(start_response, *refusal)
        signer = _twin(key) if fault is Fault.OTHER_KEY_SIGNS else key
        signature = _signature(signer, request)
        if fault is Fault.GARBAGE_SIGNATURE:
            signature = b"\xff" * 64
        if fault is Fault.HUGE_SIGNATURE:
            signature = bytes(100_000)
        with self._lock:
            self.signed += 1
        value = {
            "KeyId": key.arn,
            "Signature": base64.b64encode(signature).decode(),
            "SigningAlgorithm": request["SigningAlgorithm"],
        }
        return _answer(start_response, json.dumps(value).encode())

    def _drip(self, start_response):
        headers = [("content-type", "application/x-amz-json-1.1")]
        start_response("200 OK", headers)
        for _ in range(_HANG_S * 10):
            if self._healed.wait(0.1):
                return
            yield b" "


def _find(key_id: str):
    backend = kms_backends[DEFAULT_ACCOUNT_ID][REGION]
    found = key_id.rpartition(":")[2].removeprefix("key/")
    if found.startswith("alias/"):
        found = backend.get_key_id_from_alias(found)
    key = backend.keys.get(found)
    if key is None:
        return None, (400, "NotFoundException")
    if key.key_state == "PendingDeletion":
        return key, (400, "KMSInvalidStateException")
    if key.key_state != "Enabled" or not key.enabled:
        return key, (400, "DisabledException")
    return key, None


def _problem(key, request) -> tuple[int, str] | None:
    if key.key_usage != "SIGN_VERIFY":
        return 400, "InvalidKeyUsageException"
    algorithm = request["SigningAlgorithm"]
    if algorithm not in key.signing_algorithms or "PKCS1" in algorithm:
        return 400, "InvalidKeyUsageException"
    # As a key policy with the condition kms:MessageType does.
    if request.get("MessageType", "RAW") != "DIGEST":
        return 400, "AccessDeniedException"
    if len(base64.b64decode(request["Message"])) * 8 != int(algorithm[-3:]):
        return 400, "ValidationException"
    return None


def _signature(key, request) -> bytes:
    algorithm, digest = request["SigningAlgorithm"], request["Message"]
    found = _HASHES[algorithm[-3:]]
    private, data = key.private_key.private_key, base64.b64decode(digest)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(data, ec.ECDSA(Prehashed(found)))
    pss = padding.PSS(padding.MGF1(found), found.digest_size)
    return private.sign(data, pss, Prehashed(found))


def _twin(key):
    """Another key of the same kind."""
    backend = kms_backends[DEFAULT_ACCOUNT_ID][REGION]
    return backend.create_key(
        None, key.key_usage, key.key_spec, "", None, multi_region=False
    )


def _answer(start_response: Callable, body: bytes) -> Iterator[bytes]:
    headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("content-length", str(len(body))),
    ]
    start_response("200 OK", headers)
    return iter([body])


def _refuse(start_response: Callable, status: int, code: str) -> Iterator[bytes]:
    body = json.dumps({"__type": code, "message": "no"}).encode()
    headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("content-length", str(len(body))),
    ]
    start_response(f"{status} Refused", headers)
    return iter([body])


class _Quiet(WSGIRequestHandler):
    def log(self, *args: object) -> None:
        pass

    def connection_dropped(self, *args: object) -> None:
        self.close_connection = True


class SimulatedKms:
    """A KMS with keys.

    Attributes:
        door: What every request of the product passes.
        host: ``127.0.0.1:PORT``, for URIs.
    """

    def __init__(self, host: str, admin: str, door: Door) -> None:
        self.host, self.door = host, door
        self.client = boto3.session.Session().client(
            "kms", endpoint_url=f"http://{admin}", region_name=REGION
        )

    def create(self, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
        """Make a key, as an administrator would; return its id."""
        made = self.client.create_key(KeySpec=spec, KeyUsage=usage)
        return made["KeyMetadata"]["KeyId"]

    def uri(self, key: str) -> str:
        return f"awskms://{self.host}/{key}?region={REGION}"

    def arn(self, key: str) -> str:
        return f"arn:aws:kms:{REGION}:{DEFAULT_ACCOUNT_ID}:key/{key}"


@contextmanager
def serve_kms() -> Iterator[SimulatedKms]:
    """Serve until the end; credentials must be in the environment."""
    moto = DomainDispatcherApplication(create_backend_app)
    door = Door(moto)
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_serve(app)) for app in (door, moto)]
        stack.callback(door.heal)
        yield SimulatedKms(*(f"127.0.0.1:{port}" for port in ports), door)


@contextmanager
def _serve(app: Callable) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
