# SPDX-License-Identifier: Apache-2.0
"""Identity tokens: made by the issuer, checked by the CA of the same server.

One key, one algorithm, one audience: what the head of a token says about any of them
is compared and never followed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode, der_to_raw_signature

from control_plane.sigstore.errors import (
    IdentityTokenError,
    IdentityTokenExpiredError,
)
from control_plane.sigstore.limits import MAX_TOKEN_CHARS, TOKEN_LIFE
from keys.signing import SigningKey
from keys.strict import dumps_json
from signer.certificate.issue import elliptic
from signer.limits import MAX_CLOCK_SKEW_S

ALGORITHM: Final = "ES256"
AUDIENCE: Final = "sigstore"
_CLAIMS: Final = ("aud", "email", "email_verified", "exp", "iat", "iss", "sub")


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom an identity token speaks of.

    Attributes:
        mailbox: Their address.
        issuer: Who says so.
    """

    mailbox: str
    issuer: str


class IdentityTokens:
    """The tokens of one issuer.

    Args:
        issuer: Its address, as it is named in tokens.
        key: Its key, ECDSA P-256.
    """

    def __init__(self, issuer: str, key: SigningKey) -> None:
        self.issuer = issuer
        self._key = key
        self._public = elliptic(key.public_key)

    def make(self, mailbox: str, *, at: datetime, nonce: str | None = None) -> str:
        """Return a token for somebody who has logged in.

        Source: OpenID Connect Core 1.0 §2. Subject and address are one: some clients
        prove possession of their key over the one, some over the other.
        """
        now = int(at.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": mailbox,
            "email": mailbox,
            "email_verified": True,
            "iat": now,
            "exp": now + TOKEN_LIFE // timedelta(seconds=1),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        head = {"alg": ALGORITHM, "kid": self._kid, "typ": "JWT"}
        return _signed(head, claims, self._key)

    def check(self, token: str, *, at: datetime) -> Somebody:
        """Return whom a token speaks of.

        Raises:
            IdentityTokenError: Not one of this issuer, for this audience.
            IdentityTokenExpiredError: It is not of this time.
        """
        claims = self._decoded(token)
        begin, end = (_instant(claims[name]) for name in ("iat", "exp"))
        skew = timedelta(seconds=MAX_CLOCK_SKEW_S)
        if not begin - skew <= at < end:
            raise IdentityTokenExpiredError(
                f"expected an identity token of this time, got one from {begin} to "
                f"{end}",
                hint="log in again",
            )
        mailbox = claims["email"]
        if claims["email_verified"] is not True or mailbox != claims["sub"]:
            raise IdentityTokenError("expected a verified address, got another claim")
        return Somebody(str(mailbox), self.issuer)

    def keys(self) -> dict[str, Any]:
        """Return the issuer's JSON Web Key Set (RFC 7517 §5)."""
        made: dict[str, Any] = ECAlgorithm.to_jwk(self._public, as_dict=True)
        return {"keys": [made | {"kid": self._kid, "alg": ALGORITHM, "use": "sig"}]}

    @property
    def _kid(self) -> str:
        return self._key.public_key.key_id

    def _decoded(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_CHARS:
            raise IdentityTokenError(
                f"expected an identity token of at most {MAX_TOKEN_CHARS} characters, "
                f"got {len(token)}"
            )
        try:
            head = jwt.get_unverified_header(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key=self._public,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self.issuer,
                # Times are compared by the server's clock, below.
                options={
                    "require": list(_CLAIMS),
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError as error:
            raise IdentityTokenError(
                f"expected an identity token of {self.issuer}: {error}".lower(),
                hint="log in again",
            ) from error
        if head.get("kid") != self._kid:
            raise IdentityTokenError("expected the issuer's key id, got another")
        return claims


def _signed(head: dict[str, str], claims: dict[str, Any], key: SigningKey) -> str:
    """Return a JWS, by a key that never leaves its provider (RFC 7515 §7.1)."""
    parts = [base64url_encode(dumps_json(part)) for part in (head, claims)]
    signature = key.sign(b".".join(parts))
    # RFC 7518 §3.4: r and s, not DER.
    raw = der_to_raw_signature(signature, ec.SECP256R1())
    return b".".join([*parts, base64url_encode(raw)]).decode()


def _instant(value: Any) -> datetime:
    if type(value) is not int or not 0 <= value < 2**40:
        raise IdentityTokenError("expected whole seconds in an identity token")
    return datetime.fromtimestamp(value, UTC)
