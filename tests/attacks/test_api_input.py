# SPDX-License-Identifier: Apache-2.0
"""Attack: every operation that takes a body is sent every kind of bad one."""

import pytest

from control_plane.limits import MAX_SMALL_BODY_BYTES
from tests.simulators.service import ControlPlane

PROPOSALS = "/v1/workspaces/acme/trust/proposals"
PROPOSAL = "sha256:" + "0" * 64
PENDING = "/v1/workspaces/acme/pending-releases"
MOVE = "/v1/workspaces/acme/move"
PATHS = {
    "/v1/workspaces": {"name": "x"},
    "/v1/workspaces/acme/tokens": {"role": "author", "subject": "s", "ttl_seconds": 1},
    "/v1/workspaces/acme/identity-challenges": {"public_key": "x"},
    "/v1/workspaces/acme/identities": {"proof": "", "public_key": "x"},
    "/v1/workspaces/acme/identities/control-plane-admin/revoke": {"reason": "x"},
    "/v1/workspaces/acme/identities/control-plane-admin/suspend": {"reason": "x"},
    "/v1/workspaces/acme/attestations": {"attestation": ""},
    "/v1/workspaces/acme/sign": {"identity": "x", "predicate_type": "x"},
    "/v1/workspaces/acme/verify": {"attestation": "", "predicate_type": "x"},
    "/v1/workspaces/acme/releases": {"bundle": "", "attestations": "", "release": ""},
    "/v1/ceremonies/later": {"root": "", "proposal": "", "signatures": []},
    PROPOSALS: {"proposal": ""},
    "/v1/workspaces/acme/trust/online-keys": {"role": "x"},
    "/v1/workspaces/acme/trust/roots": {"root": "", "event": ""},
    MOVE: {"root": "", "proposal": "", "signatures": []},
    f"{MOVE}/{PROPOSAL}/finish": {"root": "", "signatures": [], "event": ""},
    f"{PROPOSALS}/{PROPOSAL}/signatures": {"key": "x", "signature": ""},
    f"{PROPOSALS}/{PROPOSAL}/publish": {"event": ""},
    "/v1/workspaces/acme/runners/r/reports": {"attestation": ""},
    "/v1/workspaces/acme/trust/rules": {"thresholds": {"release": 2}},
    "/v1/workspaces/acme/trust/instances": {
        "name": "public-good",
        "trusted_root": "",
        "issuers": {"https://issuer.example": "external"},
        "ca_custody": "external",
        "ct_custody": "external",
        "tsa_custody": "external",
    },
    PENDING: {"bundle": "", "attestations": ""},
    f"{PENDING}/{PROPOSAL}/signatures": {"attestation": ""},
}
# What says that nothing is said.
LEFT_OUT = [("thresholds", {}), ("tsa_custody", None)]
LARGE = {
    "/v1/workspaces",
    "/v1/ceremonies/later",
    "/v1/workspaces/acme/releases",
    PENDING,
    PROPOSALS,
    MOVE,
}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = ControlPlane(
        tmp_path_factory.mktemp("api") / "state", max_body_bytes=2 * 1024 * 1024
    )
    found.create_workspace("acme")
    yield found
    found.close()


def _refused(server, call, statuses):
    before = server.everything()
    answer = call()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code in statuses, answer.text
    assert answer.json()["status"] == answer.status_code
    assert "Traceback" not in answer.text
    assert str(server.settings.state) not in answer.text
    assert server.everything() == before
    return answer.json()


