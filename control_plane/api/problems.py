# SPDX-License-Identifier: Apache-2.0
"""Every refusal is ``application/problem+json`` (RFC 9457), and none leaks.

``detail`` is for people, ``code`` for programs. The text of errors about our own disk,
keys and defects stays in the server's log, under the request id that the answer names.
"""

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from control_plane.errors import (
    MethodNotAllowedError,
    RequestInvalidError,
    ServiceDefectError,
    status_of,
)
from keys.errors import NotFoundError, TrustacksError, UsageError
from keys.strict import dumps_json

MEDIA_TYPE: Final = "application/problem+json"
# The code of a refusal, for whoever counts and for proxies' logs.
CODE_HEADER: Final = "x-problem-code"
_TYPE: Final = "https://trustacks.com/problems/"
_ENVIRONMENT: Final = 3
_MAX_ERRORS: Final = 20

_logger = logging.getLogger("control_plane")


def problem(error: TrustacksError, *, request_id: str) -> dict[str, Any]:
    """Return the error as a problem document.

    Source: RFC 9457 §3.1 (members), §3.2 (extension members).
    """
    hidden = error.exit_code == _ENVIRONMENT
    return {
        "type": f"{_TYPE}{error.code}",
        "title": error.code.replace("-", " "),
        "status": status_of(error),
        "detail": "the service could not do it; its log has the reason"
        if hidden
        else error.message,
        "code": error.code,
        "hint": None if hidden else error.hint,
        "evidence": {} if hidden else error.evidence,
        "request_id": request_id,
    }


def problem_response(error: TrustacksError, *, request_id: str) -> Response:
    """Answer with a problem document; log what it hides."""
    body = problem(error, request_id=request_id)
    if error.exit_code == _ENVIRONMENT:
        _logger.error("request %s: %s: %s", request_id, error.code, error.message)
    headers = {"cache-control": "no-store", CODE_HEADER: error.code}
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return Response(dumps_json(body), body["status"], headers, MEDIA_TYPE)


def unexpected_response(error: Exception, *, request_id: str) -> Response:
    """Answer a defect of ours: the text and the trace go to the log only."""
    _logger.error("request %s: unexpected error", request_id, exc_info=error)
    return problem_response(
        ServiceDefectError(f"unexpected {type(error).__name__}"), request_id=request_id
    )


def request_id_of(request: Request) -> str:
    """Return the id that the middleware gave this request."""
    return str(request.state.request_id)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document."""
    app.add_exception_handler(TrustacksError, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def _on_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, TrustacksError):
        raise error
    return problem_response(error, request_id=request_id_of(request))


def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # The offending values are not repeated: a token in the wrong field stays private.
    found = [
        {"where": ".".join(str(part) for part in e["loc"]), "message": e["msg"]}
        for e in error.errors()[:_MAX_ERRORS]
    ]
    first = found[0]
    invalid = RequestInvalidError(
        f"{first['where']}: {first['message'].lower()}",
        hint="the API's description is at /docs",
        errors=found,
    )
    return problem_response(invalid, request_id=request_id_of(request))


def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    # FastAPI wraps what reading the body raised; the cause is the better answer.
    translated = error.__cause__
    if not isinstance(translated, TrustacksError):
        translated = _translate(error, request)
    response = problem_response(translated, request_id=request_id_of(request))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _translate(error: HTTPException, request: Request) -> TrustacksError:
    place = request.url.path[:200]
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFoundError(f"expected a path of the API, got {place}")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowedError(
            f"expected another method on {place}, got {request.method}"
        )
    return UsageError(f"the request could not be read on {place}")
