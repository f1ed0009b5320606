# SPDX-License-Identifier: Apache-2.0
"""How the holders of API tokens get identity tokens, and whose address they have."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from control_plane.auth.roles import Caller, Role
from control_plane.errors import NotPermittedError
from control_plane.sigstore.accounts import mailbox_of
from control_plane.sigstore.errors import AccountNameError
from tests.simulators.embedded_client import (
    DEVICE,
    OUT_OF_BAND,
    EmbeddedClient,
    Pkce,
)

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture
def client(server, workspace):
    return EmbeddedClient(server.http)


@pytest.fixture
def alice(server, workspace):
    return server.token("author", subject="alice")


def claims(server, token: str):
    found = server.http.get("/oidc/keys", token=None).json()["keys"]
    key = jwt.PyJWK(found[0]).key
    return jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience="sigstore",
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )


def test_the_issuer_describes_itself(server):
    path = "/.well-known/openid-configuration"
    found = server.http.get(path, token=None).json()
    assert found["issuer"] == ISSUER
    assert found["token_endpoint"] == f"{ISSUER}/oidc/token"
    assert found["id_token_signing_alg_values_supported"] == ["ES256"]
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_an_api_token_is_exchanged_for_an_identity_token(server, client, alice):
    answer = client.exchange(alice).json()
    assert answer["access_token"] == answer["id_token"]
    said = claims(server, answer["id_token"])
    assert said["email"] == said["sub"] == "alice@acme.localhost"
    assert said["email_verified"] is True
    assert said["exp"] - said["iat"] == answer["expires_in"] == 300


def test_a_browser_gets_a_code_and_the_client_a_token(server, client, alice):
    pkce = Pkce()
    code = client.code(alice, pkce, nonce="n-1")
    said = claims(server, client.redeem(code, pkce).json()["id_token"])
    assert (said["email"], said["nonce"]) == ("alice@acme.localhost", "n-1")


def test_a_client_may_name_itself_by_http_basic(client, alice):
    pkce = Pkce()
    code = client.code(alice, pkce)
    values = {
        "grant_type": "authorization_code",
        "redirect_uri": client.ask()["redirect_uri"],
        "code": code,
        "code_verifier": pkce.verifier,
    }
    basic = {"authorization": "Basic c2lnc3RvcmU6"}  # sigstore:
    assert client.form("/oidc/token", values, headers=basic).status_code == 200


def test_the_page_carries_the_request_and_nothing_runs_on_it(server, client):
    pkce = Pkce()
    hostile = '"><script>alert(1)</script>'
    asked = client.ask(code_challenge=pkce.challenge, state=hostile)
    page = server.http.get("/oidc/authorize", params=asked, token=None)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert f'value="{html.escape(hostile)}"' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://localhost:41234;" in policy
    assert page.headers["cache-control"] == "no-store"


def test_a_code_goes_to_where_it_was_asked_for_with_the_state(client, alice):
    answer = client.login(alice, Pkce())
    place = urlsplit(answer.headers["location"])
    assert place.geturl().startswith("http://localhost:41234/auth/callback?")
    assert parse_qs(place.query)["state"] == ["the-state"]
    assert answer.status_code == 303  # the form is not sent on


def test_out_of_band_the_page_shows_the_code(client, alice):
    pkce = Pkce()
    page = client.login(alice, pkce, redirect_uri=OUT_OF_BAND)
    code = re.search(r"<pre>([A-Za-z0-9_-]+)</pre>", page.text)[1]
    answer = client.redeem(code, pkce, redirect_uri=OUT_OF_BAND)
    assert answer.status_code == 200


def test_a_device_waits_until_somebody_logs_in(server, client, alice):
    begun = client.form("/oidc/device/code", {"client_id": "sigstore"}).json()
    poll = {
        "grant_type": DEVICE,
        "client_id": "sigstore",
        "device_code": begun["device_code"],
    }
    assert client.form("/oidc/token", poll).json()["error"] == "authorization_pending"
    assert client.form("/oidc/token", poll).json()["error"] == "slow_down"
    shown = server.http.get(
        "/oidc/device", params={"user_code": begun["user_code"]}, token=None
    )
    assert begun["user_code"] in shown.text
    typed = begun["user_code"].replace("-", "").lower()
    done = client.form("/oidc/device", {"user_code": typed, "api_token": alice})
    assert "alice@acme.localhost" in done.text
    token = client.form("/oidc/token", poll).json()["id_token"]
    assert claims(server, token)["email"] == "alice@acme.localhost"
    assert client.form("/oidc/token", poll).json()["error"] == "expired_token"


@pytest.mark.parametrize(
    ("subject", "workspace", "address"),
    [
        ("alice", "acme", "alice@acme.localhost"),
        ("alice", None, "alice@localhost"),
        ("first-admin", None, "first-admin@localhost"),
        ("alice@example.com", "acme", "alice=example.com@acme.localhost"),
        ("a.b+c_d", "acme", "a.b+c_d@acme.localhost"),
    ],
)
def test_an_account_has_an_address_of_its_workspace(subject, workspace, address):
    caller = Caller("0" * 16, subject, Role.AUTHOR, workspace)
    assert mailbox_of(caller, "localhost") == address


@pytest.mark.parametrize(
    "subject",
    [
        "alice@example.com@other",
        "alice=example.com",
        "alice@",
        "@acme",
        "a..b",
        ".a",
        "a b",
        "a\n",
        "älice",
        '"alice"',
        "a" * 65,
        "a<b>",
    ],
)
def test_a_name_that_could_be_two_addresses_is_none(subject):
    with pytest.raises(AccountNameError):
        mailbox_of(Caller("0" * 16, subject, Role.AUTHOR, "acme"), "localhost")


@pytest.mark.parametrize("role", [Role.RUNNER, Role.AUDITOR])
def test_who_signs_nothing_gets_no_identity(role):
    with pytest.raises(NotPermittedError):
        mailbox_of(Caller("0" * 16, "alice", role, "acme"), "localhost")
