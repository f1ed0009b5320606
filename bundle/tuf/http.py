# SPDX-License-Identifier: Apache-2.0
"""HTTP for python-tuf's client, with an end to every request.

tuf's own fetcher bounds the silence between bytes and nothing else: one byte every few
seconds holds it for ever, in the body or in the headers. Here a request has a deadline
for connecting and headers (a timer that shuts the socket) and one for the body.

Also unlike it: redirects are not followed, content encodings are not decoded (no
decompressor runs on what a mirror sends), and loopback never goes through a proxy.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
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
        request_deadline_s: Connecting and headers together, and then the body.
        socket_timeout_s: Silence within one request.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        user_agent: str = "trustacks",
        request_deadline_s: float = REQUEST_DEADLINE_S,
        socket_timeout_s: float = SOCKET_TIMEOUT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deadline_s = request_deadline_s
        self._timeout = urllib3.Timeout(socket_timeout_s)
        self._monotonic = monotonic
        self._headers = {"User-Agent": user_agent}
        self._managers: dict[str | None, urllib3.PoolManager] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        ends_at = self._monotonic() + 2 * self._deadline_s
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
            response.close()
            raise DownloadHTTPError(f"{url}: {response.status}", response.status)
        return self._body(response, url, ends_at)

    def _body(
        self, response: urllib3.BaseHTTPResponse, url: str, ends_at: float
    ) -> Iterator[bytes]:
        whole = False
        try:
            while chunk := response.read1(_CHUNK):
                if self._monotonic() > ends_at:
                    raise SlowRetrievalError(f"{url}: expected it sooner")
                yield chunk
            whole = True
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"cannot get {url}: {error}") from error
        finally:
            response.release_conn() if whole else response.close()

    def _manager(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy(url)
        if proxy not in self._managers:
            self._managers[proxy] = (
                urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
            )
            self._managers[proxy].pool_classes_by_scheme = _pools(self._deadline_s)
        return self._managers[proxy]


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
    """Shut a connection's socket when connecting and headers take too long."""

    deadline_s: float
    _handle: socket.socket | None = None
    _timer: threading.Timer | None = None

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
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            self._stop()

    def close(self) -> None:
        self._stop()
        self._drop()
        super().close()  # type: ignore[misc]

    def _start(self) -> None:
        self._stop()
        self._timer = threading.Timer(self.deadline_s, self._abort)
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _drop(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()

    def _abort(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._handle.shutdown(socket.SHUT_RDWR)


def _pools(deadline_s: float) -> dict[str, Any]:
    """Return pool classes whose connections have the deadline."""

    class Plain(_Deadline, HTTPConnection):
        pass

    class Secure(_Deadline, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    Plain.deadline_s = Secure.deadline_s = deadline_s
    return {"http": PlainPool, "https": SecurePool}
