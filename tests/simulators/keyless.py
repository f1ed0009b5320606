# SPDX-License-Identifier: Apache-2.0
"""A workspace with OIDC identities of two Sigstore instances, and who signs as them.

``KeylessWorkshop()`` is in good order: two instances of other people, and beside the
workspace's own timestamp authority one outside it. ``sign`` takes a certificate, signs,
stamps and logs as an honest client does; each part can be that of somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keys.digest import Digest
from signer.attestation import build_attestation, parse_attestation, with_entry
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.dsse import IN_TOTO, Envelope, pae
from signer.form import Custody, Form
from signer.identity import Identity
from signer.instances import SigstoreInstance
from signer.subject_pattern import SubjectPattern
from signer.tlog.entry import hashedrekord_body
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot, build_trusted_root
from tests.simulators.fulcio import CaTerms, SimulatedCtLog, SimulatedFulcio
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import (
    BEGIN,
    DAY,
    NOW,
    SimulatedAuthority,
    Workshop,
    person,
)

CI_ISSUER = "https://token.ci.example.com"
PEOPLE_ISSUER = "https://idp.example.com"
RELEASE = "https://ci.example.com/acme/overlay/.github/workflows/release.yml"
MAIN = f"{RELEASE}@refs/heads/main"


@dataclass(frozen=True)
class Leaf:
    """A signer's key for minutes, and its certificate."""

    key: MemoryKey
    certificate: bytes


def claimed(
    name: str,
    *permissions: str,
    subject: str = MAIN,
    instance: str = "public",
    issuer: str = CI_ISSUER,
    **terms: object,
) -> Identity:
    """Return an identity of an OIDC subject; one that begins with ^ is a pattern."""
    kind = SubjectPattern.anchored if subject[0] == "^" else SubjectPattern.exactly
    credential = OidcCredential(instance, issuer, kind(subject))
    registered = person(name, *permissions, **terms).identity
    return replace(registered, credential=credential)


class KeylessWorkshop(Workshop):
    """A workspace that trusts the instances ``public`` and ``private``.

    Attributes:
        instances: Their CAs by name; each has a log of certificates of its own.
        outside: A timestamp authority that the Control Plane cannot use.
        custodies: Of CAs, logs of certificates and issuers; external if not said.
        claims: Identities with OIDC subjects.
    """

    def __init__(self, *, form: Form = Form.SOVEREIGN) -> None:
        super().__init__(form=form)
        self.instances = {
            name: SimulatedFulcio(
                CaTerms(at=BEGIN - 40 * DAY),
                uri=f"https://fulcio.{name}.example.com",
                ct_log=SimulatedCtLog(f"https://ct.{name}.example.com"),
            )
            for name in ("public", "private")
        }
        self.outside = SimulatedAuthority("https://tsa.example.org/api/v1/timestamp")
        self.custodies: dict[str, Custody] = {}
        self.claims = [claimed("ci", "author", "release")]

    # ------------------------------------------------------------------ trust

    def policy(self, **changes: object) -> TrustPolicy:
        issuers = frozenset({CI_ISSUER, PEOPLE_ISSUER})
        instances = {
            name: SigstoreInstance(
                certificate_authorities=frozenset({fulcio.digest}),
                ct_logs=frozenset({fulcio.ct_log.log_id}),
                issuers=issuers,
            )
            for name, fulcio in self.instances.items()
        }
        given = {
            "identities": (*super().policy().identities, *self.claims),
            "instances": instances,
            "custody": self.custody_table(),
        }
        return super().policy(**given | changes)

    def custody_table(self) -> CustodyTable:
        fulcios = self.instances.items()
        by_name = {
            f"{kind} of {name}": Custody.EXTERNAL
            for name, _ in fulcios
            for kind in ("CA", "CT log")
        } | {CI_ISSUER: Custody.EXTERNAL, PEOPLE_ISSUER: Custody.EXTERNAL}
        by_name |= self.custodies
        return CustodyTable(
            {self.log.log_id: self.custody},
            {
                self.authority.digest: self.custody,
                self.outside.digest: Custody.EXTERNAL,
            },
            {one.digest: by_name[f"CA of {name}"] for name, one in fulcios},
            {one.ct_log.log_id: by_name[f"CT log of {name}"] for name, one in fulcios},
            {issuer: by_name[issuer] for issuer in (CI_ISSUER, PEOPLE_ISSUER)},
        )

    def trusted_root(self) -> TrustedRoot:
        since = BEGIN - 40 * DAY
        fulcios = self.instances.values()
        return TrustedRoot.parse(
            build_trusted_root(
                logs=[(f"https://{self.log.origin}", self.log.key.public_key, since)],
                authorities=[
                    (one.uri, one.chain, since)
                    for one in (self.authority, self.outside)
                ],
                certificate_authorities=[(f.uri, f.chain, since) for f in fulcios],
                ct_logs=[
                    (f.ct_log.base_url, f.ct_log.key.public_key, since) for f in fulcios
                ],
            )
        )

    # ------------------------------------------------------------------ signing

    def leaf(
        self,
        *,
        subject: str = MAIN,
        issuer: str = CI_ISSUER,
        instance: str = "public",
        at: datetime = NOW,
    ) -> Leaf:
        """Have an instance certify a new key."""
        key, fulcio = MemoryKey.ecdsa(), self.instances[instance]
        der = fulcio.certify(key, subject=subject, issuer=issuer, at=at)
        return Leaf(key, der)

    def sign(
        self,
        statement: bytes,
        leaf: Leaf | None = None,
        *,
        at: datetime = NOW,
        by: Sequence[SimulatedAuthority] | None = None,
        pending: bool = False,
        logged_as: bytes | None = None,
        payload_type: str = IN_TOTO,
    ) -> bytes:
        """Sign as a certificate's subject; stamped by both authorities, and logged.

        Args:
            statement: What is signed.
            leaf: Who signs; the registered workflow if nobody is said.
            at: What the authorities say.
            by: Which authorities.
            pending: Whether it is not logged yet.
            logged_as: The certificate in the log's leaf, if another.
            payload_type: Of the envelope.
        """
        leaf = leaf or self.leaf(at=at)
        signature = leaf.key.sign(pae(payload_type, statement))
        stamping = (self.authority, self.outside) if by is None else by
        raw = build_attestation(
            envelope=Envelope(payload_type, statement, "", signature),
            key=leaf.key.public_key,
            timestamps=[one.stamp(signature, at=at) for one in stamping],
            certificate=leaf.certificate,
        )
        if pending:
            return raw
        parsed = parse_attestation(raw)
        body = hashedrekord_body(
            digest=parsed.digest,
            signature=signature,
            key=leaf.key.public_key,
            certificate=leaf.certificate if logged_as is None else logged_as or None,
        )
        return with_entry(parsed, self.log.append(body))

    def digest_of(self, raw: bytes) -> Digest:
        """Return the name of an attestation."""
        return parse_attestation(raw).digest
