# SPDX-License-Identifier: Apache-2.0
"""Each rule id is a chain of statements, and releases move along it (DESIGN 9, T5).

Between two releases a rule's head stays, or moves to a statement that names it in
``supersedes``; an id never disappears: it is in force, or retired, with its head, for
ever. A rule that comes back supersedes its retirement, and a retirement the statement
in force, so that neither can be used twice.

Who else than its author must stand behind a move is ``bundle.gate.approvals``'.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bundle.gate.chain import Link
from bundle.gate.errors import (
    ReleaseChainError,
    RetirementError,
    RuleChainError,
    RuleDroppedError,
)
from keys.digest import Digest
from signer.predicates.release import InventoryItem, ReleasePredicate, RetiredItem
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.rule import RulePredicate

# What somebody said that ended with a head: a rule, or its retirement.
Claim = RulePredicate | RetirementPredicate


@dataclass(frozen=True, slots=True)
class Move:
    """What one release changes in the heads of rules.

    Attributes:
        digest: Of the later release.
        release: What it says.
        rules: Each rule in force, by id.
        retired: Each retired rule, by id.
        rules_before: Those of the release before; none before the first.
        retired_before: The same.
    """

    digest: Digest
    release: ReleasePredicate
    rules: Mapping[str, InventoryItem]
    retired: Mapping[str, RetiredItem]
    rules_before: Mapping[str, InventoryItem]
    retired_before: Mapping[str, RetiredItem]

    @classmethod
    def of(cls, newer: Link, older: Link | None) -> "Move":
        """Return the move from one release to the next."""
        before = older.release if older else None
        return cls(
            newer.digest,
            newer.release,
            {item.rule_id: item for item in newer.release.inventory},
            {item.rule_id: item for item in newer.release.retired},
            {item.rule_id: item for item in before.inventory} if before else {},
            {item.rule_id: item for item in before.retired} if before else {},
        )

    @property
    def added(self) -> list[str]:
        """Ids in force that were not."""
        return sorted(self.rules.keys() - self.rules_before.keys())

    @property
    def changed(self) -> list[str]:
        """Ids in force before and after, with another head."""
        before = self.rules_before
        return sorted(
            rule_id
            for rule_id, item in self.rules.items()
            if rule_id in before and before[rule_id].head != item.head
        )


def moves_of(head: Link, links: Sequence[Link]) -> tuple[Move, ...]:
    """Return every move along the chain, newest first.

    The oldest link is known by mark or floor, unless it is the first release: then it
    is a move from nothing, and checked like any other.
    """
    walked = (head, *links)
    moves = [Move.of(newer, older) for newer, older in pairwise(walked)]
    if walked[-1].release.predecessor is None:
        moves.append(Move.of(walked[-1], None))
    return tuple(moves)


def check_nothing_dropped(moves: Iterable[Move]) -> None:
    """Refuse a rule that is gone and not retired.

    Raises:
        RuleDroppedError: One is.
    """
    for move in moves:
        gone = move.rules_before.keys() - move.rules.keys() - move.retired.keys()
        if gone:
            raise RuleDroppedError(
                f"revision {move.release.revision}: expected {min(gone)}, got no rule",
                hint="a rule leaves by a signed retirement only",
            )


def check_retired_kept(moves: Iterable[Move]) -> None:
    """Refuse that a retirement is forgotten while the rule is not back.

    Raises:
        RetirementError: One was.
    """
    for move in moves:
        lost = move.retired_before.keys() - move.retired.keys() - move.rules.keys()
        if lost:
            raise RetirementError(
                f"revision {move.release.revision}: expected {min(lost)} to stay "
                "retired, or to come back, got neither"
            )


def check_retired_was_there(moves: Iterable[Move]) -> None:
    """Refuse to retire what was not there, or other Rego than was there.

    Raises:
        RetirementError: It is so.
    """
    for move in moves:
        there = {i: item.rule for i, item in move.retired_before.items()}
        there |= {i: item.rule for i, item in move.rules_before.items()}
        for rule_id, item in move.retired.items():
            if there.get(rule_id) != item.rule:
                raise RetirementError(
                    f"revision {move.release.revision}, {rule_id}: expected the "
                    f"retirement of {there.get(rule_id)}, got that of {item.rule}"
                )


def check_heads_forward(moves: Iterable[Move], claims: Mapping[Digest, Claim]) -> None:
    """Refuse a head that does not supersede the one before it.

    Args:
        moves: Along the chain.
        claims: What was said of rules and retirements, by digest. One that only renewed
            a signature, and was superseded, is not among them: it is the release
            identity's word.

    Raises:
        RuleChainError: Another ``supersedes`` than the head before.
    """
    for move in moves:
        before = _heads(move.rules_before, move.retired_before)
        for rule_id, head in _heads(move.rules, move.retired).items():
            claim = claims.get(head)
            moved = before.get(rule_id) != head
            if moved and claim and claim.supersedes != before.get(rule_id):
                what = "retirement" if rule_id in move.retired else "rule"
                raise RuleChainError(
                    f"{rule_id}: expected a {what} that supersedes "
                    f"{before.get(rule_id)}, got {claim.supersedes}"
                )


def _heads(
    rules: Mapping[str, InventoryItem], retired: Mapping[str, RetiredItem]
) -> dict[str, Digest]:
    heads = {rule_id: item.head for rule_id, item in retired.items()}
    return heads | {rule_id: item.head for rule_id, item in rules.items()}


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
