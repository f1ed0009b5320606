# SPDX-License-Identifier: Apache-2.0
"""Attack: calls without a token, with somebody else's, or with one for another place.

The table below says who may call what; it is compared with the application's own list
of operations, so that an operation without a line here is a failure.
"""

import pytest

from tests.simulators.service import ControlPlane

ALL = frozenset({"admin", "author", "release", "runner", "auditor"})
ADMIN = frozenset({"admin"})
PROVERS = frozenset({"admin", "author", "release", "runner"})
SIGNERS = frozenset({"admin", "author", "release"})

WS = "/v1/workspaces/{ws}"
SCOPED = {
    ("GET", WS): ALL,
    ("GET", f"{WS}/tokens"): ADMIN,
    ("POST", f"{WS}/tokens"): ADMIN,
    ("DELETE", f"{WS}/tokens/{{token_id}}"): ADMIN,
    ("POST", f"{WS}/identity-challenges"): PROVERS,
    ("GET", f"{WS}/identities"): ALL,
    ("POST", f"{WS}/identities"): ADMIN,
    ("GET", f"{WS}/identities/{{identity}}"): ALL,
    ("POST", f"{WS}/identities/{{identity}}/revoke"): ADMIN,
    ("POST", f"{WS}/identities/{{identity}}/suspend"): ADMIN,
    ("POST", f"{WS}/identities/{{identity}}/resume"): ADMIN,
    ("GET", f"{WS}/attestations"): ALL,
    ("POST", f"{WS}/attestations"): SIGNERS,
    ("POST", f"{WS}/sign"): SIGNERS,
    ("POST", f"{WS}/verify"): ALL,
    ("GET", f"{WS}/trust/policy"): ALL,
    ("GET", f"{WS}/trust/proposals"): ALL,
    ("POST", f"{WS}/trust/proposals"): ADMIN,
    ("GET", f"{WS}/trust/proposals/{{proposal}}"): ALL,
    ("GET", f"{WS}/trust/proposals/{{proposal}}/files/{{digest}}"): ALL,
    ("POST", f"{WS}/trust/proposals/{{proposal}}/signatures"): ADMIN,
    ("POST", f"{WS}/trust/proposals/{{proposal}}/publish"): ADMIN,
    ("POST", f"{WS}/trust/online-keys"): ADMIN,
    ("POST", f"{WS}/trust/roots"): ADMIN,
    ("POST", f"{WS}/trust/rules"): ADMIN,
    ("GET", f"{WS}/trust/instances"): ALL,
    ("POST", f"{WS}/trust/instances"): ADMIN,
    ("DELETE", f"{WS}/trust/instances/{{instance}}"): ADMIN,
    ("GET", f"{WS}/pending-releases"): ALL,
    ("POST", f"{WS}/pending-releases"): frozenset({"admin", "release"}),
    ("GET", f"{WS}/pending-releases/{{release}}"): ALL,
    ("POST", f"{WS}/pending-releases/{{release}}/signatures"): frozenset(
        {"admin", "release"}
    ),
    ("POST", f"{WS}/move/online-keys"): ADMIN,
    ("POST", f"{WS}/move"): ADMIN,
    ("POST", f"{WS}/move/{{proposal}}/finish"): ADMIN,
    ("GET", f"{WS}/releases"): ALL,
    ("POST", f"{WS}/releases"): frozenset({"admin", "release"}),
    ("GET", f"{WS}/releases/{{revision}}"): ALL,
    ("GET", f"{WS}/releases/{{revision}}/runners"): ALL,
    ("GET", f"{WS}/rules"): ALL,
    ("GET", f"{WS}/runners"): ALL,
    ("POST", f"{WS}/runners/{{runner}}/reports"): frozenset({"admin", "runner"}),
    ("GET", f"{WS}/sigstore/trusted-root"): ALL,
    ("GET", f"{WS}/sigstore/signing-config"): ALL,
    ("GET", f"{WS}/audit/entries"): ALL,
    ("GET", f"{WS}/audit/proofs"): ALL,
    ("GET", f"{WS}/audit/pack"): frozenset({"admin", "auditor"}),
}
ANY_TOKEN = {
    ("GET", "/v1/whoami"),
    ("GET", "/v1/workspaces"),
    ("GET", "/v1/sigstore/trusted-root"),
}
UNSCOPED_ADMIN = {
    ("GET", "/metrics"),
    ("POST", "/v1/workspaces"),
    ("POST", "/v1/ceremonies/{name}/online-keys"),
    ("POST", "/v1/ceremonies/{name}"),
}
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/api/v1/timestamp"),
    ("GET", "/api/v1/timestamp/certchain"),
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/oidc/keys"),
    ("GET", "/oidc/authorize"),
    ("POST", "/oidc/authorize"),
    ("POST", "/oidc/token"),
    ("POST", "/oidc/device/code"),
    ("GET", "/oidc/device"),
    ("POST", "/oidc/device"),
    ("POST", "/api/v2/signingCert"),
    ("GET", "/api/v2/trustBundle"),
    ("GET", "/api/v2/configuration"),
    ("POST", "/rekor/{ws}/api/v2/log/entries"),
    ("GET", "/rekor/{ws}/api/v2/checkpoint"),
    ("GET", "/rekor/{ws}/api/v2/tile/{tile}"),
    ("POST", "/api/v2/log/entries"),
    ("GET", "/api/v2/checkpoint"),
    ("GET", "/api/v2/tile/{tile}"),
    ("GET", "/w/{ws}/{name}"),
    ("HEAD", "/w/{ws}/{name}"),
}
PARTS = {
    "token_id": "0" * 16,
    "identity": "control-plane-admin",
    "revision": "1",
    "runner": "r",
    "instance": "public-good",
    "release": "sha256:" + "0" * 64,
    "proposal": "sha256:" + "0" * 64,
    "digest": "sha256:" + "0" * 64,
    "name": "later",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(tmp_path_factory.mktemp("api") / "state")
    found.create_workspace("acme")
    found.create_workspace("other")
    yield found
    found.close()


@pytest.fixture(scope="module")
def tokens(server):
    return {role: server.token(role, subject="somebody") for role in sorted(ALL)}


def _call(server, method, path, *, token, workspace="acme"):
    place = path.format(ws=workspace, **PARTS)
    body = {"json": {}} if method == "POST" else {}
    return server.http.request(method, place, token=token, **body)


def _refused(server, call, status, codes):
    before = server.everything()
    answer = call()
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] in codes
    assert server.everything() == before


