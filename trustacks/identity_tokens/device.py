# SPDX-License-Identifier: Apache-2.0
"""Log in on another device, with a code (RFC 8628): for terminals without a browser."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keys.errors import VerificationError
from signer.keyless.errors import ISSUER, IssuerAnswerError, IssuerRefusedError
from signer.keyless.http import Http, answered
from signer.keyless.signing_config import checked_url
from trustacks.identity_tokens.errors import NotLoggedInAtIssuerError
from trustacks.identity_tokens.issuer import (
    discover,
    post_form,
    read_answer,
    read_id_token,
    refused,
)

_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
# Seconds between two questions, unless the issuer says more (RFC 8628 §3.2), and how
# much more it means by slow_down (§3.5).
_INTERVAL_S: Final = 5
_SLOWER_S: Final = 5
# Seconds. A person who has not logged in by then has gone away.
MAX_WAIT_S: Final = 300


@dataclass(frozen=True, slots=True)
class _Code:
    device: str
    user: str
    place: str
    interval_s: int
    life_s: int


def wait_for(seconds: float) -> None:
    """Wait."""
    threading.Event().wait(seconds)


def device_token(
    issuer: str,
    *,
    client_id: str,
    http: Http,
    say: Callable[[str], None],
    wait: Callable[[float], None] = wait_for,
) -> str:
    """Return the identity token of a person who logs in elsewhere.

    Raises:
        IssuerRefusedError: The issuer has no such codes, or the person said no.
        NotLoggedInAtIssuerError: Nobody logged in in time.
        TrustacksError: The issuer does not answer, or something else.
    """
    endpoints = discover(issuer, http)
    if endpoints.device is None:
        raise IssuerRefusedError(
            f"{issuer}: expected codes for other devices, got no place to ask for one",
            hint="--oidc browser",
        )
    code = _ask(endpoints.device, client_id, http)
    say(f"open {code.place} on any device and enter {code.user}")
    waited, interval, patience = 0, code.interval_s, min(code.life_s, MAX_WAIT_S)
    # Before each wait: an issuer may ask for one that nobody lives to see the end of.
    while waited + interval <= patience:
        wait(interval)
        waited += interval
        token, slower = _poll(endpoints.token, code, client_id, http)
        if token is not None:
            return token
        interval += slower
    raise NotLoggedInAtIssuerError(
        f"{issuer}: expected somebody to log in within {patience} seconds, got nobody"
    )


def _ask(url: str, client_id: str, http: Http) -> _Code:
    form = {"client_id": client_id, "scope": "openid email"}
    answer = post_form(url, form, http)
    with answered(ISSUER, url):
        if (error := refused(answer)) is not None:
            raise _no(url, error)
        fields = read_answer(answer)
        place = fields.text("verification_uri")
        return _Code(
            device=fields.text("device_code"),
            user=_shown(fields.text("user_code", max_chars=64)),
            place=checked_url(place),
            interval_s=fields.integer("interval", minimum=1)
            if fields.has("interval")
            else _INTERVAL_S,
            life_s=fields.integer("expires_in", minimum=1),
        )


def _shown(user_code: str) -> str:
    """Return a code that stands on one line, for people to read and to type."""
    if not user_code.isprintable():
        raise IssuerAnswerError("user_code: expected what can be typed, got another")
    return user_code


def _poll(url: str, code: _Code, client_id: str, http: Http) -> tuple[str | None, int]:
    form = {
        "grant_type": _GRANT,
        "device_code": code.device,
        "client_id": client_id,
    }
    answer = post_form(url, form, http)
    with answered(ISSUER, url):
        error = refused(answer)
        if error is None:
            return read_id_token(answer), 0
    if error in ("authorization_pending", "slow_down"):
        return None, _SLOWER_S if error == "slow_down" else 0
    raise _no(url, error)


def _no(url: str, error: str) -> VerificationError:
    return IssuerRefusedError(f"{url}: expected a token, got {error}")
