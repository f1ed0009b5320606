# SPDX-License-Identifier: Apache-2.0
"""Where a rule changes, ends or returns, two principals stand behind it (T5).

One signed the rule, or its retirement. The other is an approver, or, for a change, a
lint identity that proved *equal* or *stricter*: for exactly the old rule, the new one,
and the parents of the release that makes the change. DESIGN's "approve needs m of at
least 2" is read so: those two and further approvers are that many distinct principals,
and admins may ask for more. That their keys differ is the trust policy's law.

Approvals stay for as long as what they are of: the Rego, or the retirement.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from bundle.gate.changes import Change
from bundle.gate.errors import (
    ApprovalListError,
    ApprovalMismatchError,
    ApprovalNotSecondError,
    RuleChangeUnapprovedError,
)
from bundle.gate.history import Move
from bundle.gate.second import Approval, Author
from keys.digest import Digest
from signer.form import Form
from signer.predicates.lint import LintPredicate
from signer.result import Check, Status
from signer.trust import Trust


def check_listed(moves: Iterable[Move]) -> None:
    """Refuse approvals of what did not change, and the loss of those of what stayed.

    Raises:
        ApprovalListError: One or the other.
    """
    for move in moves:
        for rule_id, kept, listed in _stayed(move):
            if listed != kept:
                raise ApprovalListError(
                    f"revision {move.release.revision}, {rule_id}: expected the "
                    f"{len(kept)} approvals of before, as it did not change, "
                    f"got {len(listed)}, or others",
                    rule_id=rule_id,
                )


def _stayed(
    move: Move,
) -> Iterator[tuple[str, tuple[Digest, ...], tuple[Digest, ...]]]:
    """Yield the approvals, before and since, of each rule that is as it was."""
    for rule_id, item in move.rules.items():
        old = move.rules_before.get(rule_id)
        if old is not None and old.rule == item.rule:
            yield rule_id, old.approvals, item.approvals
        elif old is None and rule_id not in move.retired_before:
            yield rule_id, (), item.approvals
    for rule_id, gone in move.retired.items():
        before = move.retired_before.get(rule_id)
        if before is not None and before.head == gone.head:
            yield rule_id, before.approvals, gone.approvals


def check_about(
    changes: Iterable[Change], approvals: Mapping[Digest, Approval]
) -> None:
    """Refuse an approval of another rule, of other bytes, or under other parents.

    Raises:
        ApprovalMismatchError: It is.
    """
    for change in changes:
        for digest in change.made.approvals:
            _check_about(change, approvals[digest])


def _check_about(change: Change, approval: Approval) -> None:
    said, parents = approval.said, change.parents
    layers = (parents.constitution, dict(parents.packs))
    for what, expected, got in (
        ("rule", change.made.rule_id, said.rule_id),
        ("old rule", change.old, said.old),
        ("new rule", change.new, said.new),
        ("parents", layers, (said.parents.constitution, dict(said.parents.packs))),
    ):
        if expected != got:
            raise ApprovalMismatchError(
                f"{change.place}: expected an approval for its {what}, got one by "
                f"{approval.identity.id} for another",
                hint="approve the change as it is: trustacks rule approve",
                rule_id=change.made.rule_id,
            )


def check_second(
    changes: Iterable[Change],
    approvals: Mapping[Digest, Approval],
    authors: Mapping[Digest, Author],
) -> None:
    """Refuse an approval by the principal who signed the new rule, or the retirement.

    Raises:
        ApprovalNotSecondError: It is theirs, under whatever id.
    """
    for change in changes:
        author = authors[change.made.head].identity
        for digest in change.made.approvals:
            identity = approvals[digest].identity
            if identity.principal == author.principal:
                raise ApprovalNotSecondError(
                    f"{change.place}: expected the approval of a second principal, "
                    f"got one of {identity.id}, who is {author.principal} like "
                    f"{author.id}, who signed it",
                    rule_id=change.made.rule_id,
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
        behind = [approvals[digest] for digest in change.made.approvals]
        if any(isinstance(one.said, LintPredicate) for one in behind):
            continue
        author = authors[change.made.head].identity
        principals = {author.principal, *(one.identity.principal for one in behind)}
        if len(principals) < threshold:
            raise RuleChangeUnapprovedError(
                f"{change.place}: expected {threshold} principals behind the change, "
                f"its author and who approves it, got {', '.join(sorted(principals))}",
                hint="trustacks rule approve, by somebody else than its author",
                rule_id=change.made.rule_id,
            )


def say_changes(
    changes: Iterable[Change], approvals: Mapping[Digest, Approval]
) -> list[Check]:
    """Return a check for each change: who stands behind it, or that nobody does."""
    return [
        _say(change, [approvals[digest] for digest in change.made.approvals])
        for change in changes
    ]


def _say(change: Change, approvals: Collection[Approval]) -> Check:
    check_id = f"rule-change:{change.revision}:{change.made.rule_id}"
    where = f"revision {change.revision}"
    if approvals:
        by = ", ".join(approval.text for approval in approvals)
        detail = f"{where} {change.verb} it: {by}"
        return Check(check_id, change.made.rule_id, Status.PASSED, detail=detail)
    return Check(
        id=check_id,
        title=change.made.rule_id,
        status=Status.PASSED,
        code=RuleChangeUnapprovedError.code,
        detail=f"warning: {where} {change.verb} it without the approval of a second "
        "principal",
    )
