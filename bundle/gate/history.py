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

from collections.abc import Mapping, Sequence
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

Heads = Mapping[str, Digest]
_NOTHING: Heads = {}


def steps_of(head: Link, links: Sequence[Link]) -> list[tuple[Link, Link | None]]:
    """Return (newer, older) for every step; ``None`` is before the first release.

    The oldest link is known by mark or floor, unless it is the first release: then it
    is a step from nothing, checked like any other.
    """
    walked = [head, *links]
    steps: list[tuple[Link, Link | None]] = list(pairwise(walked))
    if walked[-1].release.predecessor is None:
        steps.append((walked[-1], None))
    return steps


def check_nothing_dropped(newer: ReleasePredicate, older: Link | None) -> None:
    """Refuse a rule that is gone, and a retired head that is gone or another.

    Raises:
        RuleDroppedError: A rule without a retirement.
        RetirementError: A retired head that was forgotten, or is not signed.
    """
    kept, retired = heads_of(newer), retired_of(newer)
    before = retired_of(older.release) if older else _NOTHING
    for rule_id in heads_of(older.release) if older else ():
        if rule_id not in kept and rule_id not in retired:
            raise RuleDroppedError(
                f"revision {newer.revision}: expected rule {rule_id}, got none",
                hint="a rule leaves by a signed retirement only",
            )
    for rule_id, head in before.items():
        if rule_id not in kept and retired.get(rule_id) != head:
            raise RetirementError(
                f"{rule_id}: expected retired head {head}, got {retired.get(rule_id)}"
            )
    for rule_id in sorted(retired.keys() - before.keys()):
        raise RetirementError(
            f"{rule_id}: expected a signed retirement, which this version does not "
            "support yet, got a retired head"
        )


def check_heads_forward(
    newer: ReleasePredicate, older: Link | None, claims: Mapping[Digest, RulePredicate]
) -> None:
    """Refuse a head that does not supersede the one before it.

    Args:
        newer: The later release.
        older: The one before, or ``None``.
        claims: Verified rule attestations by digest; a head that was superseded in
            the meantime is not here, and is the release identity's word.

    Raises:
        RuleChainError: Another ``supersedes`` than the head before.
    """
    before = {**retired_of(older.release), **heads_of(older.release)} if older else {}
    for rule_id, head in heads_of(newer).items():
        if head in claims and head != before.get(rule_id):
            named = claims[head].supersedes
            if named != before.get(rule_id):
                raise RuleChainError(
                    f"{rule_id}: expected a rule that supersedes "
                    f"{before.get(rule_id)}, got {named}"
                )


def check_said(newer: ReleasePredicate, older: Link | None) -> None:
    """Refuse a release whose words for what it adds and changes are not so.

    Raises:
        ReleaseChainError: ``added`` or ``changed`` is not the difference.
    """
    before = heads_of(older.release) if older else _NOTHING
    now = heads_of(newer)
    added = {rule_id for rule_id in now if rule_id not in before}
    if set(newer.added) != added or set(newer.changed) != set(changed(newer, older)):
        raise ReleaseChainError(
            f"revision {newer.revision}: expected added {sorted(added)} and changed "
            f"{changed(newer, older)}, got {sorted(newer.added)} and "
            f"{sorted(newer.changed)}"
        )


def check_approved(newer: ReleasePredicate, older: Link | None, form: Form) -> None:
    """Refuse, in the sovereign form, a changed rule: approvals do not exist yet.

    Raises:
        RuleChangeUnapprovedError: An existing rule has another head.
    """
    for rule_id in changed(newer, older):
        if form is Form.SOVEREIGN:
            raise RuleChangeUnapprovedError(
                f"{rule_id}: expected a second principal's approval of the change, "
                "which this version cannot read yet, got none",
                rule_id=rule_id,
            )


def changed(newer: ReleasePredicate, older: Link | None) -> list[str]:
    """Return the ids that both releases hold, with another head."""
    before = heads_of(older.release) if older else _NOTHING
    return sorted(
        rule_id
        for rule_id, head in heads_of(newer).items()
        if before.get(rule_id, head) != head
    )


def heads_of(release: ReleasePredicate) -> dict[str, Digest]:
    """Return the head of each rule in force."""
    return {item.rule_id: item.head for item in release.inventory}


def retired_of(release: ReleasePredicate) -> dict[str, Digest]:
    """Return the head of each retired rule."""
    return {item.rule_id: item.head for item in release.retired}
