# SPDX-License-Identifier: Apache-2.0
"""Which waivers a release may list: of a pack's rule, by two, and not withdrawn.

A release that lists another one is refused: whoever publishes leaves it out. Once it is
active, what becomes of a waiver later takes the waiver away and nothing else: fewer
exceptions are more denies (``standing_waivers``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bundle.gate.errors import (
    WaiverNotAllowedError,
    WaiverPackError,
    WaiverUnapprovedError,
    WaiverWithdrawnError,
)
from bundle.layers import Layer
from bundle.rule import RESERVED_NAMESPACES
from bundle.waivers import Waiver
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.waiver import WaiverPredicate
from signer.result import Check, Status
from signer.said import require_subjects
from signer.trust import Expected, Trust
from signer.trust_policy import TrustPolicy
from signer.verify import verify_attestation


def verify_waiver(
    raw: bytes, further: Sequence[bytes], *, trust: Trust, at: datetime
) -> tuple[Waiver, tuple[Identity, ...]]:
    """Verify a waiver, and return it with who signed it, who asked for it first.

    Args:
        raw: The attestation of whoever asks.
        further: Further signatures of its statement.
        trust: The trust.
        at: The instant that is decided for.

    Raises:
        WaiverUnapprovedError: Only one principal signed it.
        TrustacksError: The first check that one of the signatures fails.
    """
    claimed = Expected.as_claimed(parse_attestation(raw))
    expected = Expected(WaiverPredicate.type, claimed.subjects)
    said = verify_attestation(raw, trust=trust, expected=expected, at=at).require()
    waiver = Waiver(said.attestation.digest, said.said(WaiverPredicate))
    require_subjects(said.statement, (waiver.said.pack.digest,))
    expected = replace(expected, signer=said.identity.id)
    others = [
        verify_attestation(one, trust=trust, expected=expected, at=at).require()
        for one in further
    ]
    signers = (said.identity, *(one.identity for one in others))
    _check_two(waiver, signers)
    return waiver, signers


def verify_waivers(
    listed: Iterable[Digest],
    attestations: Mapping[Digest, bytes],
    cosigned: Mapping[Digest, tuple[bytes, ...]],
    *,
    trust: Trust,
    at: datetime,
) -> tuple[tuple[Waiver, ...], list[Check]]:
    """Verify the waivers that a release lists, in its order.

    Raises:
        TrustacksError: The first that does not hold, by the first check that it fails.
    """
    found, checks = [], []
    for digest in listed:
        waiver, signers = verify_waiver(
            attestations[digest], cosigned.get(digest, ()), trust=trust, at=at
        )
        found.append(waiver)
        checks.append(_passed(waiver, signers))
    return tuple(found), checks


def check_waivable(
    waivers: Iterable[Waiver], packs: Iterable[Layer], policy: TrustPolicy
) -> None:
    """Refuse a waiver of what may not be waived, or that was withdrawn.

    Raises:
        WaiverWithdrawnError: Admins withdrew it.
        WaiverPackError: It is of a pack that is not pinned, or of other bytes of it.
        WaiverNotAllowedError: Of a constitution's rule, or one that its pack keeps.
    """
    by_name = {pack.name: pack for pack in packs}
    for waiver in waivers:
        _check_not_withdrawn(waiver, policy)
        said = waiver.said
        pack = by_name.get(said.pack.name)
        if pack is None or pack.digest != said.pack.digest:
            raise WaiverPackError(
                f"waiver of {said.rule_id}: expected pack {said.pack.name} as pinned, "
                f"{pack.digest if pack else 'which is none'}, got {said.pack.digest}",
                hint="have it signed again for the pack of now: trustacks waiver sign",
            )
        _check_allowed(waiver, pack)


def standing_waivers(
    waivers: Iterable[Waiver],
    attestations: Mapping[Digest, bytes],
    cosigned: Mapping[Digest, tuple[bytes, ...]],
    *,
    trust: Trust,
    at: datetime,
) -> tuple[Waiver, ...]:
    """Return those waivers of a verified release that still count under a newer trust.

    One that was withdrawn, or whose signers are trusted no more, is left out.
    """
    kept = []
    for waiver in waivers:
        try:
            _check_not_withdrawn(waiver, trust.policy)
            raw, further = attestations[waiver.digest], cosigned.get(waiver.digest, ())
            verify_waiver(raw, further, trust=trust, at=at)
        except TrustacksError:
            continue
        kept.append(waiver)
    return tuple(kept)


def _check_two(waiver: Waiver, signers: Sequence[Identity]) -> None:
    principals = {one.principal for one in signers}
    if len(principals) < 2:  # noqa: PLR2004 - whoever asks, and whoever approves
        raise WaiverUnapprovedError(
            f"waiver of {waiver.said.rule_id}: expected two principals, who asks and "
            f"who approves, got {', '.join(sorted(principals))}",
            hint="somebody else who may waive: trustacks waiver approve",
        )


def _check_not_withdrawn(waiver: Waiver, policy: TrustPolicy) -> None:
    if waiver.digest in policy.withdrawn_waivers:
        raise WaiverWithdrawnError(
            f"expected a waiver that admins did not withdraw, got {waiver.digest}"
        )


def _check_allowed(waiver: Waiver, pack: Layer) -> None:
    rule_id = waiver.said.rule_id
    if rule_id.partition(".")[0] in RESERVED_NAMESPACES:
        raise WaiverNotAllowedError(
            f"expected a rule of a pack, got {rule_id} of a namespace that is reserved",
            hint="no rule of a constitution can be waived",
        )
    if rule_id in pack.not_waivable:
        raise WaiverNotAllowedError(
            f"expected a rule that pack {pack.name} lets be waived, got {rule_id}"
        )


def _passed(waiver: Waiver, signers: Sequence[Identity]) -> Check:
    by = ", ".join(f"{one.id} ({one.principal})" for one in signers)
    said = waiver.said.to_json()
    detail = f"until {said['expires']}, signed by {by}"
    title = f"waiver of {waiver.said.rule_id}"
    return Check(f"waiver:{waiver.digest}", title, Status.PASSED, detail=detail)
