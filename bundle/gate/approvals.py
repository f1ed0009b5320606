# SPDX-License-Identifier: Apache-2.0
"""Where Rego takes the place of other Rego, two principals stand behind it (T5).

One is the author. The other is a lint identity that proved *equal* or *stricter*, or an
approver: for exactly the old rule, the new one, and the parents of the release that
makes the change. DESIGN's "approve needs m of at least 2" is read so: author and
approvers are that many distinct principals, and admins may ask for more. That their
keys differ is the trust policy's law.

What changes is the Rego. A rule that is signed again with the same bytes, against new
parents or with other tests, lets nothing else through and needs nobody's approval; its
approvals stay with it. A move below a release that admins named by digest is vouched
for by them, like everything that it reaches (T3).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bundle.gate.chain import Link, split_endorsed
from bundle.gate.errors import (
    ApprovalListError,
    ApprovalMismatchError,
    ApprovalNotSecondError,
    AttestationSetError,
    RuleChangeUnapprovedError,
)
from bundle.gate.history import Move, moves_of
from bundle.gate.named import listed_by
from bundle.gate.second import Approval, Author
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.form import Form
from signer.predicates.lint import LintPredicate
from signer.predicates.parts import Parents
from signer.predicates.release import InventoryItem, ReleasePredicate
from signer.result import Check, Status
from signer.trust import Trust
from signer.trust_policy import TrustPolicy


@dataclass(frozen=True, slots=True)
class Change:
    """Rego that one release puts in the place of other Rego.

    Attributes:
        revision: Of that release.
        parents: The layers that it was made under.
        new: The rule in it.
        old: The rule in the release before; none if it had been retired.
    """

    revision: int
    parents: Parents
    new: InventoryItem
    old: InventoryItem | None

    @property
    def place(self) -> str:
        """Where, for people."""
        return f"revision {self.revision}, {self.new.rule_id}"


def unvouched(
    head: Link, links: Sequence[Link], policy: TrustPolicy
) -> tuple[Move, ...]:
    """Return the moves along the chain that no digest of the admins' vouches for."""
    by_key, _ = split_endorsed((head, *links), policy.named_releases)
    digests = {link.digest for link in by_key}
    return tuple(move for move in moves_of(head, links) if move.digest in digests)


def changes_of(moves: Iterable[Move]) -> tuple[Change, ...]:
    """Return every change of Rego, in the order of the moves."""
    return tuple(change for move in moves for change in _changes(move))


def _changes(move: Move) -> Iterator[Change]:
    for rule_id, item in move.rules.items():
        old = move.rules_before.get(rule_id)
        returned = old is None and rule_id in move.retired_before
        if returned or (old is not None and old.rule != item.rule):
            release = move.release
            yield Change(release.revision, release.parents, item, old)


def wanted(changes: Iterable[Change], head: ReleasePredicate) -> list[Digest]:
    """Return what must be there of earlier changes and is not published with ``head``.

    That is the author's attestation, and the approvals, of every changed rule.
    """
    listed = set(listed_by(head))
    needed = (
        digest
        for change in changes
        for digest in (change.new.head, *change.new.approvals)
    )
    return [digest for digest in dict.fromkeys(needed) if digest not in listed]


def sort_moved(
    moved: Iterable[bytes], changes: Iterable[Change], head: ReleasePredicate
) -> dict[Digest, bytes]:
    """Return the attestations of earlier changes by digest: those wanted, exactly.

    Raises:
        AttestationSetError: One is missing, there twice, or of no change.
        FormatError: One is no attestation.
    """
    given = [(parse_attestation(raw).digest, raw) for raw in moved]
    expected, found = wanted(changes, head), dict(given)
    for digest in sorted(set(expected) ^ set(found)):
        said = "got none" if digest in expected else "got one that no change has"
        raise AttestationSetError(f"expected attestation {digest}, {said}")
    if len(given) != len(found):
        raise AttestationSetError("expected every attestation once, got one twice")
    return found


def check_listed(moves: Iterable[Move]) -> None:
    """Refuse approvals of what did not change, and the loss of those of what stayed.

    Raises:
        ApprovalListError: One or the other.
    """
    for move in moves:
        for rule_id, item in move.rules.items():
            old = move.rules_before.get(rule_id)
            kept = old.approvals if old else ()
            stayed = old is None or old.rule == item.rule
            if stayed and item.approvals != kept:
                raise ApprovalListError(
                    f"revision {move.release.revision}, {rule_id}: expected the "
                    f"{len(kept)} approvals of before, as its Rego did not change, "
                    f"got {len(item.approvals)}, or others",
                    rule_id=rule_id,
                )


