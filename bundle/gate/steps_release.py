# SPDX-License-Identifier: Apache-2.0
"""The gate's steps on the release identity's word; see ``check``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bundle.archive import content_digest
from bundle.gate import chain as chains
from bundle.gate import forward
from bundle.gate import release as releases
from bundle.gate.candidate import Candidate
from bundle.gate.chain import Link
from bundle.gate.standing import signed_by, verify_link, verify_links
from bundle.gate.trust import check_pinned
from bundle.gate.verdict import AcceptedTrust
from bundle.marks import Known, Marks
from keys.clock import format_instant
from keys.digest import Digest
from signer.steps import StepRecorder
from signer.tlog.checkpoint import Checkpoint
from signer.trust import Trust
from signer.verify import Evidence


@dataclass(frozen=True, slots=True)
class Word:
    """What a trusted release identity said, and what it stands on.

    Attributes:
        head: The release.
        said: What its named signer said, verified.
        links: The releases before it, newest first, to one that is known.
        others: Attestations published with it, by digest, not verified.
        cosigned: Further signatures of them and of the release, by digest, not
            verified.
        archive: SHA-256 of the archive.
        content: SHA-256 of the tar inside.
        log: The checkpoint in the release.
        trust: The trust.
    """

    head: Link
    said: Evidence
    links: tuple[Link, ...]
    others: Mapping[Digest, bytes]
    cosigned: Mapping[Digest, tuple[bytes, ...]]
    archive: Digest
    content: Digest
    log: Checkpoint
    trust: Trust


def check_listed(
    steps: StepRecorder, candidate: Candidate, accepted: AcceptedTrust
) -> None:
    """The step on what the metadata lists."""
    view = accepted.view
    with steps("listed"):
        releases.check_highest(view, candidate)
        check_pinned(candidate.overlay_files(), view.overlay, what="the release role")


def check_word(
    steps: StepRecorder,
    candidate: Candidate,
    accepted: AcceptedTrust,
    *,
    marks: Marks | None,
    floor: Known | None,
    at: datetime,
) -> Word:
    """Steps on the release attestation, and on the releases before it."""
    view, policy = accepted.view, accepted.trust.policy
    with steps("release") as note:
        attestations = releases.sort_attestations(candidate.attestations)
        head = chains.open_head(attestations.release)
        archive = Digest.of(candidate.bundle)
        subjects = (archive, content_digest(candidate.bundle))
        evidence = verify_link(head, subjects, trust=accepted.trust, at=at)
        note(signed_by(evidence))
    with steps("current"):
        releases.check_revision(head.release, candidate)
        releases.check_targets_current(head.release, view)
        releases.check_parents_current(head.release, candidate)
    with steps("fresh") as note:
        longest = policy.freshness.release_max_seconds
        releases.check_lifetime(head.release, at, longest)
        releases.check_not_expired(head.release, at)
        note(f"until {format_instant(head.release.expires)}")
    with steps("forward") as note:
        floors = chains.floors_of(policy, floor)
        anchor = chains.find_anchor(marks, floors)
        chains.check_floor_given(view.form, anchor)
        chains.check_above_floors(head.release.revision, floors)
        forward.check_revision_forward(marks, head.known)
        note(chains.say_anchor(anchor))
    with steps("chain") as note:
        links = chains.open_chain(candidate, head, anchor)
        chains.check_through_floors((head, *links), floors)
        checks = verify_links(
            head, links, candidate.cosigned, trust=accepted.trust, at=at
        )
        note.add(*checks)
        note(f"{len(links)} before it")
    with steps("release-log") as note:
        log = forward.check_log_along((head, *links), accepted, marks)
        note(f"{log.size} entries")
    return Word(
        head=head,
        said=evidence,
        links=links,
        others=attestations.others,
        cosigned=attestations.cosigned,
        archive=archive,
        content=subjects[1],
        log=log,
        trust=accepted.trust,
    )
