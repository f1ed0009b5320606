# SPDX-License-Identifier: Apache-2.0
"""What releases change: Rego in the place of other Rego, ends of rules, and returns.

A rule that is signed again with the same bytes, against new parents or with other
tests, lets nothing else through, and is no change. A move below a release that admins
named by digest is vouched for by them, like everything that it reaches (T3).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bundle.gate.chain import Link, split_endorsed
from bundle.gate.errors import AttestationSetError
from bundle.gate.history import Move, moves_of
from bundle.gate.named import listed_by
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.predicates.parts import Parents
from signer.predicates.release import InventoryItem, ReleasePredicate, RetiredItem
from signer.trust_policy import TrustPolicy


@dataclass(frozen=True, slots=True)
class Change:
    """What one release does to one rule that was there before.

    Attributes:
        revision: Of that release.
        parents: The layers that it was made under.
        made: What the release lists: the rule as it is since, or its retirement.
        old: SHA-256 of the Rego before; none if it had been retired.
    """

    revision: int
    parents: Parents
    made: InventoryItem | RetiredItem
    old: Digest | None

    @property
    def new(self) -> Digest | None:
        """SHA-256 of the Rego since; none if the rule is retired."""
        return None if isinstance(self.made, RetiredItem) else self.made.rule

    @property
    def place(self) -> str:
        """Where, for people."""
        return f"revision {self.revision}, {self.made.rule_id}"

    @property
    def verb(self) -> str:
        """What it does, for people."""
        if self.new is None:
            return "retires"
        return "changes" if self.old else "brings back"


def unvouched(
    head: Link, links: Sequence[Link], policy: TrustPolicy
) -> tuple[Move, ...]:
    """Return the moves along the chain that no digest of the admins' vouches for."""
    by_key, _ = split_endorsed((head, *links), policy.named_releases)
    digests = {link.digest for link in by_key}
    return tuple(move for move in moves_of(head, links) if move.digest in digests)


def changes_of(moves: Iterable[Move]) -> tuple[Change, ...]:
    """Return every change, in the order of the moves."""
    return tuple(change for move in moves for change in _changes(move))


def _changes(move: Move) -> Iterator[Change]:
    revision, parents = move.release.revision, move.release.parents
    for rule_id, item in move.rules.items():
        old = move.rules_before.get(rule_id)
        returned = old is None and rule_id in move.retired_before
        if returned or (old is not None and old.rule != item.rule):
            yield Change(revision, parents, item, old.rule if old else None)
    for rule_id, gone in move.retired.items():
        before = move.retired_before.get(rule_id)
        if before is None or before.head != gone.head:
            yield Change(revision, parents, gone, gone.rule)


def wanted(changes: Iterable[Change], head: ReleasePredicate) -> list[Digest]:
    """Return what must be there of earlier changes and is not published with ``head``.

    That is the attestation of whoever made the change, and the approvals.
    """
    listed = set(listed_by(head))
    needed = (
        digest
        for change in changes
        for digest in (change.made.head, *change.made.approvals)
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
