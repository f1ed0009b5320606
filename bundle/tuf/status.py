# SPDX-License-Identifier: Apache-2.0
"""How long each role of a repository still lives, and what is due for renewal."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bundle.tuf.committed import Before, Committed
from bundle.tuf.roles import TERMS


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """How a role stands.

    Attributes:
        version: Committed.
        expires: Of that version.
        left: Life that remains; negative if it has expired.
        due: Whether half of its life is over.
    """

    version: int
    expires: datetime
    left: timedelta
    due: bool


def role_status(state: Committed, at: datetime) -> dict[str, RoleStatus]:
    """Return how each role stands at an instant."""
    return {
        role: RoleStatus(
            version=signed.version,
            expires=signed.expires,
            left=signed.expires - at,
            due=signed.expires - at <= TERMS[role].life / 2,
        )
        for role, signed in state.roles.items()
    }


def due_roles(before: Before, at: datetime) -> set[str]:
    """Return the roles of which half of the life is over."""
    if before.state is None:
        return set()
    statuses = role_status(before.state, at)
    return {role for role, status in statuses.items() if status.due}
