# SPDX-License-Identifier: Apache-2.0
"""Gather a candidate: trust first, then the highest release and the chain before it.

What is gathered is not believed; the gate judges it. A release that cannot be had does
not hide the trust that came with it: a revocation counts from when it was seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bundle.gate import (
    CONSTITUTION_SIGNATURE_TARGET,
    CONSTITUTION_TARGET,
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    Candidate,
    attestations_target,
    bundle_target,
    pack_signature_target,
    pack_target,
)
from bundle.gate.chain import (
    Link,
    find_anchor,
    floors_of,
    open_head,
    split_endorsed,
)
from bundle.gate.changes import changes_of, unvouched, wanted
from bundle.gate.release import sort_attestations
from bundle.gate.thresholds import release_threshold
from bundle.limits import (
    BUNDLE_BOUNDS,
    MAX_CHAIN_RELEASES,
    MAX_CHAIN_TOTAL_BYTES,
    MAX_MOVED_ATTESTATIONS,
    MAX_TARGET_BYTES,
)
from bundle.marks import Known, Marks
from bundle.tuf.view import TufView, read_view
from keys.digest import Digest
from keys.errors import LimitExceededError, TrustacksError
from signer.limits import (
    MAX_ATTESTATION_BYTES,
    MAX_TRUST_POLICY_BYTES,
    MAX_TRUSTED_ROOT_BYTES,
)
from signer.trust_policy import TrustPolicy

_PACKS = "layers/packs/"
_ARCHIVE = ".tar.gz"


class Source(Protocol):
    """Fetched metadata, and the files that it lists, from network or cache."""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """From the pinned root to the newest."""

    @property
    def targets(self) -> bytes:
        """Newest targets."""

    @property
    def release(self) -> bytes | None:
        """The delegated role's metadata, if there is one."""

    def target(self, name: str, *, max_bytes: int) -> bytes:
        """Return a target's bytes."""

    def chain(self, digest: Digest) -> bytes:
        """Return an attestation of an earlier release: its own, or of a change."""

    def cosigned(self, digest: Digest) -> tuple[bytes, ...]:
        """Return the further signatures of an earlier release, those that there are."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a refresh brought.

    Attributes:
        candidate: The bytes; without a release if there was a problem.
        problem: Why there is no release.
    """

    candidate: Candidate
    problem: TrustacksError | None = None


def collect(
    source: Source, *, marks: Marks | None, floor: Known | None, at: datetime
) -> Collected:
    """Gather the newest trust and release.

    Raises:
        TrustacksError: Not even the trust can be had.
    """
    view = read_view(source.roots, source.targets, source.release, at=at)
    trust = collect_trust(source, view)
    if view.revision is None:
        return Collected(trust)
    try:
        return Collected(_collect_release(source, trust, view.revision, marks, floor))
    except TrustacksError as error:
        return Collected(trust, error)


def collect_trust(source: Source, view: TufView) -> Candidate:
    """Gather a candidate without its release: what the top-level targets list.

    Raises:
        TrustacksError: A file, or a named release, cannot be had.
    """
    names = sorted(
        name.removeprefix(_PACKS).removesuffix(_ARCHIVE)
        for name in view.files
        if name.startswith(_PACKS) and name.endswith(_ARCHIVE)
    )
    layer = BUNDLE_BOUNDS.max_bytes
    signature = MAX_ATTESTATION_BYTES
    policy = source.target(POLICY_TARGET, max_bytes=MAX_TRUST_POLICY_BYTES)
    return Candidate(
        roots=source.roots,
        targets=source.targets,
        release_role=source.release,
        policy=policy,
        trusted_root=source.target(
            TRUSTED_ROOT_TARGET, max_bytes=MAX_TRUSTED_ROOT_BYTES
        ),
        constitution=source.target(CONSTITUTION_TARGET, max_bytes=layer),
        constitution_attestation=source.target(
            CONSTITUTION_SIGNATURE_TARGET, max_bytes=signature
        ),
        packs={n: source.target(pack_target(n), max_bytes=layer) for n in names},
        pack_attestations={
            n: source.target(pack_signature_target(n), max_bytes=signature)
            for n in names
        },
        revision=view.revision or 0,
        bundle=b"",
        attestations=b"",
        named=tuple(collect_named(source, TrustPolicy.parse(policy))),
    )


