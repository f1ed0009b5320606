# SPDX-License-Identifier: Apache-2.0
"""The tree of errors. Each leaf has a stable ``code``; tests and tools use the code.

::

    TrustacksError            exit
    ├─ UsageError              2    the caller's mistake
    ├─ FormatError             1    bytes that are not what the format says
    ├─ VerificationError       1    well formed, not to be trusted
    ├─ RuleError               1    the policy author's work
    ├─ ActivationError         1    the Runner keeps its last known good
    ├─ AccessError             1    not who, or not allowed
    ├─ StateError              1    not there, or there already, or moved on
    ├─ KeyProviderError        3    a key that cannot be used
    ├─ StorageError            3    a disk or bucket that does not do its duty
    └─ UnavailableError        3    could not look: network, port, missing program

Branches live here; leaves live in the ``errors`` module of the package that raises
them. A message says *expected ... got ...* in that order; ``hint`` says what to do.
"""

from typing import Any, ClassVar


class TrustacksError(Exception):
    """Every refusal and failure that this project raises on purpose.

    Args:
        message: One line, lower case, no full stop: expected ..., got ...
        hint: What the reader can do next, or nothing.
        evidence: JSON-serialisable values that a program can use.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, hint: str | None = None, **evidence: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.evidence = evidence

    def to_json(self) -> dict[str, Any]:
        """Return the error as the API and ``--json`` show it."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "evidence": self.evidence,
        }


class UsageError(TrustacksError):
    """The caller's mistake."""

    code = "usage"
    exit_code = 2


class ConfigurationError(UsageError):
    """A setting that is missing or contradicts another."""

    code = "configuration"


class KeyUriError(UsageError):
    """A key URI of an unknown scheme, or not of its scheme's form."""

    code = "key-uri"


class UnsafeConfigurationError(UsageError):
    """A configuration that would be unsafe; it cannot be built."""

    code = "unsafe-configuration"


class FormatError(TrustacksError):
    """Bytes that are not what their format says."""

    code = "format"


class JsonFormatError(FormatError):
    """Not strict JSON: syntax, duplicate key, NaN, float, depth or encoding."""

    code = "json-format"


class Base64FormatError(FormatError):
    """Not canonical base64."""

    code = "base64-format"


class FieldFormatError(FormatError):
    """A document with a missing, unknown or ill-typed field."""

    code = "field-format"


class LimitExceededError(FormatError):
    """Larger, deeper or more than a bound of this project allows."""

    code = "limit-exceeded"


class KeyFormatError(FormatError):
    """A public key of a kind, curve or size that is not accepted."""

    code = "key-format"


class VerificationError(TrustacksError):
    """Well formed, and not to be trusted."""

    code = "verification"


class SignatureInvalidError(VerificationError):
    """The signature does not verify with the key."""

    code = "signature-invalid"


class RuleError(TrustacksError):
    """The policy author's work needs a change."""

    code = "rule"


class ActivationError(TrustacksError):
    """A release that was not activated; the last known good stays."""

    code = "activation"


class AccessError(TrustacksError):
    """Not who they say, or not allowed."""

    code = "access"


class StateError(TrustacksError):
    """Not there, there already, or moved on."""

    code = "state"


class NotFoundError(StateError):
    """No such thing."""

    code = "not-found"


class ConflictError(StateError):
    """There is one already, or it changed meanwhile."""

    code = "conflict"


class KeyProviderError(TrustacksError):
    """A private key that cannot be used."""

    code = "key-provider"
    exit_code = 3


class KeyAccessDeniedError(KeyProviderError):
    """Wrong passphrase or PIN, or no permission."""

    code = "key-access-denied"


class KeyNotFoundError(KeyProviderError):
    """No such key, or more than one."""

    code = "key-not-found"


class KeyDisabledError(KeyProviderError):
    """The key is there and may not sign: disabled, to be deleted, of another use."""

    code = "key-disabled"


class KeyMismatchError(KeyProviderError):
    """Another key than the registered one, or a signature that is not its own."""

    code = "key-mismatch"


class KeyUnavailableError(KeyProviderError):
    """The provider does not answer, or cannot now."""

    code = "key-unavailable"


class KeyTimeoutError(KeyUnavailableError):
    """The provider did not answer in time; what it answers later is not used."""

    code = "key-timeout"


class KeyAnswerError(KeyProviderError):
    """The provider's answer is not what its interface says."""

    code = "key-answer"


class KeyProviderMissingError(KeyProviderError):
    """A library or module that the provider needs is not installed."""

    code = "key-provider-missing"


class StorageError(TrustacksError):
    """A disk or bucket that does not do its duty."""

    code = "storage"
    exit_code = 3


class StorageUnavailableError(StorageError):
    """A write or read that failed; nothing half-written was left."""

    code = "storage-unavailable"


class WriteConflictError(StorageError):
    """An immutable object exists with other bytes, or a compare-and-swap lost."""

    code = "write-conflict"


class BusyError(StorageError):
    """Another process holds the lock."""

    code = "busy"


class UnavailableError(TrustacksError):
    """Could not look: network, port or program."""

    code = "unavailable"
    exit_code = 3
