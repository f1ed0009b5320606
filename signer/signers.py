# SPDX-License-Identifier: Apache-2.0
"""Who signed an attestation: the registered identity that its key or claim belongs to.

A key belongs to an identity with that key, a certificate to one with that OIDC subject;
neither kind is looked for among the other. A claim counts in the one instance whose CA
certified it and whose log of certificates saw it (DESIGN T2); when the certificate was
valid is a question of time, which comes later.
"""

from dataclasses import dataclass

from keys.errors import TrustacksError
from signer.attestation import Attestation
from signer.certificate.errors import CertificateUntrustedError, UnknownCtLogError
from signer.certificate.issued import issuers_of
from signer.certificate.leaf import Leaf
from signer.certificate.sct import SeenIssued, verify_sct
from signer.errors import KeyReusedError, WrongInstanceError
from signer.form import Custody
from signer.identity import Identity
from signer.signed import Verifier
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import CertificateAuthority


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and who answers for it.

    Attributes:
        leaf: The certificate.
        instance: The name of the Sigstore instance that certified it.
        authorities: Whose key issued it; all of that instance.
        seen: What its log of certificates said.
    """

    leaf: Leaf
    instance: str
    authorities: tuple[CertificateAuthority, ...]
    seen: SeenIssued


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, and how that is checked.

    Attributes:
        identity: The registered identity.
        verifier: Its key, or the key of the certificate.
        certified: The certificate; none if it has a key.
    """

    identity: Identity
    verifier: Verifier
    certified: Certified | None = None

    @property
    def claim(self) -> dict[str, str] | None:
        """What the certificate claims, and who answers for it; none for a key."""
        if self.certified is None:
            return None
        leaf = self.certified.leaf
        return {
            "instance": self.certified.instance,
            "issuer": leaf.issuer,
            "subject": leaf.subject,
        }

    @property
    def said(self) -> str:
        """Who it is, for people."""
        who = f"{self.identity.id}, {self.identity.principal}"
        if self.certified is None:
            return who
        return f"{who}: {self.certified.leaf.subject} by {self.certified.instance}"


def find_signer(attestation: Attestation, trust: Trust) -> Signer:
    """Return who signed; that the signature holds is the caller's next question.

    Raises:
        UnknownSignerError: Nobody who is registered.
        WrongInstanceError: A certificate that no pinned instance answers for, or
            another than the identity's.
        KeyReusedError: A certificate of a key that has a purpose of its own.
        TrustacksError: A certificate timestamp that does not hold.
    """
    leaf = attestation.leaf
    if leaf is None:
        identity = trust.policy.identity_by_key(attestation.key_id)
        return Signer(identity, Verifier(identity.require_key()))
    certified = certify(leaf, trust)
    identity = trust.policy.identity_by_claim(
        certified.instance, leaf.issuer, (leaf.subject,), issued=leaf.not_before
    )
    return Signer(identity, Verifier(leaf.key, leaf.der), certified)


def control_plane_certifies(signer: Signer, policy: TrustPolicy) -> bool:
    """Return whether the Control Plane could have had a certificate for the identity.

    By a CA of its instance, or as its issuer, or because the identity is its own. That
    a log of certificates is the Control Plane's makes none.

    Raises:
        UnknownCustodyError: A part of the instance without a custody.
    """
    if signer.certified is None:
        return False
    table = policy.custody
    instance = policy.instances[signer.certified.instance]
    cas = instance.certificate_authorities
    found = {table.of_certificate_authority(one) for one in cas}
    found |= {signer.identity.custody, table.of_issuer(signer.certified.leaf.issuer)}
    return Custody.CONTROL_PLANE in found


def certify(leaf: Leaf, trust: Trust) -> Certified:
    """Return which instance answers for a certificate.

    Raises:
        TrustacksError: As ``find_signer``.

    Source: DESIGN T2: "only the CA and CT log of that instance may certify it; any
    other chain is `wrong-instance`".
    """
    _require_own_key(leaf, trust)
    authorities, name = _instance(leaf, trust)
    instance = trust.policy.instances[name]
    logs = [log for log in trust.trusted_root.ct_logs if log.log_id in instance.ct_logs]
    try:
        seen = verify_sct(leaf, authorities, logs)
    except UnknownCtLogError as error:
        raise _wrong(f"a log of certificates of {name}", error) from error
    return Certified(leaf, name, authorities, seen)


def _instance(leaf: Leaf, trust: Trust) -> tuple[tuple[CertificateAuthority, ...], str]:
    pinned = {
        digest
        for instance in trust.policy.instances.values()
        for digest in instance.certificate_authorities
    }
    candidates = [
        ca for ca in trust.trusted_root.certificate_authorities if ca.digest in pinned
    ]
    try:
        authorities = issuers_of(leaf, candidates)
    except CertificateUntrustedError as error:
        raise _wrong("the CA of a pinned Sigstore instance", error) from error
    names = {trust.policy.instance_of(ca.digest) for ca in authorities}
    # That a CA's key is one instance's is a law of Trust; here it would be a choice.
    if len(names) != 1:
        raise WrongInstanceError(
            f"expected the CA of one instance, got one of {', '.join(sorted(names))}"
        )
    return authorities, names.pop()


def _require_own_key(leaf: Leaf, trust: Trust) -> None:
    """DESIGN 9, Principals: "One key, one purpose"; also a key of minutes."""
    if leaf.key.key_id in trust.key_ids:
        raise KeyReusedError(
            "expected a certificate of a key of its own, got one of a key with "
            f"another purpose: {leaf.key.key_id[:16]}",
            key_id=leaf.key.key_id,
        )


def _wrong(expected: str, error: TrustacksError) -> WrongInstanceError:
    return WrongInstanceError(f"expected {expected}: {error.message}")
