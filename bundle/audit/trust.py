# SPDX-License-Identifier: Apache-2.0
"""Versions of the admins' trust, each in force from its event's place in the log on.

A place in the log decides, not a time: nobody can publish under a trust that was
replaced, whatever time their signatures claim. And an event must be true: it names who
came and who went, and the trust policies before and after must say the same.

One event is judged by the trust that it makes, and not by the one before: that of the
move from embedded to sovereign. Of the embedded trust nobody could be its witness.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime

from bundle.audit.errors import TrustEventMissingError
from bundle.move_people import (
    require_admins_came,
    require_no_part_promoted,
    require_nobody_custodial,
)
from bundle.trust_event import require_true, require_true_move
from bundle.tuf.view import TufView
from keys.digest import Digest
from signer.predicates.trust_change import (
    MADE_SOVEREIGN,
    WORKSPACE_CREATED,
    TrustChangePredicate,
)
from signer.trust import Trust


@dataclass(frozen=True, slots=True)
class TrustVersion:
    """One version of the admins' targets, from its event on.

    Attributes:
        version: Of targets.
        index: The leaf of its event.
        at: When that leaf was signed, as its token says.
        targets: The bytes.
        roots: From the auditor's to the newest that stood then.
        view: What the metadata says, at the time of the event.
        trust: What attestations are verified with.
        event: What the admin said, not yet verified.
        sovereign: Whether the newest root that stood then was.
    """

    version: int
    index: int
    at: datetime
    targets: bytes = field(repr=False)
    roots: tuple[bytes, ...] = field(repr=False)
    view: TufView = field(repr=False)
    trust: Trust = field(repr=False)
    event: TrustChangePredicate = field(repr=False)
    sovereign: bool


@dataclass(frozen=True, slots=True)
class TrustHistory:
    """Who was trusted, through time.

    Attributes:
        versions: In order; at least one.
        begins: The leaf of the event of the auditor's root; none if it is the genesis
            root, before which there was nothing.
    """

    versions: tuple[TrustVersion, ...]
    begins: int | None = None

    def is_before_pin(self, index: int) -> bool:
        """Return whether a leaf is older than all that the auditor's root vouches for.

        Nobody whom that root names has trusted anybody by then.
        """
        return self.begins is not None and index < self.versions[0].index

    def judging(self, index: int) -> TrustVersion:
        """Return the version by which the leaf at ``index`` is judged."""
        for version in self.versions:
            if version.index == index and version.event.change.kind == MADE_SOVEREIGN:
                return version
        return self.before(index)

    def before(self, index: int) -> TrustVersion:
        """Return the version that stands for what is logged at ``index``.

        What comes before the first event (the proofs of those whom it brings) is
        judged by the first.
        """
        place = bisect_left([v.index for v in self.versions], index)
        return self.versions[max(place - 1, 0)]

    def at(self, instant: datetime) -> TrustVersion:
        """Return the version that stood at an instant, or else the first."""
        stood = [v for v in self.versions if v.at <= instant]
        return stood[-1] if stood else self.versions[0]


def require_first(newer: TrustVersion, begins: int | None) -> None:
    """Refuse a first version that does not begin what the auditor's root begins.

    Raises:
        TrustEventMissingError: Its event is another.
    """
    expected = WORKSPACE_CREATED if begins is None else MADE_SOVEREIGN
    if newer.event.change.kind != expected:
        raise TrustEventMissingError(
            f"expected the event {expected} of the first targets under the root that "
            f"you brought, got {newer.event.change.kind} of {newer.version}",
            hint="bring the first root, or the one that made the workspace sovereign",
        )


def require_next(older: TrustVersion, newer: TrustVersion) -> None:
    """Refuse a version whose event is out of order, or untrue about the change.

    Raises:
        TrustEventMissingError: It does not follow the version before.
        TrustEventUntrueError: Others came, went or changed than it says.
        CustodyError: The workspace became sovereign, and somebody of the Control
            Plane's stayed.
    """
    if newer.index < older.index or newer.event.previous != Digest.of(older.targets):
        raise TrustEventMissingError(
            f"expected an event after that of targets {older.version}, naming them, "
            f"got one that does not"
        )
    old, new, change = older.trust.policy, newer.trust.policy, newer.event.change
    if older.sovereign or not newer.sovereign:
        require_true(old, new, change)
        return
    require_true_move(old, new, change)
    require_nobody_custodial(old, new)
    require_no_part_promoted(old, new)
    require_admins_came(old, new)
