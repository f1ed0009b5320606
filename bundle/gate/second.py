# SPDX-License-Identifier: Apache-2.0
"""Read who signed: the approvals that rules rest on, and the authors of changes.

An approval is verified like everything else that is in force: a revocation or the end
of a window voids it (DESIGN T3). Of a rule that was superseded, only who signed it
matters any more: that is read from its signature, revoked since or not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bundle.gate.errors import ApprovalMismatchError, RuleMismatchError
from bundle.gate.rules import expected_of
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates import parse_predicate
from signer.predicates.approval import ApprovalPredicate
from signer.predicates.base import APPROVAL, LINT, PERMISSION
from signer.predicates.lint import LintPredicate
from signer.predicates.release import InventoryItem, RetiredItem
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.rule import RulePredicate
from signer.result import Check, Status
from signer.said import (
    require_namespace,
    require_payload_type,
    require_predicate_type,
    require_signer,
    require_subjects,
    require_workspace,
)
from signer.signers import find_signer
from signer.statement import Statement, parse_statement
from signer.trust import Expected, Trust
from signer.verify import Verified, verify_attestation

# What may stand behind a change, beside its author.
SECONDS: Final = (APPROVAL, LINT)


@dataclass(frozen=True, slots=True)
class Approval:
    """A verified word for a change.

    Attributes:
        identity: Who said it.
        said: An approval, or a lint that proved *equal* or *stricter*.
    """

    identity: Identity
    said: ApprovalPredicate | LintPredicate

    @property
    def text(self) -> str:
        """Who stands behind it and how, for people."""
        who = f"{self.identity.id} ({self.identity.principal})"
        if isinstance(self.said, LintPredicate):
            return f"{self.said.verdict}, as proved by {who}"
        return f"{self.said.change}, as approved by {who}"


@dataclass(frozen=True, slots=True)
class Author:
    """Who signed a rule or its end, and what they said; not whether they still may.

    Attributes:
        identity: Who.
        said: Their word.
    """

    identity: Identity
    said: RulePredicate | RetirementPredicate


def verify_approvals(
    items: Iterable[InventoryItem | RetiredItem],
    attestations: Mapping[Digest, bytes],
    *,
    trust: Trust,
    at: datetime,
) -> tuple[dict[Digest, Approval], list[Check]]:
    """Verify the approvals that rules list; one failed check is one refusal.

    Raises:
        FormatError: One is no attestation.
        ApprovalMismatchError: One is about another rule than the one that lists it.
    """
    found: dict[Digest, Approval] = {}
    checks = []
    for item in items:
        for digest in item.approvals:
            raw = attestations[digest]
            expected = _expected(raw, item)
            verified = verify_attestation(raw, trust=trust, expected=expected, at=at)
            if verified.evidence:
                found[digest] = _approval(verified, item)
            else:
                checks.append(_failed(item, digest, verified))
    return found, checks


def read_authors(
    items: Iterable[InventoryItem | RetiredItem],
    attestations: Mapping[Digest, bytes],
    trust: Trust,
) -> dict[Digest, Author]:
    """Return who signed each rule or retirement, by the digest of its attestation.

    Raises:
        TrustacksError: Not the attestation of that rule, or nobody's.
    """
    return {item.head: _author(attestations[item.head], item, trust) for item in items}


def _author(raw: bytes, item: InventoryItem | RetiredItem, trust: Trust) -> Author:
    attestation = parse_attestation(raw)
    signer = find_signer(attestation, trust)
    identity = signer.identity
    attestation.envelope.require_signed_by(signer.verifier.key)
    require_payload_type(attestation.envelope)
    statement = parse_statement(attestation.envelope.payload)
    expected = expected_of(item)
    require_predicate_type(statement, expected.predicate_type)
    said = _claim(statement, item)
    require_workspace(said.workspace, trust.workspace)
    require_signer(said, identity)
    identity.require_permission(PERMISSION[said.type])
    require_namespace(said, identity, expected.namespace)
    require_subjects(statement, expected.subjects)
    return Author(identity, said)


def _claim(
    statement: Statement, item: InventoryItem | RetiredItem
) -> RulePredicate | RetirementPredicate:
    said = parse_predicate(statement)
    if not isinstance(said, RulePredicate | RetirementPredicate):
        raise RuleMismatchError(f"expected a rule or its retirement, got {said.type}")
    if said.rule_id != item.rule_id:
        raise RuleMismatchError(f"expected {item.rule_id}, got {said.rule_id}")
    return said


def _expected(raw: bytes, item: InventoryItem | RetiredItem) -> Expected:
    """Return what an approval must be: about this very rule, or this retirement of it.

    Of what ends, no proof says that nothing is let through: that takes an approver.
    """
    namespace = item.rule_id.partition(".")[0]
    if isinstance(item, RetiredItem):
        return Expected(APPROVAL, (item.rule, item.head), namespace=namespace)
    claimed = Expected.as_claimed(parse_attestation(raw)).predicate_type
    kind = claimed if claimed in SECONDS else APPROVAL
    return Expected(kind, (item.rule,), namespace=namespace)


def _approval(verified: Verified, item: InventoryItem | RetiredItem) -> Approval:
    evidence = verified.require()
    said = evidence.predicate
    if not isinstance(said, ApprovalPredicate | LintPredicate):
        raise ApprovalMismatchError(f"expected an approval, got {said.type}")
    new = None if isinstance(item, RetiredItem) else item.rule
    if (said.rule_id, said.new) != (item.rule_id, new):
        raise ApprovalMismatchError(
            f"{item.rule_id}: expected an approval for {new}, got one by "
            f"{evidence.identity.id} for {said.rule_id}, {said.new}",
            rule_id=item.rule_id,
        )
    return Approval(evidence.identity, said)


def _failed(
    item: InventoryItem | RetiredItem, digest: Digest, verified: Verified
) -> Check:
    result = verified.result
    return Check(
        f"approval:{digest}",
        f"an approval of {item.rule_id}",
        Status.FAILED,
        result.code,
        children=result.checks,
    )
