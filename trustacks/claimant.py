# SPDX-License-Identifier: Apache-2.0
"""Signs in a workspace as the subject of an OIDC token, by an instance's certificate.

The certificate is taken first, and says who signs: the identity that the pinned trust
has for its subject, in the instance that certified (DESIGN T2). Whom it names is shown
before anything is signed. Where the Control Plane could not have had that certificate,
the minutes of it need a time from outside, so that the instance's timestamp authorities
are asked besides the workspace's (ADR 0040).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from signer.certificate.leaf import Leaf
from signer.identity import Identity
from signer.keyless.http import Http
from signer.keyless.signatory import CertifiedSigner
from signer.keyless.signing_config import Selection
from signer.keyless.witnesses import NotaryWitnesses
from signer.signed import Verifier
from signer.signers import Signer, certify, control_plane_certifies
from signer.trust import Trust
from trustacks.client import WorkspaceApi
from trustacks.notary import RemoteNotary


@dataclass
class Claimant:
    """A ``trustacks.signatory.Signatory`` by certificate.

    Attributes:
        signer: Who holds the certificate.
        authorities: Returns the instance's timestamp authorities.
        http: Asks them.
        say: Told whom a certificate names.
    """

    signer: CertifiedSigner
    authorities: Callable[[], Selection]
    http: Http
    say: Callable[[str], None]
    _shown: Leaf | None = field(default=None, init=False)

    def identity(self, trust: Trust) -> Identity:
        """Return whom the certificate speaks of.

        Raises:
            UnknownSignerError: Nobody who is registered.
            WrongInstanceError: No pinned instance answers for the certificate, or
                another than the identity's.
            TrustacksError: There is no certificate.
        """
        return self._signer(trust).identity

    def attest(self, statement: bytes, *, api: WorkspaceApi, trust: Trust) -> bytes:
        """Return the attestation of a statement, stamped and logged.

        Raises:
            TrustacksError: As ``identity``, or what a witness says.
        """
        outside = None
        if not control_plane_certifies(self._signer(trust), trust.policy):
            outside = self.authorities()
        witnesses = NotaryWitnesses(RemoteNotary(api), self.http, outside)
        return self.signer.sign_statement(statement, witnesses)

    def _signer(self, trust: Trust) -> Signer:
        leaf = self.signer.leaf
        certified = certify(leaf, trust)
        identity = trust.policy.identity_by_claim(
            certified.instance, leaf.issuer, (leaf.subject,), issued=leaf.not_before
        )
        signer = Signer(identity, Verifier(leaf.key, leaf.der), certified)
        if leaf != self._shown:
            self._shown = leaf
            self.say(f"as {signer.said}")
        return signer
