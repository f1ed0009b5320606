# SPDX-License-Identifier: Apache-2.0
"""What a move to the sovereign form means, in sentences that admins can sign.

Nothing of the embedded trust is taken as known: whoever stays is shown as added, like
every layer and part, and numbers as they differ from the defaults. Then who ends, what
survives them, where Runners begin, and which thresholds are other than before.
"""

from collections.abc import Iterator
from dataclasses import replace

from bundle.embedded import EmbeddedGround
from bundle.trust_diff import Difference, TrustSide, diff_numbers, diff_trust
from keys.digest import Digest
from signer.predicates.release import RetiredItem
from signer.trust_policy import TrustPolicy


def diff_move(ground: EmbeddedGround, new: TrustSide) -> tuple[Difference, ...]:
    """Return every sentence about the trust that follows an embedded one."""
    policy = new.policy
    ended = {end.identity for end in policy.revocations if end.final}
    stay = tuple(one for one in policy.identities if one.id not in ended)
    lasting = tuple(end for end in policy.revocations if not end.final)
    shown = replace(policy, identities=stay, revocations=lasting)
    first = diff_trust(None, replace(new, policy=shown))
    changed = diff_numbers(ground.trust.policy, policy)
    return (
        *first,
        *(one for one in changed if one not in first),
        *_floor(policy),
        *_ends(ground, policy),
    )


def _floor(policy: TrustPolicy) -> Iterator[Difference]:
    floor = policy.floor
    if floor is not None:
        says = f"revision {floor.revision}, release {floor.digest}, and all it lists"
        yield Difference("floor", says, "loosens")


def _ends(ground: EmbeddedGround, policy: TrustPolicy) -> Iterator[Difference]:
    for end in policy.revocations:
        what = f"identity {end.identity}"
        custody = policy.custody_of(policy.identity(end.identity))
        how = "ended" if end.final else "suspended as before"
        says = f"{how}, {custody} custody: {end.reason}"
        yield Difference(what, says, "tightens")
        for digest in sorted(end.survivors.attestations | end.survivors.releases):
            says = f"its {_said(ground, digest)} survives: {digest}"
            yield Difference(what, says, "loosens")


def _said(ground: EmbeddedGround, digest: Digest) -> str:
    head = ground.head
    if head is None or digest == head.digest:
        return "release"
    for item in head.release.listed:
        if digest == item.head:
            kind = "retirement of" if isinstance(item, RetiredItem) else "rule"
            return f"{kind} {item.rule_id}"
        if digest in item.approvals:
            return f"approval of {item.rule_id}"
    return "attestation"
