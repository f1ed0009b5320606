# SPDX-License-Identifier: Apache-2.0
"""The OpenID Connect issuer of the server's own users.

Whoever has an API token that may sign gets an identity token for minutes: by a code
and a page in a browser (RFC 6749 §4.1 with RFC 7636), on a second device (RFC 8628), or
at once (RFC 8693). The API token itself is checked by the caller, which has the
registry; here are the flows.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from control_plane.sigstore.errors import (
    DeviceExpiredError,
    DevicePendingError,
    DeviceSlowDownError,
    GrantMismatchError,
    GrantTypeError,
    GrantUnknownError,
)
from control_plane.sigstore.grants import CodeGrant, DeviceGrant, Grants, new_secret
from control_plane.sigstore.limits import (
    CODE_LIFE,
    DEVICE_INTERVAL_S,
    DEVICE_LIFE,
    TOKEN_LIFE,
)
from control_plane.sigstore.requests import (
    LoginRequest,
    Parameters,
    needed,
    read_challenge,
    require_client,
    require_verifier,
)
from control_plane.sigstore.tokens import ALGORITHM, IdentityTokens

KEYS: Final = "/oidc/keys"
AUTHORIZE: Final = "/oidc/authorize"
TOKEN: Final = "/oidc/token"  # noqa: S105 - a path
DEVICE_CODE: Final = "/oidc/device/code"
DEVICE: Final = "/oidc/device"

BY_CODE: Final = "authorization_code"
BY_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
BY_TOKEN: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105

# RFC 8628 §6.1: without vowels, so that no words come out; 20 of 8 is 34 bits, which
# nobody guesses in ten minutes, and whoever does gives a device their own name.
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_HALF: Final = 4

# Returns the address of whoever has an API token, or refuses.
LogIn = Callable[[str], str]


class Issuer:
    """The issuer.

    Args:
        tokens: Makes and checks identity tokens.
    """

    def __init__(self, tokens: IdentityTokens) -> None:
        self.tokens = tokens
        self.address = tokens.issuer
        self._codes = Grants[CodeGrant](CODE_LIFE)
        self._devices = Grants[DeviceGrant](DEVICE_LIFE)
        self._by_user_code = Grants[str](DEVICE_LIFE)

    def configuration(self) -> dict[str, Any]:
        """Return the discovery document.

        Source: OpenID Connect Discovery 1.0 §3; RFC 8628 §4.
        """
        return {
            "issuer": self.address,
            "jwks_uri": self.address + KEYS,
            "authorization_endpoint": self.address + AUTHORIZE,
            "token_endpoint": self.address + TOKEN,
            "device_authorization_endpoint": self.address + DEVICE_CODE,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [BY_CODE, BY_DEVICE, BY_TOKEN],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email"],
            "claims_supported": ["iss", "aud", "sub", "email", "email_verified"],
        }

    def authorize(self, request: LoginRequest, mailbox: str, *, at: datetime) -> str:
        """Return a code for whoever has logged in.

        Raises:
            TooManyLoginsError: As many are open as the server keeps.
        """
        code = new_secret()
        grant = CodeGrant(
            mailbox, request.redirect, request.challenge, request.nonce or None
        )
        self._codes.put(code, grant, at=at)
        return code

    def begin_device(self, form: Parameters, *, at: datetime) -> dict[str, Any]:
        """Begin a login on a second device (RFC 8628 §3.1 and §3.2).

        Raises:
            LoginError: Another client, or a PKCE challenge that is none.
            TooManyLoginsError: As many are open as the server keeps.
        """
        require_client(form)
        challenge = read_challenge(form) if "code_challenge" in form else None
        device_code, user_code = new_secret(), _user_code()
        self._devices.put(device_code, DeviceGrant(challenge, at), at=at)
        self._by_user_code.put(user_code, device_code, at=at)
        page = self.address + DEVICE
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": DEVICE_LIFE // timedelta(seconds=1),
            "interval": DEVICE_INTERVAL_S,
        }

    def approve_device(self, user_code: str, mailbox: str, *, at: datetime) -> None:
        """Let a device be whoever has logged in; its code is used up.

        Raises:
            DeviceExpiredError: No device waits with that code.
        """
        device_code = self._by_user_code.take(_plain(user_code), at=at)
        grant = self._devices.look(device_code, at=at) if device_code else None
        if grant is None:
            raise DeviceExpiredError(
                "expected the code that a device shows, got another",
                hint="begin again on the device",
            )
        grant.mailbox = mailbox

    def token(self, form: Parameters, log_in: LogIn, *, at: datetime) -> dict[str, Any]:
        """Answer the token endpoint (RFC 6749 §5.1).

        Args:
            form: The request.
            log_in: For whoever has an API token at hand.
            at: Now.

        Raises:
            LoginError: With the word that the client reads.
            NotAuthenticatedError: Not an API token of this server.
        """
        kind = needed(form, "grant_type")
        if kind == BY_TOKEN:
            return _answer(self._exchanged(form, log_in, at)) | {
                "issued_token_type": ID_TOKEN
            }
        require_client(form)
        if kind == BY_CODE:
            return _answer(self._by_code(form, at))
        if kind == BY_DEVICE:
            return _answer(self._by_device(form, at))
        raise GrantTypeError(
            f"grant_type: expected one of {BY_CODE}, {BY_DEVICE}, {BY_TOKEN}, "
            f"got {kind[:80]!r}"
        )

    def _by_code(self, form: Parameters, at: datetime) -> str:
        # Taken first: a code that is tried with a wrong verifier is used up.
        grant = self._codes.take(needed(form, "code"), at=at)
        if grant is None:
            raise GrantUnknownError(
                "code: expected one that is open, got another", hint="log in again"
            )
        if form.get("redirect_uri") != grant.redirect:
            raise GrantMismatchError(
                "redirect_uri: expected the one that the code was given for, "
                "got another"
            )
        require_verifier(form, grant.challenge)
        return self.tokens.make(grant.mailbox, at=at, nonce=grant.nonce)

    def _by_device(self, form: Parameters, at: datetime) -> str:
        code = needed(form, "device_code")
        grant = self._devices.look(code, at=at)
        if grant is None:
            raise DeviceExpiredError(
                "device_code: expected one that is open, got another",
                hint="begin again",
            )
        if grant.challenge is not None:
            require_verifier(form, grant.challenge)
        if grant.mailbox is None:
            soon, grant.next_poll = at < grant.next_poll, _later(at)
            raise (DeviceSlowDownError if soon else DevicePendingError)(
                f"expected somebody to log in, wait {DEVICE_INTERVAL_S} s"
            )
        if self._devices.take(code, at=at) is None:
            raise DeviceExpiredError("device_code: expected one that is open, got none")
        return self.tokens.make(grant.mailbox, at=at)

    def _exchanged(self, form: Parameters, log_in: LogIn, at: datetime) -> str:
        """RFC 8693 §2.1, of which the parts that say one thing."""
        if needed(form, "subject_token_type") != ACCESS_TOKEN:
            raise GrantTypeError(f"subject_token_type: expected {ACCESS_TOKEN}")
        if form.get("requested_token_type", ID_TOKEN) != ID_TOKEN:
            raise GrantTypeError(f"requested_token_type: expected {ID_TOKEN}")
        return self.tokens.make(log_in(needed(form, "subject_token")), at=at)


def _answer(token: str) -> dict[str, Any]:
    # One token under both names: some clients take the one, some the other.
    return {
        "access_token": token,
        "id_token": token,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE // timedelta(seconds=1),
    }


def _user_code() -> str:
    letters = [secrets.choice(_LETTERS) for _ in range(2 * _HALF)]
    return "".join(letters[:_HALF]) + "-" + "".join(letters[_HALF:])


def _plain(user_code: str) -> str:
    letters = [c for c in user_code.upper() if c in _LETTERS]
    return "".join(letters[:_HALF]) + "-" + "".join(letters[_HALF:])


def _later(at: datetime) -> datetime:
    return at + timedelta(seconds=DEVICE_INTERVAL_S)
