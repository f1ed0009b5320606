# SPDX-License-Identifier: Apache-2.0
"""An OpenID provider on loopback: discovery, keys, and a token endpoint, as HTTP.

It is strict where a test double could be lax: a client must be registered and prove its
secret, a grant of another type is refused, and a token is for one audience and minutes.
Several issuers, each with a path and a key of its own, live on one port.

Source: OpenID Connect Discovery 1.0 §4, Core 1.0 §2 and §3.1.3.3; RFC 6749 §4.4, §5;
RFC 7517 §5.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import get_default_algorithms

AUDIENCE = "sigstore"
LIFE = timedelta(minutes=5)
Claims = dict[str, Any]


@dataclass
class OidcIssuer:
    """One issuer.

    Attributes:
        url: What its tokens name as ``iss``.
        algorithm: Of its tokens' signatures: RS256, as most have it, or ES256.
        clients: Secret and claims of each client.
    """

    url: str
    algorithm: str = "RS256"
    key_id: str = field(default_factory=lambda: secrets.token_hex(4))
    clients: dict[str, tuple[str, Claims]] = field(default_factory=dict)

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        if self.algorithm == "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        return rsa.generate_private_key(65537, 2048)

    def register(self, client: str, **claims: Any) -> str:
        """Register who may ask, and what is said of them; return their secret."""
        secret = secrets.token_urlsafe(16)
        self.clients[client] = (secret, claims)
        return secret

    def discovery(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
        }

    def keys(self) -> Claims:
        scheme = get_default_algorithms()[self.algorithm]
        key = scheme.to_jwk(self.key.public_key(), as_dict=True)
        named = {"use": "sig", "alg": self.algorithm, "kid": self.key_id}
        return {"keys": [{**key, **named}]}

    def token(self, asked: Claims) -> tuple[int, Claims]:
        """Answer the token endpoint."""
        if asked.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        secret, claims = self.clients.get(asked.get("client_id", ""), ("", {}))
        given = asked.get("client_secret", "")
        if not secret or not hmac.compare_digest(secret, given):
            return 401, {"error": "invalid_client"}
        said = {"token_type": "Bearer", "expires_in": LIFE.seconds}
        return 200, {**said, "id_token": self.issue(**claims)}

    def issue(self, **claims: Any) -> str:
        """Sign a token with these claims; they win over the usual ones."""
        at = datetime.now(UTC)
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": at,
            "nbf": at,
            "exp": at + LIFE,
        }
        headers = {"kid": self.key_id}
        return jwt.encode(usual | claims, self.key, self.algorithm, headers)

    def ask(self, client: str, secret: str) -> str:
        """Ask the token endpoint over HTTP, as a workload does."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": secret,
        }
        answer = httpx.post(f"{self.url}/token", data=form, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["id_token"])


@contextmanager
def serve_oidc(**algorithms: str) -> Iterator[dict[str, OidcIssuer]]:
    """Serve issuers, each at the path of its name.

    Args:
        **algorithms: Of each.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    base = f"http://127.0.0.1:{server.server_port}"
    issuers = {
        name: OidcIssuer(f"{base}/{name}", algorithm)
        for name, algorithm in algorithms.items()
    }
    server.issuers = issuers  # type: ignore[attr-defined]
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        issuer, rest = self._issuer()
        answers = {
            "/.well-known/openid-configuration": OidcIssuer.discovery,
            "/keys": OidcIssuer.keys,
        }
        if issuer is None or rest not in answers:
            self._answer(404, {"error": "not_found"})
        else:
            self._answer(200, answers[rest](issuer))

    def do_POST(self) -> None:
        issuer, rest = self._issuer()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if issuer is None or rest != "/token":
            self._answer(404, {"error": "not_found"})
            return
        form = {name: values[-1] for name, values in parse_qs(body).items()}
        self._answer(*issuer.token(form))

    def _issuer(self) -> tuple[OidcIssuer | None, str]:
        name, slash, rest = urlsplit(self.path).path[1:].partition("/")
        return self.server.issuers.get(name), slash + rest

    def _answer(self, status: int, document: Claims) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
