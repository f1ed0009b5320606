# SPDX-License-Identifier: Apache-2.0
"""Whether those who signed a release are trusted at an instant (DESIGN 9, T3, T5).

The gate asks it of a new release; the Runner asks it again, of the release that is
active, when the trust policy changes: an identity that was revoked takes its rules
with it, and then the answer is deny, never one rule less.

What survives an end is the trust's to say (``bundle.gate.named``), not that of the way
which somebody walked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bundle.gate.chain import Link, split_endorsed
from bundle.gate.release import check_further
from bundle.gate.rules import expected_retirement, expected_rule
from bundle.gate.second import verify_approvals
from bundle.gate.thresholds import (
    check_release_threshold,
    check_rule_threshold,
    expected_further,
    expected_release,
    verify_cosigners,
    verify_release_cosigners,
)
from bundle.gate.verdict import AcceptedTrust, VerifiedRelease
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.release import InventoryItem, ReleasePredicate, RetiredItem
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.rule import RulePredicate
from signer.result import Check, Status, VerificationResult
from signer.steps import StepRecorder
from signer.trust import Expected, Trust
from signer.verify import Evidence, Verified, verify_attestation

STANDING_PLAN: Final = (
    ("custody", "custody of everyone who decides"),
    ("release", "release attestation under the current trust"),
    ("rules", "rule attestations under the current trust"),
    ("retirements", "retirements under the current trust"),
    ("thresholds", "enough principals under the current trust"),
    ("approvals", "approvals under the current trust"),
)


def check_standing(
    release: VerifiedRelease, accepted: AcceptedTrust, *, at: datetime
) -> VerificationResult:
    """Judge a verified release again, under a trust policy that came after it."""
    steps = StepRecorder(STANDING_PLAN)
    trust = accepted.trust
    with steps:
        with steps("custody"):
            trust.policy.require_custody(accepted.view.form)
        with steps("release") as note:
            subjects = (release.archive, release.content)
            evidence = verify_link(release.link, subjects, trust=trust, at=at)
            note(signed_by(evidence))
        with steps("rules") as note:
            claims, checks = verify_rules(
                release.predicate, release.attestations, trust=trust, at=at
            )
            note.add(*checks)
        with steps("retirements") as note:
            _, checks = verify_retirements(
                release.predicate, release.attestations, trust=trust, at=at
            )
            note.add(*checks)
        items = release.predicate.inventory
        with steps("thresholds") as note:
            further = release.cosigned.get(release.digest, ())
            releasers, checks = verify_release_cosigners(
                evidence, further, trust=trust, at=at
            )
            note.add(*checks)
            check_release_threshold(release.link, releasers, trust.policy)
            signers, checks = verify_cosigners(
                items, claims, release.cosigned, trust=trust, at=at
            )
            note.add(*checks)
            check_rule_threshold(items, signers, trust.policy)
        with steps("approvals") as note:
            _, checks = verify_approvals(
                release.predicate.listed, release.attestations, trust=trust, at=at
            )
            note.add(*checks)
    return steps.result(subject=f"release {release.revision}", at=at)


def verify_link(
    link: Link, subjects: tuple[Digest, ...], *, trust: Trust, at: datetime
) -> Evidence:
    """Verify a release attestation.

    Raises:
        TrustacksError: The first check that it fails.
    """
    expected = expected_release(subjects)
    return verify_attestation(link.raw, trust=trust, expected=expected, at=at).require()


def verify_release(
    link: Link,
    cosigned: Sequence[bytes],
    *,
    trust: Trust,
    at: datetime,
    waiting: bool = False,
) -> tuple[Identity, ...]:
    """Verify a release as what it claims to be about, and return who signed it.

    Args:
        link: The release.
        cosigned: Further signatures of it.
        trust: The trust.
        at: The instant that is decided for.
        waiting: Whether more signatures are still to come.

    Raises:
        ThresholdNotMetError: Fewer principals than the admins ask for today.
        TrustacksError: The first check that one of the signatures fails.
    """
    subjects = Expected.as_claimed(parse_attestation(link.raw)).subjects
    evidence = verify_link(link, subjects, trust=trust, at=at)
    expected = expected_further(evidence)
    further = [
        verify_attestation(raw, trust=trust, expected=expected, at=at).require()
        for raw in cosigned
    ]
    signers = (evidence.identity, *(one.identity for one in further))
    if not waiting:
        check_release_threshold(link, signers, trust.policy)
    return signers


def verify_links(
    head: Link,
    links: Sequence[Link],
    cosigned: Mapping[Digest, tuple[bytes, ...]],
    *,
    trust: Trust,
    at: datetime,
) -> list[Check]:
    """Verify the releases before ``head``: by keys, or by an endorsed digest.

    As many principals as the admins ask for today must have signed each: a threshold
    that grows needs a floor that grows with it.

    Raises:
        TrustacksError: The first check that one of them fails.
    """
    endorsed = trust.policy.named_releases
    by_key, by_digest = split_endorsed((head, *links), endorsed)
    checks = []
    for link in by_key[1:]:
        further = cosigned.get(link.digest, ())
        check_further(link.raw, further)
        signers = verify_release(link, further, trust=trust, at=at)
        checks.append(_passed(link, f"signed by {', '.join(map(named, signers))}"))
    kept = [link for link in by_digest if link is not head]
    return checks + [_passed(link, "named by digest, by the admins") for link in kept]


def verify_rules(
    release: ReleasePredicate,
    attestations: Mapping[Digest, bytes],
    *,
    trust: Trust,
    at: datetime,
) -> tuple[dict[Digest, RulePredicate], list[Check]]:
    """Verify the attestation of each listed rule; one failed check is one refusal."""
    claims: dict[Digest, RulePredicate] = {}
    checks = []
    for item in release.inventory:
        verified = verify_attestation(
            attestations[item.head], trust=trust, expected=expected_rule(item), at=at
        )
        if verified.evidence:
            claims[item.head] = verified.evidence.said(RulePredicate)
        checks.append(_rule_check(item, verified))
    return claims, checks


def verify_retirements(
    release: ReleasePredicate,
    attestations: Mapping[Digest, bytes],
    *,
    trust: Trust,
    at: datetime,
) -> tuple[dict[Digest, RetirementPredicate], list[Check]]:
    """Verify the retirement of each id that is out of force, like a rule in force.

    What took a deny away stands for as long as whoever signed it is trusted.
    """
    claims: dict[Digest, RetirementPredicate] = {}
    checks = []
    for item in release.retired:
        expected = expected_retirement(item)
        verified = verify_attestation(
            attestations[item.head], trust=trust, expected=expected, at=at
        )
        if verified.evidence:
            claims[item.head] = verified.evidence.said(RetirementPredicate)
        checks.append(_rule_check(item, verified))
    return claims, checks


def signed_by(evidence: Evidence) -> str:
    """Return who signed, for people."""
    return f"signed by {named(evidence.identity)}"


def named(identity: Identity) -> str:
    """Return an identity and its principal, for people."""
    return f"{identity.id} ({identity.principal})"


def _passed(link: Link, detail: str) -> Check:
    title = f"revision {link.release.revision}"
    return Check(f"release:{link.digest}", title, Status.PASSED, detail=detail)


def _rule_check(item: InventoryItem | RetiredItem, verified: Verified) -> Check:
    """Show every step of a refused rule, one line of an accepted one."""
    kind = "retired" if isinstance(item, RetiredItem) else "rule"
    check_id = f"{kind}:{item.rule_id}"
    if verified.evidence:
        detail = signed_by(verified.evidence)
        return Check(check_id, item.rule_id, Status.PASSED, detail=detail)
    result = verified.result
    return Check(
        check_id, item.rule_id, Status.FAILED, result.code, children=result.checks
    )
