# SPDX-License-Identifier: Apache-2.0
"""What the routers of the Sigstore instance have in common."""

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from control_plane.api.deps import ServicesIn
from control_plane.errors import BodyTooLargeError
from control_plane.sigstore.instance import EmbeddedSigstore
from control_plane.sigstore.limits import MAX_FORM_BYTES
from keys.errors import NotFoundError
from keys.strict import dumps_json


def _sigstore(services: ServicesIn) -> EmbeddedSigstore:
    if services.sigstore is None:
        raise NotFoundError(
            "expected a server with a Sigstore instance, got one without",
            hint="an operator turns it on: TRUSTACKS_SIGSTORE=on",
        )
    return services.sigstore


SigstoreIn = Annotated[EmbeddedSigstore, Depends(_sigstore)]


async def body_of(request: Request, *, max_bytes: int) -> bytes:
    """Return a body.

    Raises:
        BodyTooLargeError: It is larger.
    """
    found = await request.body()
    if len(found) > max_bytes:
        raise BodyTooLargeError(
            f"request body: expected at most {max_bytes} bytes, got {len(found)}",
            max_bytes=max_bytes,
        )
    return found


async def form_of(request: Request) -> bytes:
    """Return the body of a form."""
    return await body_of(request, max_bytes=MAX_FORM_BYTES)


def json_answer(value: Any, *, status: int = 200) -> Response:
    """Return JSON as it is written everywhere here."""
    return Response(dumps_json(value), status, media_type="application/json")
