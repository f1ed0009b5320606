# SPDX-License-Identifier: Apache-2.0
"""The outermost layer: a request id, a bound on the body, and no error that escapes.

Plain ASGI, because a body must be bounded while it arrives, and because an answer must
exist even when everything inside failed.
"""

import re
import secrets
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_plane import limits
from control_plane.api.problems import (
    CODE_HEADER,
    problem_response,
    unexpected_response,
)
from control_plane.errors import BodyTooLargeError

_REQUEST_ID: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{limits.MAX_REQUEST_ID_CHARS}}}")
_DIGITS: Final = re.compile(r"[0-9]+")
_MAX_DIGITS: Final = (
    18  # of a length; int() of a longer text is slow, and it is too much
)


class Boundary:
    """The request boundary.

    Args:
        app: What is inside.
        max_bytes: The bound on a body, by path.
        answered: Told the method, the status and the code of a refusal, if it is one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: Callable[[str], int],
        answered: Callable[[str, int, str | None], None],
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers.get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def respond(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                code = headers.get(CODE_HEADER)
                self.answered(scope["method"], message["status"], code)
                _add_headers(headers, request_id)
            await send(message)

        bounded = _Bounded(receive, self.max_bytes(scope["path"]))
        try:
            bounded.check_announced(headers.get("content-length", ""))
            await self.app(scope, bounded, respond)
        except BodyTooLargeError as error:
            response = problem_response(error, request_id=request_id)
            await response(scope, receive, respond)
        except Exception as error:
            if started:  # half an answer cannot be turned into a problem
                raise
            response = unexpected_response(error, request_id=request_id)
            await response(scope, receive, respond)


class _Bounded:
    """A ``receive`` that counts."""

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max = max_bytes
        self._seen = 0

    def check_announced(self, length: str) -> None:
        if _DIGITS.fullmatch(length) and (
            len(length) > _MAX_DIGITS or int(length) > self._max
        ):
            raise self._refusal()

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._max:
            raise self._refusal()
        return message

    def _refusal(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            f"request body: expected at most {self._max} bytes, got more",
            max_bytes=self._max,
        )


def _request_id(offered: str) -> str:
    return offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(16)


def _add_headers(headers: MutableHeaders, request_id: str) -> None:
    headers["x-request-id"] = request_id
    headers["x-content-type-options"] = "nosniff"
    headers.setdefault("cache-control", "no-store")
