# SPDX-License-Identifier: Apache-2.0
"""What an OIDC token says of its bearer, to be shown before it is used.

Nothing here is verified, and nothing is decided by it but whether sending the token can
help at all: the certificate authority verifies it, and what the certificate then says
is what counts (DESIGN T9: shown before anything is signed).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from keys.clock import format_instant
from keys.errors import Base64FormatError, FormatError
from keys.fields import Fields
from keys.strict import b64decode, loads_json
from signer.keyless.errors import (
    TokenAudienceError,
    TokenExpiredError,
    TokenFormatError,
)
from signer.keyless.limits import MARGIN_S, MAX_TOKEN_BYTES
from signer.limits import MAX_ISSUER_CHARS, MAX_SUBJECT_CHARS

# Fulcio's configuration of the public-good instance; private ones take it over.
AUDIENCE: Final = "sigstore"

_PARTS: Final = 3
_MAX_TIME: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, where datetime ends
# Claims that a certificate may name instead of the subject, and what people call them.
_SHOWN: Final = ("email", "job_workflow_ref", "ci_config_ref_uri", "pipeline_slug")


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says, unverified.

    Attributes:
        raw: The token; a secret, never shown.
        issuer: Who made it.
        subject: Of whom.
        audience: For whom.
        expires: Until when it is good.
        others: Claims that a certificate may name instead of the subject.
        nonce: What binds it to one log-in, if it says so.
    """

    raw: str = field(repr=False)
    issuer: str
    subject: str
    audience: str
    expires: datetime
    others: dict[str, str]
    nonce: str | None = field(default=None, repr=False)

    def require_good(self, at: datetime) -> None:
        """Refuse a token that is not valid, or not for as long as it takes to use it.

        Raises:
            TokenExpiredError: It is not.
        """
        if at + timedelta(seconds=MARGIN_S) > self.expires:
            raise TokenExpiredError(
                f"expected an identity token that is good for {MARGIN_S:g} seconds "
                f"more, got one until {format_instant(self.expires)}",
                hint="get a new one",
            )

    def text(self) -> str:
        """Return it as lines for people; the token itself is not among them."""
        rows = {"issuer": self.issuer, "subject": self.subject, **self.others}
        return "\n".join(
            ["token of", *(f"  {name} = {value}" for name, value in rows.items())]
        )


def parse_token(raw: str, *, audience: str = AUDIENCE) -> TokenClaims:
    """Parse an identity token.

    Args:
        raw: The token, as a JWS in its compact form.
        audience: Who must be meant to receive it.

    Raises:
        TokenFormatError: Not a token, or without issuer, subject, audience or end.
        TokenAudienceError: One for somebody else.

    Source: RFC 7519 §3 and §4.1; OpenID Connect Core 1.0 §2.
    """
    if len(raw) > MAX_TOKEN_BYTES:
        raise TokenFormatError(
            f"identity token: expected at most {MAX_TOKEN_BYTES} characters, got more"
        )
    parts = raw.split(".")
    if len(parts) != _PARTS or not all(parts):
        raise TokenFormatError(
            f"identity token: expected three parts with dots between, got {len(parts)}"
        )
    try:
        claims = _claims(_base64url(parts[1]))
        for other in (parts[0], parts[2]):
            _base64url(other)
        return _read(claims, raw, audience)
    except TokenFormatError:
        raise
    except FormatError as error:
        raise TokenFormatError(error.message) from error


def _claims(payload: bytes) -> Fields:
    # An issuer may say seconds as 1e9 or 1.0 (RFC 7519 §2, NumericDate).
    value = loads_json(
        payload, max_bytes=MAX_TOKEN_BYTES, what="identity token", floats=True
    )
    return Fields(value, "identity token")


def _base64url(text: str) -> bytes:
    """Decode what RFC 7515 §2 calls base64url: without padding."""
    if "=" in text or "+" in text or "/" in text:
        raise Base64FormatError("identity token: expected base64url, got another")
    padded = text + "=" * (-len(text) % 4)
    standard = padded.replace("-", "+").replace("_", "/")
    return b64decode(standard, what="identity token")


def _read(claims: Fields, raw: str, audience: str) -> TokenClaims:
    issuer = _shown(claims, "iss", MAX_ISSUER_CHARS)
    subject = _shown(claims, "sub", MAX_SUBJECT_CHARS)
    expires = _instant(claims.any("exp"))
    audiences = _audiences(claims.any("aud"))
    if audience not in audiences:
        raise TokenAudienceError(
            f"expected an identity token for {audience}, "
            f"got one for {', '.join(audiences)[:200] or 'nobody'}",
            hint="ask the issuer for that audience, or name another: --oidc-audience",
        )
    others = {
        name: _shown(claims, name, MAX_SUBJECT_CHARS)
        for name in _SHOWN
        if claims.has(name) and isinstance(claims.any(name), str)
    }
    nonce = claims.text("nonce") if claims.has("nonce") else None
    return TokenClaims(raw, issuer, subject, audience, expires, others, nonce)


def _shown(claims: Fields, name: str, max_chars: int) -> str:
    """Return a claim that stands on its own line: none may draw another one."""
    text = claims.text(name, max_chars=max_chars)
    if not text.isprintable():
        raise TokenFormatError(
            f"identity token: expected {name} as text that can be shown, got another"
        )
    return text


def _audiences(value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise TokenFormatError("identity token: expected an audience as text")
    return found


def _instant(value: Any) -> datetime:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= _MAX_TIME:
        raise TokenFormatError("identity token: expected the second it ends in")
    return datetime.fromtimestamp(int(value), UTC)
