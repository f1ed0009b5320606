# SPDX-License-Identifier: Apache-2.0
"""Take away the denies that a live waiver is for, after everything was evaluated.

Laws (DESIGN 3.4; 9, Waivers):

- rules are evaluated as if there were no waiver, and none sees that there is one;
- only a deny of a pack's rule goes, of exactly the pack and the rule that are named;
- a deny for want of an answer, of constitution, overlay or Runner, never goes;
- a waiver counts from ``not_before`` to before ``expires``, for proposals in its scope;
- what was applied is named, by the digest of the statement, in the decision's record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bundle.decision import Deny
from keys.digest import Digest
from signer.predicates.waiver import WaiverPredicate


@dataclass(frozen=True, slots=True)
class Waiver:
    """A waiver that a release lists, verified.

    Attributes:
        digest: SHA-256 of its PAE.
        said: What it says.
    """

    digest: Digest
    said: WaiverPredicate

    def applies(self, found: "Found", context: Mapping[str, Any], at: datetime) -> bool:
        """Return whether it takes this deny away from this proposal now."""
        said, deny = self.said, found.deny
        return (
            found.pack == said.pack.digest
            and deny.code is None
            and deny.rule_id == said.rule_id
            and said.live(at)
            and said.scope.covers(context)
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A deny, and the pack that it comes from.

    Attributes:
        deny: The deny.
        pack: SHA-256 of the pack's archive; none if it is not a pack's.
    """

    deny: Deny
    pack: Digest | None = None


@dataclass(frozen=True, slots=True)
class Waived:
    """What is left of the denies.

    Attributes:
        denies: Those that stay, in order.
        applied: The waivers that took one away, in the order of their digests.
    """

    denies: tuple[Deny, ...]
    applied: tuple[Waiver, ...] = ()

    @property
    def digests(self) -> tuple[Digest, ...]:
        """The waivers, as a decision's record names them."""
        return tuple(one.digest for one in self.applied)


def waive(
    found: Iterable[Found],
    waivers: Sequence[Waiver],
    context: Mapping[str, Any],
    *,
    at: datetime,
) -> Waived:
    """Return the denies that no live waiver is for.

    Args:
        found: Every deny.
        waivers: Those that count: listed by the active release, standing under today's
            trust, not withdrawn.
        context: ``input.context`` of the proposal.
        at: The instant that is decided for.
    """
    ordered = sorted(waivers, key=lambda one: str(one.digest))
    denies: list[Deny] = []
    applied: dict[Digest, Waiver] = {}
    for one in found:
        by = next((w for w in ordered if w.applies(one, context, at)), None)
        if by is None:
            denies.append(one.deny)
        else:
            applied[by.digest] = by
    return Waived(tuple(denies), tuple(applied[d] for d in sorted(applied, key=str)))
