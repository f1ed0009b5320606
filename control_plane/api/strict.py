# SPDX-License-Identifier: Apache-2.0
"""JSON bodies are read by ``keys.strict``, and only those of somebody with a token.

FastAPI reads a body before it asks who sent it. So the route asks first: what nobody
may send is neither kept nor parsed. Parsing a large body takes seconds, in a thread, so
that it holds up nobody else; a small one takes less time than the thread.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from control_plane import limits
from control_plane.api.deps import asks_who_calls, require_token
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
        parse = partial(loads_json, body, max_bytes=len(body), what="request body")
        if len(body) <= limits.MAX_INLINE_JSON_BYTES:
            return parse()
        return await run_in_threadpool(parse)


class StrictRoute(APIRoute):
    """A route that asks for a token, if one is needed, and reads strictly then."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler: token first, then a strict body."""
        handler = super().get_route_handler()
        first = self.body_field is not None and asks_who_calls(self.dependant)

        async def strictly(request: Request) -> Response:
            if first:
                await run_in_threadpool(require_token, request)
            return await handler(StrictRequest(request.scope, request.receive))

        return strictly
