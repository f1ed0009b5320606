# SPDX-License-Identifier: Apache-2.0
"""HTTP for python-tuf's client, with an end to every request.

tuf's own fetcher bounds the silence between bytes and nothing else; here a timer ends
every request (``keys.deadline_pools``).

Also unlike it: redirects are not followed, content encodings are not decoded (no
decompressor runs on what a mirror sends), and loopback never goes through a proxy.
"""

from collections.abc import Generator, Iterator
from typing import Any, Final

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

from bundle.limits import REQUEST_DEADLINE_S, SOCKET_TIMEOUT_S
from keys.deadline_pools import Deadline, deadline_pools, proxy_of, said_by

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
            raise DownloadError(f"no answer from {url}: {said_by(error)}") from error
        if response.status not in _OK:
            _end(response)
            raise DownloadHTTPError(f"{url}: {response.status}", response.status)
        return read_chunks(response, url)

    def _manager(self, url: str) -> urllib3.PoolManager:
        proxy = proxy_of(url)
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
        if isinstance(connection, Deadline) and connection.late:
            raise SlowRetrievalError(f"expected {url} within the deadline, got slower")
    except urllib3.exceptions.HTTPError as error:
        raise DownloadError(f"no answer from {url}: {said_by(error)}") from error
    finally:
        _end(response)


def _end(response: urllib3.BaseHTTPResponse) -> None:
    """Close a response whose connection has not gone back to the pool by itself."""
    connection: Any = response.connection
    if isinstance(connection, Deadline):
        connection.stop()
    response.close()
