# SPDX-License-Identifier: Apache-2.0
"""Which identity an OIDC subject belongs to, and when.

A key belongs to one identity for ever. A subject cannot: people keep their address
when their identity is renewed, or comes back after a theft. So a subject belongs to
one identity *at a time*, which the constructor of the trust policy decides, and a
certificate to the identity whose time it was issued in. No later identity inherits
what an earlier one signed, or what a thief signed in its name.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.errors import (
    ClaimReusedError,
    UnknownSignerError,
    UnsafeTrustPolicyError,
    WrongInstanceError,
)
from signer.form import Custody
from signer.identity import Identity
from signer.instances import (
    Instances,
    control_plane_parts,
    require_of_instance,
)
from signer.limits import MAX_PATTERNS
from signer.revocation import Revocation

Ends = Mapping[str, Revocation]


def holds_until(identity: Identity, ends: Ends) -> datetime:
    """Return when an identity's hold on its subject ends.

    A suspension may be lifted, so it ends nothing.
    """
    if not _is_over(identity, ends):
        return identity.not_after
    return min(identity.not_after, ends[identity.id].revoked_at)


def require_distinct_claims(
    identities: Sequence[Identity], ends: Ends, instances: Instances
) -> None:
    """Refuse two identities that one certificate could speak for, or one that none can.

    Raises:
        UnknownInstanceError: Nobody pinned the instance of one that is not revoked.
        ForeignIssuerError: The instance of such a one may not speak for its issuer.
        ClaimReusedError: Two have one subject at one time.
        UnsafeTrustPolicyError: More patterns than can be compared.
    """
    held = [(one, said) for one in identities for said in _claim(one)]
    for one, said in held:
        if not _is_over(one, ends):
            require_of_instance(said, instances)
    patterns = [pair for pair in held if pair[1].subject.is_pattern]
    if len(patterns) > MAX_PATTERNS:
        raise UnsafeTrustPolicyError(
            f"trust policy: expected at most {MAX_PATTERNS} subject patterns, "
            f"got {len(patterns)}"
        )
    for (one, mine), (other, theirs) in _pairs(held, patterns):
        if mine.overlaps(theirs) and _at_one_time(one, other, ends):
            raise ClaimReusedError(
                f"expected a subject of its own for {other.id}, got one that "
                f"{one.id} has at the same time",
                hint=f"end {one.id} in the same change: trustacks identity rotate",
                identity=other.id,
            )


def holder_of(
    identities: Sequence[Identity],
    ends: Ends,
    claim: tuple[str, str, Sequence[str]],
    *,
    issued: datetime,
) -> Identity:
    """Return the identity that a certificate speaks for, ended or not.

    Args:
        identities: Those of the trust policy.
        ends: Revocations by identity.
        claim: The instance, the issuer, and every subject of the certificate.
        issued: When the certificate was.

    Raises:
        WrongInstanceError: The subject is registered with another instance only.
        UnknownSignerError: It is not registered.
    """
    instance, issuer, subjects = claim
    meant = [
        (one, said)
        for one in identities
        for said in _claim(one)
        if said.matches(issuer, subjects)
    ]
    here = [one for one, said in meant if said.instance == instance]
    if here:
        return max(here, key=lambda one: _nearness(one, ends, issued))
    if meant:
        raise WrongInstanceError(
            f"expected a certificate of {meant[0][1].instance}, got one of {instance}",
            identity=meant[0][0].id,
        )
    raise UnknownSignerError(
        f"expected a registered subject of {issuer}, got {', '.join(subjects)[:256]}",
        hint="an admin registers it: trustacks identity register --oidc-subject",
    )


def custody_of(
    identity: Identity, instances: Instances, table: CustodyTable
) -> Custody:
    """Return who can cause an identity's signature, directly or through others.

    Raises:
        UnknownCustodyError: A part of its instance has no custody.
    """
    reached = any(control_plane_ways(identity, instances, table))
    return Custody.CONTROL_PLANE if reached else Custody.EXTERNAL


def control_plane_ways(
    identity: Identity, instances: Instances, table: CustodyTable
) -> Iterator[str]:
    """Yield how the Control Plane can cause an identity's signature, in words.

    Which of an instance's CAs certified is the thief's choice, so that each counts. Of
    an instance that is pinned no more, none does.

    Raises:
        UnknownCustodyError: A part of its instance has no custody.

    Source: DESIGN T1: "direct or through CA or issuer".
    """
    if identity.custody is Custody.CONTROL_PLANE:
        yield "its own custody"
    for claim in _claim(identity):
        if claim.instance in instances:
            instance = instances[claim.instance]
            yield from control_plane_parts(instance, table)
            if table.of_issuer(claim.issuer) is Custody.CONTROL_PLANE:
                yield f"issuer {claim.issuer}"


def _claim(identity: Identity) -> Iterator[OidcCredential]:
    if isinstance(identity.credential, OidcCredential):
        yield identity.credential


def _is_over(identity: Identity, ends: Ends) -> bool:
    return identity.id in ends and ends[identity.id].final


_Held = tuple[Identity, OidcCredential]


def _pairs(
    held: Sequence[_Held], patterns: Sequence[_Held]
) -> Iterator[tuple[_Held, _Held]]:
    """Pairs that may overlap: of one exact subject, and with each pattern."""
    by_text: dict[str, list[_Held]] = {}
    for pair in held:
        by_text.setdefault(pair[1].subject.text, []).append(pair)
    for same in by_text.values():
        yield from combinations(same, 2)
    for pattern in patterns:
        yield from ((one, pattern) for one in held if one is not pattern)


def _at_one_time(one: Identity, other: Identity, ends: Ends) -> bool:
    # In the second in which one ends and the other begins, the other holds it.
    return one.not_before < holds_until(other, ends) and (
        other.not_before < holds_until(one, ends)
    )


def _nearness(
    identity: Identity, ends: Ends, issued: datetime
) -> tuple[bool, bool, datetime]:
    """Prefer the holder at that time, then the last before it, whom it then refuses."""
    begun = identity.not_before <= issued
    holds = begun and issued <= holds_until(identity, ends)
    return holds, begun, identity.not_before
