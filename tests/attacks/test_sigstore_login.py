# SPDX-License-Identifier: Apache-2.0
"""Attack: logins with somebody else's code, to somewhere else, or of nobody."""

from urllib.parse import urlencode

import jwt
import pytest

from control_plane.sigstore.limits import MAX_GRANTS
from tests.simulators.embedded_client import (
    ACCESS_TOKEN,
    DEVICE,
    EXCHANGE,
    FORM,
    OUT_OF_BAND,
    REDIRECT,
    EmbeddedClient,
    Pkce,
)
from tests.simulators.service import ControlPlane


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(tmp_path_factory.mktemp("login") / "state")
    found.create_workspace("acme")
    yield found
    found.close()


@pytest.fixture(scope="module")
def alice(server):
    return server.token("author", subject="alice", ttl_seconds=80_000)


@pytest.fixture
def client(server):
    return EmbeddedClient(server.http)


@pytest.fixture
def refused(server):
    def check(answer, code, word=None):
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["x-problem-code"] == code
        if word is not None:
            assert answer.json()["error"] == word
        assert "location" not in answer.headers
        return answer

    return check


# ------------------------------------------------------------------ redirects

ELSEWHERE = [
    "https://evil.example/callback",
    "http://evil.example:80/",
    "http://localhost.evil.example:80/",
    "http://localhost:80@evil.example/",
    "http://evil.example#http://localhost:80/",
    "http://127.0.0.1:80\\@evil.example/",
    "http://127.0.0.1:80/%0d%0aset-cookie:a=b",
    "http://127.0.0.1:80/\r\nset-cookie: a=b",
    "http://127.0.0.1:80//evil.example",
    "http://127.0.0.1:80/?next=https://evil.example",
    "http://127.0.0.2:80/",
    "http://127.0.0.1/",
    "http://localhost:123456/",
    "//evil.example/",
    "javascript:alert(1)",
    "urn:ietf:wg:oauth:2.0:oob2",
    "",
]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_code_goes_nowhere_but_to_this_machine(client, alice, refused, place):
    code = "login-redirect"
    refused(client.login(alice, Pkce(), redirect_uri=place), code)
    asked = client.ask(code_challenge=Pkce().challenge, redirect_uri=place)
    refused(client.http.get("/oidc/authorize", params=asked, token=None), code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "evil"}, "login-client"),
        ({"client_id": None}, "login-client"),
        ({"response_type": "token"}, "login-request"),
        ({"response_type": "code token"}, "login-request"),
        ({"scope": "email"}, "login-request"),
        ({"code_challenge": None}, "login-request"),
        ({"code_challenge": "short"}, "login-request"),
        ({"code_challenge_method": "plain"}, "login-request"),
        ({"code_challenge_method": None}, "login-request"),
        ({"state": "s" * 513}, "login-request"),
        ({"nonce": "n" * 513}, "login-request"),
    ],
)
def test_a_login_without_its_parts_is_refused(client, alice, refused, changes, code):
    asked = client.ask(code_challenge=Pkce().challenge) | changes
    given = {k: v for k, v in asked.items() if v is not None}
    refused(client.form("/oidc/authorize", given | {"api_token": alice}), code)


def test_a_parameter_twice_is_refused(client, alice, refused):
    good = {
        "grant_type": EXCHANGE,
        "subject_token": alice,
        "subject_token_type": ACCESS_TOKEN,
    }
    body = urlencode(good).encode() + b"&scope=openid&scope=openid"
    answer = client.http.post("/oidc/token", content=body, headers=FORM, token=None)
    refused(answer, "login-request", "invalid_request")


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"a" * 16_385, b"&".join([b"a%d=1" % n for n in range(40)])],
    ids=["not-ascii", "too-large", "too-many"],
)
def test_a_form_that_is_none_is_refused(client, body):
    answer = client.http.post("/oidc/token", content=body, headers=FORM, token=None)
    assert answer.headers["x-problem-code"] in {"login-request", "body-too-large"}


def test_a_huge_body_is_refused_while_it_arrives(client):
    for path in (
        "/oidc/token",
        "/api/v2/signingCert",
        "/rekor/acme/api/v2/log/entries",
    ):
        answer = client.http.post(path, content=b"a" * 200_000, headers=FORM)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


# ------------------------------------------------------------------ API tokens


def test_nobody_logs_in_without_a_token_of_this_server(client, refused):
    page = refused(client.login("tst_guess", Pkce()), "not-authenticated")
    assert "tst_guess" not in page.text
    refused(client.exchange("tst_guess"), "not-authenticated", "invalid_grant")


def test_a_revoked_token_logs_nobody_in(server, client, refused):
    token = server.token("author", subject="gone")
    listed = server.http.get("/v1/workspaces/acme/tokens").json()["items"]
    ours = next(one["id"] for one in listed if one["subject"] == "gone")
    server.http.delete(f"/v1/workspaces/acme/tokens/{ours}")
    refused(client.exchange(token), "not-authenticated", "invalid_grant")


@pytest.mark.parametrize("role", ["runner", "auditor"])
def test_a_role_that_signs_nothing_gets_no_identity(server, client, refused, role):
    answer = client.exchange(server.token(role, subject="r"))
    refused(answer, "not-permitted", "invalid_grant")