def test_the_table_names_every_operation(server):
    schema = server.http.get("/openapi.json").json()
    operations = {
        (method.upper(), path)
        for path, found in schema["paths"].items()
        for method in found
    }
    assert operations == set(SCOPED) | ANY_TOKEN | UNSCOPED_ADMIN | OPEN


@pytest.mark.parametrize(
    ("method", "path"), sorted({*SCOPED, *ANY_TOKEN, *UNSCOPED_ADMIN})
)
@pytest.mark.parametrize("token", [None, "tst_guess"], ids=["none", "guess"])
def test_nobody_calls_anything(server, method, path, token):
    server.http.token, kept = None, server.http.token
    try:
        call = lambda: _call(server, method, path, token=token)  # noqa: E731
        _refused(server, call, 401, {"not-authenticated"})
    finally:
        server.http.token = kept


@pytest.mark.parametrize(("method", "path"), sorted(SCOPED))
def test_a_role_calls_what_is_its_own_and_nothing_else(server, tokens, method, path):
    for role, token in tokens.items():
        call = lambda t=token: _call(server, method, path, token=t)  # noqa: E731
        if role not in SCOPED[method, path]:
            _refused(server, call, 403, {"not-permitted"})
        elif method != "DELETE":
            assert call().status_code not in (401, 403)


@pytest.mark.parametrize(("method", "path"), sorted(SCOPED))
def test_a_token_of_one_workspace_is_nothing_in_another(server, method, path):
    token = server.token("admin", "other")
    call = lambda: _call(server, method, path, token=token)  # noqa: E731
    _refused(server, call, 403, {"not-permitted"})


@pytest.mark.parametrize(("method", "path"), sorted(SCOPED))
def test_an_expired_token_is_nothing_anywhere(server, method, path):
    token = server.token("admin", ttl_seconds=1)
    server.clock.advance(seconds=1)
    call = lambda: _call(server, method, path, token=token)  # noqa: E731
    _refused(server, call, 401, {"token-expired"})


@pytest.mark.parametrize(("method", "path"), sorted(UNSCOPED_ADMIN))
def test_only_an_admin_of_the_whole_server_makes_workspaces(
    server, tokens, method, path
):
    for token in tokens.values():
        call = lambda t=token: _call(server, method, path, token=t)  # noqa: E731
        _refused(server, call, 403, {"not-permitted"})


@pytest.mark.parametrize("workspace", ["nowhere", "UPPER", ".new-acme", "_server"])
@pytest.mark.parametrize(("method", "path"), sorted(k for k in SCOPED if k[0] == "GET"))
def test_a_workspace_that_is_not_there_is_not_found(server, method, path, workspace):
    place = path if "proofs" not in path else f"{path}?index=0"
    place = place if "attestations" not in path else f"{path}?subject=sha256:{'0' * 64}"
    admin = server.http.token
    call = lambda: _call(server, method, place, token=admin, workspace=workspace)  # noqa: E731
    _refused(server, call, 404, {"not-found"})
