# SPDX-License-Identifier: Apache-2.0
"""An event about trust must be true: it names who came, who ended and who is back.

Asked before admins sign a proposal, and again in every replay; the policies before and
after must say the same as the event, and nothing more about people.
"""

from dataclasses import dataclass, field, replace

from bundle.audit.errors import TrustEventUntrueError
from signer.predicates.trust_change import (
    BRINGING,
    IDENTITY_RESUMED,
    IDENTITY_REVOKED,
    IDENTITY_SUSPENDED,
    MADE_SOVEREIGN,
    SURVIVORS_CHANGED,
    UNCHANGED,
    Change,
)
from signer.trust_policy import TrustPolicy

_ENDING = frozenset({IDENTITY_REVOKED, IDENTITY_SUSPENDED})


@dataclass(frozen=True, slots=True)
class Moves:
    """What happened to whom.

    Attributes:
        came: Ids that were not there.
        ended: Ids that were revoked or suspended, or revoked after a suspension.
        back: Ids whose suspension was lifted.
    """

    came: frozenset[str] = field(default_factory=frozenset)
    ended: frozenset[str] = field(default_factory=frozenset)
    back: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def said(cls, change: Change) -> "Moves":
        """Return what an event says."""
        one = frozenset({change.identity} if change.identity else ())
        replaced = frozenset({change.replaces} if change.replaces else ())
        return cls(
            came=one if change.kind in BRINGING else frozenset(),
            ended=replaced | (one if change.kind in _ENDING else frozenset()),
            back=one if change.kind == IDENTITY_RESUMED else frozenset(),
        )

    @classmethod
    def between(cls, old: TrustPolicy, new: TrustPolicy) -> "Moves":
        """Return what two trust policies say."""
        known = {identity.id for identity in old.identities}
        before = {end.identity: end.final for end in old.revocations}
        after = {end.identity: end.final for end in new.revocations}
        return cls(
            came=frozenset(i.id for i in new.identities if i.id not in known),
            ended=frozenset(
                i
                for i, final in after.items()
                if i not in before or (final and not before[i])
            ),
            back=frozenset(before.keys() - after.keys()),
        )


def require_true(old: TrustPolicy, new: TrustPolicy, change: Change) -> None:
    """Refuse an event that is untrue about two trust policies.

    Raises:
        TrustEventUntrueError: Others came, ended or are back than it says; or an
            identity changed or left, or one that was revoked for ever is back, or the
            successor of one is somebody else; or the policy changed though it says
            that nothing did.
    """
    if change.kind == SURVIVORS_CHANGED:
        _require_only_survivors(old, new, str(change.identity))
    if change.kind in UNCHANGED and replace(new, version=old.version) != old:
        raise TrustEventUntrueError(
            f"expected the trust policy as it was, after {change.kind}, got another"
        )
    _require_kept(old, new)
    _require_same_principal(old, new, change)
    said, found = Moves.said(change), Moves.between(old, new)
    if said != found or change.kind == MADE_SOVEREIGN:
        raise TrustEventUntrueError(
            f"expected the event to name who came {sorted(found.came)}, who ended "
            f"{sorted(found.ended)} and who is back {sorted(found.back)}, "
            f"got {change.kind} {change.identity}"
        )


def require_true_move(old: TrustPolicy, new: TrustPolicy, change: Change) -> None:
    """Refuse an event that is untrue about the move from embedded to sovereign.

    It ends many and brings the admins, so that it names nobody; what they may be is
    judged where they are brought (``bundle.move``).

    Raises:
        TrustEventUntrueError: Another event; or an identity changed, left or is back.
    """
    _require_kept(old, new)
    if change.kind != MADE_SOVEREIGN or Moves.between(old, new).back:
        raise TrustEventUntrueError(
            f"expected the event {MADE_SOVEREIGN}, and nobody back, got {change.kind}"
        )


def _require_only_survivors(old: TrustPolicy, new: TrustPolicy, ended: str) -> None:
    """Refuse any change but of what is left of one identity that had ended."""
    before, after = old.revocation(ended), new.revocation(ended)
    if before is None or after is None:
        raise TrustEventUntrueError(f"expected {ended} to have ended, got one in force")
    again = replace(before, survivors=after.survivors, reason=after.reason)
    ends = tuple(again if end is before else end for end in old.revocations)
    expected = replace(old, version=new.version, revocations=ends)
    if set(expected.revocations) != set(new.revocations) or (
        replace(expected, revocations=()) != replace(new, revocations=())
    ):
        raise TrustEventUntrueError(
            f"expected nothing to change but what survives of {ended}, got more"
        )


def _require_kept(old: TrustPolicy, new: TrustPolicy) -> None:
    if not all(identity in new.identities for identity in old.identities):
        raise TrustEventUntrueError(
            "expected every registered identity as it was, got one that changed or left"
        )
    final = {end.identity for end in old.revocations if end.final}
    if not final <= {end.identity for end in new.revocations if end.final}:
        raise TrustEventUntrueError(
            "expected every revoked identity to stay revoked, got one that is back"
        )


def _require_same_principal(old: TrustPolicy, new: TrustPolicy, change: Change) -> None:
    if change.replaces is None or change.identity is None:
        return
    before = {one.id: one.principal for one in old.identities}.get(change.replaces)
    after = {one.id: one.principal for one in new.identities}.get(change.identity)
    if before != after:
        raise TrustEventUntrueError(
            f"expected a rotation to name a successor of {before}, got one of {after}"
        )
