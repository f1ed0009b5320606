# SPDX-License-Identifier: Apache-2.0
"""Rekor's API, version 2: each workspace's log, by a prefix or by the log's own name.

One listener serves all. Clients that sign are given ``/rekor/<workspace>``, a prefix
that all of them keep; whoever calls the server by a log's origin, as the TrustedRoot
names it (``<workspace>.log.<public_host>``), finds that log at the root.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from control_plane.api.deps import ServicesIn
from control_plane.api.sigstore import body_of, json_answer
from control_plane.api.static import serve
from control_plane.sigstore.limits import MAX_ENTRY_REQUEST_BYTES
from control_plane.workflows import entries
from keys.errors import NotFoundError

router = APIRouter(tags=["rekor"])

_ROOT: Final = "/api/v2"
_PREFIX: Final = "/rekor/{ws}/api/v2"
_JSON: Final = {"requestBody": {"content": {"application/json": {}}, "required": True}}


def _named(request: Request, services: ServicesIn) -> str:
    """Return the workspace: of the path, or of the host's name."""
    named = request.path_params.get("ws")
    if named is not None:
        return str(named)
    host = request.url.hostname or ""
    name = host.removesuffix(f".log.{services.settings.public_host}")
    if name == host:
        raise NotFoundError(
            f"expected a log by its name or at /rekor/NAME, got {host[:200]}"
        )
    return name


WorkspaceIn = Annotated[str, Depends(_named)]


@router.post(f"{_PREFIX}/log/entries", response_class=Response, openapi_extra=_JSON)
@router.post(f"{_ROOT}/log/entries", response_class=Response, openapi_extra=_JSON)
async def add(request: Request, ws: WorkspaceIn, services: ServicesIn) -> Response:
    """Log a signature of somebody of the workspace; again gives the same entry.

    Source: rekor-tiles, rekor_service.proto, ``CreateEntry``: 201 and a
    TransparencyLogEntry.
    """
    body = await body_of(request, max_bytes=MAX_ENTRY_REQUEST_BYTES)
    entry = await run_in_threadpool(entries.add, services, ws, body)
    return json_answer(entry.to_json(), status=201)


@router.get(f"{_PREFIX}/checkpoint", response_class=Response)
@router.get(f"{_ROOT}/checkpoint", response_class=Response)
def checkpoint(ws: WorkspaceIn, services: ServicesIn) -> Response:
    """Return the log's newest checkpoint."""
    return serve(services, ws, "log/checkpoint")


@router.get(f"{_PREFIX}/tile/{{tile:path}}", response_class=Response)
@router.get(f"{_ROOT}/tile/{{tile:path}}", response_class=Response)
def tile(ws: WorkspaceIn, tile: str, services: ServicesIn) -> Response:
    """Return a tile or a bundle of entries, as C2SP tlog-tiles names them."""
    return serve(services, ws, f"log/tile/{tile}")
