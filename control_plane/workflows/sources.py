# SPDX-License-Identifier: Apache-2.0
"""What a Runner would fetch, read from where it would find it (``collect.Source``)."""

from dataclasses import dataclass

from tuf.api.metadata import Targets

from bundle.tuf.documents import target_name
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import RELEASE
from bundle.tuf.staged import StagedRelease
from control_plane.workflows.release_chain import read_chain, read_cosigned
from control_plane.workspaces import Published, Workspace
from keys.digest import Digest
from keys.errors import LimitExceededError, NotFoundError


@dataclass(frozen=True, slots=True)
class PublishedSource:
    """What is in force: trust, layers, and the chain.

    Attributes:
        workspace: The workspace.
        published: What is in force in it.
    """

    workspace: Workspace
    published: Published

    @property
    def roots(self) -> tuple[bytes, ...]:
        """From the first to the newest."""
        return self.published.committed.pinned.raw

    @property
    def targets(self) -> bytes:
        """Newest targets."""
        return self.published.committed.targets

    @property
    def release(self) -> bytes:
        """The delegated role's metadata."""
        return self.published.committed.release

    def target(self, name: str, *, max_bytes: int) -> bytes:
        """Return a file that the targets list.

        Raises:
            NotFoundError: They do not.
            LimitExceededError: It is larger than ``max_bytes``.
        """
        if name not in self.published.files:
            raise NotFoundError(f"expected {name} in the targets, got none")
        data = self.published.files[name]
        if len(data) > max_bytes:
            raise LimitExceededError(
                f"{name}: expected at most {max_bytes} bytes, got {len(data)}"
            )
        return data

    def chain(self, digest: Digest) -> bytes:
        """Return an attestation of an earlier release: its own, or of a change."""
        return read_chain(self.workspace, digest)

    def cosigned(self, digest: Digest) -> tuple[bytes, ...]:
        """Return the further signatures of an earlier release."""
        return read_cosigned(self.workspace, digest)


@dataclass(frozen=True, slots=True)
class StagedSource(PublishedSource):
    """The same with a release that is staged and not published.

    Attributes:
        staged: The release role's next metadata, and where its files lie.
    """

    staged: StagedRelease

    @property
    def release(self) -> bytes:
        """The delegated role's metadata, as it would be."""
        return self.staged.metadata

    def target(self, name: str, *, max_bytes: int) -> bytes:
        """Return a file that targets or the staged release list."""
        if name in self.published.files:
            return PublishedSource.target(self, name, max_bytes=max_bytes)
        listed = parse_metadata(self.staged.metadata, Targets, RELEASE).signed.targets
        return self.workspace.storage.get(
            target_name(listed[name]), max_bytes=max_bytes
        )