def test_a_hostile_name_of_a_token_runs_on_no_page(server, client, refused):
    token = server.token("author", subject="<script>alert(1)</script>")
    page = refused(client.login(token, Pkce()), "account-name")
    assert "<script" not in page.text


def test_an_admin_of_one_workspace_makes_nobody_of_another(server, client):
    server.create_workspace("other")
    token = server.token("author", "other", subject="alice@acme.localhost")
    answer = client.exchange(token)
    said = jwt.decode(answer.json()["id_token"], options={"verify_signature": False})
    assert said["email"] == "alice=acme.localhost@other.localhost"


# ------------------------------------------------------------------ codes


def test_a_code_is_good_once(client, alice, refused):
    pkce = Pkce()
    code = client.code(alice, pkce)
    assert client.redeem(code, pkce).status_code == 200
    refused(client.redeem(code, pkce), "login-code", "invalid_grant")


def test_a_stolen_code_is_nothing_without_its_verifier(client, alice, refused):
    pkce = Pkce()
    code = client.code(alice, pkce)
    refused(client.redeem(code, Pkce()), "login-pkce", "invalid_grant")
    # And whoever tried has used it up.
    refused(client.redeem(code, pkce), "login-code", "invalid_grant")


@pytest.mark.parametrize("verifier", [None, "", "short"])
def test_a_verifier_must_be_one(client, alice, refused, verifier):
    code = client.code(alice, Pkce())
    refused(
        client.redeem(code, Pkce(), code_verifier=verifier),
        "login-pkce",
        "invalid_grant",
    )


def test_a_code_for_another_redirect_is_refused(client, alice, refused):
    pkce = Pkce()
    code = client.code(alice, pkce)
    answer = client.redeem(code, pkce, redirect_uri=f"{REDIRECT}/other")
    refused(answer, "login-code-redirect", "invalid_grant")


def test_a_code_runs_out(server, client, alice, refused):
    pkce = Pkce()
    code = client.code(alice, pkce)
    server.clock.advance(seconds=300)
    refused(client.redeem(code, pkce), "login-code", "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "evil"}, ("login-client", "invalid_client")),
        ({"grant_type": "password"}, ("login-grant-type", "unsupported_grant_type")),
        ({"grant_type": None}, ("login-request", "invalid_request")),
        ({"code": None}, ("login-request", "invalid_request")),
        ({"code": "guess"}, ("login-code", "invalid_grant")),
    ],
)
def test_a_token_is_not_given_for_less(client, alice, refused, changes, said):
    pkce = Pkce()
    refused(client.redeem(client.code(alice, pkce), pkce, **changes), *said)


def test_two_names_of_a_client_are_refused(client, refused):
    basic = {"authorization": "Basic ZXZpbDo="}  # evil:
    answer = client.form("/oidc/token", {"client_id": "sigstore"}, headers=basic)
    refused(answer, "login-client", "invalid_client")
    junk = {"authorization": "Basic \x7f"}
    refused(client.form("/oidc/token", {}, headers=junk), "login-client")


@pytest.mark.parametrize("kind", ["subject_token_type", "requested_token_type"])
def test_only_an_api_token_is_exchanged_and_only_for_an_identity(client, alice, kind):
    answer = client.exchange(alice, **{kind: "urn:example:other"})
    assert answer.json()["error"] == "unsupported_grant_type"


# ------------------------------------------------------------------ devices


def test_a_code_of_no_device_lets_nobody_in(client, alice, refused):
    given = {"user_code": "BBBB-BBBB", "api_token": alice}
    refused(client.form("/oidc/device", given), "login-device")


def test_the_code_of_a_device_is_good_once(client, alice, refused):
    begun = client.form("/oidc/device/code", {"client_id": "sigstore"}).json()
    given = {"user_code": begun["user_code"], "api_token": alice}
    assert client.form("/oidc/device", given).status_code == 200
    refused(client.form("/oidc/device", given), "login-device")


def test_a_device_code_of_another_device_is_bound_to_its_verifier(
    client, alice, refused
):
    pkce = Pkce()
    asked = {
        "client_id": "sigstore",
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
    }
    begun = client.form("/oidc/device/code", asked).json()
    given = {"user_code": begun["user_code"], "api_token": alice}
    assert client.form("/oidc/device", given).status_code == 200
    poll = {
        "grant_type": DEVICE,
        "client_id": "sigstore",
        "device_code": begun["device_code"],
    }
    refused(client.form("/oidc/token", poll), "login-pkce", "invalid_grant")
    good = poll | {"code_verifier": pkce.verifier}
    assert client.form("/oidc/token", good).status_code == 200


def test_a_page_of_a_device_shows_nothing_that_runs(client):
    hostile = "<script>alert(1)</script>"
    page = client.http.get("/oidc/device", params={"user_code": hostile}, token=None)
    assert "<script" not in page.text


def test_open_logins_are_bounded_and_run_out(server, client, refused):
    begin = {"client_id": "sigstore"}
    for _ in range(MAX_GRANTS + 1):
        last = client.form("/oidc/device/code", begin)
    refused(last, "too-many-logins", "temporarily_unavailable")
    server.clock.advance(seconds=600)
    assert client.form("/oidc/device/code", begin).status_code == 200


def test_the_out_of_band_page_is_not_a_redirect(client, alice):
    answer = client.login(alice, Pkce(), redirect_uri=OUT_OF_BAND)
    assert answer.status_code == 200
    assert "location" not in answer.headers
