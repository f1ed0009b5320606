# SPDX-License-Identifier: Apache-2.0
"""A client of the embedded Sigstore instance of a server in one process.

It does what ``sigstore`` and ``cosign`` do over the wire, one step at a time, so that
each step can be done wrong.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from keys.digest import Digest
from keys.strict import b64encode
from signer.attestation import build_attestation
from signer.dsse import IN_TOTO, Envelope, pae
from signer.timestamp.request import build_request, parse_response
from tests.simulators.http import AsgiClient
from tests.simulators.memory_key import MemoryKey

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
REDIRECT = "http://localhost:41234/auth/callback"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Pkce:
    """A verifier and its challenge."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class EmbeddedClient:
    """Speaks to the issuer, to Fulcio, to Rekor and to the timestamp authority."""

    http: AsgiClient
    workspace: str = "acme"

    # ------------------------------------------------------------------ issuer

    def form(self, path: str, values: dict[str, str], **options: Any):
        headers = FORM | options.pop("headers", {})
        content = urlencode(values).encode()
        return self.http.post(
            path, content=content, headers=headers, token=None, **options
        )

    def ask(self, **changes: Any) -> dict[str, str]:
        """The parameters of a login, as the Python client sends them."""
        asked = {
            "response_type": "code",
            "client_id": "sigstore",
            "client_secret": "",
            "scope": "openid email",
            "redirect_uri": REDIRECT,
            "code_challenge_method": "S256",
            "state": "the-state",
        }
        return {k: v for k, v in (asked | changes).items() if v is not None}

    def login(self, api_token: str, pkce: Pkce, **changes: Any):
        """Send the form of the login page."""
        asked = self.ask(code_challenge=pkce.challenge, **changes)
        return self.form("/oidc/authorize", asked | {"api_token": api_token})

    def code(self, api_token: str, pkce: Pkce, **changes: Any) -> str:
        answer = self.login(api_token, pkce, **changes)
        assert answer.status_code == 303, answer.text
        place = urlsplit(answer.headers["location"])
        return parse_qs(place.query)["code"][0]

    def redeem(self, code: str, pkce: Pkce, /, **changes: Any):
        values = {
            "grant_type": "authorization_code",
            "client_id": "sigstore",
            "redirect_uri": REDIRECT,
            "code": code,
            "code_verifier": pkce.verifier,
        }
        given = {k: v for k, v in (values | changes).items() if v is not None}
        return self.form("/oidc/token", given)

    def exchange(self, api_token: str, **changes: Any):
        values = {
            "grant_type": EXCHANGE,
            "subject_token": api_token,
            "subject_token_type": ACCESS_TOKEN,
        }
        return self.form("/oidc/token", values | changes)

    def identity_token(self, api_token: str) -> str:
        answer = self.exchange(api_token)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id_token"])

    # ------------------------------------------------------------------ Fulcio

    def certify(self, token: str, body: Any):
        headers = {"authorization": f"Bearer {token}"}
        return self.http.post("/api/v2/signingCert", json=body, headers=headers)

    def leaf(self, token: str, key: MemoryKey) -> bytes:
        """Return a certificate for a key, by a CSR as the Python client sends it."""
        answer = self.certify(token, csr_request(key))
        assert answer.status_code == 200, answer.text
        chain = answer.json()["signedCertificateEmbeddedSct"]["chain"]["certificates"]
        leaf = x509.load_pem_x509_certificate(chain[0].encode())
        return leaf.public_bytes(Encoding.DER)

    # ------------------------------------------------------------------ Rekor

    def log(self, body: Any, **options: Any):
        path = f"/rekor/{self.workspace}/api/v2/log/entries"
        return self.http.post(path, json=body, token=None, **options)

    # ------------------------------------------------------------------ all of it

    def stamp(self, signature: bytes) -> bytes:
        headers = {"content-type": "application/timestamp-query"}
        request = build_request(signature, nonce=7)
        answer = self.http.post("/api/v1/timestamp", content=request, headers=headers)
        return parse_response(answer.content, nonce=7)

    def sign(self, token: str, statement: bytes) -> bytes:
        """Sign a statement keyless; stamped, not logged."""
        key = MemoryKey.ecdsa()
        certificate = self.leaf(token, key)
        signature = key.sign(pae(IN_TOTO, statement))
        return build_attestation(
            envelope=Envelope(IN_TOTO, statement, "", signature),
            key=key.public_key,
            timestamps=[self.stamp(signature)],
            certificate=certificate,
        )


def csr_request(key: MemoryKey, *, by: MemoryKey | None = None) -> dict[str, str]:
    """A CSR for a key; signed by another, if one is given."""
    name = x509.Name([])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    csr = builder.sign(key.private, SHA256())
    pem = csr.public_bytes(Encoding.PEM)
    if by is not None:
        other = builder.sign(by.private, SHA256()).public_bytes(Encoding.DER)
        der = csr.public_bytes(Encoding.DER)
        swapped = _with_signature_of(der, other)
        pem = x509.load_der_x509_csr(swapped).public_bytes(Encoding.PEM)
    return {"certificateSigningRequest": b64encode(pem)}


def key_request(key: MemoryKey, proof: bytes) -> dict[str, Any]:
    """A key and a proof of possession, as Go clients send them."""
    return {
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": key.public_key.pem},
            "proofOfPossession": b64encode(proof),
        }
    }


def entry_request(
    digest: Digest, signature: bytes, *, key=None, certificate=None, **changes: Any
) -> dict[str, Any]:
    """A ``hashedRekordRequestV002``."""
    verifier: dict[str, Any] = {"keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    if key is not None:
        verifier["publicKey"] = {"rawBytes": b64encode(key.public_key.spki)}
    if certificate is not None:
        verifier["x509Certificate"] = {"rawBytes": b64encode(certificate)}
    asked = {
        "digest": b64encode(digest.raw),
        "signature": {"content": b64encode(signature), "verifier": verifier},
    }
    return {"hashedRekordRequestV002": asked | changes}


def _with_signature_of(der: bytes, other: bytes) -> bytes:
    ours = x509.load_der_x509_csr(der).signature
    theirs = x509.load_der_x509_csr(other).signature
    # Both are DER of two integers; of one length, the rest stays as it is.
    return der.replace(ours, theirs) if len(ours) == len(theirs) else der[:-1] + b"\0"
