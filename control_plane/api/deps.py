# SPDX-License-Identifier: Apache-2.0
"""What path operations ask for. Everything here fetches; nothing is built."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
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
    with services.registry.read() as session:
        header = request.headers.get("authorization")
        return authenticate(session, header, at=services.clock())


ServicesIn = Annotated[Services, Depends(_services)]
CallerIn = Annotated[Caller, Depends(_caller)]


def allowed(permission: Permission) -> Callable[[Request, Caller], Caller]:
    """Return a dependency: a caller that has this permission in the path's scope."""

    def check(request: Request, caller: CallerIn) -> Caller:
        caller.require(permission, request.path_params.get("ws"))
        return caller

    return check