def check_about(
    changes: Iterable[Change], approvals: Mapping[Digest, Approval]
) -> None:
    """Refuse an approval of another rule, of other bytes, or under other parents.

    Raises:
        ApprovalMismatchError: It is.
    """
    for change in changes:
        for digest in change.new.approvals:
            _check_about(change, approvals[digest])


def _check_about(change: Change, approval: Approval) -> None:
    said, parents = approval.said, change.parents
    layers = (parents.constitution, dict(parents.packs))
    for what, expected, got in (
        ("rule", change.new.rule_id, said.rule_id),
        ("old rule", change.old.rule if change.old else None, said.old),
        ("new rule", change.new.rule, said.new),
        ("parents", layers, (said.parents.constitution, dict(said.parents.packs))),
    ):
        if expected != got:
            raise ApprovalMismatchError(
                f"{change.place}: expected an approval for its {what}, got one by "
                f"{approval.identity.id} for another",
                hint="approve the change as it is: trustacks rule approve",
                rule_id=change.new.rule_id,
            )


def check_second(
    changes: Iterable[Change],
    approvals: Mapping[Digest, Approval],
    authors: Mapping[Digest, Author],
) -> None:
    """Refuse an approval by the principal who signed the new rule.

    Raises:
        ApprovalNotSecondError: It is theirs, under whatever id.
    """
    for change in changes:
        author = authors[change.new.head].identity
        for digest in change.new.approvals:
            identity = approvals[digest].identity
            if identity.principal == author.principal:
                raise ApprovalNotSecondError(
                    f"{change.place}: expected the approval of a second principal, "
                    f"got one of {identity.id}, who is {author.principal} like "
                    f"{author.id}, who signed the rule",
                    rule_id=change.new.rule_id,
                )


def approval_threshold(trust: Trust) -> int:
    """Return how many principals must stand behind a change, its author included.

    Two at least in the sovereign form. In the embedded form, where the property does
    not hold anyway, a change by its author alone is a warning, unless admins ask.
    """
    least = 2 if trust.form is Form.SOVEREIGN else 1
    return trust.policy.thresholds.get("approval", least)


def check_approved(
    changes: Iterable[Change],
    approvals: Mapping[Digest, Approval],
    authors: Mapping[Digest, Author],
    *,
    threshold: int,
) -> None:
    """Refuse a change behind which too few distinct principals stand.

    Of what a lint identity proved to be *equal* or *stricter* nobody else is asked.

    Raises:
        RuleChangeUnapprovedError: Fewer than must.
    """
    for change in changes:
        behind = [approvals[digest] for digest in change.new.approvals]
        if any(isinstance(one.said, LintPredicate) for one in behind):
            continue
        author = authors[change.new.head].identity
        principals = {author.principal, *(one.identity.principal for one in behind)}
        if len(principals) < threshold:
            raise RuleChangeUnapprovedError(
                f"{change.place}: expected {threshold} principals behind the change, "
                f"its author and who approves it, got {', '.join(sorted(principals))}",
                hint="trustacks rule approve, by somebody else than its author",
                rule_id=change.new.rule_id,
            )


def say_changes(
    changes: Iterable[Change], approvals: Mapping[Digest, Approval]
) -> list[Check]:
    """Return a check for each change: who stands behind it, or that nobody does."""
    return [
        _say(change, [approvals[digest] for digest in change.new.approvals])
        for change in changes
    ]


def _say(change: Change, approvals: Collection[Approval]) -> Check:
    check_id = f"rule-change:{change.revision}:{change.new.rule_id}"
    where = f"revision {change.revision}"
    if approvals:
        by = ", ".join(approval.text for approval in approvals)
        detail = f"{where} changes it: {by}"
        return Check(check_id, change.new.rule_id, Status.PASSED, detail=detail)
    return Check(
        id=check_id,
        title=change.new.rule_id,
        status=Status.PASSED,
        code=RuleChangeUnapprovedError.code,
        detail=f"warning: {where} changes it without a second principal's approval",
    )
