# SPDX-License-Identifier: Apache-2.0
"""``create_app(services)``: routers, boundary and errors joined. Builds no parts."""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Final

import anyio.to_thread
from fastapi import FastAPI

from control_plane import limits
from control_plane.api import (
    attestations,
    audit,
    fulcio,
    health,
    identities,
    instances,
    metrics,
    moves,
    oidc,
    pending,
    problems,
    proposals,
    rekor,
    releases,
    runners,
    signing,
    sigstore_files,
    static,
    timestamps,
    tokens,
    trust,
    workspaces,
)
from control_plane.api.middleware import Boundary
from control_plane.api.problems import MEDIA_TYPE
from control_plane.api.schemas.base import Problem
from control_plane.services import Services
from control_plane.sigstore.limits import MAX_ENTRY_REQUEST_BYTES
from keys import __version__

_ROUTERS: Final = (
    health,
    metrics,
    timestamps,
    oidc,
    fulcio,
    rekor,
    workspaces,
    sigstore_files,
    tokens,
    identities,
    instances,
    attestations,
    signing,
    trust,
    proposals,
    moves,
    releases,
    pending,
    runners,
    audit,
    static,
)
_SMALL: Final = limits.MAX_SMALL_BODY_BYTES
_LARGE: Final = re.compile(
    r"/v1/(workspaces(/[^/]+/(releases|pending-releases|trust/proposals|move))?"
    r"|ceremonies/[^/]+)"
)
# Sigstore's own: forms, keys and digests, from anybody who has no token yet.
_SIGSTORE: Final = re.compile(r"/(oidc|rekor|api)/")


def create_app(services: Services) -> FastAPI:
    """Return the application that serves ``services``.

    Args:
        services: What ``build_services`` made; closed by whoever made it.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # As many threads as database connections: none waits for another's.
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = services.settings.threads
        yield

    app = FastAPI(
        title="trustacks Control Plane",
        version=__version__,
        description="Signed policy overlays: see docs/formats/api.md.",
        lifespan=lifespan,
        redirect_slashes=False,
        # The framework's pages load scripts from elsewhere: not from a trust server.
        docs_url=None,
        redoc_url=None,
        responses={
            status: {
                "description": "a problem: nothing was changed",
                "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
            }
            for status in ("4XX", "5XX")
        },
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.add_middleware(
        Boundary,
        max_bytes=lambda path: body_limit(path, services.settings.max_body_bytes),
        answered=services.metrics.answered,
    )
    problems.install(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    return app


def body_limit(path: str, largest: int) -> int:
    """Return the bound on a request body, bytes: large where archives come in."""
    if _SIGSTORE.match(path):
        return min(largest, MAX_ENTRY_REQUEST_BYTES)
    return largest if _LARGE.fullmatch(path) else min(largest, _SMALL)
