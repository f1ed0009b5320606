# SPDX-License-Identifier: Apache-2.0
"""One class and code for each way in which signing by services can fail.

Of each service: it is not there (``-unavailable``), it takes too long (``-slow``), it
says no (``-refused``), or it says something else (``-answer``).
"""

from typing import Final

from keys.errors import (
    ConfigurationError,
    FormatError,
    StateError,
    UnavailableError,
    UsageError,
    VerificationError,
)


class SigningConfigFormatError(FormatError):
    """Not a Sigstore SigningConfig v0.2."""

    code = "signing-config-format"


class SigningConfigUnsupportedError(ConfigurationError):
    """A SigningConfig that asks for what this version cannot do."""

    code = "signing-config-unsupported"


class NoServiceError(ConfigurationError):
    """A SigningConfig without a service that is needed, now, in a version we speak."""

    code = "no-signing-service"


class UnsafeServiceError(ConfigurationError):
    """The address of a service that a token or digest must not be sent to."""

    code = "unsafe-service-address"


class KeylessMissingError(UnavailableError):
    """The package ``sigstore`` is not installed."""

    code = "keyless-missing"


class KeylessLibraryError(UnavailableError):
    """The package ``sigstore`` failed in a way that it does not document."""

    code = "keyless-library"


class TokenFormatError(FormatError):
    """Not an OIDC identity token."""

    code = "oidc-token-format"


class TokenExpiredError(StateError):
    """An identity token that is not valid now."""

    code = "oidc-token-expired"


class TokenAudienceError(VerificationError):
    """An identity token that was made for somebody else to receive."""

    code = "oidc-token-audience"


class TokenIssuerError(VerificationError):
    """A token of an issuer that the instance does not speak for: it has no use there.

    Whoever got it could be its bearer at every instance that does.
    """

    code = "oidc-token-issuer"


class CertificateNotOursError(VerificationError):
    """A certificate for another key, or for another subject than the one before."""

    code = "certificate-not-ours"


class FileAmbiguousError(UsageError):
    """A file whose signature would be that of something else than a file."""

    code = "file-ambiguous"


class KeyOfWorkspaceError(UsageError):
    """A key with a purpose in a workspace, asked to sign outside of it."""

    code = "key-of-workspace"


class FulcioUnavailableError(UnavailableError):
    """The certificate authority does not answer."""

    code = "fulcio-unavailable"


class FulcioSlowError(UnavailableError):
    """The certificate authority does not answer in time."""

    code = "fulcio-slow"


class FulcioRefusedError(VerificationError):
    """The certificate authority refuses token or key."""

    code = "fulcio-refused"


class FulcioAnswerError(FormatError):
    """The certificate authority answers something that is no certificate."""

    code = "fulcio-answer"


class StampingUnavailableError(UnavailableError):
    """The timestamp authority does not answer."""

    code = "stamping-unavailable"


class StampingSlowError(UnavailableError):
    """The timestamp authority does not answer in time."""

    code = "stamping-slow"


class StampingRefusedError(VerificationError):
    """The timestamp authority refuses."""

    code = "stamping-refused"


class StampingAnswerError(FormatError):
    """The timestamp authority answers something that is no timestamp of this."""

    code = "stamping-answer"


class LoggingUnavailableError(UnavailableError):
    """The transparency log does not answer."""

    code = "logging-unavailable"


class LoggingSlowError(UnavailableError):
    """The transparency log does not answer in time."""

    code = "logging-slow"


class LoggingRefusedError(VerificationError):
    """The transparency log refuses the entry."""

    code = "logging-refused"


class LoggingAnswerError(FormatError):
    """The transparency log answers something that is no entry of this signature."""

    code = "logging-answer"


class IssuerUnavailableError(UnavailableError):
    """The OIDC issuer does not answer."""

    code = "issuer-unavailable"


class IssuerSlowError(UnavailableError):
    """The OIDC issuer does not answer in time."""

    code = "issuer-slow"


class IssuerRefusedError(VerificationError):
    """The OIDC issuer gives no token."""

    code = "issuer-refused"


class IssuerAnswerError(FormatError):
    """The OIDC issuer answers something that is no token."""

    code = "issuer-answer"


Refusals = tuple[
    type[UnavailableError],
    type[UnavailableError],
    type[VerificationError],
    type[FormatError],
]

# Of a service: not there, too slow, refuses, answers something else.
FULCIO: Final[Refusals] = (
    FulcioUnavailableError,
    FulcioSlowError,
    FulcioRefusedError,
    FulcioAnswerError,
)
STAMPING: Final[Refusals] = (
    StampingUnavailableError,
    StampingSlowError,
    StampingRefusedError,
    StampingAnswerError,
)
LOGGING: Final[Refusals] = (
    LoggingUnavailableError,
    LoggingSlowError,
    LoggingRefusedError,
    LoggingAnswerError,
)
ISSUER: Final[Refusals] = (
    IssuerUnavailableError,
    IssuerSlowError,
    IssuerRefusedError,
    IssuerAnswerError,
)
