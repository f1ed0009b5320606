# SPDX-License-Identifier: Apache-2.0
"""HTTP for python-tuf's client, with an end to every request.

tuf's own fetcher bounds the silence between bytes and nothing else: one byte every few
seconds holds it for ever, in the body or in the headers. Here a timer shuts the socket
of a request that has not ended by its deadline, wherever the bytes are dripping.

Also unlike it: redirects are not followed, content encodings are not decoded (no
decompressor runs on what a mirror sends), and loopback never goes through a proxy.
"""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Generator, Iterator
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from bundle.limits import REQUEST_DEADLINE_S, SOCKET_TIMEOUT_S

_CHUNK: Final = 64 * 1024
# HTTP: anything but a success is an error here, redirects included.
_OK: Final = range(200, 300)


class HttpFetcher(FetcherInterface):
    """Fetch over HTTP or HTTPS; keeps connections open between calls.

    Args:
        user_agent: Who asks.
        request_deadline_s: For a whole request, from connecting to the last byte.
        socket_timeout_s: Silence within one request.
    """

    def __init__(
        self,
        *,
        user_agent: str = "trustacks",
        request_deadline_s: float = REQUEST_DEADLINE_S,
        socket_timeout_s: float = SOCKET_TIMEOUT_S,
    ) -> None:
        self._deadline_s = request_deadline_s
        self._timeout = urllib3.Timeout(socket_timeout_s)
        self._headers = {"User-Agent": user_agent}
        self._managers: dict[str | None, urllib3.PoolManager] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            response = self._manager(url).request(
                "GET",
                url,
                headers=self._headers,
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
                timeout=self._timeout,
            )
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"cannot get {url}: {error}") from error
        if response.status not in _OK:
            _end(response)
            raise DownloadHTTPError(f"{url}: {response.status}", response.status)
        return read_chunks(response, url)

    def _manager(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy(url)
        if proxy not in self._managers:
            self._managers[proxy] = (
                urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
            )
            self._managers[proxy].pool_classes_by_scheme = deadline_pools(
                self._deadline_s
            )
        return self._managers[proxy]


def read_chunks(
    response: urllib3.BaseHTTPResponse, url: str
) -> Generator[bytes, None, None]:
    """Yield an undecoded body of a ``deadline_pools`` connection; close it at the end.

    Raises:
        SlowRetrievalError: The deadline ended it.
        DownloadError: The connection broke.
    """
    connection: Any = response.connection
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
        if isinstance(connection, _Deadline) and connection.late:
            raise SlowRetrievalError(f"expected {url} within the deadline, got slower")
    except urllib3.exceptions.HTTPError as error:
        raise DownloadError(f"cannot get {url}: {error}") from error
    finally:
        _end(response)


def _end(response: urllib3.BaseHTTPResponse) -> None:
    """Close a response whose connection has not gone back to the pool by itself."""
    connection: Any = response.connection
    if isinstance(connection, _Deadline):
        connection.stop()
    response.close()


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names, never one for loopback."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Deadline:
    """Shut a connection's socket when a request takes too long.

    The end of a socket can look like the end of headers or of a body: whoever reads
    asks ``late`` before believing it. A body without a length is read after http.client
    has closed the connection, so closing alone does not stop the timer then.
    """

    deadline_s: float
    late: bool = False
    _handle: socket.socket | None = None
    _timer: threading.Timer | None = None
    _answering: bool = False

    def _new_conn(self) -> socket.socket:
        self._start()
        raw: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._drop()
        self._handle = raw.dup()  # TLS takes the first one over
        return raw

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._start()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        self._answering = True
        try:
            response = super().getresponse()  # type: ignore[misc]
        except BaseException:
            self._answering = False
            raise
        if self.late:
            self.stop()
            response.close()
            raise TimeoutError("expected headers within the deadline, got slower")
        return response

    def close(self) -> None:
        if not self._answering:
            self.stop()
            self._drop()
        super().close()  # type: ignore[misc]

    def _start(self) -> None:
        self.stop()
        self.late = False
        self._timer = threading.Timer(self.deadline_s, self._abort)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Forget the deadline: the request has ended."""
        self._answering = False
        if self._timer is not None:
            self._timer.cancel()

    def _drop(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def _abort(self) -> None:
        self.late = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._handle.shutdown(socket.SHUT_RDWR)


class _Stopping:
    """Stop the deadline of a connection that comes back to the pool."""

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, _Deadline):
            conn.stop()
        super()._put_conn(conn)  # type: ignore[misc]


def deadline_pools(deadline_s: float) -> dict[str, Any]:
    """Return pool classes, by scheme, whose requests end by the deadline."""

    class Plain(_Deadline, HTTPConnection):
        pass

    class Secure(_Deadline, HTTPSConnection):
        pass

    class PlainPool(_Stopping, HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(_Stopping, HTTPSConnectionPool):
        ConnectionCls = Secure

    Plain.deadline_s = Secure.deadline_s = deadline_s
    return {"http": PlainPool, "https": SecurePool}
