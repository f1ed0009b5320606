# SPDX-License-Identifier: Apache-2.0
"""Take a rule out of force: its retirement, and a second principal's word for it (T5).

``Retirer`` takes what it ends from the newest release, shows the statement, signs it,
and verifies what came back. ``EndApprover`` signs for exactly that statement, and never
for one of its own principal's.
"""

from dataclasses import dataclass
from datetime import datetime

from bundle.gate.errors import ApprovalNotSecondError
from bundle.gate.rules import expected_retirement
from bundle.overlay_retired import RetiredFiles
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.errors import UnknownSignerError
from signer.predicates.approval import RETIRED, ApprovalPredicate
from signer.predicates.release import InventoryItem, RetiredItem
from signer.predicates.retirement import RetirementPredicate
from signer.statement import Subject, build_statement, parse_statement
from signer.trust import Expected
from signer.verify import Evidence, verify_attestation
from trustacks.approving import Second
from trustacks.pinned import Head, Pinned
from trustacks.release_errors import NothingToRetireError, RetirementStaleError


@dataclass(frozen=True, slots=True)
class Retirer(Second):
    """Somebody who may retire rules."""

    def released(self, rule_id: str) -> InventoryItem | RetiredItem:
        """Return what the newest release lists under a rule id.

        Raises:
            NothingToRetireError: Nothing.
        """
        return released(self.head, rule_id)

    def sign(self, rule_id: str, reason: str) -> bytes:
        """Return the retirement of a rule as it is released, verified.

        Of a rule that is retired already it is another retirement, which takes the
        place of the one before: for when that one's signer is trusted no more.

        Raises:
            NothingToRetireError: The newest release does not have the rule.
            VerificationError: What came back does not hold.
        """
        item = self.released(rule_id)
        predicate = RetirementPredicate(
            workspace=self.pinned.view.workspace,
            rule_id=rule_id,
            identity=self.identity.id,
            signed_at=self.clock(),
            supersedes=item.head,
            rule=item.rule,
            reason=reason,
        )
        subject = Subject(f"rules/{rule_id}/{rule_id}.rego", item.rule)
        statement = build_statement((subject,), predicate)
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        self._verify(raw, item)
        return raw

    def require_own(self, raw: bytes, rule_id: str) -> None:
        """Refuse what is not this signer's retirement of a rule as it is released.

        Raises:
            RetirementStaleError: It ends another version.
            UnknownSignerError: Somebody else signed it.
            TrustacksError: It is none, or does not hold.
        """
        item = self.released(rule_id)
        evidence = self._verify(raw, item)
        require_ends(evidence.said(RetirementPredicate), item, "the retirement")
        if evidence.identity.id != self.identity.id:
            raise UnknownSignerError(
                f"expected the retirement of {self.identity.id}, "
                f"got that of {evidence.identity.id}"
            )

    def _verify(self, raw: bytes, item: InventoryItem | RetiredItem) -> Evidence:
        return verify_attestation(
            raw,
            trust=self.pinned.trust,
            expected=expected_retirement(item_of(item, raw)),
            at=self.clock(),
        ).require()


@dataclass(frozen=True, slots=True)
class EndApprover(Second):
    """A person who approves that a rule leaves."""

    def retirement(self, files: RetiredFiles) -> RetirementPredicate:
        """Return what is to be approved: a retirement of what is released, by another.

        Raises:
            NothingToRetireError: The newest release does not have the rule.
            RetirementStaleError: It ends another version than the one released.
            ApprovalNotSecondError: The same principal signed it.
            VerificationError: It does not hold.
        """
        before = released(self.head, files.rule_id)
        evidence = verify_retirement(files, before, self.pinned, at=self.clock())
        identity = self.identity
        if evidence.identity.principal == identity.principal:
            raise ApprovalNotSecondError(
                f"{files.rule_id}: expected somebody else than "
                f"{identity.principal}, who retired it as {evidence.identity.id}, "
                f"got {identity.id}",
                rule_id=files.rule_id,
            )
        return evidence.said(RetirementPredicate)

    def sign(self, files: RetiredFiles, *, justification: str) -> bytes:
        """Return the approval of a rule's retirement, verified.

        Args:
            files: The retirement.
            justification: Why, in words.

        Raises:
            TrustacksError: As ``retirement``, or what came back does not hold.
        """
        said = self.retirement(files)
        rule_id, head = files.rule_id, parse_attestation(files.attestation).digest
        predicate = ApprovalPredicate(
            workspace=self.pinned.view.workspace,
            rule_id=rule_id,
            identity=self.identity.id,
            signed_at=self.clock(),
            old=said.rule,
            new=None,
            change=RETIRED,
            loosens=True,
            justification=justification,
            parents=self._parents,
        )
        stem = f"rules/{rule_id}/{rule_id}"
        subjects = (
            Subject(f"{stem}.rego", said.rule),
            Subject(f"{stem}.retired.sigstore.json", head),
        )
        statement = build_statement(subjects, predicate)
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        expected = Expected(
            predicate.type,
            tuple(subject.digest for subject in subjects),
            namespace=rule_id.partition(".")[0],
        )
        verify_attestation(
            raw, trust=self.pinned.trust, expected=expected, at=self.clock()
        ).require()
        return raw


def released(head: Head | None, rule_id: str) -> InventoryItem | RetiredItem:
    """Return what the newest release lists under a rule id, in force or retired.

    Raises:
        NothingToRetireError: Nothing.
    """
    listed = head.release.listed if head else ()
    found = next((item for item in listed if item.rule_id == rule_id), None)
    if found is None:
        raise NothingToRetireError(
            f"expected a rule {rule_id} in the newest release, got none",
            hint="a rule that was never released needs no retirement: delete it",
            rule_id=rule_id,
        )
    return found


def item_of(
    before: InventoryItem | RetiredItem, raw: bytes, *approvals: Digest
) -> RetiredItem:
    """Return what a release lists instead of ``before`` once it is retired."""
    return RetiredItem(
        rule_id=before.rule_id,
        rule=before.rule,
        head=parse_attestation(raw).digest,
        approvals=tuple(sorted(approvals, key=str)),
    )


def said_by(files: RetiredFiles) -> RetirementPredicate:
    """Return what a retirement says; nobody's signature is looked at.

    Raises:
        FormatError: It is none.
    """
    payload = parse_attestation(files.attestation).envelope.payload
    return RetirementPredicate.parse(parse_statement(payload).predicate)


def require_ends(
    said: RetirementPredicate, before: InventoryItem | RetiredItem, where: str
) -> None:
    """Refuse the retirement of another version than the one released.

    Raises:
        RetirementStaleError: It is.
    """
    if (said.rule_id, said.supersedes) != (before.rule_id, before.head):
        raise RetirementStaleError(
            f"{where}: expected the retirement of {before.head}, which is "
            f"released, got that of {said.rule_id} {said.supersedes}",
            hint=f"trustacks rule retire {before.rule_id}",
            rule_id=before.rule_id,
        )


def verify_retirement(
    files: RetiredFiles,
    before: InventoryItem | RetiredItem,
    pinned: Pinned,
    *,
    at: datetime,
) -> Evidence:
    """Return the evidence of a retirement, which ends what is released.

    Raises:
        RetirementStaleError: It ends another version.
        TrustacksError: It does not hold.
    """
    require_ends(said_by(files), before, str(files.path))
    expected = expected_retirement(item_of(before, files.attestation))
    return verify_attestation(
        files.attestation, trust=pinned.trust, expected=expected, at=at
    ).require()
