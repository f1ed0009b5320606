# SPDX-License-Identifier: Apache-2.0
"""Fulcio's API, version 2, at the host's root, where Sigstore's clients expect it."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from control_plane.api.deps import ServicesIn
from control_plane.api.sigstore import SigstoreIn, body_of, json_answer
from control_plane.sigstore import fulcio
from control_plane.sigstore.errors import IdentityTokenError
from control_plane.sigstore.limits import MAX_CERTIFICATE_REQUEST_BYTES

router = APIRouter(tags=["fulcio"])

_JSON = {"requestBody": {"content": {"application/json": {}}, "required": True}}


@router.post("/api/v2/signingCert", response_class=Response, openapi_extra=_JSON)
async def signing_cert(
    request: Request, sigstore: SigstoreIn, services: ServicesIn
) -> Response:
    """Certify a key for whom an identity token speaks of.

    Source: fulcio, fulcio.proto, ``CreateSigningCertificate``; the token is a bearer
    token (RFC 6750 §2.1).
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise IdentityTokenError(
            "expected an identity token as bearer token, got none",
            hint="trustacks sigstore token makes one",
        )
    body = await body_of(request, max_bytes=MAX_CERTIFICATE_REQUEST_BYTES)
    chain = await run_in_threadpool(
        sigstore.fulcio.certify, token, body, at=services.clock()
    )
    return json_answer(fulcio.answer(chain))


@router.get("/api/v2/trustBundle")
def trust_bundle(sigstore: SigstoreIn) -> Response:
    """Return the CA's certificates; trust them by a workspace's TrustedRoot."""
    return json_answer(sigstore.fulcio.trust_bundle())


@router.get("/api/v2/configuration")
def configuration(sigstore: SigstoreIn) -> Response:
    """Return whose identity tokens are taken."""
    return json_answer(sigstore.fulcio.configuration())
