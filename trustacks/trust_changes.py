# SPDX-License-Identifier: Apache-2.0
"""The changes of trust that admins propose, each as the next policy and its event."""

from dataclasses import replace
from datetime import datetime

from bundle.gate.candidate import TRUSTED_ROOT_TARGET
from bundle.trust_authorities import drop_authority, pin_authorities, pin_whole
from bundle.trust_instances import (
    Custodies,
    Pinning,
    drop_instance,
)
from bundle.trust_rules import TrustRules
from keys.digest import Digest
from keys.public import PublicKey
from signer.attestation import parse_attestation
from signer.credential import KeyCredential
from signer.form import Custody
from signer.identity import Identity, IdentityTerms
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_RESUMED,
    IDENTITY_REVOKED,
    IDENTITY_ROTATED,
    IDENTITY_SUSPENDED,
    INSTANCES_CHANGED,
    RELEASE_KEY_CHANGED,
    RULES_CHANGED,
    SURVIVORS_CHANGED,
    TRUST_RENEWED,
    Change,
)
from signer.revocation import Revocation, Survivors
from signer.trust_policy import TrustPolicy
from trustacks.pinned import Pinned
from trustacks.possession import Proof
from trustacks.proposing import Wanted
from trustacks.trust_errors import NotSuspendedError


def registration(terms: IdentityTerms, proof: Proof) -> Wanted:
    """Register an identity whose proof was checked."""
    identity = Identity.of(terms, KeyCredential(proof.public_key))
    digest = parse_attestation(proof.attestation).digest
    change = Change(kind=IDENTITY_REGISTERED, identity=identity.id, proof=digest)
    return Wanted(change, lambda policy: _with(policy, identity), proof=proof)


def registration_of_subject(identity: Identity) -> Wanted:
    """Register an OIDC subject, on the admins' word alone: it has no key to prove."""
    change = Change(kind=IDENTITY_REGISTERED, identity=identity.id)
    return Wanted(change, lambda policy: _with(policy, identity))


def rotation(
    identity: Identity,
    proof: Proof | None,
    *,
    replaces: str,
    survivors: Survivors,
    at: datetime,
) -> Wanted:
    """Register an identity in the place of another, which ends.

    Args:
        identity: The successor; the same principal.
        proof: Possession of the successor's key; none of an OIDC subject.
        replaces: The id that ends.
        survivors: What of it stays valid.
        at: Now.
    """
    end = Revocation(replaces, at, f"rotated to {identity.id}", survivors)
    digest = parse_attestation(proof.attestation).digest if proof else None
    change = Change(
        kind=IDENTITY_ROTATED, identity=identity.id, proof=digest, replaces=replaces
    )
    return Wanted(
        change,
        # Ended first: one OIDC subject belongs to one identity at a time.
        lambda policy: _with(_ending(policy, end), identity),
        proof=proof,
    )


def revocation(
    identity_id: str,
    *,
    reason: str,
    survivors: Survivors,
    at: datetime,
    final: bool = True,
) -> Wanted:
    """End an identity, or suspend it; unknown ones are refused by the policy itself."""
    end = Revocation(identity_id, at, reason, survivors, final)
    kind = IDENTITY_REVOKED if final else IDENTITY_SUSPENDED
    change = Change(kind=kind, identity=identity_id)
    return Wanted(change, lambda policy: _ending(policy, end))


def survival(identity_id: str, *, reason: str, survivors: Survivors) -> Wanted:
    """Say anew what survives of an identity that has ended for good."""

    def changed(policy: TrustPolicy) -> TrustPolicy:
        end = policy.revocation(identity_id)
        if end is None:
            raise NotSuspendedError(f"expected an ended identity, got {identity_id}")
        return _ending(policy, replace(end, reason=reason, survivors=survivors))

    return Wanted(Change(kind=SURVIVORS_CHANGED, identity=identity_id), changed)


def resumption(identity_id: str) -> Wanted:
    """Lift a suspension."""

    def resume(policy: TrustPolicy) -> TrustPolicy:
        end = policy.revocation(identity_id)
        if end is None or end.final:
            raise NotSuspendedError(f"expected a suspended identity, got {identity_id}")
        return _without(policy, identity_id)

    return Wanted(Change(kind=IDENTITY_RESUMED, identity=identity_id), resume)


def rules_of_trust(rules: TrustRules) -> Wanted:
    """Move the floor, set thresholds and ages, withdraw waivers."""
    return Wanted(Change(kind=RULES_CHANGED), rules.applied)


def renewal() -> Wanted:
    """Keep trust as it is, for as long again as targets live."""
    return Wanted(Change(kind=TRUST_RENEWED), lambda policy: policy)


def another_release_key(key: PublicKey) -> Wanted:
    """Let another online key offer releases; what identities sign is as before."""
    change = Change(kind=RELEASE_KEY_CHANGED)
    return Wanted(change, lambda policy: policy, release_key=key)


def instance_pinned(
    pinned: Pinned,
    name: str,
    *,
    given: bytes,
    custodies: Custodies,
    tsa_custody: Custody | None = None,
) -> Wanted:
    """Pin a Sigstore instance as its TrustedRoot document has it.

    Raises:
        TrustacksError: As ``bundle.trust_authorities.pin_whole``.
    """
    made = pin_whole(
        pinned.trust.policy,
        pinned.trusted_root,
        name,
        given=given,
        custodies=custodies,
        tsa_custody=tsa_custody,
    )
    return _instances(made)


def instance_dropped(pinned: Pinned, name: str) -> Wanted:
    """Drop a Sigstore instance.

    Raises:
        UnknownInstanceError: It is not pinned, or an identity needs it.
    """
    made = drop_instance(pinned.trust.policy, pinned.trusted_root, name)
    return _instances(made)


def authorities_pinned(pinned: Pinned, *, given: bytes, custody: Custody) -> Wanted:
    """Trust the timestamp authorities of a TrustedRoot document.

    Raises:
        TrustacksError: As ``bundle.trust_authorities.pin_authorities``.
    """
    policy, root = pinned.trust.policy, pinned.trusted_root
    return _instances(pin_authorities(policy, root, given=given, custody=custody))


def authority_dropped(pinned: Pinned, authority: Digest) -> Wanted:
    """Trust an outside timestamp authority no longer.

    Raises:
        UnknownAuthorityError: It is none.
    """
    policy, root = pinned.trust.policy, pinned.trusted_root
    return _instances(drop_authority(policy, root, authority))


def _instances(made: Pinning) -> Wanted:
    def changed(policy: TrustPolicy) -> TrustPolicy:
        return replace(
            policy, instances=made.policy.instances, custody=made.policy.custody
        )

    files = {TRUSTED_ROOT_TARGET: made.trusted_root}
    return Wanted(Change(kind=INSTANCES_CHANGED), changed, files=files)


def _with(policy: TrustPolicy, identity: Identity) -> TrustPolicy:
    return replace(policy, identities=(*policy.identities, identity))


def _ending(policy: TrustPolicy, end: Revocation) -> TrustPolicy:
    others = _without(policy, end.identity)
    return replace(others, revocations=(*others.revocations, end))


def _without(policy: TrustPolicy, identity_id: str) -> TrustPolicy:
    ends = tuple(one for one in policy.revocations if one.identity != identity_id)
    return replace(policy, revocations=ends)
