# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a signer's certificate."""

from keys.errors import FormatError, VerificationError


class CertificateFormatError(FormatError):
    """Not an X.509 v3 certificate in DER that can be read in one way."""

    code = "certificate-format"


class CertificateProfileError(VerificationError):
    """A certificate that must not sign: no leaf, not for code, or no clear claim."""

    code = "certificate-profile"


class CertificateUntrustedError(VerificationError):
    """No certificate authority that is trusted issued it."""

    code = "certificate-untrusted"


class CertificateWindowError(VerificationError):
    """The certificate was not valid when it signed."""

    code = "certificate-window"


class AuthorityWindowError(VerificationError):
    """The certificate authority was not in use at a time that counts."""

    code = "ca-window"


class SctMissingError(VerificationError):
    """No signed certificate timestamp, or more than one."""

    code = "sct-missing"


class UnknownCtLogError(VerificationError):
    """A certificate transparency log that the trusted root does not name."""

    code = "unknown-ct-log"


class SctSignatureError(VerificationError):
    """The log of certificates did not sign for this certificate."""

    code = "sct-signature"


class CtLogWindowError(VerificationError):
    """The key of the log of certificates was not in use at a time that counts."""

    code = "ct-log-window"
