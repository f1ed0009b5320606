# SPDX-License-Identifier: Apache-2.0
"""Count who signed a rule or a release: distinct principals, one identical statement.

One attestation holds one signature (ADR 0003), so m of n is m attestations of the same
statement, by m keys. The first is its author's, whom the statement names; each further
one is verified like it: permission, namespace, custody, window, revocation. One that
does not hold refuses the release, and is not passed over: whoever publishes leaves it
out, or nobody can say afterwards what was counted.

That the keys differ is the trust policy's law, and that of the set of attestations. A
release that the admins named by digest needs nobody else's signature: so a threshold
can be raised together with a floor, and what is active goes on until enough have signed
the next one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bundle.gate.chain import Link
from bundle.gate.errors import ThresholdNotMetError
from bundle.gate.rules import expected_rule
from keys.digest import Digest
from signer.identity import Identity
from signer.predicates.release import InventoryItem, ReleasePredicate
from signer.predicates.rule import RulePredicate
from signer.result import Check, Status
from signer.trust import Expected, Trust
from signer.trust_policy import TrustPolicy
from signer.verify import Evidence, Verified, verify_attestation


def verify_cosigners(
    items: Iterable[InventoryItem],
    claims: Mapping[Digest, RulePredicate],
    cosigned: Mapping[Digest, tuple[bytes, ...]],
    *,
    trust: Trust,
    at: datetime,
) -> tuple[dict[Digest, tuple[Identity, ...]], list[Check]]:
    """Verify the further signatures of rules; one failed check is one refusal.

    Args:
        items: The rules.
        claims: What their authors said, verified, by digest.
        cosigned: Further attestations of the same statements, by digest.
        trust: The trust.
        at: The instant that is decided for.

    Returns:
        Who signed each statement, its author first, and the checks.
    """
    signers: dict[Digest, tuple[Identity, ...]] = {}
    checks: list[Check] = []
    for item in items:
        author = trust.policy.identity(claims[item.head].identity)
        expected = expected_rule(item, signer=author.id)
        further = cosigned.get(item.head, ())
        found, made = _verify(item.rule_id, further, expected, trust=trust, at=at)
        signers[item.head] = (author, *found)
        checks += made
    return signers, checks


def verify_release_cosigners(
    said: Evidence, cosigned: Sequence[bytes], *, trust: Trust, at: datetime
) -> tuple[tuple[Identity, ...], list[Check]]:
    """Verify the further signatures of a release; one failed check is one refusal.

    Args:
        said: What its named signer said, verified.
        cosigned: Further attestations of the same statement.
        trust: The trust.
        at: The instant that is decided for.

    Returns:
        Who signed it, the named one first, and the checks.
    """
    expected = expected_further(said)
    what = f"revision {said.said(ReleasePredicate).revision}"
    found, checks = _verify(what, cosigned, expected, trust=trust, at=at)
    return (said.identity, *found), checks


def expected_release(subjects: tuple[Digest, ...]) -> Expected:
    """Return what the attestation of a release must be: about this archive."""
    return Expected(predicate_type=ReleasePredicate.type, subjects=subjects)


def expected_further(said: Evidence) -> Expected:
    """Return what a further signature of a release must be."""
    signer = said.said(ReleasePredicate).signer
    return replace(expected_release(said.statement.digests), signer=signer)


def check_rule_threshold(
    items: Iterable[InventoryItem],
    signers: Mapping[Digest, tuple[Identity, ...]],
    policy: TrustPolicy,
) -> None:
    """Refuse a rule that too few distinct principals signed.

    Raises:
        ThresholdNotMetError: Fewer than the admins ask for.
    """
    threshold = policy.thresholds.get("rule", 1)
    for item in items:
        principals = {one.principal for one in signers[item.head]}
        if len(principals) < threshold:
            raise ThresholdNotMetError(
                f"{item.rule_id}: expected the signatures of {threshold} principals, "
                f"got those of {', '.join(sorted(principals))}",
                hint=f"another author signs it too: trustacks rule cosign "
                f"{item.rule_id}",
                rule_id=item.rule_id,
            )


def check_release_threshold(
    link: Link, signers: Iterable[Identity], policy: TrustPolicy
) -> None:
    """Refuse a release that too few distinct principals signed.

    Raises:
        ThresholdNotMetError: Fewer than the admins ask for.
    """
    threshold = release_threshold(policy)
    principals = {one.principal for one in signers}
    if len(principals) < threshold and link.digest not in policy.named_releases:
        revision = link.release.revision
        raise ThresholdNotMetError(
            f"revision {revision}: expected the signatures of {threshold} principals, "
            f"got those of {', '.join(sorted(principals))}",
            hint="another release identity signs it too: trustacks bundle cosign; one "
            "that is published needs a floor: trustacks trust change --floor",
        )


def release_threshold(policy: TrustPolicy) -> int:
    """Return how many principals must sign a release."""
    return policy.thresholds.get("release", 1)


def _verify(
    what: str,
    cosigned: Iterable[bytes],
    expected: Expected,
    *,
    trust: Trust,
    at: datetime,
) -> tuple[tuple[Identity, ...], list[Check]]:
    verified = [
        verify_attestation(raw, trust=trust, expected=expected, at=at)
        for raw in cosigned
    ]
    signers = (one.evidence.identity for one in verified if one.evidence)
    return tuple(signers), [_check(what, one) for one in verified]


def _check(what: str, verified: Verified) -> Check:
    evidence, title = verified.evidence, f"a further signature of {what}"
    check_id = f"cosigner:{what.replace(' ', '-')}"
    if evidence:
        who = f"{evidence.identity.id} ({evidence.identity.principal})"
        check_id = f"{check_id}:{evidence.identity.id}"
        return Check(check_id, title, Status.PASSED, detail=f"signed by {who}")
    result = verified.result
    return Check(check_id, title, Status.FAILED, result.code, children=result.checks)
