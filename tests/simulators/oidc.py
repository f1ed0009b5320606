# SPDX-License-Identifier: Apache-2.0
"""An OIDC issuer for people and for CI jobs: discovery, code with PKCE, device, GitHub.

Stricter than real ones: a form with an unknown field, a verifier that is not the
challenge's or a code used twice is refused. ``answers`` decides what a person does.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from keys.strict import dumps_json

DISCOVERY = "/issuer/.well-known/openid-configuration"
GITHUB = "/github/token?api-version=2.0"
REQUEST_TOKEN = "the job's own token"
Reply = tuple[int, bytes, dict[str, str]]


@dataclass
class SimulatedOidc:
    """The issuer at ``url``; ``token(subject, **claims)`` makes its tokens."""

    url: Callable[[], str]
    token: Callable[..., str]
    person: str = "alice@example.com"
    job: str = ""
    pending: int = 0
    slow_down: int = 0
    refuses: str | None = None
    changes: dict[str, object] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"{self.url()}/issuer"

    def discovery(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "device_authorization_endpoint": f"{self.issuer}/device",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.changes

    def get(self, path: str, headers) -> Reply:
        parts = urlsplit(path)
        query = {name: one for name, (one,) in parse_qs(parts.query).items()}
        if parts.path == "/github/token":
            assert headers["authorization"] == f"bearer {REQUEST_TOKEN}"
            assert query == {"api-version": "2.0", "audience": "sigstore"}
            return _json({"value": self.token(self.job)})
        self.asked.append(parts.path)
        if path == DISCOVERY:
            return _json(self.discovery())
        assert parts.path == "/issuer/auth"
        return self._authorize(query)

    def post(self, path: str, body: bytes, headers) -> Reply:
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        form = {name: one for name, (one,) in parse_qs(body.decode()).items()}
        self.asked.append(path)
        if path == "/issuer/device":
            return self._device(form)
        assert path == "/issuer/token"
        if "device_code" in form:
            return self._poll(form)
        return self._redeem(form)

    def _authorize(self, query: dict[str, str]) -> Reply:
        assert set(query) == {
            *("response_type", "client_id", "scope", "redirect_uri"),
            *("code_challenge", "code_challenge_method", "state", "nonce"),
        }
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"].startswith("http://localhost:")
        back = {"state": query["state"]}
        if self.refuses:
            back["error"] = self.refuses
        else:
            code = back["code"] = secrets.token_urlsafe(16)
            self.codes[code] = query
        return 302, b"", {"location": f"{query['redirect_uri']}?{urlencode(back)}"}

    def _redeem(self, form: dict[str, str]) -> Reply:
        query = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        same = query is not None and all(
            (
                query["code_challenge"] == challenge,
                query["redirect_uri"] == form["redirect_uri"],
                query["client_id"] == form["client_id"],
                form["grant_type"] == "authorization_code",
            )
        )
        if not same:
            return _json({"error": "invalid_grant"}, 400)
        nonce = self.changes.get("nonce", query["nonce"])
        return _json({"id_token": self.token(self.person, nonce=nonce)})

    def _device(self, form: dict[str, str]) -> Reply:
        assert set(form) == {"client_id", "scope"}
        answer = {
            "device_code": "the device's code",
            "user_code": "ABCD-EFGH",
            "verification_uri": f"{self.issuer}/activate",
            "expires_in": 60,
            "interval": 2,
        }
        return _json(answer | self.changes)

    def _poll(self, form: dict[str, str]) -> Reply:
        assert form["device_code"] == "the device's code"
        if self.refuses:
            return _json({"error": self.refuses}, 400)
        if self.slow_down:
            self.slow_down -= 1
            return _json({"error": "slow_down"}, 400)
        if self.pending:
            self.pending -= 1
            return _json({"error": "authorization_pending"}, 400)
        return _json({"id_token": self.token(self.person)})


def _json(value: object, status: int = 200) -> Reply:
    return status, dumps_json(value), {"content-type": "application/json"}
