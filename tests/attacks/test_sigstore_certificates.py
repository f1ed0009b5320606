# SPDX-License-Identifier: Apache-2.0
"""Attack: a certificate for somebody else's token, key or name, or for no token."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from control_plane.keystore import OIDC, SERVER
from keys.strict import b64encode
from signer.certificate.issued import issuers_of, require_leaf_valid
from signer.certificate.leaf import parse_leaf
from signer.certificate.sct import verify_sct
from signer.trusted_root import TrustedRoot
from tests.simulators.embedded_client import EmbeddedClient, csr_request, key_request
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import ControlPlane

MAILBOX = "alice@acme.localhost"
ISSUER = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(tmp_path_factory.mktemp("fulcio") / "state")
    found.create_workspace("acme")
    yield found
    found.close()


@pytest.fixture
def client(server):
    return EmbeddedClient(server.http)


@pytest.fixture
def token(server, client):
    return client.identity_token(server.token("author", subject="alice"))


@pytest.fixture
def refused(server):
    """Refused with that code, and neither log nor disk knows of it."""

    def check(call, code, status):
        before = server.everything()
        answer = call()
        assert (answer.status_code, answer.json()["code"]) == (status, code), (
            answer.text
        )
        assert server.everything() == before

    return check


def forged(server, head=None, by=None, **claims):
    """A token of the right shape, signed by any key, with any claim or head."""
    now = int(server.clock().timestamp())
    said = {
        "iss": ISSUER,
        "aud": "sigstore",
        "sub": MAILBOX,
        "email": MAILBOX,
        "email_verified": True,
        "iat": now,
        "exp": now + 300,
    }
    said = {k: v for k, v in (said | claims).items() if v is not None}
    issuer = server.services.sigstore.issuer.tokens
    head = {"kid": issuer.keys()["keys"][0]["kid"]} | (head or {})
    if by is not None:
        pem = by.private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        return jwt.encode(said, pem, algorithm="ES256", headers=head)
    ours = server.services.keystore.key(SERVER, OIDC).inner._key
    return jwt.encode(said, ours, algorithm="ES256", headers=head)


def request():
    return csr_request(MemoryKey.ecdsa())


# ------------------------------------------------------------------ an honest one


def test_a_certificate_is_what_fulcio_writes_and_its_log_knows_it(
    server, client, token
):
    sigstore = server.services.sigstore
    size = sigstore.ct_log.log.size
    key = MemoryKey.ecdsa()
    leaf = parse_leaf(client.leaf(token, key))
    assert (leaf.subject, leaf.issuer) == (MAILBOX, ISSUER)
    assert leaf.key == key.public_key
    assert leaf.not_after - leaf.not_before == timedelta(minutes=10)
    assert leaf.certificate.subject == x509.Name([])
    root = TrustedRoot.parse(sigstore.trusted_root())
    issuers = issuers_of(leaf, root.certificate_authorities)
    seen = verify_sct(leaf, issuers, root.ct_logs)
    require_leaf_valid(leaf, [server.clock()])
    assert seen.at == server.clock()
    (logged,) = sigstore.ct_log.log.bodies(size, size + 1)
    assert leaf.certificate.tbs_precertificate_bytes in logged


def test_a_go_client_shows_possession_over_the_address(client, token):
    key = MemoryKey.ecdsa()
    answer = client.certify(token, key_request(key, key.sign(MAILBOX.encode())))
    chain = answer.json()["signedCertificateEmbeddedSct"]["chain"]["certificates"]
    assert len(chain) == 3


# ------------------------------------------------------------------ tokens


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "other"}, "identity-token"),
        ({"aud": ["sigstore", "other"]}, "identity-token"),
        ({"aud": None}, "identity-token"),
        ({"iss": "https://evil.example"}, "identity-token"),
        ({"iss": f"{ISSUER}/"}, "identity-token"),
        ({"iss": None}, "identity-token"),
        ({"sub": None}, "identity-token"),
        ({"sub": "bob@acme.localhost"}, "identity-token"),
        ({"email": "bob@acme.localhost"}, "identity-token"),
        ({"email": None}, "identity-token"),
        ({"email_verified": False}, "identity-token"),
        ({"email_verified": "true"}, "identity-token"),
        ({"exp": None}, "identity-token"),
        ({"exp": "tomorrow"}, "identity-token"),
        ({"exp": 2**80}, "identity-token"),
        ({"exp": True}, "identity-token"),
        ({"exp": 1}, "identity-token-expired"),
        ({"iat": 2**33}, "identity-token-expired"),
    ],
)
def test_a_token_that_says_something_else_is_refused(
    server, client, refused, claims, code
):
    token = forged(server, **claims)
    refused(lambda: client.certify(token, request()), code, 401)


def test_a_stolen_token_is_good_for_five_minutes(server, client, token, refused):
    server.clock.advance(seconds=300)
    refused(lambda: client.certify(token, request()), "identity-token-expired", 401)


def test_a_token_of_another_key_is_refused(server, client, refused):
    token = forged(server, by=MemoryKey.ecdsa())
    refused(lambda: client.certify(token, request()), "identity-token", 401)


@pytest.mark.parametrize(
    "head",
    [
        {"kid": "0" * 64},
        {"kid": ""},
        {"kid": "../../etc/passwd"},
        {"crit": ["exp"]},
    ],
)
def test_a_key_id_is_compared_and_never_followed(server, client, refused, head):
    token = forged(server, head=head)
    refused(lambda: client.certify(token, request()), "identity-token", 401)


def unsigned(head, claims) -> str:
    parts = (json.dumps(part).encode() for part in (head, claims))
    text = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return text.decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "ES384"])
def test_the_algorithm_of_a_token_is_ours(server, client, refused, algorithm):
    good = forged(server)
    head = jwt.get_unverified_header(good) | {"alg": algorithm}
    claims = jwt.decode(good, options={"verify_signature": False})
    signature = "" if algorithm.lower() == "none" else good.rpartition(".")[2]
    token = f"{unsigned(head, claims)}.{signature}"
    refused(lambda: client.certify(token, request()), "identity-token", 401)


def test_the_public_key_is_no_shared_secret(server, client, refused):
    good = forged(server)
    head = jwt.get_unverified_header(good) | {"alg": "HS256"}
    claims = jwt.decode(good, options={"verify_signature": False})
    spki = server.services.keystore.key(SERVER, OIDC).public_key.pem.encode()
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    text = unsigned(head, claims)
    mac = urlsafe_b64encode(signer.sign(text.encode(), spki)).rstrip(b"=").decode()
    refused(lambda: client.certify(f"{text}.{mac}", request()), "identity-token", 401)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a" * 5000, "..", "\x7f"])
def test_what_is_no_token_is_refused(client, refused, token):
    refused(lambda: client.certify(token, request()), "identity-token", 401)


def test_an_api_token_is_no_identity_token(server, client, refused):
    token = server.token("author", subject="alice")
    refused(lambda: client.certify(token, request()), "identity-token", 401)


def test_an_identity_token_is_no_api_token(client, token):
    answer = client.http.get("/v1/whoami", token=token)
    assert answer.json()["code"] == "not-authenticated"


# ------------------------------------------------------------------ keys


def test_a_request_for_somebody_elses_key_is_refused(client, token, refused):
    mine, theirs = MemoryKey.ecdsa(), MemoryKey.ecdsa()
    for _ in range(8):  # until both signatures have one length
        asked = csr_request(theirs, by=mine)
        refused(lambda b=asked: client.certify(token, b), "certificate-possession", 422)


def test_a_proof_of_another_key_or_name_is_refused(client, token, refused):
    mine, theirs = MemoryKey.ecdsa(), MemoryKey.ecdsa()
    for asked in (
        key_request(theirs, mine.sign(MAILBOX.encode())),
        key_request(mine, mine.sign(b"bob@acme.localhost")),
        key_request(mine, b"\x30\x00"),
    ):
        refused(lambda b=asked: client.certify(token, b), "certificate-possession", 422)


@pytest.mark.parametrize("kind", ["ecdsa_p384", "ed25519", "rsa"])
def test_a_key_of_another_kind_is_refused(client, token, refused, kind):
    key = getattr(MemoryKey, kind)()
    asked = key_request(key, b"proof")
    refused(lambda: client.certify(token, asked), "key-format", 422)


def test_a_key_on_the_curve_of_coins_is_refused(client, token, refused):
    private = ec.generate_private_key(ec.SECP256K1())
    pem = private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    asked = {
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": pem.decode()},
            "proofOfPossession": b64encode(b"proof"),
        }
    }
    refused(lambda: client.certify(token, asked), "key-format", 422)
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(private, SHA256())
    )
    asked = {"certificateSigningRequest": b64encode(csr.public_bytes(Encoding.PEM))}
    refused(lambda: client.certify(token, asked), "key-format", 422)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "field-format"),
        ([], "field-format"),
        ({"certificateSigningRequest": "!"}, "base64-format"),
        ({"certificateSigningRequest": b64encode(b"x")}, "certificate-request"),
        ({"certificateSigningRequest": 7}, "field-format"),
        ({"publicKeyRequest": {}}, "field-format"),
        ({**csr_request(MemoryKey.ecdsa()), "extra": 1}, "field-format"),
        ({"certificateSigningRequest": "A" * 17_000}, "limit-exceeded"),
    ],
)
def test_what_is_no_request_is_refused(client, token, refused, body, code):
    answer = client.certify(token, body)
    assert answer.json()["code"] in {code, "field-format", "body-too-large"}
    refused(
        lambda: client.certify(token, body), answer.json()["code"], answer.status_code
    )
    assert answer.status_code in (400, 413, 422)


def test_a_request_with_a_key_of_json_twice_is_refused(client, token):
    headers = {"authorization": f"Bearer {token}"}
    body = b'{"certificateSigningRequest":"QQ==","certificateSigningRequest":"QQ=="}'
    answer = client.http.post("/api/v2/signingCert", content=body, headers=headers)
    assert answer.json()["code"] == "json-format"
