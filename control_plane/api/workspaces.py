# SPDX-License-Identifier: Apache-2.0
"""Workspaces: make, list, show."""

from typing import Annotated

from fastapi import APIRouter, Depends

from control_plane.api.deps import CallerIn, ServicesIn, allowed
from control_plane.api.schemas.workspaces import (
    NewWorkspace,
    WorkspaceInfo,
    WorkspaceList,
    WorkspaceName,
)
from control_plane.api.strict import StrictRoute
from control_plane.auth.roles import Caller, Permission
from control_plane.workflows import workspaces
from control_plane.workflows.create_workspace import create_workspace

router = APIRouter(
    prefix="/v1/workspaces", route_class=StrictRoute, tags=["workspaces"]
)
CreatorIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_CREATE))]
ReaderIn = Annotated[Caller, Depends(allowed(Permission.WORKSPACE_READ))]


@router.get("")
def index(caller: CallerIn, services: ServicesIn) -> WorkspaceList:
    """List the workspaces that the token may see."""
    rows = workspaces.visible(services, caller)
    return WorkspaceList(
        items=[WorkspaceName(name=row.name, workspace=row.digest) for row in rows]
    )


@router.post("", status_code=201)
def create(new: NewWorkspace, _: CreatorIn, services: ServicesIn) -> WorkspaceInfo:
    """Make a workspace of the embedded form, with its layers pinned."""
    create_workspace(
        services,
        new.name,
        constitution=new.constitution.layer(),
        packs=[pack.layer(pack.name) for pack in new.packs],
    )
    return WorkspaceInfo.of(workspaces.describe(services, new.name))


@router.get("/{ws}")
def show(ws: str, _: ReaderIn, services: ServicesIn) -> WorkspaceInfo:
    """Show a workspace: its form, what to pin, and how it stands."""
    return WorkspaceInfo.of(workspaces.describe(services, ws))
