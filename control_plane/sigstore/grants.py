# SPDX-License-Identifier: Apache-2.0
"""What is open between two requests of a login: in memory, bounded, for minutes, once.

A restart forgets it, and whoever was in between logs in again. Secrets are kept as
digests, so that how long a look-up takes tells nothing of one.
"""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from control_plane.sigstore.errors import TooManyLoginsError
from control_plane.sigstore.limits import MAX_GRANTS
from keys.digest import Digest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CodeGrant:
    """Somebody has logged in; their client fetches the token.

    Attributes:
        mailbox: Who.
        redirect: Where the code went.
        challenge: Of the verifier that the client has (RFC 7636).
        nonce: For the token, if the client chose one.
    """

    mailbox: str
    redirect: str
    challenge: str
    nonce: str | None


@dataclass(slots=True)
class DeviceGrant:
    """A device waits for somebody to log in elsewhere.

    Attributes:
        challenge: Of the verifier that the device has, if it made one.
        mailbox: Who has logged in; nobody yet.
        next_poll: Before this, the device was told to wait.
    """

    challenge: str | None
    next_poll: datetime
    mailbox: str | None = None


class Grants(Generic[T]):
    """Open logins by secret.

    Args:
        life: How long each is open.
    """

    def __init__(self, life: timedelta) -> None:
        self._life = life
        self._open: dict[Digest, tuple[datetime, T]] = {}
        self._lock = threading.Lock()

    def put(self, secret: str, grant: T, *, at: datetime) -> None:
        """Open a login.

        Raises:
            TooManyLoginsError: There are as many as the server keeps.
        """
        with self._lock:
            self._forget(at)
            if len(self._open) >= MAX_GRANTS:
                raise TooManyLoginsError(
                    f"expected fewer than {MAX_GRANTS} open logins, got as many",
                    hint="try again in some minutes",
                )
            self._open[_name(secret)] = (at + self._life, grant)

    def look(self, secret: str, *, at: datetime) -> T | None:
        """Return a login that is open."""
        with self._lock:
            self._forget(at)
            found = self._open.get(_name(secret))
            return found[1] if found else None

    def take(self, secret: str, *, at: datetime) -> T | None:
        """Close a login and return it: whoever comes second gets nothing."""
        with self._lock:
            self._forget(at)
            found = self._open.pop(_name(secret), None)
            return found[1] if found else None

    def _forget(self, at: datetime) -> None:
        # In the order in which they were put, and each lives as long: oldest first.
        while self._open:
            first = next(iter(self._open))
            if self._open[first][0] > at:
                return
            del self._open[first]


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def _name(secret: str) -> Digest:
    return Digest.of(secret.encode("utf-8", "surrogateescape"))
