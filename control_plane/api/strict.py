# SPDX-License-Identifier: Apache-2.0
"""JSON bodies are read by ``keys.strict``: duplicate keys and NaN are refused."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from keys.strict import loads_json


class StrictRequest(Request):
    """A request whose JSON is strict."""

    async def json(self) -> Any:
        """Parse the body.

        Raises:
            JsonFormatError: Not strict JSON.
            LimitExceededError: Nested too deep, or an integer beyond 2**53 - 1.
        """
        body = await self.body()
        return loads_json(body, max_bytes=len(body), what="request body")


class StrictRoute(APIRoute):
    """A route that reads its body with ``StrictRequest``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, reading strictly."""
        handler = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strictly
