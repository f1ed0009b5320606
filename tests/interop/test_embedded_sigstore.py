# SPDX-License-Identifier: Apache-2.0
"""Stock clients sign and verify against the embedded instance of a real server."""

import json

import httpx
import pytest
from sigstore.dsse import StatementBuilder, Subject
from sigstore.models import Bundle, SigningConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from keys.digest import Digest
from tests.simulators.plane import planted

ARTIFACT = b"a file of the platform team\n"


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with planted(tmp_path_factory.mktemp("sigstore")) as found:
        yield found


@pytest.fixture(scope="module")
def files(plane, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with httpx.Client(base_url=plane.url, trust_env=False) as http:
        http.headers["authorization"] = (
            f"Bearer {plane.admin_token.read_text().strip()}"
        )
        for name in ("trusted-root", "signing-config"):
            answer = http.get(f"/v1/workspaces/acme/sigstore/{name}")
            assert answer.status_code == 200, answer.text
            (folder / f"{name}.json").write_bytes(answer.content)
    return folder


def identity_token(plane, token: str) -> str:
    answer = httpx.post(
        f"{plane.url}/oidc/token",
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        },
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["id_token"]


@pytest.fixture(scope="module")
def token(plane):
    return identity_token(
        plane, plane.root.with_name("alice.token").read_text().strip()
    )


@pytest.fixture(scope="module")
def context(files):
    config = SigningConfig.from_file(str(files / "signing-config.json"))
    return SigningContext(
        fulcio=config.get_fulcio(),
        rekor=config.get_tlogs()[0],
        trusted_root=TrustedRoot.from_file(str(files / "trusted-root.json")),
        tsa_clients=config.get_tsas(),
    )


def wanted(plane):
    return policy.AllOf(
        [
            policy.Identity(identity="alice@acme.localhost"),
            policy.OIDCIssuerV2(plane.url),
        ]
    )


def test_the_python_client_signs_and_verifies_a_statement(plane, files, context, token):
    statement = (
        StatementBuilder()
        .subjects([Subject(name="file", digest={"sha256": Digest.of(ARTIFACT).hex})])
        .predicate_type("https://example.com/note/v1")
        .predicate({"note": "reviewed"})
        .build()
    )

    with context.signer(IdentityToken(token)) as signer:
        bundle = signer.sign_dsse(statement)

    verifier = Verifier(
        trusted_root=TrustedRoot.from_file(str(files / "trusted-root.json"))
    )
    _, payload = verifier.verify_dsse(Bundle.from_json(bundle.to_json()), wanted(plane))
    assert json.loads(payload)["predicate"] == {"note": "reviewed"}


def test_the_python_client_signs_and_verifies_a_file(plane, files, context, token):
    with context.signer(IdentityToken(token)) as signer:
        bundle = signer.sign_artifact(ARTIFACT)

    verifier = Verifier(
        trusted_root=TrustedRoot.from_file(str(files / "trusted-root.json"))
    )
    verifier.verify_artifact(
        ARTIFACT, Bundle.from_json(bundle.to_json()), wanted(plane)
    )
