# SPDX-License-Identifier: Apache-2.0
"""Describe workspaces. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass

from bundle.tuf.status import RoleStatus
from control_plane.auth.roles import Caller, Permission
from control_plane.registry import repository as index
from control_plane.registry.models import ReleaseRow, WorkspaceRow
from control_plane.services import Services
from control_plane.workflows.releases import head_of
from control_plane.workspaces import Published, Workspace


@dataclass(frozen=True, slots=True)
class Described:
    """A workspace as it stands.

    Attributes:
        workspace: The workspace.
        published: What is in force.
        head: The newest release.
        roles: Version and expiry of each TUF role.
    """

    workspace: Workspace
    published: Published
    head: ReleaseRow | None
    roles: Mapping[str, RoleStatus]


def describe(services: Services, name: str) -> Described:
    """Return a workspace as it stands.

    Raises:
        NotFoundError: There is none of that name.
    """
    workspace = services.workspaces.open(name)
    return Described(
        workspace=workspace,
        published=workspace.published(),
        head=head_of(services, workspace),
        roles=workspace.repository.status(services.clock()),
    )


def visible(services: Services, caller: Caller) -> list[WorkspaceRow]:
    """Return the workspaces that a caller may read."""
    with services.registry.read() as session:
        rows = index.list_workspaces(session)
    return [row for row in rows if caller.may(Permission.WORKSPACE_READ, row.name)]
