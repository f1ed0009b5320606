# SPDX-License-Identifier: Apache-2.0
"""A release that waits: for as many signatures as the admins ask for.

Its two files are those that TUF will list. By hand it is carried as one archive of
them; a Control Plane keeps them by the digest of what was signed. Nothing of it is
believed: whoever is asked to sign judges it against what they are pinned to
(``bundle.gate.waiting``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from bundle.archive import pack_tar, unpack_tar
from bundle.gate.candidate import Candidate
from bundle.gate.chain import Link, open_head
from bundle.gate.errors import AttestationSetError
from bundle.gate.release import Attestations, check_further, sort_attestations
from bundle.limits import PENDING_BOUNDS
from bundle.marks import Known
from bundle.runner.collect import Source, collect_before, collect_trust
from bundle.tuf.view import ATTESTATIONS, BUNDLE, read_view
from keys.digest import Digest
from signer.attestation import join_jsonl, parse_attestation, parse_jsonl


@dataclass(frozen=True, slots=True)
class PendingRelease:
    """A release and the signatures that it has so far; parsed, not verified.

    Attributes:
        bundle: The OPA bundle, gzip.
        lines: JSON lines: the release attestation, one per rule, those of other
            principals that the rules rest on, and further signatures of any.
        sorted: The same, sorted out.
    """

    bundle: bytes = field(repr=False)
    lines: bytes = field(repr=False)
    sorted: Attestations = field(repr=False)

    @classmethod
    def of(cls, bundle: bytes, lines: bytes) -> Self:
        """Sort out a release that waits.

        Raises:
            AttestationSetError: Not of one release, or one attestation twice.
            FormatError: A line that is no attestation.
        """
        return cls(bundle, lines, sort_attestations(lines))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            FormatError: Something else.
            AttestationSetError: As ``of``.
        """
        files = unpack_tar(data, bounds=PENDING_BOUNDS)
        if set(files) != {BUNDLE, ATTESTATIONS}:
            raise AttestationSetError(
                f"expected {BUNDLE} and {ATTESTATIONS}, got {', '.join(sorted(files))}"
            )
        return cls.of(files[BUNDLE], files[ATTESTATIONS])

    def to_bytes(self) -> bytes:
        """Return it as one file."""
        files = {BUNDLE: self.bundle, ATTESTATIONS: self.lines}
        return pack_tar(files, bounds=PENDING_BOUNDS)

    @property
    def link(self) -> Link:
        """What its first signer said."""
        return open_head(self.sorted.release)

    @property
    def digest(self) -> Digest:
        """SHA-256 of the PAE that everybody signs."""
        return self.sorted.digest

    @property
    def statement(self) -> bytes:
        """What everybody signs."""
        return parse_attestation(self.sorted.release).envelope.payload

    @property
    def signatures(self) -> tuple[bytes, ...]:
        """The attestations of the release, that of its named signer first."""
        further = self.sorted.cosigned.get(self.digest, ())
        return (self.sorted.release, *further)

    def signed(self, further: Iterable[bytes]) -> Self:
        """Return it with further signatures; those that it has are not added again.

        Raises:
            AttestationSetError: One is of another statement, or there are too many.
        """
        have = {parse_attestation(raw).hint for raw in self.signatures}
        new = [raw for raw in further if parse_attestation(raw).hint not in have]
        check_further(self.sorted.release, [*self.signatures[1:], *new])
        return type(self).of(self.bundle, join_jsonl([*parse_jsonl(self.lines), *new]))

    def known(self, head: Known | None) -> Known:
        """Return the release before it; before the first there is none but itself."""
        return head or self.link.known

    def follows(self, head: Known | None) -> bool:
        """Return whether it is made on top of ``head``, the newest release."""
        release = self.link.release
        revision = head.revision + 1 if head else 1
        before = head.digest if head else None
        return (release.revision, release.predecessor) == (revision, before)

    def candidate(
        self, source: Source, *, head: Known | None, at: datetime
    ) -> Candidate:
        """Return what ``check_waiting`` judges.

        Args:
            source: The workspace, as whoever judges is pinned to it.
            head: The newest release there.
            at: Now.

        Raises:
            TrustacksError: Something that it stands on cannot be had.
        """
        view = read_view(source.roots, source.targets, source.release, at=at)
        candidate = replace(
            collect_trust(source, view),
            revision=self.link.release.revision,
            bundle=self.bundle,
            attestations=self.lines,
        )
        return collect_before(source, candidate, marks=None, floor=self.known(head))
