# SPDX-License-Identifier: Apache-2.0
"""A signed version of a role that is stored and not yet committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bundle.tuf.errors import StaleStageError
from bundle.tuf.roles import RELEASE, TARGETS
from bundle.tuf.rootchain import RootChain
from keys.digest import Digest


@dataclass(frozen=True, slots=True)
class Staged:
    """What ``prepare_*`` returns and ``publish_*`` commits.

    Attributes:
        version: Its number.
        metadata: Its bytes, as stored.
        base: The committed version that it was made from; 0 if there was none.
        files: Payloads by object name, as stored.
        under: The roots that it was judged by, if they are not those in force.
    """

    role: ClassVar[str]

    version: int
    metadata: bytes
    base: int
    files: Mapping[str, bytes] = field(repr=False)
    under: RootChain | None = field(default=None, repr=False)

    @property
    def digest(self) -> Digest:
        """SHA-256 of the metadata: what a trust event names."""
        return Digest.of(self.metadata)

    def require_base(self, committed: int) -> None:
        """Refuse a stage under which the role has moved on.

        Raises:
            StaleStageError: It has.
        """
        if committed != self.base:
            raise StaleStageError(
                f"expected committed {self.role} {self.base}, got {committed}",
                role=self.role,
                expected=self.base,
                got=committed,
            )


class StagedTargets(Staged):
    """Targets to be published."""

    __slots__ = ()
    role = TARGETS


class StagedRelease(Staged):
    """A release to be published."""

    __slots__ = ()
    role = RELEASE