def collect_named(source: Source, policy: TrustPolicy) -> Iterator[bytes]:
    """Yield the releases that the admins named by digest.

    One that cannot be had hides the whole trust: without it, nobody knows what still
    counts, and a release that is good must not stop for a mirror's gap.

    Raises:
        TrustacksError: One cannot be had.
    """
    for digest in sorted(policy.named_releases):
        yield source.chain(digest)


def _collect_release(
    source: Source,
    trust: Candidate,
    revision: int,
    marks: Marks | None,
    floor: Known | None,
) -> Candidate:
    archive = source.target(bundle_target(revision), max_bytes=BUNDLE_BOUNDS.max_bytes)
    lines = source.target(attestations_target(revision), max_bytes=MAX_TARGET_BYTES)
    trust = replace(trust, bundle=archive, attestations=lines)
    return collect_before(source, trust, marks=marks, floor=floor)


def collect_before(
    source: Source, candidate: Candidate, *, marks: Marks | None, floor: Known | None
) -> Candidate:
    """Return a candidate with what leads to its release from one that is known.

    Raises:
        TrustacksError: Some of it cannot be had, or its attestations are none.
    """
    lines = candidate.attestations
    head = open_head(sort_attestations(lines).release)
    policy = TrustPolicy.parse(candidate.policy)
    anchor = find_anchor(marks, floors_of(policy, floor))
    chain = tuple(collect_chain(source, head, anchor))
    return replace(
        candidate,
        chain=chain,
        cosigned=collect_cosigned(source, head, chain, policy),
        moved=tuple(collect_moved(source, head, chain, policy)),
    )


def collect_chain(
    source: Source,
    head: Link,
    anchor: Known | None,
    *,
    max_releases: int = MAX_CHAIN_RELEASES,
    max_bytes: int = MAX_CHAIN_TOTAL_BYTES,
) -> Iterator[bytes]:
    """Yield predecessors, newest first, down to the known release or to the first.

    Raises:
        LimitExceededError: More releases or bytes than a chain may have.
        TrustacksError: One cannot be had.
    """
    left, link = max_bytes, head
    lowest = anchor.revision if anchor else 1
    while link.release.predecessor and link.release.revision > lowest:
        raw = source.chain(link.release.predecessor)
        left -= len(raw)
        if head.release.revision - link.release.revision >= max_releases or left < 0:
            raise LimitExceededError(
                f"expected a chain of at most {max_releases} releases and "
                f"{max_bytes} bytes, got more",
                hint="have the admins sign a newer floor",
            )
        yield raw
        newer, link = link, open_head(raw)
        if link.release.revision >= newer.release.revision:
            return  # not a chain; the gate says so with its code


def collect_cosigned(
    source: Source,
    head: Link,
    chain: Iterable[bytes],
    policy: TrustPolicy,
    *,
    max_bytes: int = MAX_CHAIN_TOTAL_BYTES,
) -> dict[Digest, tuple[bytes, ...]]:
    """Return the further signatures of the releases before ``head`` that count.

    Raises:
        LimitExceededError: More bytes than there may be.
        TrustacksError: They cannot be had.
    """
    if release_threshold(policy) == 1:
        return {}
    by_key, _ = split_endorsed((head, *map(open_head, chain)), policy.named_releases)
    found: dict[Digest, tuple[bytes, ...]] = {}
    left = max_bytes
    for link in by_key[1:]:
        found[link.digest] = source.cosigned(link.digest)
        left -= sum(map(len, found[link.digest]))
        if left < 0:
            raise LimitExceededError(
                f"expected further signatures of at most {max_bytes} bytes, got more",
                hint="have the admins sign a newer floor",
            )
    return found


def collect_moved(
    source: Source,
    head: Link,
    chain: Iterable[bytes],
    policy: TrustPolicy,
    *,
    max_attestations: int = MAX_MOVED_ATTESTATIONS,
    max_bytes: int = MAX_CHAIN_TOTAL_BYTES,
) -> Iterator[bytes]:
    """Yield the attestations of what the releases before ``head`` changed.

    Raises:
        LimitExceededError: More of them, or more bytes, than there may be.
        TrustacksError: One cannot be had.
    """
    links = tuple(map(open_head, chain))
    needed = wanted(changes_of(unvouched(head, links, policy)), head.release)
    left = max_bytes
    for number, digest in enumerate(needed):
        raw = source.chain(digest)
        left -= len(raw)
        if number >= max_attestations or left < 0:
            raise LimitExceededError(
                f"expected at most {max_attestations} attestations of earlier changes "
                f"and {max_bytes} bytes, got more",
                hint="have the admins sign a newer floor",
            )
        yield raw
