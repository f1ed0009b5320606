# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a timestamp."""

from keys.errors import FormatError, VerificationError


class TimestampFormatError(FormatError):
    """Not an RFC 3161 message in DER, or of a shape that is not accepted."""

    code = "timestamp-format"


class TimestampRejectedError(VerificationError):
    """The authority answered, and did not grant a timestamp."""

    code = "timestamp-rejected"


class TimestampNonceError(VerificationError):
    """The answer to another request: a replay, or a mix-up."""

    code = "timestamp-nonce"


class TimestampAlgorithmError(VerificationError):
    """A hash or signature algorithm that is not accepted."""

    code = "timestamp-algorithm"


class TimestampContentError(VerificationError):
    """The signed attributes speak of another content than the token carries."""

    code = "timestamp-content"


class WrongAuthorityError(VerificationError):
    """A token of another authority than the trusted one."""

    code = "timestamp-wrong-authority"


class TimestampSignatureError(VerificationError):
    """The authority's key did not sign this token."""

    code = "timestamp-signature"


class TimestampMismatchError(VerificationError):
    """A timestamp of other bytes than the signature."""

    code = "timestamp-mismatch"


class TimestampWindowError(VerificationError):
    """A time at which the authority, or a certificate of its chain, was not valid."""

    code = "timestamp-window"


class AuthorityCertificateError(VerificationError):
    """A chain of certificates that must not issue timestamps."""

    code = "timestamp-certificate"