def test_the_list_names_every_operation_with_a_body(server):
    schema = server.http.get("/openapi.json").json()
    with_body = {
        path.format(
            ws="acme",
            identity="control-plane-admin",
            runner="r",
            token_id="t",
            name="later",
            proposal=PROPOSAL,
            release=PROPOSAL,
        )
        for path, found in schema["paths"].items()
        if "requestBody" in found.get("post", {}) and path.startswith("/v1")
    }
    assert with_body == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"{", 400, id="half"),
        pytest.param(b"\xff\xfe", 400, id="not-utf8"),
        pytest.param(b'{"a":1,"a":1}', 400, id="key-twice"),
        pytest.param(b'{"a":1e999}', 400, id="infinity"),
        pytest.param(b'{"a":"\\ud800"}', 400, id="half-a-surrogate"),
        pytest.param(b"[]", 422, id="a-list"),
        pytest.param(b"null", 422, id="null"),
        pytest.param(b"[" * 100_000, 422, id="deep"),
        pytest.param(b'{"unknown":1}', 422, id="unknown-field"),
    ],
)
def test_a_body_that_is_not_the_documented_one_is_refused(
    server, path, content, status
):
    _refused(
        server, lambda: server.http.post(path, content=content, headers=JSON), {status}
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_field_of_another_type_is_refused(server, path):
    for wrong in (None, 7, [], {}, True):
        for name in PATHS[path]:
            if isinstance(wrong, int) and name == "ttl_seconds" and wrong is not True:
                continue
            if (name, wrong) in LEFT_OUT:
                continue
            body = PATHS[path] | {name: wrong}
            _refused(server, lambda b=body: server.http.post(path, json=b), {422})


@pytest.mark.parametrize("path", PATHS)
def test_an_endless_body_is_cut_off(server, path):
    limit = server.settings.max_body_bytes
    large = path in LARGE
    size = (limit if large else MAX_SMALL_BODY_BYTES) + 1

    async def endless():
        sent = 0
        while sent < size:
            yield b" " * 65_536
            sent += 65_536

    found = _refused(
        server, lambda: server.http.post(path, content=endless(), headers=JSON), {413}
    )
    assert found["code"] == "body-too-large"


@pytest.mark.parametrize("path", PATHS)
def test_a_form_is_no_json(server, path):
    _refused(server, lambda: server.http.post(path, data={"a": "b"}), {422})


@pytest.mark.parametrize(
    "path",
    [
        "/v1/workspaces/acme/releases/1e3",
        "/v1/workspaces/acme/releases/%00",
        "/v1/workspaces/acme/audit/proofs",
        "/v1/workspaces/acme/audit/proofs?index=-1",
        "/v1/workspaces/acme/audit/entries?limit=1000000",
        "/v1/workspaces/acme/attestations",
        "/v1/workspaces/acme/attestations?subject=sha1:00",
        f"/v1/workspaces/acme/attestations?subject={PROPOSAL}&identity=a",
        f"/v1/workspaces/acme/attestations?subject={PROPOSAL}&predicate_type=x",
        f"/v1/workspaces/acme/attestations?subject={PROPOSAL}&more=1",
        "/v1/workspaces/acme/attestations?identity=" + "a" * 5000,
        "/v1/workspaces/acme/attestations?identity=a&start=-1",
        "/v1/workspaces/acme/attestations?identity=a&limit=100000",
        "/v1/workspaces/acme/attestations?predicate_type=x",
        "/v1/workspaces/acme/releases?rule=",
        "/v1/workspaces/acme/releases?rule=../../x",
        "/v1/workspaces/acme/releases?rule=sha256:00",
        "/v1/workspaces/acme/releases/0/runners",
        "/v1/workspaces/acme/releases/x/runners",
        "/v1/workspaces/acme/attestations?subject=sha256:" + "A" * 64,
    ],
)
def test_a_query_that_cannot_be_is_refused(server, path):
    _refused(server, lambda: server.http.get(path), {422})


@pytest.mark.parametrize(
    "name",
    ["%00", "%2e%2e%2f", "'; DROP TABLE tokens; --", "x" * 5000, "\u202e"],
)
@pytest.mark.parametrize("place", ["identities/{}", "tokens/{}", "runners/{}/reports"])
def test_a_hostile_name_is_only_a_name(server, place, name):
    path = f"/v1/workspaces/acme/{place.format(name)}"
    method = "DELETE" if place.startswith("tokens") else "GET"
    _refused(server, lambda: server.http.request(method, path), {404, 405})


@pytest.mark.parametrize("token", ["tst_wrong", "", None])
@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_somebody_without_a_token_is_not_read(server, path, token):
    read = []

    async def body():
        read.append(1)
        yield b"{}"

    def call():
        return server.http.post(path, content=body(), headers=JSON, token=token)

    found = _refused(server, call, {401})

    assert found["code"] == "not-authenticated"
    assert read == []
