# SPDX-License-Identifier: Apache-2.0
"""The trust policy in force, as the exact bytes that admins signed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from bundle.gate.candidate import POLICY_TARGET
from control_plane.api.deps import ServicesIn, allowed
from control_plane.auth.roles import Caller, Permission

router = APIRouter(prefix="/v1/workspaces/{ws}/trust", tags=["trust"])
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.get(
    "/policy",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}},
)
def policy(ws: str, _: ReaderIn, services: ServicesIn) -> Response:
    """Return the trust policy; Runners take it from TUF, never from here."""
    published = services.workspaces.open(ws).published()
    return Response(published.files[POLICY_TARGET], media_type="application/json")
