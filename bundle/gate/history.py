# SPDX-License-Identifier: Apache-2.0
"""Each rule id is a chain of statements, and releases move along it (DESIGN 9, T5).

Between two releases a rule's head stays, or moves to a statement that names it in
``supersedes``; an id never disappears; a retired head is kept for ever.

What this version does not have yet is said here and refused, never passed over:

- an approval of a change. In the sovereign form a changed rule is refused
  (``change-not-approved``); in the embedded form, where the property does not hold
  anyway, it is accepted with a warning in the result;
- a signed retirement. A release that retires a rule is refused (``retirement``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bundle.gate.chain import Link
from bundle.gate.errors import (
    ReleaseChainError,
    RetirementError,
    RuleChainError,
    RuleChangeUnapprovedError,
    RuleDroppedError,
)
from keys.digest import Digest
from signer.form import Form
from signer.predicates.release import ReleasePredicate
from signer.predicates.rule import RulePredicate
from signer.result import Check, Status


@dataclass(frozen=True, slots=True)
class Move:
    """What one release changes in the heads of rules.

    Attributes:
        release: The later release.
        heads: Head of each rule in force, by id.
        retired: Head of each retired rule, by id.
        heads_before: The same in the release before; empty before the first.
        retired_before: The same.
    """

    release: ReleasePredicate
    heads: Mapping[str, Digest]
    retired: Mapping[str, Digest]
    heads_before: Mapping[str, Digest]
    retired_before: Mapping[str, Digest]

    @classmethod
    def of(cls, newer: ReleasePredicate, older: ReleasePredicate | None) -> "Move":
        """Return the move from one release to the next."""
        return cls(
            newer,
            {item.rule_id: item.head for item in newer.inventory},
            {item.rule_id: item.head for item in newer.retired},
            {item.rule_id: item.head for item in older.inventory} if older else {},
            {item.rule_id: item.head for item in older.retired} if older else {},
        )

    @property
    def added(self) -> list[str]:
        """Ids in force that were not."""
        return sorted(self.heads.keys() - self.heads_before.keys())

    @property
    def changed(self) -> list[str]:
        """Ids in force before and after, with another head."""
        before = self.heads_before
        return sorted(i for i, h in self.heads.items() if before.get(i, h) != h)


def moves_of(head: Link, links: Sequence[Link]) -> tuple[Move, ...]:
    """Return every move along the chain, newest first.

    The oldest link is known by mark or floor, unless it is the first release: then it
    is a move from nothing, and checked like any other.
    """
    releases = [link.release for link in (head, *links)]
    moves = [Move.of(newer, older) for newer, older in pairwise(releases)]
    if releases[-1].predecessor is None:
        moves.append(Move.of(releases[-1], None))
    return tuple(moves)


def check_nothing_dropped(moves: Iterable[Move]) -> None:
    """Refuse a rule that is gone and not retired.

    Raises:
        RuleDroppedError: One is.
    """
    for move in moves:
        gone = move.heads_before.keys() - move.heads.keys() - move.retired.keys()
        if gone:
            raise RuleDroppedError(
                f"revision {move.release.revision}: expected {min(gone)}, got no rule",
                hint="a rule leaves by a signed retirement only",
            )


def check_retired_kept(moves: Iterable[Move]) -> None:
    """Refuse a retired head that was forgotten or replaced.

    Raises:
        RetirementError: One was.
    """
    for move in moves:
        for rule_id, head in move.retired_before.items():
            if rule_id not in move.heads and move.retired.get(rule_id) != head:
                raise RetirementError(
                    f"{rule_id}: expected retired head {head}, "
                    f"got {move.retired.get(rule_id)}"
                )


def check_no_retirement(moves: Iterable[Move]) -> None:
    """Refuse a new retirement: this version cannot verify who signed it.

    Raises:
        RetirementError: There is one.
    """
    for move in moves:
        new = move.retired.keys() - move.retired_before.keys()
        if new:
            raise RetirementError(
                f"{min(new)}: expected a signed retirement, which this version cannot "
                "read yet, got a retired head"
            )


def check_heads_forward(
    moves: Iterable[Move], claims: Mapping[Digest, RulePredicate]
) -> None:
    """Refuse a head that does not supersede the one before it.

    Args:
        moves: Along the chain.
        claims: Verified rule attestations by digest. A head that was superseded in
            the meantime is not among them: it is the release identity's word.

    Raises:
        RuleChainError: Another ``supersedes`` than the head before.
    """
    for move in moves:
        before = {**move.retired_before, **move.heads_before}
        for rule_id in (*move.added, *move.changed):
            claim = claims.get(move.heads[rule_id])
            if claim and claim.supersedes != before.get(rule_id):
                raise RuleChainError(
                    f"{rule_id}: expected a rule that supersedes "
                    f"{before.get(rule_id)}, got {claim.supersedes}"
                )


def check_said(moves: Iterable[Move]) -> None:
    """Refuse a release whose words for what it adds and changes are not so.

    Raises:
        ReleaseChainError: ``added`` or ``changed`` is not the difference.
    """
    for move in moves:
        said = (list(move.release.added), list(move.release.changed))
        if said != (move.added, move.changed):
            raise ReleaseChainError(
                f"revision {move.release.revision}: expected added {move.added} and "
                f"changed {move.changed}, got {said[0]} and {said[1]}"
            )


def check_approved(moves: Iterable[Move], form: Form) -> None:
    """Refuse, in the sovereign form, a changed rule: approvals do not exist yet.

    Raises:
        RuleChangeUnapprovedError: An existing rule has another head.
    """
    for move in moves:
        if move.changed and form is Form.SOVEREIGN:
            raise RuleChangeUnapprovedError(
                f"{move.changed[0]}: expected a second principal's approval of the "
                "change, which this version cannot read yet, got none",
                rule_id=move.changed[0],
            )


def warnings(moves: Iterable[Move]) -> list[Check]:
    """Return a check for each change that nobody approved."""
    return [
        Check(
            id=f"rule-change:{move.release.revision}:{rule_id}",
            title=rule_id,
            status=Status.PASSED,
            code=RuleChangeUnapprovedError.code,
            detail=f"warning: revision {move.release.revision} changes it without "
            "a second principal's approval",
        )
        for move in moves
        for rule_id in move.changed
    ]
