# SPDX-License-Identifier: Apache-2.0
"""Count who signed a rule: distinct principals, over one identical statement.

One attestation holds one signature (ADR 0003), so m of n is m attestations of the same
statement, by m keys. The first is its author's, whom the statement names; each further
one is verified like it: permission, namespace, custody, window, revocation. One that
does not hold refuses the release, and is not passed over: whoever publishes leaves it
out, or nobody can say afterwards what was counted.

That the keys differ is the trust policy's law, and that of the set of attestations.
Not counted yet: signatures of the release itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bundle.gate.errors import ThresholdNotMetError, ThresholdUnsupportedError
from bundle.gate.rules import expected_rule
from keys.digest import Digest
from signer.identity import Identity
from signer.predicates.release import InventoryItem
from signer.predicates.rule import RulePredicate
from signer.result import Check, Status
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.verify import Verified, verify_attestation


def check_release_threshold(policy: TrustPolicy) -> None:
    """Refuse a threshold that this version cannot count, rather than count to one.

    Raises:
        ThresholdUnsupportedError: More than one signature of a release is asked for.
    """
    threshold = policy.thresholds.get("release", 1)
    if threshold > 1:
        raise ThresholdUnsupportedError(
            "release: expected a threshold of 1, which this version can count, "
            f"got {threshold}"
        )


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
        found = [author]
        for raw in cosigned.get(item.head, ()):
            expected = expected_rule(item, signer=author.id)
            verified = verify_attestation(raw, trust=trust, expected=expected, at=at)
            checks.append(_check(item, verified))
            if verified.evidence:
                found.append(verified.evidence.identity)
        signers[item.head] = tuple(found)
    return signers, checks


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


def _check(item: InventoryItem, verified: Verified) -> Check:
    evidence, title = verified.evidence, f"a further signature of {item.rule_id}"
    if evidence:
        who = f"{evidence.identity.id} ({evidence.identity.principal})"
        check_id = f"cosigner:{item.rule_id}:{evidence.identity.id}"
        return Check(check_id, title, Status.PASSED, detail=f"signed by {who}")
    result = verified.result
    return Check(
        f"cosigner:{item.rule_id}",
        title,
        Status.FAILED,
        result.code,
        children=result.checks,
    )
