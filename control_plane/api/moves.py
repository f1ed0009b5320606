# SPDX-License-Identifier: Apache-2.0
"""The move of a workspace from embedded to sovereign: keys, hand over, finish."""

from typing import Annotated

from fastapi import APIRouter, Depends

from bundle.tuf.proposal import TrustProposal
from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.base import decoded
from control_plane.api.schemas.moves import (
    FinishedMove,
    HandedOver,
    MoveKeys,
    NewMove,
)
from control_plane.api.schemas.workspaces import WorkspaceInfo
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import make_sovereign, workspaces
from keys.digest import Digest

router = APIRouter(
    prefix="/v1/workspaces/{ws}/move", route_class=StrictRoute, tags=["trust"]
)
ManagerIn = Annotated[Caller, Depends(allowed(Permission.IDENTITY_MANAGE))]


@router.post("/online-keys", status_code=201)
def keys(ws: str, _: ManagerIn, services: ServicesIn) -> MoveKeys:
    """Make the online keys that the next root is to name; again gives the same."""
    return MoveKeys.of(make_sovereign.next_keys(services, ws))


@router.post("")
def hand_over(ws: str, new: NewMove, _: ManagerIn, services: ServicesIn) -> HandedOver:
    """Verify a move, and add the embedded key's signature to its targets."""
    made = make_sovereign.hand_over(
        services,
        ws,
        TrustProposal.parse(decoded(new.proposal)),
        root=decoded(new.root),
        signatures=[one.read() for one in new.signatures],
        files=[decoded(one) for one in new.files],
    )
    return HandedOver(**made.to_json())


@router.post("/{proposal}/finish")
def finish(
    ws: str, proposal: str, new: FinishedMove, _: ManagerIn, services: ServicesIn
) -> WorkspaceInfo:
    """Make the workspace sovereign, with an admin's event about it."""
    make_sovereign.finish(services, ws, Digest.parse(proposal), new.signed())
    return WorkspaceInfo.of(workspaces.describe(services, ws))
