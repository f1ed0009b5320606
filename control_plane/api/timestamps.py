# SPDX-License-Identifier: Apache-2.0
"""RFC 3161 over HTTP, at the host's root, where Sigstore's clients expect it."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from control_plane import limits
from control_plane.api.deps import ServicesIn
from control_plane.certificates import pem_of
from control_plane.errors import BodyTooLargeError, RequestInvalidError

router = APIRouter(tags=["timestamps"])

_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
_CHAIN: Final = "application/pem-certificate-chain"


@router.post(
    "/api/v1/timestamp",
    response_class=Response,
    responses={200: {"content": {_REPLY: {}}, "description": "TimeStampResp, DER"}},
    openapi_extra={
        "requestBody": {"content": {_QUERY: {}}, "required": True},
    },
)
async def timestamp(request: Request, services: ServicesIn) -> Response:
    """Answer a TimeStampReq with a TimeStampResp; no token is needed.

    Source: RFC 3161 §3.4 (media types); §2.4.2: a request that is refused is answered
    with status rejection, and HTTP 200.
    """
    # The one operation that is async: FastAPI parses bodies of no other type than JSON.
    if request.headers.get("content-type") != _QUERY:
        raise RequestInvalidError(f"content-type: expected {_QUERY}, got another")
    query = await request.body()
    if len(query) > limits.MAX_TIMESTAMP_REQUEST_BYTES:
        raise BodyTooLargeError(
            f"timestamp request: expected at most {limits.MAX_TIMESTAMP_REQUEST_BYTES} "
            f"bytes, got {len(query)}"
        )
    reply = await run_in_threadpool(
        services.timestamping.respond, query, services.clock()
    )
    return Response(reply, media_type=_REPLY)


@router.get(
    "/api/v1/timestamp/certchain",
    response_class=Response,
    responses={200: {"content": {_CHAIN: {}}, "description": "certificates, PEM"}},
)
def certchain(services: ServicesIn) -> Response:
    """Return the authority's certificates, its own first, as Sigstore's server does."""
    return Response(pem_of(services.timestamping.chain), media_type=_CHAIN)
