# SPDX-License-Identifier: Apache-2.0
"""What a rule's author attested must be about this rule, here, now.

That the tests passed, with a positive and a negative case, and the lint too, is
*claimed by* the author; the predicate's own laws refuse a claim that does not say so
(``signer.predicates.rule``). What the gate can check itself it does (``content``).
"""

from collections.abc import Iterable, Mapping

from bundle.decide import citation_of
from bundle.gate.errors import (
    AttestationSetError,
    RuleMismatchError,
    RuleParentsError,
)
from bundle.gate.named import listed_by
from bundle.rule import RuleModule
from keys.digest import Digest
from signer.predicates.release import InventoryItem, ReleasePredicate, RetiredItem
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.rule import RulePredicate
from signer.trust import Expected


def check_attestation_set(
    release: ReleasePredicate, others: Mapping[Digest, bytes]
) -> None:
    """Refuse attestations that are not, one each, those that the release lists.

    It lists the head of each rule, in force or retired, and the approvals of it.

    Raises:
        AttestationSetError: One is missing, or there is one of nothing listed.
    """
    listed = set(listed_by(release))
    for digest in sorted(listed ^ set(others)):
        said = "got none" if digest in listed else "got one that no rule has"
        raise AttestationSetError(f"expected attestation {digest}, {said}")


def expected_of(item: InventoryItem | RetiredItem) -> Expected:
    """Return what the attestation at the head of a listed rule id must be about."""
    if isinstance(item, RetiredItem):
        return expected_retirement(item)
    return expected_rule(item)


def expected_retirement(item: RetiredItem) -> Expected:
    """Return what the retirement of a listed rule must be about."""
    return Expected(
        predicate_type=RetirementPredicate.type,
        subjects=(item.rule,),
        namespace=item.rule_id.partition(".")[0],
    )


def expected_rule(item: InventoryItem, *, signer: str | None = None) -> Expected:
    """Return what the attestation of a listed rule must be about.

    Args:
        item: The rule.
        signer: Its author, if a further signature is asked for.
    """
    return Expected(
        predicate_type=RulePredicate.type,
        subjects=(item.rule, item.test),
        namespace=item.rule_id.partition(".")[0],
        signer=signer,
    )


def check_named(
    release: ReleasePredicate,
    rules: Iterable[RuleModule],
    claims: Mapping[Digest, RulePredicate],
) -> None:
    """Refuse an attestation of another rule, package or citation than is shipped.

    Raises:
        RuleMismatchError: They differ.
    """
    by_id = {rule.rule_id: rule for rule in rules}
    for item in release.inventory:
        if item.head in claims:
            _check_named(claims[item.head], by_id[item.rule_id])


def check_retired_named(
    release: ReleasePredicate, claims: Mapping[Digest, RetirementPredicate]
) -> None:
    """Refuse a retirement of another rule than the one that is listed as retired.

    Raises:
        RuleMismatchError: It is of another.
    """
    for item in release.retired:
        claim = claims.get(item.head)
        if claim and (claim.rule_id, claim.rule) != (item.rule_id, item.rule):
            raise RuleMismatchError(
                f"expected the retirement of {item.rule_id}, {item.rule}, "
                f"got that of {claim.rule_id}, {claim.rule}"
            )


def check_linted_for(
    release: ReleasePredicate, claims: Mapping[Digest, RulePredicate]
) -> None:
    """Refuse a rule that was linted against other layers than the release's.

    Raises:
        RuleParentsError: Another constitution or other packs.
    """
    current = (release.parents.constitution, dict(release.parents.packs))
    for claim in claims.values():
        if (claim.parents.constitution, dict(claim.parents.packs)) != current:
            raise RuleParentsError(
                f"{claim.rule_id}: expected a lint against the current constitution "
                "and packs, got one against others",
                hint="lint and sign the rule again",
            )


def _check_named(claim: RulePredicate, rule: RuleModule) -> None:
    if (claim.rule_id, claim.package) != (rule.rule_id, rule.package):
        raise RuleMismatchError(
            f"expected {rule.rule_id} in package {rule.package}, "
            f"got {claim.rule_id} in {claim.package}"
        )
    if claim.citation.to_json() != citation_of(rule):
        raise RuleMismatchError(
            f"{rule.rule_id}: expected the citation in its Rego, got another"
        )
