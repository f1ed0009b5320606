# SPDX-License-Identifier: Apache-2.0
"""OpenID Connect for the server's own users, where its clients look for it."""

import base64
from typing import Annotated, Any
from urllib.parse import unquote_plus, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from control_plane.api.deps import ServicesIn
from control_plane.api.problems import CODE_HEADER
from control_plane.api.sigstore import SigstoreIn, form_of, json_answer
from control_plane.auth.tokens import authenticate
from control_plane.errors import status_of
from control_plane.services import Services
from control_plane.sigstore import issuer as flows
from control_plane.sigstore import pages
from control_plane.sigstore.accounts import mailbox_of
from control_plane.sigstore.errors import (
    ClientUnknownError,
    LoginError,
    TooManyLoginsError,
)
from control_plane.sigstore.instance import EmbeddedSigstore
from control_plane.sigstore.requests import (
    OUT_OF_BAND,
    LoginRequest,
    needed,
    read_form,
)
from keys.errors import AccessError, TrustacksError

router = APIRouter(tags=["oidc"])

_FORM = "application/x-www-form-urlencoded"
_IN = {"requestBody": {"content": {_FORM: {}}, "required": True}}
_HTML = "text/html"
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {_HTML: {}}, "description": "a page"}
}
FormIn = Annotated[bytes, Depends(form_of)]


@router.get("/.well-known/openid-configuration")
def configuration(sigstore: SigstoreIn) -> Response:
    """Describe the issuer (OpenID Connect Discovery 1.0 §4)."""
    return json_answer(sigstore.issuer.configuration())


@router.get(flows.KEYS)
def keys(sigstore: SigstoreIn) -> Response:
    """Return the issuer's JSON Web Key Set."""
    return json_answer(sigstore.issuer.tokens.keys())


@router.get(flows.AUTHORIZE, response_class=Response, responses=_PAGE)
def login(request: Request, sigstore: SigstoreIn) -> Response:
    """Show where to give an API token."""
    del sigstore
    asked = LoginRequest.of(read_form(request.url.query.encode()))
    return _login_page(asked)


@router.post(
    flows.AUTHORIZE, response_class=Response, responses=_PAGE, openapi_extra=_IN
)
def log_in(form: FormIn, sigstore: SigstoreIn, services: ServicesIn) -> Response:
    """Take the API token, and give the client a code."""
    given = read_form(form)
    asked = LoginRequest.of(given)
    try:
        mailbox = _mailbox(services, sigstore, needed(given, "api_token"))
    except AccessError as error:
        return _login_page(asked, error)
    code = sigstore.issuer.authorize(asked, mailbox, at=services.clock())
    if asked.redirect == OUT_OF_BAND:
        return Response(pages.code_page(code), 200, pages.headers(), _HTML)
    answer = {"code": code} | ({"state": asked.state} if asked.state else {})
    place = f"{asked.redirect}?{urlencode(answer)}"
    # 303: the form, with the API token in it, is not sent on.
    return Response(status_code=303, headers=pages.headers() | {"location": place})


@router.post(flows.TOKEN, response_class=Response, openapi_extra=_IN)
async def token(
    request: Request, form: FormIn, sigstore: SigstoreIn, services: ServicesIn
) -> Response:
    """Give an identity token for a code, a device code, or an API token."""
    authorization = request.headers.get("authorization", "")
    return await run_in_threadpool(_token, form, authorization, sigstore, services)


@router.post(flows.DEVICE_CODE, response_class=Response, openapi_extra=_IN)
def begin_device(form: FormIn, sigstore: SigstoreIn, services: ServicesIn) -> Response:
    """Begin a login on a second device (RFC 8628)."""
    try:
        begun = sigstore.issuer.begin_device(read_form(form), at=services.clock())
    except (LoginError, TooManyLoginsError) as error:
        return _refusal(error)
    return json_answer(begun)


@router.get(flows.DEVICE, response_class=Response, responses=_PAGE)
def device(request: Request, sigstore: SigstoreIn) -> Response:
    """Show where to let a device in."""
    del sigstore
    shown = read_form(request.url.query.encode()).get("user_code", "")
    return Response(pages.device_page(flows.DEVICE, shown), 200, pages.headers(), _HTML)


@router.post(flows.DEVICE, response_class=Response, responses=_PAGE, openapi_extra=_IN)
def approve_device(
    form: FormIn, sigstore: SigstoreIn, services: ServicesIn
) -> Response:
    """Take the API token, and let the device in."""
    given = read_form(form)
    code = needed(given, "user_code")
    try:
        mailbox = _mailbox(services, sigstore, needed(given, "api_token"))
        sigstore.issuer.approve_device(code, mailbox, at=services.clock())
    except AccessError as error:
        page = pages.device_page(flows.DEVICE, code, failure=_said(error))
        return _failed(page, error, pages.headers())
    return Response(pages.done_page(mailbox), 200, pages.headers(), _HTML)


def _token(
    form: bytes, authorization: str, sigstore: EmbeddedSigstore, services: Services
) -> Response:
    try:
        given = read_form(form)
        named = _client_of(authorization)
        if named is not None and given.setdefault("client_id", named) != named:
            raise ClientUnknownError("expected one client_id, got two")
        answer = sigstore.issuer.token(
            given,
            lambda api_token: _mailbox(services, sigstore, api_token),
            at=services.clock(),
        )
    except (AccessError, TooManyLoginsError) as error:
        return _refusal(error)
    return json_answer(answer)


def _client_of(authorization: str) -> str | None:
    """Return the client of HTTP Basic (RFC 6749 §2.3.1); it has no secret to check."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode("ascii")  # noqa: TID251
    except ValueError as error:
        raise ClientUnknownError(
            "authorization: expected a client, got other bytes"
        ) from error
    return unquote_plus(text.partition(":")[0])


def _mailbox(services: Services, sigstore: EmbeddedSigstore, api_token: str) -> str:
    with services.registry.read() as session:
        caller = authenticate(session, f"Bearer {api_token}", at=services.clock())
    return mailbox_of(caller, sigstore.public_host)


def _login_page(asked: LoginRequest, error: TrustacksError | None = None) -> Response:
    said = _said(error) if error else None
    page = pages.login_page(flows.AUTHORIZE, asked.parameters(), failure=said)
    headers = pages.headers(asked.redirect)
    return (
        _failed(page, error, headers) if error else Response(page, 200, headers, _HTML)
    )


def _failed(page: str, error: TrustacksError, headers: dict[str, str]) -> Response:
    return Response(page, status_of(error), headers | {CODE_HEADER: error.code}, _HTML)


def _said(error: TrustacksError) -> str:
    return f"{error.message} [{error.code}]"


def _refusal(error: TrustacksError) -> Response:
    """Answer as RFC 6749 §5.2 says, with our own code beside its word."""
    word = getattr(error, "oauth", "invalid_grant")
    answer = json_answer(
        {"error": word, "error_description": error.message, "code": error.code},
        status=401 if word == "invalid_client" else 400,
    )
    answer.headers[CODE_HEADER] = error.code
    return answer
