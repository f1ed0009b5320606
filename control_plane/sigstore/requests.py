# SPDX-License-Identifier: Apache-2.0
"""What a client of the issuer may ask: parameters, each once, each of its form."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl

from control_plane.sigstore.errors import (
    ClientUnknownError,
    LoginRequestError,
    PkceMismatchError,
    RedirectUnsafeError,
)
from control_plane.sigstore.limits import MAX_FORM_BYTES, MAX_VALUE_CHARS

# The one client that there is; it has no secret (RFC 8252 §8.4).
CLIENT: Final = "sigstore"
OUT_OF_BAND: Final = "urn:ietf:wg:oauth:2.0:oob"

# RFC 8252 §7.3: a loopback address, any port. The path has nothing that a browser or a
# server could read in two ways.
_REDIRECT: Final = re.compile(
    r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}(/[A-Za-z0-9_~.-]+)*/?"
)
# RFC 7636 §4.1 and §4.2: 43 to 128 of these; SHA-256 in base64url has 43.
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_FIELDS: Final = 32

Parameters = Mapping[str, str]


def read_form(data: bytes) -> dict[str, str]:
    """Read ``application/x-www-form-urlencoded`` text, of a body or a query.

    Raises:
        LoginRequestError: Not that, larger than a bound, or a parameter twice.

    Source: RFC 6749 §3.1: "Request and response parameters MUST NOT be included more
    than once"; unknown ones are ignored, empty ones as if omitted.
    """
    if len(data) > MAX_FORM_BYTES:
        raise LoginRequestError(
            f"expected parameters of at most {MAX_FORM_BYTES} bytes, got {len(data)}"
        )
    try:
        pairs = parse_qsl(
            data.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise LoginRequestError("expected form parameters, got other bytes") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LoginRequestError("expected each parameter once, got one twice")
    return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A request of the authorization endpoint, well formed.

    Attributes:
        redirect: Where the code goes: to this machine, or out of band.
        challenge: PKCE, S256.
        state: The client's own, given back.
        nonce: For the token.
    """

    redirect: str
    challenge: str
    state: str
    nonce: str

    @classmethod
    def of(cls, form: Parameters) -> Self:
        """Read a request.

        Raises:
            RedirectUnsafeError: Elsewhere than on the machine of whoever logs in.
            LoginError: Another client, another kind of answer, or no PKCE.

        Source: OpenID Connect Core 1.0 §3.1.2.1; RFC 7636 §4.3; RFC 8252 §7.3.
        """
        require_client(form)
        redirect = form.get("redirect_uri", "")
        if redirect != OUT_OF_BAND and not _REDIRECT.fullmatch(redirect):
            raise RedirectUnsafeError(
                "redirect_uri: expected http://127.0.0.1:PORT/..., localhost or [::1], "
                f"or {OUT_OF_BAND}, got {redirect[:80]!r}"
            )
        _require(form, "response_type", ("code",))
        if "openid" not in form.get("scope", "").split(" "):
            raise LoginRequestError("scope: expected openid in it, got none")
        return cls(
            redirect=redirect,
            challenge=read_challenge(form),
            state=_chosen(form, "state"),
            nonce=_chosen(form, "nonce"),
        )

    def parameters(self) -> dict[str, str]:
        """Return the request again, for the form that carries it."""
        values = {
            "response_type": "code",
            "client_id": CLIENT,
            "scope": "openid",
            "redirect_uri": self.redirect,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            "state": self.state,
            "nonce": self.nonce,
        }
        return {name: value for name, value in values.items() if value}


def require_client(form: Parameters) -> None:
    """Refuse another client.

    Raises:
        ClientUnknownError: It is another, or none is named.
    """
    named = form.get("client_id", "")
    if named != CLIENT:
        raise ClientUnknownError(
            f"client_id: expected {CLIENT}, got {named[:40] or 'none'!r}"
        )


def read_challenge(form: Parameters) -> str:
    """Return the PKCE challenge, which must be one of S256.

    Raises:
        LoginRequestError: None, or by another method.
    """
    _require(form, "code_challenge_method", ("S256",))
    challenge = form.get("code_challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        raise LoginRequestError(
            "code_challenge: expected SHA-256 in base64url, got another"
        )
    return challenge


def require_verifier(form: Parameters, challenge: str) -> None:
    """Refuse whoever has not the verifier of a challenge.

    Raises:
        PkceMismatchError: None, or another.

    Source: RFC 7636 §4.6.
    """
    verifier = form.get("code_verifier", "")
    digest = hashlib.sha256(verifier.encode("utf-8", "surrogateescape")).digest()
    ours = urlsafe_b64encode(digest).rstrip(b"=")
    same = hmac.compare_digest(ours, challenge.encode())
    if not (same and _VERIFIER.fullmatch(verifier)):
        raise PkceMismatchError(
            "code_verifier: expected the one of the login's challenge, got another"
        )


def needed(form: Parameters, name: str) -> str:
    """Return a parameter that must be there.

    Raises:
        LoginRequestError: It is not, or is too long.
    """
    found = _chosen(form, name)
    if not found:
        raise LoginRequestError(f"expected a parameter {name}, got none")
    return found


def _require(form: Parameters, name: str, allowed: tuple[str, ...]) -> None:
    found = form.get(name, "")
    if found not in allowed:
        raise LoginRequestError(
            f"{name}: expected {' or '.join(allowed)}, got {found[:40] or 'none'!r}"
        )


def _chosen(form: Parameters, name: str) -> str:
    found = form.get(name, "")
    if len(found) > MAX_VALUE_CHARS:
        raise LoginRequestError(
            f"{name}: expected at most {MAX_VALUE_CHARS} characters, got {len(found)}"
        )
    return found
