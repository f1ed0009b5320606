# SPDX-License-Identifier: Apache-2.0
"""How long what a workspace stands on still lives: for people, never for a verdict.

A verdict asks whether something has expired. This says so in time: half of a life is
when somebody should have renewed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bundle.tuf.roles import TERMS
from keys.clock import format_instant
from signer.predicates.release import ReleasePredicate

# What Runners may use until it expires: the attestation, beside the TUF roles.
NEWEST_RELEASE: Final = "release-attestation"
_RENEWED_BY: Final = {
    "root": "the admins sign the next root: trustacks root draft, sign, publish",
    "targets": "the admins publish trust again, before Runners deny",
    "release": "the server's refresh job renews it; look at its log and /metrics",
    "snapshot": "the server's refresh job renews it; look at its log and /metrics",
    "timestamp": "the server's refresh job renews it; look at its log and /metrics",
    NEWEST_RELEASE: "release again, before Runners deny: trustacks bundle release",
}


@dataclass(frozen=True, slots=True)
class Life:
    """One life.

    Attributes:
        what: A role's name, or ``release-attestation``.
        expires: Its end.
        seconds: To its end; negative after it.
        due: Whether half of it is over.
    """

    what: str
    expires: datetime
    seconds: int
    due: bool

    @property
    def hint(self) -> str:
        """Who renews it."""
        return _RENEWED_BY[self.what]

    def to_json(self) -> dict[str, Any]:
        """Return it as ``status --json`` shows it."""
        ends = format_instant(self.expires)
        return {"expires": ends, "seconds": self.seconds, "due": self.due}


def lives_of(
    roles: Mapping[str, datetime], head: ReleasePredicate | None, *, at: datetime
) -> list[Life]:
    """Return how long each role lives, and the newest release.

    Args:
        roles: When each role expires.
        head: The newest release.
        at: Now.
    """
    found = [
        _life(role, expires, expires - TERMS[role].life, at)
        for role, expires in roles.items()
    ]
    if head is not None:
        found.append(_life(NEWEST_RELEASE, head.expires, head.issued_at, at))
    return found


def _life(what: str, expires: datetime, begun: datetime, at: datetime) -> Life:
    left = expires - at
    return Life(what, expires, int(left.total_seconds()), left <= (expires - begun) / 2)
