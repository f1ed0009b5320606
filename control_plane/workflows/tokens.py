# SPDX-License-Identifier: Apache-2.0
"""API tokens of one workspace. One write each: the token's row."""

from datetime import timedelta

from control_plane.auth.roles import Role
from control_plane.auth.tokens import (
    MintedToken,
    list_tokens,
    mint_token,
    revoke_token,
)
from control_plane.registry.models import TokenRow
from control_plane.services import Services


def create(
    services: Services, name: str, *, role: Role, subject: str, ttl_s: int
) -> MintedToken:
    """Make a token of a workspace.

    Raises:
        NotFoundError: No such workspace.
        UsageError: A lifetime that is not positive.
    """
    services.workspaces.open(name)
    with services.registry.write() as session:
        return mint_token(
            session,
            role=role,
            subject=subject,
            workspace=name,
            ttl=timedelta(seconds=ttl_s),
            at=services.clock(),
        )


def index(services: Services, name: str) -> list[TokenRow]:
    """Return the tokens of a workspace.

    Raises:
        NotFoundError: No such workspace.
    """
    services.workspaces.open(name)
    with services.registry.read() as session:
        return list_tokens(session, name)


def revoke(services: Services, name: str, token_id: str) -> None:
    """End a token's life.

    Raises:
        NotFoundError: No such workspace, or no such token in it.
    """
    services.workspaces.open(name)
    with services.registry.write() as session:
        revoke_token(session, token_id, workspace=name, at=services.clock())
