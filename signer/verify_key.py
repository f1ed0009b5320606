# SPDX-License-Identifier: Apache-2.0
"""Verify what one given key said: a proof of possession, and a publisher's layer.

No trust policy takes part: the caller brings the key. Both are pure, like their larger
sister ``signer.verify.verify_attestation``, and give a result for every input.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keys.clock import format_instant, require_utc
from keys.digest import Digest
from keys.public import PublicKey
from signer import evidence as judged
from signer import witnesses as seen
from signer.attestation import Attestation, parse_attestation
from signer.errors import (
    NotVerifiedError,
    PossessionError,
    SignerKindError,
    UnknownSignerError,
)
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.layer import LayerPredicate
from signer.result import VerificationResult
from signer.said import (
    require_payload_type,
    require_predicate_type,
    require_subjects,
    require_workspace,
)
from signer.signed import Verifier
from signer.statement import parse_statement
from signer.steps import StepRecorder
from signer.trusted_root import TrustedRoot

LAYER_STEPS: Final = (
    ("shape", "a Sigstore bundle v0.3 with one signature, within bounds"),
    ("signer", "the key is the publisher's"),
    ("signature", "the key signed this statement"),
    ("payload-type", "the payload is an in-toto statement"),
    ("statement", "the statement is well formed"),
    ("predicate-type", "it is about a layer"),
    ("predicate", "what it says is well formed"),
    ("subject", "it is about this archive"),
)

POSSESSION_STEPS: Final = (
    ("shape", "a Sigstore bundle v0.3 with one signature, within bounds"),
    ("signer", "the key is the one to register"),
    ("signature", "the key signed this statement"),
    ("time", "trusted authorities saw the signature"),
    ("past", "signed before the instant decided for"),
    ("log", "the log includes the signature"),
    ("payload-type", "the payload is an in-toto statement"),
    ("statement", "the statement is well formed"),
    ("predicate-type", "it is a proof of possession"),
    ("predicate", "what it says is well formed"),
    ("workspace", "it is bound to this workspace"),
    ("challenge", "it answers this challenge"),
    ("expiry", "it was signed in time"),
    ("subject", "it is about this key"),
)


@dataclass(frozen=True, slots=True)
class VerifiedLayer:
    """A result, and what the publisher said if it is accepted.

    Attributes:
        result: Every check.
        predicate: None unless every check passed.
    """

    result: VerificationResult
    predicate: LayerPredicate | None = None

    def __bool__(self) -> bool:
        return self.result.accepted

    def require(self) -> LayerPredicate:
        """Return what the publisher said.

        Raises:
            TrustacksError: The first refusal.
        """
        self.result.require()
        if self.predicate is None:
            raise NotVerifiedError("expected a layer's predicate, got none")
        return self.predicate


@dataclass(frozen=True, slots=True)
class Possession:
    """A result, and what the key asked for if it is accepted.

    Attributes:
        result: Every check.
        predicate: None unless every check passed; its terms are a wish.
    """

    result: VerificationResult
    predicate: IdentityProofPredicate | None = None

    def __bool__(self) -> bool:
        return self.result.accepted

    def require(self) -> IdentityProofPredicate:
        """Return what the key asked for.

        Raises:
            TrustacksError: The first refusal.
        """
        self.result.require()
        if self.predicate is None:
            raise NotVerifiedError("expected a proof's predicate, got none")
        return self.predicate


def verify_layer(raw: bytes, *, publisher: PublicKey, archive: bytes) -> VerifiedLayer:
    """Verify that a publisher vouches for a layer's archive.

    Bare keyed: admins pinned digest and publisher in the trust policy, so neither time
    nor log decides anything; the result has no instant.

    Args:
        raw: The attestation as it came.
        publisher: The key that admins pinned.
        archive: The bytes of the archive.
    """
    steps = StepRecorder(LAYER_STEPS)
    predicate = None
    with steps:
        with steps("shape"):
            attestation = parse_attestation(raw)
        with steps("signer"):
            _require_key(attestation, publisher)
        with steps("signature"):
            attestation.envelope.require_signed_by(publisher)
        with steps("payload-type"):
            require_payload_type(attestation.envelope)
        with steps("statement"):
            statement = parse_statement(attestation.envelope.payload)
        with steps("predicate-type"):
            require_predicate_type(statement, LayerPredicate.type)
        with steps("predicate") as note:
            predicate = LayerPredicate.parse(statement.predicate)
            note(f"{predicate.layer} {predicate.name} {predicate.version}")
        with steps("subject"):
            require_subjects(statement, [Digest.of(archive)])
    result = steps.result(subject=str(Digest.of(archive)), at=None)
    return VerifiedLayer(result, predicate if result else None)


def verify_possession(
    raw: bytes,
    *,
    public_key: PublicKey,
    workspace: Digest,
    trusted_root: TrustedRoot,
    challenge: bytes,
    at: datetime,
    pending: bool = False,
) -> Possession:
    """Verify that the holder of ``public_key`` asked to be registered, on which terms.

    Args:
        raw: The attestation as it came.
        public_key: The key to register.
        workspace: SHA-256 of the genesis root.
        trusted_root: The logs and timestamp authorities.
        challenge: The 32 bytes that were given out.
        at: The instant to decide for.
        pending: Whether it is about to be logged: then it must have no log entry.

    Raises:
        UsageError: ``at`` is not aware and UTC.
    """
    steps = StepRecorder(POSSESSION_STEPS)
    require_utc(at)
    predicate = None
    with steps:
        with steps("shape"):
            attestation = parse_attestation(raw)
        with steps("signer"):
            _require_key(attestation, public_key)
        with steps("signature"):
            attestation.envelope.require_signed_by(public_key)
        with steps("time"):
            times = seen.verify_times(attestation, trusted_root=trusted_root)
        stamps = [time.at for time in times]
        with steps("past"):
            judged.require_past(times, at=at)
        with steps("log"):
            seen.verify_entries(
                attestation,
                verifier=Verifier(public_key),
                trusted_root=trusted_root,
                instants=stamps,
                pending=pending,
            )
        with steps("payload-type"):
            require_payload_type(attestation.envelope)
        with steps("statement"):
            statement = parse_statement(attestation.envelope.payload)
        with steps("predicate-type"):
            require_predicate_type(statement, IdentityProofPredicate.type)
        with steps("predicate"):
            predicate = IdentityProofPredicate.parse(statement.predicate)
        with steps("workspace"):
            require_workspace(predicate.workspace, workspace)
        with steps("challenge"):
            _require_challenge(predicate, challenge)
        with steps("expiry"):
            # DESIGN T3: an earlier stamp does not make a late answer valid; years
            # later the answer is an old one, and only its stamp says when
            _require_in_time(predicate, [*stamps, at] if pending else stamps)
        with steps("subject"):
            require_subjects(statement, [Digest.of(public_key.spki)])
    result = steps.result(subject=str(Digest.of(public_key.spki)), at=at)
    return Possession(result, predicate if result else None)


def _require_key(attestation: Attestation, key: PublicKey) -> None:
    if attestation.leaf is not None:
        raise SignerKindError("expected a key, got a certificate")
    if attestation.key_id != key.key_id:
        raise UnknownSignerError(
            f"expected key {key.key_id[:16]}, got {attestation.key_id[:16]}",
            key_id=attestation.key_id,
        )


def _require_challenge(proof: IdentityProofPredicate, challenge: bytes) -> None:
    if proof.challenge != challenge:
        raise PossessionError("expected an answer to this challenge, got another")


def _require_in_time(
    proof: IdentityProofPredicate, instants: Sequence[datetime]
) -> None:
    if max(instants) > proof.expires:
        raise PossessionError(
            f"expected a proof by {format_instant(proof.expires)}, "
            f"got {format_instant(max(instants))}",
            hint="ask for a new challenge",
        )
