# SPDX-License-Identifier: Apache-2.0
"""Versions of the admins' trust, each in force from its event's place in the log on.

A place in the log decides, not a time: nobody can publish under a trust that was
replaced, whatever time their signatures claim. And an event must be true: it names who
came and who went, and the trust policies before and after must say the same.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime

from bundle.audit.errors import TrustEventMissingError
from bundle.trust_event import require_true
from bundle.tuf.view import TufView
from keys.digest import Digest
from signer.predicates.trust_change import WORKSPACE_CREATED, TrustChangePredicate
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
    """

    version: int
    index: int
    at: datetime
    targets: bytes = field(repr=False)
    roots: tuple[bytes, ...] = field(repr=False)
    view: TufView = field(repr=False)
    trust: Trust = field(repr=False)
    event: TrustChangePredicate = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustHistory:
    """Who was trusted, through time.

    Attributes:
        versions: In order; at least one.
    """

    versions: tuple[TrustVersion, ...]

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


def require_next(older: TrustVersion | None, newer: TrustVersion) -> None:
    """Refuse a version whose event is out of order, or untrue about the change.

    Raises:
        TrustEventMissingError: It does not follow the version before.
        TrustEventUntrueError: Others came, went or changed than it says.
    """
    if older is None:
        if newer.event.change.kind != WORKSPACE_CREATED:
            raise TrustEventMissingError(
                f"expected the event of the first targets, got one of {newer.version}"
            )
        return
    if newer.index < older.index or newer.event.previous != Digest.of(older.targets):
        raise TrustEventMissingError(
            f"expected an event after that of targets {older.version}, naming them, "
            f"got one that does not"
        )
    require_true(older.trust.policy, newer.trust.policy, newer.event.change)
