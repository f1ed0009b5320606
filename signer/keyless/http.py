# SPDX-License-Identifier: Apache-2.0
"""One bounded request to a service, tried again where that can help.

Tried again: no connection, silence, 429, and what a server calls its own fault or a
gateway's; after a wait that grows, with jitter, or that ``Retry-After`` asks for. Never
tried again: a refusal. Redirects are not followed, because a token would go along.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import urllib3

from keys.deadline_pools import Deadline, deadline_pools, proxy_of, said_by
from keys.errors import FormatError, TrustacksError, VerificationError
from keys.strict import loads_json
from signer.keyless import limits
from signer.keyless.errors import Refusals

_CHUNK: Final = 64 * 1024
_OK: Final = range(200, 300)
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
# Random bits of jitter; a thousandth of a wait is fine enough.
_STEPS: Final = 1024
_SHOWN: Final = 200
_AGENT: Final = "trustacks"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered.

    Attributes:
        status: The HTTP status.
        body: The body, bounded.
        headers: The headers, names in lower case.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, and how each way to fail is called."""

    method: str
    url: str
    headers: Mapping[str, str]
    refusals: Refusals
    body: bytes | None = None
    allowed: frozenset[int] = frozenset()

    def slow(self, seconds: float) -> TrustacksError:
        """Return the refusal of a service that took longer."""
        return self.refusals[1](
            f"{self.url}: expected an answer within {seconds:.3g} seconds, got none",
            hint="nothing was released; run it again",
        )


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


@dataclass(frozen=True)
class Http:
    """Asks services.

    Attributes:
        request_s: For one request, from connecting to the last byte.
        service_s: For all tries of it, waits included.
        monotonic: Seconds that only grow.
        wait: Waits so many seconds.
    """

    request_s: float = limits.REQUEST_S
    service_s: float = limits.SERVICE_S
    monotonic: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = _wait
    _managers: dict[str | None, urllib3.PoolManager] = field(default_factory=dict)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        kind: str,
        refusals: Refusals,
        headers: Mapping[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
    ) -> Answer:
        """Post, and return what the service answered.

        Args:
            url: Where.
            body: What.
            kind: Its media type.
            refusals: The classes of what can go wrong with this service.
            headers: Further headers.
            allowed: Statuses that are an answer, though no success.

        Raises:
            TrustacksError: One of ``refusals``.
        """
        sent = {"Content-Type": kind, "User-Agent": _AGENT, **(headers or {})}
        return self._ask(_Request("POST", url, sent, refusals, body, allowed))

    def get(self, url: str, *, refusals: Refusals) -> Answer:
        """Get, and return what the service answered.

        Raises:
            TrustacksError: One of ``refusals``.
        """
        sent = {"User-Agent": _AGENT, "Accept": "application/json"}
        return self._ask(_Request("GET", url, sent, refusals))

    def _ask(self, request: _Request) -> Answer:
        ends_at = self.monotonic() + self.service_s
        last = request.slow(self.service_s)
        for tries in range(limits.MAX_TRIES):
            asked_for = 0.0
            try:
                answer = self._once(request, ends_at - self.monotonic())
            except request.refusals[:2] as error:
                last = error
            else:
                if answer.status in _OK or answer.status in request.allowed:
                    return answer
                last = _refusal(request, answer)
                if answer.status not in _AGAIN:
                    raise last
                asked_for = _retry_after(answer)
            if not self._pause(tries, asked_for, ends_at):
                break
        raise last

    def _pause(self, tries: int, asked_for: float, ends_at: float) -> bool:
        """Wait before the next try; return whether there is one."""
        grown = min(limits.FIRST_WAIT_S * 2**tries, limits.MAX_WAIT_S)
        jitter = (secrets.randbelow(_STEPS) + 1) / _STEPS
        seconds = max(grown * jitter, asked_for)
        last = tries + 1 >= limits.MAX_TRIES
        if last or self.monotonic() + seconds >= ends_at:
            return False
        self.wait(seconds)
        return True

    def _once(self, request: _Request, left: float) -> Answer:
        longest, began = min(left, self.request_s), self.monotonic()
        try:
            response = self._manager(request.url, left).request(
                request.method,
                request.url,
                body=request.body,
                headers=dict(request.headers),
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(
                    connect=limits.CONNECT_S, read=limits.SILENCE_S
                ),
            )
            return _read(response, request)
        except TimeoutError as error:
            raise request.slow(longest) from error
        except urllib3.exceptions.HTTPError as error:
            # A socket that was shut at the deadline looks like one that was closed.
            silent = isinstance(error, urllib3.exceptions.ReadTimeoutError)
            if silent or self.monotonic() - began >= longest:
                raise request.slow(longest) from error
            raise request.refusals[0](
                f"no answer from {request.url}: {said_by(error)}"
            ) from error

    def _manager(self, url: str, left: float) -> urllib3.PoolManager:
        """Return connections whose requests end in time; kept open if it is enough."""
        proxy = proxy_of(url)
        if left < self.request_s:
            return _pools(proxy, left)
        if proxy not in self._managers:
            self._managers[proxy] = _pools(proxy, self.request_s)
        return self._managers[proxy]


def _pools(proxy: str | None, deadline_s: float) -> urllib3.PoolManager:
    manager = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
    manager.pool_classes_by_scheme = deadline_pools(deadline_s)
    return manager


def _read(response: urllib3.BaseHTTPResponse, request: _Request) -> Answer:
    connection: Any = response.connection
    deadline = connection if isinstance(connection, Deadline) else None
    data = bytearray()
    try:
        while chunk := response.read1(_CHUNK):
            data += chunk
            if len(data) > limits.MAX_ANSWER_BYTES:
                raise request.refusals[3](
                    f"{request.url}: expected at most {limits.MAX_ANSWER_BYTES} bytes, "
                    "got more"
                )
    except urllib3.exceptions.HTTPError as error:
        if deadline is not None and deadline.late:
            raise TimeoutError from error
        raise
    finally:
        if deadline is not None:
            deadline.stop()
        response.close()
    # The end that a deadline makes can look like the end of the body.
    if deadline is not None and deadline.late:
        raise TimeoutError
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, bytes(data), headers)


def _refusal(request: _Request, answer: Answer) -> TrustacksError:
    said = " ".join(_reason(answer.body).split())[:_SHOWN] or "no reason"
    kind = request.refusals[0 if answer.status in _AGAIN else 2]
    return kind(
        f"{request.url}: expected success, got status {answer.status}: {said}",
        status=answer.status,
    )


def _reason(body: bytes) -> str:
    """Return why, without what a problem (RFC 9457) or gRPC wraps around it."""
    with contextlib.suppress(FormatError):
        value = loads_json(body, max_bytes=limits.MAX_ANSWER_BYTES, what="answer")
        for name in ("detail", "message") if isinstance(value, dict) else ():
            if isinstance(value.get(name), str):
                return str(value[name])
    return body[: 4 * _SHOWN].decode("utf-8", "replace")


def _retry_after(answer: Answer) -> float:
    """Return the seconds that a service asks for; a date is not understood."""
    text = answer.headers.get("retry-after", "")
    known = text.isascii() and text.isdecimal() and len(text) <= len("99999")
    return float(text) if known else 0.0


@contextlib.contextmanager
def answered(refusals: Refusals, url: str) -> Iterator[None]:
    """Read an answer; what does not hold is the service's fault, by its own class.

    Raises:
        FormatError: The class of a service that answers something else.
    """
    try:
        yield
    except refusals[3]:
        raise
    except (FormatError, VerificationError) as error:
        raise refusals[3](f"{url}: {error.message}") from error
