# SPDX-License-Identifier: Apache-2.0
"""A bucket on loopback: moto's S3 behind a door that is stricter than Amazon's.

Stricter than moto: a body that is not its checksum is refused (moto takes it), and so
is ``If-None-Match`` with anything but ``*``. Stricter than S3: a write without a
condition or a checksum is refused, a page of a listing has three keys, and a write
without cache header or type is a mistake. It also does what moto never does and S3
may: 409 under contention, 503, an answer that is lost before or after the work.
"""

import base64
import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl, urlencode

import boto3
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from bundle.storage.bucket import Bucket
from bundle.storage.s3 import S3Storage
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
)

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
_PAGE = "3"


class Fault(Enum):
    """What happens to one request."""

    CONTENDED = auto()
    """409: nothing was done."""
    BUSY = auto()
    """503 SlowDown: nothing was done."""
    BROKEN = auto()
    """500 InternalError: it was done all the same."""
    LOST_REQUEST = auto()
    """The connection ends; nothing was done."""
    LOST_ANSWER = auto()
    """The connection ends; it was done."""
    DOWN = auto()
    """As LOST_REQUEST, from here on for every write."""
    DOWN_AFTER = auto()
    """As LOST_ANSWER, and from then on nothing is written."""


class Door:
    """The strict door.

    Attributes:
        writes: Keys of all PUT and DELETE requests, in order, refused ones included.
        headers: What each key was written with.
        gets: Keys that were read.
    """

    def __init__(self, inner: Callable) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Forget what was."""
        self.heal()
        self.writes: list[str] = []
        self.gets: list[str] = []
        self.headers: dict[str, dict[str, str]] = {}

    def fail(self, count: int, fault: Fault) -> None:
        """Let the ``count``-th write from now (0 is the next) meet a fault."""
        self._faults[len(self.writes) + count] = fault

    def heal(self) -> None:
        """Forget faults that have not happened."""
        self._faults: dict[int, Fault] = {}
        self._down = False

    def __call__(self, environ: dict, start_response: Callable) -> Iterator[bytes]:
        method = environ["REQUEST_METHOD"]
        key = environ["PATH_INFO"].lstrip("/").partition("/")[2]
        if method in ("PUT", "DELETE") and key:
            return self._write(method, key, environ, start_response)
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        if query.get("list-type") == "2":
            environ["QUERY_STRING"] = urlencode({**query, "max-keys": _PAGE})
        self.gets.append(key)
        return self._inner(environ, start_response)

    def beside(self, name: str, apply: Callable[[], None]) -> None:
        """Let a server write to something else; it is counted, and may be killed there.

        Raises:
            StorageUnavailableError: It was.
        """
        fault = self._meet(name)
        if fault in (None, Fault.DOWN_AFTER):
            apply()
        if fault is not None:
            raise StorageUnavailableError(f"cannot write {name}: killed")

    def _meet(self, key: str) -> Fault | None:
        """Count a write, and return what is to become of it."""
        with self._lock:
            fault = self._faults.pop(len(self.writes), None)
            self.writes.append(key)
            if self._down:
                fault = Fault.LOST_REQUEST
            self._down = self._down or fault in (Fault.DOWN, Fault.DOWN_AFTER)
        return fault

    def _write(self, method, key, environ, start_response):
        fault = self._meet(key)
        if fault is Fault.CONTENDED:
            return _refuse(start_response, 409, "ConditionalRequestConflict")
        if fault is Fault.BUSY:
            return _refuse(start_response, 503, "SlowDown")
        if fault in (Fault.LOST_REQUEST, Fault.DOWN):
            raise ConnectionAbortedError
        if method == "PUT":
            problem = self._problem(key, environ)
            if problem:
                return _refuse(start_response, *problem)
        if fault is Fault.BROKEN:
            list(self._inner(environ, lambda *_: None))
            return _refuse(start_response, 500, "InternalError")
        answer = self._inner(environ, start_response)
        if fault in (Fault.LOST_ANSWER, Fault.DOWN_AFTER):
            list(answer)
            raise ConnectionAbortedError
        return answer

    def _problem(self, key: str, environ: dict) -> tuple[int, str] | None:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        none_match = environ.get("HTTP_IF_NONE_MATCH")
        if none_match is None and not environ.get("HTTP_IF_MATCH"):
            return 403, "AccessDenied"  # a bucket policy can demand conditions
        if none_match not in (None, "*"):
            return 501, "NotImplemented"
        said = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256", "")
        if said != base64.b64encode(hashlib.sha256(body).digest()).decode():
            return 400, "BadDigest"
        cache, kind = environ.get("HTTP_CACHE_CONTROL"), environ.get("CONTENT_TYPE")
        if not cache or not kind:
            return 400, "InvalidRequest"
        self.headers[key] = {"cache-control": cache, "content-type": kind}
        return None


def _refuse(start_response: Callable, status: int, code: str) -> Iterator[bytes]:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    headers = [("content-type", "application/xml"), ("content-length", str(len(body)))]
    start_response(f"{status} Refused", headers)
    return iter([body])


class _Quiet(WSGIRequestHandler):
    def log(self, *args: object) -> None:
        pass

    def connection_dropped(self, *args: object) -> None:
        self.close_connection = True


class SimulatedS3:
    """A server with buckets.

    Attributes:
        url: Its endpoint.
        door: What every request passes.
        name: The bucket of this test.
    """

    name: str

    def __init__(self, url: str, door: Door) -> None:
        self.url, self.door = url, door
        self.client = boto3.session.Session().client(
            "s3", endpoint_url=url, region_name=REGION
        )

    def begin(self, name: str) -> None:
        """Make a new bucket, as an administrator would, and forget what was."""
        self.client.create_bucket(Bucket=name)
        self.name = name
        self.door.begin()

    def restore(self, objects: dict[str, bytes]) -> None:
        """Let the bucket hold this and nothing else; no request is made.

        A listing of moto's looks at every key of the bucket, so that what tests leave
        there makes each later one slower.
        """
        for key in list(self._inside.buckets[self.name].keys):
            self._inside.delete_object(self.name, key)
        for key, data in objects.items():
            self._inside.put_object(self.name, key, data)
        self.door.begin()

    def held(self) -> dict[str, bytes]:
        """Return every object of the bucket; no request is made."""
        keys = self._inside.buckets[self.name].keys
        return {key: found.value for key, found in keys.items()}

    def get(self, key: str, *, max_bytes: int) -> tuple[bytes, str]:
        """Answer as ``Bucket.get`` does; no request is made."""
        found = self._inside.buckets[self.name].keys.get(key)
        if found is None:
            raise NotFoundError(f"expected an object {key}, got none")
        data: bytes = found.value
        if len(data) > max_bytes:
            raise LimitExceededError(f"expected at most {max_bytes} bytes")
        return data, found.etag

    def page(self, prefix: str, _after: str | None) -> tuple[list[str], None]:
        """Answer as ``Bucket.page`` does, in one page; no request is made."""
        keys = self._inside.buckets[self.name].keys
        return sorted(key for key in keys if key.startswith(prefix)), None

    @property
    def _inside(self) -> Any:
        return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]

    def bucket(self) -> Bucket:
        return Bucket(self.name, endpoint_url=self.url, region=REGION)

    def storage(self, prefix: str = "a/b") -> S3Storage:
        """Open the bucket; pauses between attempts take no time."""
        return S3Storage(self.bucket(), prefix, pause=lambda _: None)

    def objects(self) -> list[str]:
        """Return the keys of everything in the bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return sorted(o["Key"] for page in pages for o in page.get("Contents", ()))


@contextmanager
def serve_s3() -> Iterator[SimulatedS3]:
    """Serve until the end; credentials must be in the environment (``CREDENTIALS``)."""
    door = Door(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield SimulatedS3(f"http://127.0.0.1:{server.port}", door)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
