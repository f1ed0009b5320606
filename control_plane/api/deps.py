# SPDX-License-Identifier: Apache-2.0
"""What path operations ask for. Everything here fetches; nothing is built."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPBearer

from control_plane.auth.roles import Caller, Permission
from control_plane.auth.tokens import authenticate
from control_plane.services import Services

# Only describes the scheme in OpenAPI; `_caller` reads the header itself.
# In the ASGI scope, which is one request's.
_CALLER: Final = "trustacks.caller"
_BEARER = HTTPBearer(auto_error=False, description="a token of this server")


async def _services(request: Request) -> Services:
    return services_of(request)


def services_of(request: Request) -> Services:
    """Return what the application serves."""
    found = request.app.state.services
    if not isinstance(found, Services):
        raise TypeError("create_app was given no services")
    return found


async def _caller(
    request: Request, services: "ServicesIn", _scheme: Annotated[Any, Depends(_BEARER)]
) -> Caller:
    known = request.scope.get(_CALLER)
    if isinstance(known, Caller):
        return known
    return await run_in_threadpool(_authenticated, request, services)


def _authenticated(request: Request, services: Services) -> Caller:
    with services.registry.read() as session:
        header = request.headers.get("authorization")
        return authenticate(session, header, at=services.clock())


def require_token(request: Request) -> None:
    """Refuse a request without a token of this server, whatever it may call.

    Whose token it is stays known for this request; it is not looked up twice.

    Raises:
        NotAuthenticatedError: None, or another one.
        TokenExpiredError: It has run out.
    """
    request.scope[_CALLER] = _authenticated(request, services_of(request))


ServicesIn = Annotated[Services, Depends(_services)]
CallerIn = Annotated[Caller, Depends(_caller)]


def asks_who_calls(operation: Dependant) -> bool:
    """Return whether an operation, or what it depends on, asks for the caller."""
    return any(
        one.call is _caller or asks_who_calls(one) for one in operation.dependencies
    )


def allowed(
    permission: Permission,
) -> Callable[[Request, Caller], Coroutine[Any, Any, Caller]]:
    """Return a dependency: a caller that has this permission in the path's scope."""

    async def check(request: Request, caller: CallerIn) -> Caller:
        caller.require(permission, request.path_params.get("ws"))
        return caller

    return check
