# SPDX-License-Identifier: Apache-2.0
"""What path operations ask for. Everything here fetches; nothing is built."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer

from control_plane.auth.roles import Caller, Permission
from control_plane.auth.tokens import authenticate
from control_plane.services import Services

# Only describes the scheme in OpenAPI; `_caller` reads the header itself.
_BEARER = HTTPBearer(auto_error=False, description="a token of this server")


def _services(request: Request) -> Services:
    found = request.app.state.services
    if not isinstance(found, Services):
        raise TypeError("create_app was given no services")
    return found


def _caller(
    request: Request, services: "ServicesIn", _scheme: Annotated[Any, Depends(_BEARER)]
) -> Caller:
    return _authenticated(request, services)


def _authenticated(request: Request, services: Services) -> Caller:
    with services.registry.read() as session:
        header = request.headers.get("authorization")
        return authenticate(session, header, at=services.clock())


def require_token(request: Request) -> None:
    """Refuse a request without a token of this server, whatever it may call.

    Raises:
        NotAuthenticatedError: None, or another one.
        TokenExpiredError: It has run out.
    """
    _authenticated(request, _services(request))


ServicesIn = Annotated[Services, Depends(_services)]
CallerIn = Annotated[Caller, Depends(_caller)]


def asks_who_calls(operation: Dependant) -> bool:
    """Return whether an operation, or what it depends on, asks for the caller."""
    return any(
        one.call is _caller or asks_who_calls(one) for one in operation.dependencies
    )


def allowed(permission: Permission) -> Callable[[Request, Caller], Caller]:
    """Return a dependency: a caller that has this permission in the path's scope."""

    def check(request: Request, caller: CallerIn) -> Caller:
        caller.require(permission, request.path_params.get("ws"))
        return caller

    return check
