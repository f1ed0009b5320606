# SPDX-License-Identifier: Apache-2.0
"""The trust policy in force, as the exact bytes that admins signed, and its rules."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from bundle.gate.candidate import POLICY_TARGET
from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.trust_rules import NewTrustRules, TrustChanged
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import trust_rules

router = APIRouter(
    prefix="/v1/workspaces/{ws}/trust", route_class=StrictRoute, tags=["trust"]
)
ManagerIn = Annotated[Caller, Depends(allowed(Permission.IDENTITY_MANAGE))]
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


@router.post("/rules", status_code=201)
def rules(
    ws: str, new: NewTrustRules, _: ManagerIn, services: ServicesIn
) -> TrustChanged:
    """Set floor, thresholds, ages, withdrawn waivers; the same again is success."""
    version = trust_rules.change(services, ws, new.rules())
    return TrustChanged(targets_version=version)
