# SPDX-License-Identifier: Apache-2.0
"""The release attestation: what it names must be what is here, now (DESIGN 9, T4, T6).

Not here: the signature (``signer.verify``), the releases before it (``chain``), and
what is inside the archive (``content``, ``rules``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bundle.gate.candidate import Candidate
from bundle.gate.errors import (
    AttestationSetError,
    NotHighestRevisionError,
    OverlayMissingError,
    ParentsNotCurrentError,
    ReleaseExpiredError,
    ReleaseLifetimeError,
    ReleaseRevisionError,
)
from bundle.limits import CLOCK_SKEW_S
from bundle.tuf.view import TufView
from keys.clock import format_instant
from keys.digest import Digest
from signer.attestation import Attestation, parse_attestation, parse_jsonl
from signer.limits import MAX_COSIGNERS
from signer.predicates.release import ReleasePredicate
from signer.statement import parse_statement
from signer.trust import COSIGNED


@dataclass(frozen=True, slots=True)
class Attestations:
    """The attestations of a release, sorted out and not yet verified.

    Attributes:
        release: The one release attestation.
        digest: SHA-256 of its PAE.
        others: The others, by SHA-256 of their PAE.
        cosigned: Further signatures of the same statements, by the same digest.
    """

    release: bytes
    digest: Digest
    others: Mapping[Digest, bytes]
    cosigned: Mapping[Digest, tuple[bytes, ...]]


def sort_attestations(lines: bytes) -> Attestations:
    """Find the release attestation among those published with it.

    Of several signatures of one statement the first line is its named signer's.

    Raises:
        AttestationSetError: None or two releases, or one attestation twice, or a
            further signature where none counts.
        FormatError: A line that is not an attestation.
    """
    found: dict[Digest, list[Attestation]] = {}
    releases: set[Digest] = set()
    for raw in parse_jsonl(lines):
        attestation = parse_attestation(raw)
        digest = attestation.digest
        same = found.setdefault(digest, [])
        kind = parse_statement(attestation.envelope.payload).predicate_type
        _check_further(attestation, same, kind)
        same.append(attestation)
        if kind == ReleasePredicate.type:
            releases.add(digest)
    if len(releases) != 1:
        raise AttestationSetError(
            f"expected one release attestation, got {len(releases)}"
        )
    (digest,) = releases
    first = {name: same[0].raw for name, same in found.items()}
    further = {
        name: tuple(one.raw for one in same[1:])
        for name, same in found.items()
        if same[1:]
    }
    return Attestations(first.pop(digest), digest, first, further)


def check_further(release: bytes, further: Sequence[bytes]) -> None:
    """Refuse further signatures of an earlier release that nobody counts.

    Raises:
        AttestationSetError: One is of another statement, one key is there twice, or
            there are too many.
        FormatError: One is no attestation.
    """
    same = [parse_attestation(release)]
    for raw in further:
        attestation = parse_attestation(raw)
        if attestation.digest != same[0].digest:
            raise AttestationSetError(
                f"expected a further signature of {same[0].digest}, "
                f"got one of {attestation.digest}"
            )
        _check_further(attestation, same, ReleasePredicate.type)
        same.append(attestation)


def _check_further(
    attestation: Attestation, same: Sequence[Attestation], kind: str
) -> None:
    """Refuse a key twice, signatures that nobody counts, and too many."""
    digest = attestation.digest
    if any(one.hint == attestation.hint for one in same):
        raise AttestationSetError(f"expected {digest} once by each key, got two")
    if same and kind not in COSIGNED:
        raise AttestationSetError(f"expected one signature of {digest}, got two")
    if len(same) > MAX_COSIGNERS:
        raise AttestationSetError(
            f"expected at most {MAX_COSIGNERS} further signatures of {digest}, got more"
        )


def check_highest(view: TufView, candidate: Candidate) -> None:
    """Refuse any release but the highest that is listed.

    Raises:
        OverlayMissingError: None is listed.
        NotHighestRevisionError: Another one than this.
    """
    if view.revision is None:
        raise OverlayMissingError("expected a listed release, got none")
    if view.revision != candidate.revision:
        raise NotHighestRevisionError(
            f"expected revision {view.revision}, the highest listed, "
            f"got {candidate.revision}"
        )


def check_revision(release: ReleasePredicate, candidate: Candidate) -> None:
    """Refuse a release attestation of another revision than the one listed.

    Raises:
        ReleaseRevisionError: They differ.
    """
    if release.revision != candidate.revision:
        raise ReleaseRevisionError(
            f"expected revision {candidate.revision}, got {release.revision}"
        )


def check_targets_current(release: ReleasePredicate, view: TufView) -> None:
    """Refuse a release that was made for other targets than the current ones.

    Raises:
        ParentsNotCurrentError: Another version or digest.
    """
    named = (release.targets.version, release.targets.digest)
    current = (view.targets_version, view.targets_digest)
    if named != current:
        raise ParentsNotCurrentError(
            f"expected targets {current[0]} {current[1]}, got {named[0]} {named[1]}",
            hint="release the overlay again, for the trust policy of today",
        )


def check_parents_current(release: ReleasePredicate, candidate: Candidate) -> None:
    """Refuse a release that was made for other layers or trust than the current.

    Raises:
        ParentsNotCurrentError: A digest differs, or a pack is more or less.
    """
    parents = release.parents
    named = {
        "constitution": parents.constitution,
        "trust policy": parents.trust_policy,
        "trusted root": parents.trusted_root,
        **{f"pack {name}": digest for name, digest in parents.packs.items()},
    }
    current = {
        "constitution": Digest.of(candidate.constitution),
        "trust policy": Digest.of(candidate.policy),
        "trusted root": Digest.of(candidate.trusted_root),
        **{f"pack {name}": Digest.of(d) for name, d in candidate.packs.items()},
    }
    for what in sorted(named.keys() | current.keys()):
        if named.get(what) != current.get(what):
            raise ParentsNotCurrentError(
                f"{what}: expected {current.get(what)}, got {named.get(what)}"
            )


def check_lifetime(release: ReleasePredicate, at: datetime, max_seconds: int) -> None:
    """Refuse a release that claims more life than is allowed, or has not begun.

    Raises:
        ReleaseLifetimeError: Longer than the admins' bound, or issued after ``at``.
            (That 30 days are the most is the predicate's own law.)
    """
    longest = timedelta(seconds=max_seconds)
    if release.expires - release.issued_at > longest:
        raise ReleaseLifetimeError(
            f"expected a life of at most {longest}, "
            f"got {release.expires - release.issued_at}"
        )
    if release.issued_at > at + timedelta(seconds=CLOCK_SKEW_S):
        raise ReleaseLifetimeError(
            f"expected a release issued by {format_instant(at)}, "
            f"got {format_instant(release.issued_at)}"
        )


def check_not_expired(release: ReleasePredicate, at: datetime) -> None:
    """Refuse a release whose release identity vouches for it no longer.

    Raises:
        ReleaseExpiredError: ``at`` is at or past the expiry.
    """
    if at >= release.expires:
        raise ReleaseExpiredError(
            f"expected a release good at {format_instant(at)}, "
            f"got one that expired at {format_instant(release.expires)}",
            hint="renew it: `trustacks bundle reaffirm`",
        )
