# SPDX-License-Identifier: Apache-2.0
"""A synchronous client of an ASGI application, without a socket.

Not starlette's TestClient: it warns about the httpx that this project uses. Errors that
escape the application fail the test.
"""

from types import TracebackType
from typing import Any, Self

import httpx
from anyio.from_thread import start_blocking_portal


class AsgiClient:
    """Calls ``app`` in an event loop of its own, as uvicorn would."""

    def __init__(self, app: Any, *, token: str | None = None) -> None:
        self._app = app
        self._entered = start_blocking_portal()
        self._portal = self._entered.__enter__()
        self.token = token

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        token = options.pop("token", self.token)
        headers = dict(options.pop("headers", None) or {})
        if token is not None:
            headers.setdefault("authorization", f"Bearer {token}")

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://control-plane.test"
            ) as client:
                return await client.request(method, path, headers=headers, **options)

        return self._portal.call(call)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def close(self) -> None:
        self._entered.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
