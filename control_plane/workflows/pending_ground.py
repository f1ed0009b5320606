# SPDX-License-Identifier: Apache-2.0
"""What this server holds a release against that waits for signatures.

Who is asked to sign looks for themselves; a status here decides nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from bundle.gate.thresholds import release_threshold
from bundle.marks import Known
from bundle.pending import PendingRelease
from control_plane.errors import PendingMismatchError
from control_plane.services import Services
from control_plane.workflows.releases import head_of
from control_plane.workflows.sources import PublishedSource
from control_plane.workspaces import Workspace
from keys.digest import Digest
from keys.errors import NotFoundError, TrustacksError
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.release import ReleasePredicate
from signer.trust import Expected, Trust
from signer.verify import verify_attestation

WAITING: Final = ("open", "signed")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A release that waits, and how far it is.

    Attributes:
        pending: The release.
        signers: Whose signatures hold now, the named one first.
        threshold: How many principals must sign.
        status: ``open``, ``signed`` (to be published), ``published`` or ``stale``.
    """

    pending: PendingRelease
    signers: tuple[Identity, ...]
    threshold: int
    status: str


@dataclass(frozen=True, slots=True)
class PendingGround:
    """What a release that waits is held against.

    Attributes:
        source: What is in force.
        head: The newest release.
        at: Now.
    """

    source: PublishedSource
    head: Known | None
    at: datetime

    @classmethod
    def of(cls, services: Services, workspace: Workspace) -> Self:
        """Read what is in force."""
        row = head_of(services, workspace)
        head = Known(row.revision, Digest.parse(row.digest)) if row else None
        source = PublishedSource(workspace, workspace.published())
        return cls(source, head, services.clock())

    @property
    def trust(self) -> Trust:
        """What signatures are judged by."""
        return self.source.published.trust

    def standing(self, pending: PendingRelease) -> Waiting:
        """Return how far a release is."""
        signers = tuple(self._signers(pending))
        threshold = release_threshold(self.trust.policy)
        status = self._status(pending)
        if status == "open" and len({one.principal for one in signers}) >= threshold:
            status = "signed"
        return Waiting(pending, signers, threshold, status)

    def _status(self, pending: PendingRelease) -> str:
        release = pending.link.release
        if self.head and release.revision <= self.head.revision:
            with suppress(NotFoundError):
                self.source.chain(pending.digest)
                return "published"
        current = Digest.of(self.source.targets)
        alive = pending.follows(self.head) and self.at < release.expires
        return "open" if alive and release.targets.digest == current else "stale"

    def _signers(self, pending: PendingRelease) -> Iterator[Identity]:
        """Yield whose signatures hold; who was revoked meanwhile counts no more."""
        for raw in pending.signatures:
            with suppress(TrustacksError):
                yield self.verify(pending, raw)

    def verify(self, pending: PendingRelease, raw: bytes) -> Identity:
        """Return who signed a release, named or further.

        Raises:
            PendingMismatchError: It is a signature of something else.
            TrustacksError: It does not hold.
        """
        attestation = parse_attestation(raw)
        if attestation.digest != pending.digest:
            raise PendingMismatchError(
                f"expected a signature of {pending.digest}, got one of "
                f"{attestation.digest}"
            )
        further = raw != pending.sorted.release
        claimed = Expected.as_claimed(attestation, cosigned=further)
        expected = replace(claimed, predicate_type=ReleasePredicate.type)
        return (
            verify_attestation(raw, trust=self.trust, expected=expected, at=self.at)
            .require()
            .identity
        )
