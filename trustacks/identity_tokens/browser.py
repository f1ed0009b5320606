# SPDX-License-Identifier: Apache-2.0
"""Log in with the browser of this machine: a code with PKCE, brought by loopback.

The browser comes back to a listener on 127.0.0.1 that answers one request with the
right ``state`` and ends. The code is worth nothing without the verifier, which never
leaves this process; the nonce binds the token to this log-in.

Source: RFC 8252 §7.3; RFC 7636 §4; OpenID Connect Core 1.0 §3.1.
"""

import hashlib
import secrets
import time
import webbrowser
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from keys.errors import UnavailableError
from signer.keyless.errors import ISSUER, IssuerAnswerError, IssuerRefusedError
from signer.keyless.http import Http, answered
from signer.keyless.token import parse_token
from trustacks.identity_tokens.errors import NotLoggedInAtIssuerError
from trustacks.identity_tokens.issuer import (
    discover,
    post_form,
    read_id_token,
    refused,
)

# Seconds. A person who has not logged in by then has gone away.
MAX_WAIT_S: Final = 300.0
# Seconds between two looks at the clock, and for one request of a browser.
_TURN_S: Final = 1.0
_PATH: Final = "/auth/callback"
_DONE: Final = (
    b"<!doctype html><title>trustacks</title><p>Done. Go back to the terminal."
)


@dataclass
class _Login:
    """One log-in: what only this process knows, and what came back."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    code: str | None = None
    error: str | None = None

    @property
    def challenge(self) -> str:
        """S256 of the verifier (RFC 7636 §4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def take(self, query: str) -> bool:
        """Take what the issuer sent back; what is not of this log-in is not taken."""
        try:
            found = parse_qs(query, max_num_fields=16)
        except ValueError:
            return False
        # As bytes: of texts only those of ASCII are compared.
        (state, *more) = (one.encode() for one in found.get("state", [""]))
        if more or not secrets.compare_digest(state, self.state.encode()):
            return False
        self.error = found.get("error", [None])[0]
        self.code = found.get("code", [None])[0]
        return True


def browser_token(
    issuer: str,
    *,
    client_id: str,
    http: Http,
    say: Callable[[str], None],
    open_page: Callable[[str], bool] = webbrowser.open,
    patience_s: float = MAX_WAIT_S,
) -> str:
    """Return the identity token of the person at this machine.

    Raises:
        IssuerRefusedError: The issuer or the person said no.
        IssuerAnswerError: A token of another log-in.
        NotLoggedInAtIssuerError: Nobody logged in in time.
        TrustacksError: The issuer does not answer, or something else.
    """
    endpoints, login = discover(issuer, http), _Login()
    with _listener(login) as server:
        # By name: issuers register http://localhost for clients without a secret.
        back = f"http://localhost:{server.server_port}{_PATH}"
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "scope": "openid email",
            "redirect_uri": back,
            "code_challenge": login.challenge,
            "code_challenge_method": "S256",
            "state": login.state,
            "nonce": login.nonce,
        }
        page = f"{endpoints.authorization}?{urlencode(asked)}"
        if not open_page(page):
            say(f"open this page in a browser of this machine: {page}")
        _serve(server, login, patience_s)
    if login.code is None:
        got = (login.error or "no code")[:200]
        raise IssuerRefusedError(f"{issuer}: expected a code, got {got}")
    form = {
        "grant_type": "authorization_code",
        "code": login.code,
        "redirect_uri": back,
        "client_id": client_id,
        "code_verifier": login.verifier,
    }
    answer = post_form(endpoints.token, form, http)
    with answered(ISSUER, endpoints.token):
        if (error := refused(answer)) is not None:
            raise IssuerRefusedError(f"{issuer}: expected a token, got {error}")
        token = read_id_token(answer)
        if parse_token(token, audience=client_id).nonce != login.nonce:
            raise IssuerAnswerError("expected a token of this log-in, got another's")
    return token


def _listener(login: _Login) -> HTTPServer:
    class Back(BaseHTTPRequestHandler):
        timeout = _TURN_S

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            taken = parts.path == _PATH and login.take(parts.query)
            self.send_response(200 if taken else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(_DONE if taken else b"")

        def log_message(self, *_: Any) -> None:
            """Say nothing: the path has the code in it."""

    try:
        server = HTTPServer(("127.0.0.1", 0), Back)
    except OSError as error:
        raise UnavailableError(f"no port to come back to: {error.strerror}") from error
    server.timeout = _TURN_S
    return server


def _serve(server: HTTPServer, login: _Login, patience_s: float) -> None:
    ends_at = time.monotonic() + patience_s
    while login.code is None and login.error is None:
        if time.monotonic() > ends_at:
            raise NotLoggedInAtIssuerError(
                f"expected a log-in within {patience_s:g} seconds, got none",
                hint="--oidc device logs in on another device",
            )
        server.handle_request()
