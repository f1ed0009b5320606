# SPDX-License-Identifier: Apache-2.0
"""The changes of trust that admins propose, each as the next policy and its event."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.identity import Identity, IdentityTerms
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_REVOKED,
    Change,
)
from signer.revocation import Revocation
from signer.trust_policy import TrustPolicy
from trustacks.possession import Proof
from trustacks.proposing import Wanted


def registration(terms: IdentityTerms, proof: Proof) -> Wanted:
    """Register an identity whose proof was checked."""
    identity = Identity.of(terms, proof.public_key)

    def add(policy: TrustPolicy) -> TrustPolicy:
        return replace(policy, identities=(*policy.identities, identity))

    digest = parse_attestation(proof.attestation).digest
    change = Change(kind=IDENTITY_REGISTERED, identity=identity.id, proof=digest)
    return Wanted(change, add, proof=proof)


def revocation(
    identity_id: str,
    *,
    reason: str,
    survivors: Iterable[Digest],
    at: datetime,
) -> Wanted:
    """End an identity; unknown ones are refused by the policy itself."""
    end = Revocation(identity_id, at, reason, frozenset(survivors))

    def revoke(policy: TrustPolicy) -> TrustPolicy:
        return replace(policy, revocations=(*policy.revocations, end))

    return Wanted(Change(kind=IDENTITY_REVOKED, identity=identity_id), revoke)
