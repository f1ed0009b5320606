# SPDX-License-Identifier: Apache-2.0
"""What every store promises; one table of tests holds each store to it.

Duties that all methods share: when a write returns, the object is durable and every
reader sees it, whole; when it raises ``StorageUnavailableError``, the object is either
as it was or as it was to be, never between, and the caller cannot tell which.
"""

import re
from typing import Final, Protocol

from keys.digest import Digest
from keys.errors import UsageError

# Characters. S3 allows 1,024 bytes for a whole key, prefix included.
MAX_NAME_CHARS: Final = 512

# A segment never begins with a dot: no "..", no hidden file, no temporary file.
_NAME: Final = re.compile(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
)
_PREFIX: Final = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*(/|$))*")


class Storage(Protocol):
    """A store of objects; safe to use from several threads."""

    def put_immutable(self, name: str, data: bytes) -> None:
        """Create an object that never changes; the same bytes again are success.

        Raises:
            WriteConflictError: It exists with other bytes; they stay.
            StorageUnavailableError: It may or may not have been created.
            UsageError: Not a name.
        """

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        """Replace an object if its bytes still have the digest ``expected``.

        Args:
            name: The object.
            data: Its new bytes.
            expected: The digest of the bytes to be replaced; None: there is none yet.

        Raises:
            WriteConflictError: The object is another one now; it stays.
            StorageUnavailableError: It may or may not have been replaced.
            UsageError: Not a name.
        """

    def get(self, name: str, *, max_bytes: int) -> bytes:
        """Return an object's bytes.

        Raises:
            NotFoundError: There is none.
            LimitExceededError: It is larger than ``max_bytes``.
            StorageUnavailableError: It cannot be read.
            UsageError: Not a name.
        """

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with ``prefix``, sorted.

        Raises:
            StorageUnavailableError: They cannot be listed.
            UsageError: Nothing could begin so.
        """

    def discard(self, name: str) -> None:
        """Remove an immutable object that nobody needs; none there is success.

        The one write that need not be durable: after a crash the object may be back.

        Raises:
            StorageUnavailableError: It may or may not have been removed.
            UsageError: Not a name.
        """


def require_name(name: str) -> str:
    """Return ``name`` if it is a relative path of plain segments.

    Raises:
        UsageError: It is not.
    """
    if len(name) > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        raise UsageError(f"expected an object name, got {name[:80]!r}")
    return name


def require_prefix(prefix: str) -> str:
    """Return ``prefix`` if a name could begin so.

    Raises:
        UsageError: It could not.
    """
    if len(prefix) > MAX_NAME_CHARS or not _PREFIX.fullmatch(prefix):
        raise UsageError(f"expected a prefix of object names, got {prefix[:80]!r}")
    return prefix
