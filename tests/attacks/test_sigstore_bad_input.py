# SPDX-License-Identifier: Apache-2.0
"""Attack: what makes a door of the instance fall over instead of saying no."""

import re
from base64 import urlsafe_b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from keys.strict import b64encode
from tests.simulators.embedded_client import EmbeddedClient, csr_request
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import ControlPlane


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(tmp_path_factory.mktemp("input") / "state")
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
    """Refused by a code that says why, and neither log nor disk knows of it."""

    def check(call, code):
        before = server.everything()
        answer = call()
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["x-problem-code"] == code
        assert server.everything() == before

    return check


def segment(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def later_version(pem: bytes) -> bytes:
    """A CSR of a version that there is not, with the signature of the first."""
    csr = x509.load_pem_x509_csr(pem)
    der = bytearray(csr.public_bytes(Encoding.DER))
    place = der.index(b"\x02\x01\x00")
    der[place + 2] = 2
    text = b64encode(bytes(der))
    lines = "\n".join(re.findall(".{1,64}", text))
    return (
        f"-----BEGIN CERTIFICATE REQUEST-----\n{lines}\n"
        "-----END CERTIFICATE REQUEST-----\n"
    ).encode()


@pytest.mark.parametrize("name", ["é", "\xff\xfe", "=", "====", "ww==", "x" * 9000])
def test_a_client_name_that_is_no_base64_is_refused(client, refused, name):
    junk = {"authorization": f"Basic {name}".encode("latin-1")}
    refused(lambda: client.form("/oidc/token", {}, headers=junk), "login-client")


@pytest.mark.parametrize("depth", [500, 900, 1400])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_token_with_a_head_without_a_bottom_is_refused(
    client, refused, depth, opening
):
    head = segment(opening * (depth // len(opening) * 2))
    deep = f"{head}.e30.AAAA"
    refused(
        lambda: client.certify(deep, csr_request(MemoryKey.ecdsa())), "identity-token"
    )


def test_a_request_of_a_version_that_there_is_not_is_refused(client, token, refused):
    pem = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(MemoryKey.ecdsa().private, SHA256())
        .public_bytes(Encoding.PEM)
    )
    asked = {"certificateSigningRequest": b64encode(later_version(pem))}
    refused(lambda: client.certify(token, asked), "certificate-request")


@pytest.mark.parametrize("host", ["[", "[x].log.localhost", "a:b:c", "x:99999", ""])
def test_a_host_that_is_no_name_is_no_log(client, refused, host):
    for ask in (
        lambda: client.http.get(
            "/api/v2/checkpoint", headers={"host": host}, token=None
        ),
        lambda: client.http.post(
            "/api/v2/log/entries", json={}, headers={"host": host}, token=None
        ),
    ):
        refused(ask, "not-found")
