# SPDX-License-Identifier: Apache-2.0
"""Verify one attestation. Pure: bytes, trust and an instant in, a result out.

``verify_attestation`` is the reason for this project, so it is written to be audited:
its steps are numbered, each is one statement that can be deleted, and stands beside
the sentence that it enacts. ``deploy/mutate_verifier.py`` deletes each in turn; some
test in ``tests/attacks/`` goes red each time.

Not decided here: thresholds, chains, freshness and parents (``bundle.gate``), and
whether the trust policy is the admins' (``bundle.tuf.view``).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from keys.clock import format_instant, require_utc
from keys.digest import Digest
from signer import evidence as judged
from signer import witnesses as seen
from signer.attestation import Attestation, parse_attestation
from signer.errors import NotVerifiedError, PredicateTypeError
from signer.identity import Identity
from signer.predicates import parse_predicate
from signer.predicates.base import PERMISSION, Predicate
from signer.result import VerificationResult
from signer.said import (
    require_namespace,
    require_payload_type,
    require_predicate_type,
    require_signer,
    require_subjects,
    require_workspace,
)
from signer.signers import Signer, find_signer
from signer.statement import Statement, parse_statement
from signer.steps import StepRecorder
from signer.tlog.included import LoggedEntry
from signer.trust import Expected, Trust
from signer.verify_key import Possession, VerifiedLayer, verify_layer, verify_possession
from signer.witnesses import TrustedTime

__all__ = [
    "Evidence",
    "Expected",
    "Possession",
    "Trust",
    "Verified",
    "VerifiedLayer",
    "verify_attestation",
    "verify_layer",
    "verify_possession",
]

P = TypeVar("P", bound=Predicate)

STEPS: Final = (
    ("shape", "a Sigstore bundle v0.3 with one signature, within bounds"),
    ("signer", "the key, or the certificate's claim, is a registered identity's"),
    ("revocation", "the identity is not revoked"),
    ("signature", "the key signed this statement"),
    ("time", "trusted authorities saw the signature"),
    ("instants", "the instants that count are known"),
    ("past", "signed before the instant decided for"),
    ("authority-window", "the authorities were in use"),
    ("certificate", "a certificate was valid, and who answers for it in use"),
    ("log", "the log includes the signature"),
    ("window", "signed within the identity's window"),
    ("payload-type", "the payload is an in-toto statement"),
    ("statement", "the statement is well formed"),
    ("predicate-type", "it says what was asked for"),
    ("predicate", "what it says is well formed"),
    ("workspace", "it is bound to this workspace"),
    ("named-signer", "it names who signed it"),
    ("permission", "the identity may sign this"),
    ("namespace", "the identity may sign for these rules"),
    ("custody", "who could have caused it may, in this form of trust"),
    ("subject", "it is about these bytes"),
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an accepted attestation proves.

    Attributes:
        attestation: The attestation.
        statement: What was signed.
        predicate: The same, typed.
        signer: Who signed.
        times: When authorities saw the signature.
        logged: Where the log has it; none only if it was verified as pending.
    """

    attestation: Attestation
    statement: Statement
    predicate: Predicate
    signer: Signer
    times: tuple[TrustedTime, ...]
    logged: LoggedEntry | None

    @property
    def identity(self) -> Identity:
        """The identity that signed."""
        return self.signer.identity

    def said(self, kind: type[P]) -> P:
        """Return the predicate, which is of that class.

        Raises:
            PredicateTypeError: It is of another.
        """
        if not isinstance(self.predicate, kind):
            raise PredicateTypeError(
                f"expected {kind.__name__}, got {self.predicate.type}"
            )
        return self.predicate

    def facts(self) -> dict[str, Any]:
        """Return it as a result lists it."""
        logged = self.logged
        return {
            "statement": str(self.attestation.digest),
            "predicate_type": self.statement.predicate_type,
            "subjects": [str(digest) for digest in self.statement.digests],
            "identity": self.identity.id,
            "principal": self.identity.principal,
            "certificate": self.signer.claim,
            "times": [format_instant(time.at) for time in self.times],
            "log": None
            if logged is None
            else {"origin": logged.origin, "index": logged.index, "size": logged.size},
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """A result, and evidence if it is accepted.

    Attributes:
        result: Every check.
        evidence: None unless every check passed.
    """

    result: VerificationResult
    evidence: Evidence | None = None

    def __bool__(self) -> bool:
        return self.result.accepted

    def require(self) -> Evidence:
        """Return the evidence.

        Raises:
            TrustacksError: The first refusal.
        """
        self.result.require()
        if self.evidence is None:
            raise NotVerifiedError("expected evidence, got none")
        return self.evidence


def _facts(evidence: Evidence | None) -> dict[str, Any]:
    return {} if evidence is None else evidence.facts()


def verify_attestation(
    raw: bytes, *, trust: Trust, expected: Expected, at: datetime, pending: bool = False
) -> Verified:
    """Verify that a registered identity said what is expected, in force at ``at``.

    Args:
        raw: The attestation as it came; anything at all.
        trust: What admins signed.
        expected: What it is asked to be.
        at: The instant to decide for.
        pending: Whether it is about to be logged: then it must have no log entry.

    Returns:
        A result for every input, also for rubbish; evidence if it is accepted.

    Raises:
        UsageError: ``at`` is not aware and UTC.
    """
    steps = StepRecorder(STEPS)
    require_utc(at)
    subject, evidence, logged = Digest.of(raw), None, None
    with steps:
        # (1) DSSE 1.0.2 protocol.md: "Reject if decoding fails."
        with steps("shape"):
            attestation = parse_attestation(raw)
        subject = attestation.digest
        # (2) DSSE 1.0.2 protocol.md: the key id "MUST NOT be used for security
        # decisions; it may only be used to narrow the selection of possible keys";
        # DESIGN T2: a claim counts in the instance that certified it
        with steps("signer") as note:
            signer = find_signer(attestation, trust)
            note(signer.said)
        identity = signer.identity
        # (3) DESIGN T3: "A revocation [...] voids every attestation of the identity"
        with steps("revocation"):
            trust.require_not_revoked(identity, attestation)
        # (4) DSSE 1.0.2 protocol.md: "Verify SIGNATURE against PAE(UTF8(PAYLOAD_TYPE),
        # SERIALIZED_BODY). Reject if the verification fails."
        with steps("signature"):
            attestation.envelope.require_signed_by(signer.verifier.key)
        # (5) RFC 3161 §2.4.1: the imprint is "the hash of the datum to be
        # time-stamped", which is the signature
        with steps("time") as note:
            times = seen.verify_times(attestation, trusted_root=trust.trusted_root)
            note(", ".join(format_instant(time.at) for time in times))
        # (6) DESIGN T3: "windows are checked at a time of external custody, or else at
        # `at`"
        with steps("instants"):
            instants = judged.instants_that_count(
                times, custody=trust.policy.custody, at=at
            )
        # (7) DESIGN T3: a time "may make evidence invalid": nothing from the future
        with steps("past"):
            judged.require_past(times, at=at)
        # (8) protobuf-specs TrustedRoot, validFor: and not only at its own time
        with steps("authority-window"):
            judged.require_parts_in_use(times, instants)
        # (9) DESIGN T3: a time of control-plane custody may make evidence "invalid,
        # never valid", also the minutes of a certificate
        with steps("certificate"):
            judged.require_certificate(signer, times, instants, policy=trust.policy)
        # (10) RFC 6962 §2.1.1: the audit path leads to the root that the log signed;
        # DESIGN 3.7: the leaf's body is this signature's and no other's
        with steps("log"):
            logged = seen.verify_entries(
                attestation,
                verifier=signer.verifier,
                trusted_root=trust.trusted_root,
                instants=instants,
                pending=pending,
            )
        # (11) DESIGN T3: "[...] or window end voids every attestation of the identity,
        # except" what admins kept
        with steps("window"):
            judged.require_window(
                signer, instants, survives=trust.survives(identity, attestation)
            )
        statement, predicate = _check_word(
            steps, attestation, signer=signer, trust=trust, expected=expected
        )
        evidence = Evidence(attestation, statement, predicate, signer, times, logged)
    result = steps.result(subject=str(subject), at=at, facts=_facts(evidence))
    return Verified(result, evidence if result else None)


def _check_word(
    steps: StepRecorder,
    attestation: Attestation,
    *,
    signer: Signer,
    trust: Trust,
    expected: Expected,
) -> tuple[Statement, Predicate]:
    # (12) DSSE 1.0.2 protocol.md: "Reject if PAYLOAD_TYPE is not a supported type."
    with steps("payload-type"):
        require_payload_type(attestation.envelope)
    # (13) DSSE 1.0.2 protocol.md: "Parse SERIALIZED_BODY [...] Reject if the
    # parsing fails": the very bytes of step 4
    with steps("statement"):
        statement = parse_statement(attestation.envelope.payload)
    # (14) in-toto attestation v1 statement.md: "URI identifying the type of the
    # Predicate"
    with steps("predicate-type"):
        require_predicate_type(statement, expected.predicate_type)
    # (15) in-toto attestation v1 predicate.md: its fields are the type's
    with steps("predicate"):
        predicate = parse_predicate(statement)
    # (16) DESIGN T9: "Every predicate [...] binds `workspace`"
    with steps("workspace"):
        require_workspace(predicate.workspace, trust.workspace)
    # (17) DESIGN T1: what is said in a name is said by its holder; Principals: a
    # further signer signs "one identical statement", which names the first
    with steps("named-signer"):
        require_signer(predicate, signer.identity, expected.signer)
    # (18) DESIGN 8: "permissions of signing identities"
    with steps("permission"):
        signer.identity.require_permission(PERMISSION[statement.predicate_type])
    # (19) DESIGN 8: "each with rule namespaces"
    with steps("namespace"):
        require_namespace(predicate, signer.identity, expected.namespace)
    # (20) DESIGN T1: refused "where control-plane custody [...] holds author,
    # approve, retire, waive, lint or release"; a survivor counts because admins
    # signed its digest (T3), and for nothing that its identity holds
    with steps("custody"):
        trust.require_custody(signer.identity, attestation)
    # (21) in-toto attestation v1 statement.md: "Subject artifacts are matched
    # purely by digest"
    with steps("subject"):
        require_subjects(statement, expected.subjects)
    return statement, predicate
