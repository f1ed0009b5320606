# SPDX-License-Identifier: Apache-2.0
"""Releases lead, one to the next without a gap, to one that is known (DESIGN 9, T4).

Known is the Runner's marked release; without one, the highest floor: the admins' own,
in the trust policy, or the operator's; without any, the first release. A release that
admins or operator named by digest vouches for every one before it, since each names
its predecessor by digest: those are held by their hash, not by a key.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bundle.gate.candidate import Candidate
from bundle.gate.errors import (
    BelowFloorError,
    FloorMissingError,
    ReleaseChainError,
    RevisionForkedError,
)
from bundle.limits import MAX_CHAIN_RELEASES
from bundle.marks import Known, Marks
from keys.digest import Digest
from keys.errors import LimitExceededError
from signer.attestation import parse_attestation
from signer.form import Form
from signer.predicates.release import ReleasePredicate
from signer.statement import parse_statement
from signer.trust_policy import TrustPolicy


@dataclass(frozen=True, slots=True)
class Link:
    """One release in the chain.

    Attributes:
        digest: SHA-256 of the attestation's PAE.
        release: Its predicate.
        raw: The attestation.
    """

    digest: Digest
    release: ReleasePredicate
    raw: bytes

    @property
    def known(self) -> Known:
        """Where it stands."""
        return Known(self.release.revision, self.digest)


def open_head(raw: bytes) -> Link:
    """Read a release attestation, unverified.

    Raises:
        FormatError: It is none.
    """
    attestation = parse_attestation(raw)
    statement = parse_statement(attestation.envelope.payload)
    if statement.predicate_type != ReleasePredicate.type:
        raise ReleaseChainError(
            f"expected a release attestation, got {statement.predicate_type}"
        )
    return Link(attestation.digest, ReleasePredicate.parse(statement.predicate), raw)


def floors_of(policy: TrustPolicy, operators: Known | None) -> tuple[Known, ...]:
    """Return the admins' floor and the operator's, those that there are."""
    admins = policy.floor
    signed = Known(admins.revision, admins.digest) if admins else None
    return tuple(floor for floor in (signed, operators) if floor)


def say_anchor(anchor: Known | None) -> str:
    """Return, for people, what the chain must lead to."""
    if anchor is None:
        return "from the first release: no state, no floor"
    return f"from revision {anchor.revision}"


def find_anchor(marks: Marks | None, floors: Iterable[Known]) -> Known | None:
    """Return the known release to which the chain must lead, or ``None``."""
    if marks and marks.release:
        return marks.release
    return max(floors, key=lambda floor: floor.revision, default=None)


def check_floor_given(form: Form, anchor: Known | None) -> None:
    """Refuse, in the sovereign form, a Runner with neither state nor floor.

    Raises:
        FloorMissingError: There is nothing to start from (DESIGN 9, T7).
    """
    if form is Form.SOVEREIGN and anchor is None:
        raise FloorMissingError(
            "expected a floor for a Runner without state, got none",
            hint="give the revision and digest of a release that you know, "
            "or have the admins sign one into the trust policy",
        )


def open_chain(
    candidate: Candidate, head: Link, anchor: Known | None
) -> tuple[Link, ...]:
    """Read the releases before ``head``, newest first, down to the anchor.

    Digests bind each to the one after it; who signed them is checked by the caller.

    Raises:
        ReleaseChainError: A gap, another predecessor, or no way to the anchor.
        LimitExceededError: More releases than a chain may have.
    """
    if len(candidate.chain) > MAX_CHAIN_RELEASES:
        raise LimitExceededError(
            f"expected at most {MAX_CHAIN_RELEASES} releases in the chain, "
            f"got {len(candidate.chain)}",
            hint="have the admins sign a newer floor",
        )
    links = [head]
    for raw in candidate.chain:
        if links[-1].known == anchor:
            break
        links.append(_open_link(raw, links[-1]))
    _check_end(links[-1], anchor)
    return tuple(links[1:])


def check_above_floors(revision: int, floors: Iterable[Known]) -> None:
    """Refuse a release below a floor.

    Raises:
        BelowFloorError: It is lower.
    """
    for floor in floors:
        if revision < floor.revision:
            raise BelowFloorError(
                f"expected revision {floor.revision} or higher, got {revision}"
            )


def check_through_floors(links: Iterable[Link], floors: Iterable[Known]) -> None:
    """Refuse a chain that passes a floor's revision with another release.

    Raises:
        RevisionForkedError: Another release at the floor's revision.
    """
    walked = {link.release.revision: link.digest for link in links}
    for floor in floors:
        if walked.get(floor.revision, floor.digest) != floor.digest:
            raise RevisionForkedError(
                f"expected release {floor.digest} at revision {floor.revision}, "
                f"got {walked[floor.revision]}"
            )


def split_endorsed(
    links: Iterable[Link], endorsed: Iterable[Digest]
) -> tuple[list[Link], list[Link]]:
    """Part links, newest first: held by a signature, held by an endorsed digest."""
    named = set(endorsed)
    by_key: list[Link] = []
    by_digest: list[Link] = []
    for link in links:
        if by_digest or link.digest in named:
            by_digest.append(link)
        else:
            by_key.append(link)
    return by_key, by_digest


def _open_link(raw: bytes, newer: Link) -> Link:
    link = open_head(raw)
    if link.digest != newer.release.predecessor:
        raise ReleaseChainError(
            f"expected predecessor {newer.release.predecessor} of revision "
            f"{newer.release.revision}, got {link.digest}"
        )
    _check_step(link.release, newer.release)
    return link


def _check_step(older: ReleasePredicate, newer: ReleasePredicate) -> None:
    if older.revision != newer.revision - 1:
        raise ReleaseChainError(
            f"expected revision {newer.revision - 1} before {newer.revision}, "
            f"got {older.revision}"
        )
    if older.workspace != newer.workspace:
        raise ReleaseChainError(
            f"revision {older.revision}: expected workspace {newer.workspace}, "
            f"got {older.workspace}"
        )
    if older.targets.version > newer.targets.version:
        raise ReleaseChainError(
            f"revision {newer.revision}: expected targets "
            f"{older.targets.version} or later, got {newer.targets.version}"
        )


def _check_end(oldest: Link, anchor: Known | None) -> None:
    if anchor is not None:
        if oldest.known != anchor:
            raise ReleaseChainError(
                f"expected a chain to revision {anchor.revision} {anchor.digest}, "
                f"got one to {oldest.release.revision} {oldest.digest}"
            )
    elif oldest.release.predecessor is not None or oldest.release.revision != 1:
        raise ReleaseChainError(
            f"expected a chain to the first release, "
            f"got one to revision {oldest.release.revision}"
        )
