# SPDX-License-Identifier: Apache-2.0
"""urllib3 pools whose requests end by a deadline, and the proxy that a request takes.

A socket's timeout is of silence: one byte every few seconds holds a request for ever,
in the body or in the headers. Here a timer shuts the socket of a request that has not
ended by its deadline, wherever the bytes are dripping.
"""

import contextlib
import socket
import threading
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from keys.loopback import is_loopback

_SHOWN: Final = 200


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names, never one for loopback."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


class Deadline:
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
        """Send a request; its time begins."""
        self._start()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        """Return the response once its headers are there.

        Raises:
            TimeoutError: They were not, by the deadline.
        """
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
        """Close the connection; its time ends, unless an answer is still read."""
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


def said_by(error: BaseException) -> str:
    """Return what urllib3 says, without the names of its objects."""
    inner = error.args[-1] if error.args else error
    if isinstance(inner, BaseException) and inner is not error:
        return said_by(inner)
    text = str(error).rpartition(": ")[2] or type(error).__name__
    return text.lower()[:_SHOWN]


class _Stopping:
    """Stop the deadline of a connection that comes back to the pool."""

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, Deadline):
            conn.stop()
        super()._put_conn(conn)  # type: ignore[misc]


def deadline_pools(deadline_s: float) -> dict[str, Any]:
    """Return pool classes, by scheme, whose requests end by the deadline."""

    class Plain(Deadline, HTTPConnection):
        pass

    class Secure(Deadline, HTTPSConnection):
        pass

    class PlainPool(_Stopping, HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(_Stopping, HTTPSConnectionPool):
        ConnectionCls = Secure

    Plain.deadline_s = Secure.deadline_s = deadline_s
    return {"http": PlainPool, "https": SecurePool}
