# SPDX-License-Identifier: Apache-2.0
"""Alive, ready, and who the token says I am."""

from fastapi import APIRouter
from sqlalchemy import text

from control_plane.api.deps import CallerIn, ServicesIn
from control_plane.api.schemas.access import Whoami
from control_plane.api.schemas.base import Health
from control_plane.api.strict import StrictRoute
from control_plane.errors import NotReadyError
from keys.errors import TrustacksError

router = APIRouter(route_class=StrictRoute, tags=["server"])


@router.get("/healthz")
def healthz() -> Health:
    """Say that the process answers; looks at nothing else."""
    return Health(status="ok")


@router.get("/readyz")
def readyz(services: ServicesIn) -> Health:
    """Say that the registry answers and the state directory can be read."""
    try:
        with services.registry.read() as session:
            session.execute(text("SELECT 1"))
        services.state.passphrase("")
    except TrustacksError as error:
        raise NotReadyError(f"not ready: {error.message}") from error
    return Health(status="ready")


@router.get("/v1/whoami")
def whoami(caller: CallerIn) -> Whoami:
    """Say who the token's holder is to this server."""
    return Whoami.of(caller)
