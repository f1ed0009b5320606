# SPDX-License-Identifier: Apache-2.0
"""What is pinned of a workspace whose root or targets have run out.

Nobody but an admin who renews them needs it: everybody else is told ``tuf-expired``.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bundle.tuf.errors import TufExpiredError
from bundle.tuf.outlived import last_instant
from trustacks.pinned import Pinned, PinnedStore


class OutlivedStore(PinnedStore):
    """The folder of a pinned workspace, read on after its metadata expired.

    Args:
        warn: Told what has expired, and what that means.
    """

    def __init__(self, *place: Any, warn: Callable[[str], None], **named: Any) -> None:
        super().__init__(*place, **named)
        self._warn = warn

    def refresh(self, *, at: datetime) -> Pinned:
        """Fetch what is new; what expired is judged by its last second.

        Raises:
            UnavailableError: No answer.
            VerificationError: Metadata that a Runner would have refused then, too, or
                trust that is older than what was seen here before.
        """
        try:
            return super().refresh(at=at)
        except TufExpiredError:
            fetched = self.client().outlived()
        found = Pinned.of(fetched, at=last_instant(fetched, at))
        self._warn(outlived_note(found))
        return found


def outlived_note(found: Pinned) -> str:
    """Say what nobody but people can tell of trust that has expired."""
    return (
        f"root {found.view.root_version} or targets {found.view.targets_version} were "
        "not renewed in time: ask the other admins that these are the newest"
    )
