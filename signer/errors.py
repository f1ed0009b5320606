# SPDX-License-Identifier: Apache-2.0
"""One class and one stable code for each reason to refuse an attestation."""

from keys.errors import FormatError, UsageError, VerificationError


class EnvelopeFormatError(FormatError):
    """Not a DSSE envelope with exactly one signature."""

    code = "envelope-format"


class AttestationFormatError(FormatError):
    """Not a Sigstore bundle v0.3 of the shape that we accept."""

    code = "attestation-format"


class SigstoreBundleFormatError(FormatError):
    """Not a Sigstore bundle of version 0.1, 0.2 or 0.3."""

    code = "sigstore-bundle-format"


class StatementFormatError(FormatError):
    """Not an in-toto Statement v1 over SHA-256 digests."""

    code = "statement-format"


class PredicateFormatError(FormatError):
    """A predicate whose fields contradict each other or its type."""

    code = "predicate-format"


class SuiteNotPassedError(FormatError):
    """A rule attestation over a test run that did not pass."""

    code = "suite-not-passed"


class OwnPredicateError(UsageError):
    """A predicate type of this project, which its own commands sign."""

    code = "own-predicate"


class UnknownPredicateError(FormatError):
    """A predicate type that this version does not know."""

    code = "unknown-predicate"


class TrustedRootFormatError(FormatError):
    """Not a Sigstore TrustedRoot that can be used."""

    code = "trusted-root-format"


class UnsafeTrustPolicyError(VerificationError):
    """A trust policy that contradicts itself or grants what nobody can mean."""

    code = "unsafe-trust-policy"


class AdminNeedsKeyError(UnsafeTrustPolicyError):
    """An OIDC subject as an admin: root and targets are signed with keys."""

    code = "admin-needs-key"


class UnsafeSubjectError(UnsafeTrustPolicyError):
    """A subject of an OIDC identity that could be somebody else's too."""

    code = "unsafe-subject"


class UnsafeIssuerError(UnsafeTrustPolicyError):
    """An OIDC issuer that is not an https address and nothing more."""

    code = "unsafe-issuer"


class UnknownInstanceError(UnsafeTrustPolicyError):
    """An OIDC identity of a Sigstore instance that the trust policy does not pin."""

    code = "unknown-instance"


class UnknownAuthorityError(UnsafeTrustPolicyError):
    """A timestamp authority that is not trusted, or not for admins to drop."""

    code = "unknown-authority"


class ForeignIssuerError(UnsafeTrustPolicyError):
    """An OIDC issuer that its Sigstore instance may not speak for."""

    code = "foreign-issuer"


class ClaimReusedError(UnsafeTrustPolicyError):
    """One OIDC subject that two identities could have at one time."""

    code = "claim-reused"


class KeyReusedError(VerificationError):
    """One key found in two purposes."""

    code = "key-reused"


class WrongInstanceError(VerificationError):
    """A certificate of another Sigstore instance than the identity's."""

    code = "wrong-instance"


class CredentialKindError(VerificationError):
    """An identity with a key where one with an OIDC subject is needed, or reverse."""

    code = "credential-kind"


class UnknownSignerError(VerificationError):
    """The key is not that of a registered identity."""

    code = "unknown-signer"


class UnknownIdentityError(VerificationError):
    """No identity of that id in the trust policy."""

    code = "unknown-identity"


class RevokedError(VerificationError):
    """The identity was revoked, and this attestation does not survive it."""

    code = "revoked"


class SuspendedError(RevokedError):
    """The identity is suspended: until that is lifted, nothing it signed counts."""

    code = "suspended"


class NoTrustedTimeError(VerificationError):
    """No RFC 3161 token of an authority that is trusted."""

    code = "no-trusted-time"


class CertificateTimeError(VerificationError):
    """Nobody whose word counts says that a certificate was valid when it signed."""

    code = "certificate-time"


class UnknownLogError(VerificationError):
    """A log that the trusted root does not name."""

    code = "unknown-log"


class NotLoggedError(VerificationError):
    """No log entry where one is needed, or one where none may be."""

    code = "not-logged"


class LogWindowError(VerificationError):
    """The log's key was not in use at the time of the signature."""

    code = "log-window"


class FromTheFutureError(VerificationError):
    """Signed later than the instant that is decided for."""

    code = "from-the-future"


class OutsideWindowError(VerificationError):
    """The identity's window does not cover the time that counts."""

    code = "outside-window"


class PayloadTypeError(VerificationError):
    """The payload is not declared to be an in-toto statement."""

    code = "payload-type"


class PredicateTypeError(VerificationError):
    """Another predicate type than was asked for."""

    code = "predicate-type"


class WorkspaceMismatchError(VerificationError):
    """A statement for another workspace."""

    code = "workspace-mismatch"


class SignerMismatchError(VerificationError):
    """The statement names another identity than the one that signed it."""

    code = "signer-mismatch"


class NotPermittedError(VerificationError):
    """The identity may not sign this predicate type."""

    code = "signer-not-permitted"


class NamespaceError(VerificationError):
    """The identity may not sign for this rule namespace."""

    code = "namespace-not-permitted"


class CustodyError(VerificationError):
    """The Control Plane can cause a signature that must be out of its reach."""

    code = "custody"


class UnknownCustodyError(VerificationError):
    """A log, authority, CA, CT log or issuer whose custody no admin signed."""

    code = "custody-unknown"


class SubjectMismatchError(VerificationError):
    """The statement is not about the bytes that were asked for."""

    code = "subject-mismatch"


class SignerKindError(VerificationError):
    """Signed with a certificate where a key is asked for, or the reverse."""

    code = "signer-kind"


class IssuerMismatchError(VerificationError):
    """The certificate was given for a token of another issuer."""

    code = "issuer-mismatch"


class IdentityMismatchError(VerificationError):
    """The certificate speaks of somebody else."""

    code = "identity-mismatch"


class ArtifactMismatchError(VerificationError):
    """The bundle says that it is about other bytes."""

    code = "artifact-mismatch"


class TooFewLogsError(VerificationError):
    """Fewer distinct logs include the signature than are asked for."""

    code = "too-few-logs"


class TooFewAuthoritiesError(VerificationError):
    """Fewer distinct operators stamped the signature than are asked for."""

    code = "too-few-authorities"


class ArtifactNeededError(VerificationError):
    """The signer's key or log entry needs the bytes, and there is a digest only."""

    code = "artifact-needed"


class PossessionError(VerificationError):
    """A proof of possession for another key, challenge or time."""

    code = "possession"


class NotVerifiedError(VerificationError):
    """Refused without a failed check: something was not run."""

    code = "not-verified"
