# SPDX-License-Identifier: Apache-2.0
"""Tokens of a workspace: make, list, revoke."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import ServicesIn, allowed
from control_plane.api.schemas.access import NewToken, Token, TokenInfo, TokenList
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission, Role
from control_plane.workflows import tokens

router = APIRouter(
    prefix="/v1/workspaces/{ws}/tokens", route_class=StrictRoute, tags=["tokens"]
)
ManagerIn = Annotated[Caller, Depends(allowed(Permission.TOKEN_MANAGE))]


@router.post("", status_code=201)
def create(ws: str, new: NewToken, _: ManagerIn, services: ServicesIn) -> Token:
    """Make a token of this workspace; its text is shown once."""
    minted = tokens.create(
        services, ws, role=Role(new.role), subject=new.subject, ttl_s=new.ttl_seconds
    )
    return Token.of(minted)


@router.get("")
def index(ws: str, _: ManagerIn, services: ServicesIn) -> TokenList:
    """List the tokens of this workspace, without their texts."""
    rows = tokens.index(services, ws)
    return TokenList(items=[TokenInfo.of(row) for row in rows])


@router.delete("/{token_id}", status_code=204)
def revoke(ws: str, token_id: str, _: ManagerIn, services: ServicesIn) -> None:
    """End a token's life; again is success."""
    tokens.revoke(services, ws, token_id)
