# SPDX-License-Identifier: Apache-2.0
"""API tokens: made once, shown once, stored as SHA-256 digests, scoped, expiring.

A token is 256 random bits, so that its plain digest is as good as a slow one: there is
nothing to guess. ``tst_`` makes a leaked one findable by secret scanners.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from control_plane import limits
from control_plane.auth.roles import Caller, Role
from control_plane.errors import NotAuthenticatedError, TokenExpiredError
from control_plane.registry.models import TokenRow
from control_plane.settings import Masked
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import NotFoundError, UsageError

_PREFIX: Final = "tst_"
_SCHEME: Final = "bearer"


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A new token; the only moment that its text exists here.

    Attributes:
        token: What the caller sends.
        id: Its name in lists.
        expires: When it stops working.
    """

    token: Masked
    id: str
    expires: str


def mint_token(
    session: Session,
    *,
    role: Role,
    subject: str,
    workspace: str | None,
    ttl: timedelta,
    at: datetime,
) -> MintedToken:
    """Make a token and store its digest.

    Raises:
        UsageError: A lifetime that is not positive.
    """
    if ttl <= timedelta():
        raise UsageError(f"expected a lifetime above 0 s, got {ttl}")
    token = Masked(_PREFIX + secrets.token_urlsafe(32))
    row = TokenRow(
        id=secrets.token_hex(8),
        digest=str(Digest.of(token.encode())),
        role=role.value,
        subject=subject,
        workspace=workspace,
        created_at=format_instant(at),
        expires_at=format_instant(at + ttl),
    )
    session.add(row)
    session.flush()
    return MintedToken(token=token, id=row.id, expires=row.expires_at)


def authenticate(
    session: Session, authorization: str | None, *, at: datetime
) -> Caller:
    """Return who sent this ``Authorization`` header (RFC 6750 §2.1).

    Raises:
        NotAuthenticatedError: None, another scheme, or no token of ours.
        TokenExpiredError: It has run out.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != _SCHEME or not 0 < len(token) <= limits.MAX_TOKEN_CHARS:
        raise NotAuthenticatedError(
            "expected a bearer token, got none", hint="run `trustacks login`"
        )
    digest = str(Digest.of(token.encode("utf-8", "surrogateescape")))
    row = session.scalar(select(TokenRow).where(TokenRow.digest == digest))
    if row is None or row.revoked_at is not None:
        raise NotAuthenticatedError(
            "expected a token of this server, got another one",
            hint="run `trustacks login`",
        )
    if row.expires_at <= format_instant(at):
        raise TokenExpiredError(
            f"expected a live token, got one that expired at {row.expires_at}",
            hint="ask an admin for a new one",
            expired_at=row.expires_at,
        )
    return Caller(row.id, row.subject, Role(row.role), row.workspace)


def list_tokens(session: Session, workspace: str) -> list[TokenRow]:
    """Return the tokens of one workspace, oldest first."""
    query = select(TokenRow).where(TokenRow.workspace == workspace)
    return list(session.scalars(query.order_by(TokenRow.created_at, TokenRow.id)))


def revoke_token(
    session: Session, token_id: str, *, workspace: str | None, at: datetime
) -> None:
    """End a token's life; again is success.

    Raises:
        NotFoundError: No such token in this scope.
    """
    row = session.get(TokenRow, token_id)
    if row is None or row.workspace != workspace:
        raise NotFoundError(f"expected a token {token_id[:32]!r} here, got none")
    session.execute(
        update(TokenRow)
        .where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None))
        .values(revoked_at=format_instant(at))
    )
