# SPDX-License-Identifier: Apache-2.0
"""Who came when, and who let them in: identities through the trust events.

A registration is what the admins signed into a trust policy. What must stand beside
it, for a key that is in somebody's own hands, is that key's proof of possession, on
exactly these terms, logged before (DESIGN 9, T9).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bundle.audit.findings import Findings
from bundle.audit.statements import Said
from bundle.audit.trust import TrustHistory, TrustVersion
from keys.clock import format_instant
from keys.digest import Digest
from signer.errors import PossessionError
from signer.form import Custody
from signer.identity import Identity
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.trust_change import MADE_SOVEREIGN, WORKSPACE_CREATED


@dataclass(frozen=True, slots=True)
class Registration:
    """How an identity came to be trusted.

    Attributes:
        identity: As the admins signed it.
        targets_version: Since which targets.
        index: The leaf of the event; none if the event itself did not hold.
        at: When the timestamp authority saw the event.
        admin: The admin identity that signed the event.
        proof: The leaf of the proof of possession.
    """

    identity: Identity
    targets_version: int
    index: int
    at: datetime | None
    admin: str | None
    proof: int | None

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {
            "identity": self.identity.id,
            "principal": self.identity.principal,
            "custody": self.identity.custody.value,
            "permissions": sorted(self.identity.permissions),
            "targets_version": self.targets_version,
            "entry": self.index,
            "at": self.at and format_instant(self.at),
            "admin": self.admin,
            "proof_entry": self.proof,
        }


def open_registrations(
    history: TrustHistory, said: Iterable[Said], findings: Findings
) -> dict[str, Registration]:
    """Return the registration of every identity that was ever trusted, by id."""
    by_digest = {one.digest: one for one in said}
    by_index = {one.index: one for one in by_digest.values()}
    found: dict[str, Registration] = {}
    for version in history.versions:
        event = by_index.get(version.index)
        for identity in version.trust.policy.identities:
            if identity.id in found:
                continue
            proof = None
            with findings.at(f"identity {identity.id}"):
                proof = _open_proof(version, identity, by_digest)
            found[identity.id] = Registration(
                identity=identity,
                targets_version=version.version,
                index=version.index,
                at=event.time if event else None,
                admin=event.signer.id if event and event.signer else None,
                proof=proof,
            )
    return found


def _open_proof(
    version: TrustVersion, identity: Identity, by_digest: Mapping[Digest, Said]
) -> int | None:
    """Return the leaf of the proof of possession, where one is needed.

    Raises:
        PossessionError: None, or one of another key or on other terms.
    """
    change, key = version.event.change, identity.public_key
    custodial = identity.custody is Custody.CONTROL_PLANE
    # An OIDC subject has no key to prove: its issuer says who it is, each time.
    beginning = change.kind in (WORKSPACE_CREATED, MADE_SOVEREIGN)
    if beginning or custodial or key is None:
        return None
    proof = by_digest.get(change.proof) if change.proof else None
    if proof is None or not isinstance(proof.predicate, IdentityProofPredicate):
        raise PossessionError(
            "expected a proof that its holder has the key, got none that holds"
        )
    asked = (proof.key_id, proof.predicate.identity)
    if asked != (key.key_id, identity.terms):
        raise PossessionError(
            "expected a proof by the registered key on the registered terms, "
            "got another"
        )
    if proof.index > version.index:
        raise PossessionError(
            f"expected a proof before entry {version.index}, got it at {proof.index}"
        )
    return proof.index
