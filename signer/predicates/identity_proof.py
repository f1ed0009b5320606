# SPDX-License-Identifier: Apache-2.0
"""``identity-proof/v1``: who holds a key asks for exactly these terms.

Proof of possession is a statement of its own type, never a bare nonce: nobody can be
made to sign a release by a challenge that looks like one (DESIGN T9). The subject is
the key, by the SHA-256 of its SubjectPublicKeyInfo.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.strict import b64encode
from signer.identity import IdentityTerms
from signer.predicates.base import IDENTITY_PROOF
from signer.predicates.parts import must

# Bytes. As many as a SHA-256 digest: nobody meets one twice.
CHALLENGE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProofPredicate:
    """A key's own word that it wants to be registered.

    Attributes:
        workspace: SHA-256 of the genesis root.
        identity: The terms asked for, without the key.
        challenge: 32 bytes that the Control Plane chose.
        expires: When the challenge ends.
    """

    type: ClassVar[str] = IDENTITY_PROOF
    workspace: Digest
    identity: IdentityTerms
    challenge: bytes
    expires: datetime

    def __post_init__(self) -> None:
        must(len(self.challenge) == CHALLENGE_BYTES, f"{CHALLENGE_BYTES} random bytes")

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape.
            UnsafeTrustPolicyError: Terms that nobody can mean.
        """
        fields = Fields(predicate, "identity-proof")
        parsed = cls(
            workspace=fields.digest("workspace"),
            identity=IdentityTerms.parse(fields.object("identity")),
            challenge=fields.base64("challenge", max_bytes=CHALLENGE_BYTES),
            expires=fields.instant("expires"),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "identity": self.identity.to_json(),
            "challenge": b64encode(self.challenge),
            "expires": format_instant(self.expires),
        }
