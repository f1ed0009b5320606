# SPDX-License-Identifier: Apache-2.0
"""Proof that somebody holds the key that they want to be registered with.

The challenge is the Control Plane's; everything else in the statement is the person's
own wish and the pinned workspace, so that nobody can be made to sign other terms
(DESIGN T9). The proof is stamped, but logged only with the registration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.signing import SigningKey
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.attestation import parse_attestation
from signer.identity import IdentityTerms
from signer.limits import MAX_ATTESTATION_BYTES
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.sign import attest_pending
from signer.statement import Subject, build_statement, parse_statement
from signer.verify import Trust, verify_possession
from trustacks.answers import bytes_of, text_of
from trustacks.client import WorkspaceApi
from trustacks.errors import PinChangedError
from trustacks.limits import MAX_PROOF_BYTES
from trustacks.notary import RemoteNotary

FORMAT: Final = "https://trustacks.com/formats/identity-proof/v1"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof of possession, and the key that it is about.

    Attributes:
        attestation: The statement, signed and stamped, not logged.
        public_key: The key.
    """

    attestation: bytes
    public_key: PublicKey

    @property
    def statement(self) -> bytes:
        """The bytes that were signed."""
        return parse_attestation(self.attestation).envelope.payload

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse what ``to_bytes`` wrote.

        Raises:
            FormatError: Something else.
        """
        fields = Fields(loads_json(data, max_bytes=MAX_PROOF_BYTES), "proof")
        fields.constant("format", FORMAT)
        text = fields.text("proof", max_chars=2 * MAX_ATTESTATION_BYTES)
        proof = cls(
            b64decode(text, what="proof"), PublicKey.from_pem(fields.text("public_key"))
        )
        fields.done()
        return proof

    def to_bytes(self) -> bytes:
        """Return the proof as a file."""
        return dumps_json({"format": FORMAT, **self.to_request()})

    def to_request(self) -> dict[str, str]:
        """Return the proof as the API takes it."""
        return {
            "proof": b64encode(self.attestation),
            "public_key": self.public_key.pem,
        }


def prove(
    terms: IdentityTerms,
    *,
    key: SigningKey,
    api: WorkspaceApi,
    workspace: Digest,
    show: Callable[[bytes], None],
) -> Proof:
    """Ask for a challenge and sign the proof.

    Args:
        terms: What to be registered as.
        key: The key to register.
        api: The workspace's API.
        workspace: SHA-256 of the genesis root, as the pin names it.
        show: Shown the statement before it is signed.

    Raises:
        PinChangedError: The Control Plane speaks for another workspace.
        ControlPlaneRefusalError: No challenge, or no timestamp, for this.
    """
    public = key.public_key
    wanted = {"identity": terms.to_json(), "public_key": public.pem}
    answer = api.post("/identity-challenges", wanted)
    said = text_of(answer, "workspace")
    if said != str(workspace):
        raise PinChangedError(f"expected a challenge of {workspace}, got one of {said}")
    predicate = IdentityProofPredicate(
        workspace=workspace,
        identity=terms,
        challenge=bytes_of(answer, "challenge"),
        expires=Fields(answer, "challenge").instant("expires"),
    )
    subject = Subject("public-key", Digest(public.key_id))
    statement = build_statement([subject], predicate)
    show(statement)
    made = attest_pending(statement, key=key, timestamp=RemoteNotary(api).timestamp)
    return Proof(made, public)


def check_proof(proof: Proof, *, trust: Trust, at: datetime) -> IdentityTerms:
    """Verify a proof against pinned trust; return the terms that it asks for.

    Whether the challenge was the Control Plane's own, and is used once, only the
    Control Plane can say.

    Raises:
        VerificationError: The proof does not hold.
        FormatError: It is not one.
    """
    statement = parse_statement(proof.statement)
    asked = IdentityProofPredicate.parse(statement.predicate)
    accepted = verify_possession(
        proof.attestation,
        public_key=proof.public_key,
        workspace=trust.workspace,
        trusted_root=trust.trusted_root,
        challenge=asked.challenge,
        at=at,
        pending=True,
    )
    return accepted.require().identity
