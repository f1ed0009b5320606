# SPDX-License-Identifier: Apache-2.0
"""Callers and tokens."""

from typing import Literal, Self

from pydantic import Field

from control_plane import limits
from control_plane.api.schemas.base import Answer, Name, Request
from control_plane.auth.roles import Caller
from control_plane.auth.tokens import MintedToken
from control_plane.registry.models import TokenRow

RoleName = Literal["admin", "author", "release", "runner", "auditor"]


class Whoami(Answer):
    """Who the token's holder is."""

    subject: str = Field(examples=["alice@example.com"])
    role: RoleName
    workspace: str | None = Field(description="null: all workspaces")
    token_id: str

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Describe a caller."""
        return cls(
            subject=caller.subject,
            role=caller.role.value,
            workspace=caller.workspace,
            token_id=caller.token_id,
        )


class NewToken(Request):
    """A token to make."""

    role: RoleName
    subject: Name = Field(examples=["alice@example.com"])
    ttl_seconds: int = Field(
        ge=1, le=limits.MAX_TOKEN_SECONDS, examples=[28800], description="seconds"
    )


class Token(Answer):
    """A new token: the only time that its text is shown."""

    token: str = Field(examples=["tst_..."])
    id: str
    expires: str = Field(examples=["2026-01-31T09:00:00Z"])

    @classmethod
    def of(cls, minted: MintedToken) -> Self:
        """Show a new token."""
        return cls(token=str(minted.token), id=minted.id, expires=minted.expires)


class TokenInfo(Answer):
    """A token, without its text."""

    id: str
    role: str
    subject: str
    workspace: str | None
    created: str
    expires: str
    revoked: str | None

    @classmethod
    def of(cls, row: TokenRow) -> Self:
        """Describe a stored token."""
        return cls(
            id=row.id,
            role=row.role,
            subject=row.subject,
            workspace=row.workspace,
            created=row.created_at,
            expires=row.expires_at,
            revoked=row.revoked_at,
        )


class TokenList(Answer):
    """The tokens of a workspace."""

    items: list[TokenInfo]
