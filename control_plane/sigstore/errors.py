# SPDX-License-Identifier: Apache-2.0
"""What the embedded Sigstore instance refuses.

``oauth`` is the word of RFC 6749 §5.2 or RFC 8628 §3.5 that a client of the token
endpoint reads; ``code`` is ours.
"""

from typing import ClassVar

from control_plane.errors import NotAuthenticatedError
from keys.errors import AccessError, ConflictError, FormatError, VerificationError


class LoginError(AccessError):
    """A login that cannot go on."""

    code = "login"
    oauth: ClassVar[str] = "invalid_request"


class LoginRequestError(LoginError):
    """A parameter of a login that is missing, twice, or not of its form."""

    code = "login-request"


class ClientUnknownError(LoginError):
    """Not the one client that there is."""

    code = "login-client"
    oauth = "invalid_client"


class RedirectUnsafeError(LoginError):
    """A redirect to anywhere but this machine."""

    code = "login-redirect"


class GrantTypeError(LoginError):
    """Another way to a token than those that there are."""

    code = "login-grant-type"
    oauth = "unsupported_grant_type"


class GrantUnknownError(LoginError):
    """A code that was never given, was used, or has run out."""

    code = "login-code"
    oauth = "invalid_grant"


class GrantMismatchError(LoginError):
    """A code that was given for another redirect."""

    code = "login-code-redirect"
    oauth = "invalid_grant"


class PkceMismatchError(LoginError):
    """A code of somebody else: the verifier is not that of its challenge."""

    code = "login-pkce"
    oauth = "invalid_grant"


class DevicePendingError(LoginError):
    """Nobody has logged in on the other device yet."""

    code = "login-pending"
    oauth = "authorization_pending"


class DeviceSlowDownError(LoginError):
    """A device that asks more often than it was told to."""

    code = "login-slow-down"
    oauth = "slow_down"


class DeviceExpiredError(LoginError):
    """A device code that was never given, was used, or has run out."""

    code = "login-device"
    oauth = "expired_token"


class TooManyLoginsError(ConflictError):
    """More open logins than the server keeps."""

    code = "too-many-logins"
    oauth: ClassVar[str] = "temporarily_unavailable"


class AccountNameError(LoginError):
    """A token of somebody whose name cannot be an address."""

    code = "account-name"
    oauth = "access_denied"


class IdentityTokenError(NotAuthenticatedError):
    """Not an identity token of this issuer, for this audience."""

    code = "identity-token"


class IdentityTokenExpiredError(IdentityTokenError):
    """It was one, at another time."""

    code = "identity-token-expired"


class CertificateRequestError(FormatError):
    """Not a request for a certificate."""

    code = "certificate-request"


class PossessionError(VerificationError):
    """Whoever asks does not show that they hold the private key."""

    code = "certificate-possession"


class EntryRequestError(FormatError):
    """Not a request for a log entry, or of a kind that this log does not take."""

    code = "entry-request"


class EntrySignatureError(VerificationError):
    """The signature of an entry does not verify with its key."""

    code = "entry-signature"


class EntrySignerError(AccessError):
    """A key or certificate that this log takes no entries of."""

    code = "entry-signer"


class EntryTakenError(ConflictError):
    """The log has another signature of this key over the same."""

    code = "entry-taken"
