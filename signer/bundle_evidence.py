# SPDX-License-Identifier: Apache-2.0
"""What ``verify_bundle`` answers: a result, and what an accepted bundle proves."""

from dataclasses import dataclass
from typing import Any

from keys.clock import format_instant
from signer.certificate.leaf import Leaf
from signer.errors import NotVerifiedError
from signer.result import VerificationResult
from signer.signed import Verifier
from signer.sigstore_bundle import SigstoreBundle
from signer.tlog.included import LoggedEntry
from signer.witnesses import TrustedTime


@dataclass(frozen=True, slots=True)
class BundleEvidence:
    """What an accepted bundle proves.

    Attributes:
        bundle: The bundle.
        verifier: Whose signature it is.
        leaf: The certificate; none if a key was asked for.
        times: When witnesses saw the signature.
        logged: Where logs have it.
    """

    bundle: SigstoreBundle
    verifier: Verifier
    leaf: Leaf | None
    times: tuple[TrustedTime, ...]
    logged: tuple[LoggedEntry, ...]

    def facts(self) -> dict[str, Any]:
        """Return it as a result lists it; only what somebody trusted signed."""
        leaf = self.leaf
        return {
            "key_id": self.verifier.key.key_id,
            "issuer": leaf.issuer if leaf else None,
            "subject": leaf.subject if leaf else None,
            "times": [format_instant(time.at) for time in self.times],
            "logs": [
                {"origin": entry.origin, "index": entry.index, "size": entry.size}
                for entry in self.logged
            ],
        }


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A result, and evidence if it is accepted.

    Attributes:
        result: Every check; its instant is none, for no time of the caller's decides.
        evidence: None unless every check passed.
    """

    result: VerificationResult
    evidence: BundleEvidence | None = None

    def __bool__(self) -> bool:
        return self.result.accepted

    def require(self) -> BundleEvidence:
        """Return the evidence.

        Raises:
            TrustacksError: The first refusal.
        """
        self.result.require()
        if self.evidence is None:
            raise NotVerifiedError("expected evidence, got none")
        return self.evidence
