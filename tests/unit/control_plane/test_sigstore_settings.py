# SPDX-License-Identifier: Apache-2.0
"""Where the embedded Sigstore instance runs, by which name, and with which keys."""

from dataclasses import replace

import pytest

from control_plane.key_places import read_key_places
from control_plane.keystore import CA, CA_ROOT, CT, OIDC, SERVER, TSA, TSA_CA
from control_plane.settings import Settings
from keys.digest import Digest
from keys.errors import ConfigurationError, KeyProviderError
from keys.strict import b64decode, b64encode, dumps_json
from signer.certificate.leaf import parse_leaf
from signer.form import Custody
from signer.trust_policy import TrustPolicy
from tests.simulators.embedded_client import EmbeddedClient
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import ControlPlane

STORED = {"storage": "s3://bucket/prefix"}
REGISTERED = {"database_url": "postgresql+psycopg://user@db/trustacks"}


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({}, True),
        ({"host": "::1"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "192.0.2.1"}, False),
        (STORED, False),
        (REGISTERED, False),
        ({"sigstore": "off"}, False),
        ({"sigstore": "on"}, True),
        ({"sigstore": "on", "public_url": "https://plane.example"} | STORED, True),
        (
            {"sigstore": "on", "public_url": "https://p.example", "host": "0.0.0.0"},
            True,
        ),
    ],
)
def test_it_runs_where_all_is_embedded_or_somebody_asks(tmp_path, changes, runs):
    assert Settings(tmp_path, **changes).runs_sigstore is runs


@pytest.mark.parametrize(
    "changes",
    [
        {"sigstore": "yes"},
        {"public_url": "http://plane.example"},
        {"public_url": "https://plane.example/"},
        {"public_url": "https://user@plane.example"},
        {"public_url": "plane.example"},
        {"sigstore": "on", "host": "0.0.0.0"},
        {"sigstore": "on", "host": "192.0.2.1"},
    ],
)
def test_a_name_that_no_certificate_may_carry_is_refused(tmp_path, changes):
    with pytest.raises(ConfigurationError):
        Settings(tmp_path, **changes)


def test_the_issuer_is_the_address_that_clients_call(tmp_path):
    assert Settings(tmp_path, port=81).url == "http://127.0.0.1:81"
    assert Settings(tmp_path, host="::1").url == "http://[::1]:8080"
    public = Settings(tmp_path, public_url="https://plane.example")
    assert public.url == "https://plane.example"
    read = Settings.read(
        {"TRUSTACKS_SIGSTORE": "off", "TRUSTACKS_PUBLIC_URL": "https://plane.example"},
        state=tmp_path,
    )
    assert (read.sigstore, read.url) == ("off", "https://plane.example")


@pytest.fixture
def off(tmp_path):
    found = ControlPlane(tmp_path / "state", sigstore="off")
    yield found
    found.close()


def test_without_it_nothing_of_it_is_there(off):
    workspace = off.create_workspace("acme")
    assert not (off.settings.state / "sigstore").exists()
    kept = {path.stem for path in (off.settings.state / "keys/_server").iterdir()}
    assert kept == {TSA, TSA_CA}
    policy = TrustPolicy.parse(off.http.get(f"{workspace.path}/trust/policy").content)
    assert policy.instances == {}
    for path in (
        "/.well-known/openid-configuration",
        "/oidc/keys",
        "/oidc/authorize",
        "/oidc/device",
        "/api/v2/trustBundle",
        "/api/v2/configuration",
        f"{workspace.path}/sigstore/signing-config",
    ):
        answer = off.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    for path in ("/oidc/token", "/oidc/device/code", "/api/v2/signingCert"):
        assert off.http.post(path, content=b"").status_code == 404
    # The log is the workspace's own, and keys may still come by its door.
    assert off.http.get("/rekor/acme/api/v2/checkpoint").status_code == 200
    assert off.http.get(f"{workspace.path}/sigstore/trusted-root").status_code == 200


def test_with_it_a_new_workspace_pins_it_in_the_servers_custody(server, workspace):
    sigstore = server.services.sigstore
    policy = TrustPolicy.parse(
        server.http.get(f"{workspace.path}/trust/policy").content
    )
    instance = policy.instances["embedded"]
    assert instance.issuers == {"http://127.0.0.1:8080"}
    assert instance.certificate_authorities == {Digest.of(sigstore.fulcio.chain[0])}
    assert instance.ct_logs == {sigstore.ct_log.log_id}
    ours = Custody.CONTROL_PLANE
    assert set(policy.custody.certificate_authorities.values()) == {ours}
    assert set(policy.custody.ct_logs.values()) == {ours}
    assert set(policy.custody.issuers.values()) == {ours}


def test_it_is_the_same_after_a_restart(server):
    before = server.http.get("/api/v2/trustBundle").json()
    keys = server.http.get("/oidc/keys").json()
    server.restart()
    assert server.http.get("/api/v2/trustBundle").json() == before
    assert server.http.get("/oidc/keys").json() == keys


def test_each_of_its_keys_has_one_purpose_and_serves_no_workspace(server):
    keystore = server.services.keystore
    ids = {
        keystore.key(SERVER, one).public_key.key_id
        for one in (CA_ROOT, CA, CT, OIDC, TSA, TSA_CA)
    }
    assert len(ids) == 6
    assert ids <= server.services.server_keys


def test_certificates_of_another_key_are_refused(server):
    state = server.settings.state
    other = ControlPlane(state.with_name("other"))
    other.close()
    chain = (other.settings.state / "sigstore/ca.pem").read_bytes()
    (state / "sigstore/ca.pem").write_bytes(chain)
    with pytest.raises(KeyProviderError):
        server.restart()


@pytest.mark.parametrize("purpose", [CA_ROOT, CA, CT, OIDC])
def test_its_keys_may_lie_elsewhere(tmp_path, purpose):
    entry = {
        "owner": "_server",
        "purpose": purpose,
        "uri": "awskms:///alias/one",
        "key_id": "0" * 64,
    }
    path = tmp_path / "keys.json"
    path.write_bytes(dumps_json({"keys": [entry]}))
    assert ("_server", purpose) in read_key_places(path)
    path.write_bytes(dumps_json({"keys": [entry | {"purpose": f"{purpose}-2"}]}))
    with pytest.raises(ConfigurationError):
        read_key_places(path)


def test_a_port_that_the_system_chose_is_in_the_issuers_name(tmp_path):
    settings = Settings(tmp_path, port=0)
    assert replace(settings, port=4711).url == "http://127.0.0.1:4711"


def test_the_chain_of_the_timestamp_authority_is_served(server):
    answer = server.http.get("/api/v1/timestamp/certchain", token=None)
    assert answer.headers["content-type"] == "application/pem-certificate-chain"
    assert answer.text.count("BEGIN CERTIFICATE") == 2


def test_the_two_files_are_of_one_instance(server, workspace):
    root = server.http.get(f"{workspace.path}/sigstore/trusted-root").json()
    config = server.http.get(f"{workspace.path}/sigstore/signing-config").json()
    (ca,) = root["certificateAuthorities"]
    assert ca["uri"] == config["caUrls"][0]["url"] == "http://127.0.0.1:8080"
    assert b64decode(ca["certChain"]["certificates"][0]["rawBytes"])
    (log,) = root["tlogs"]
    assert log["baseUrl"] == "https://acme.log.localhost"
    assert config["rekorTlogUrls"][0]["url"].endswith("/rekor/acme")


def test_an_admin_may_pin_it_anew_after_the_address_changed(tmp_path):
    state = tmp_path / "state"
    first = ControlPlane(state)
    first.create_workspace("acme")
    first.close()
    moved = ControlPlane(state, public_url="https://plane.example")
    moved.clock.at = first.clock.at
    try:
        path = "/v1/workspaces/acme/trust/instances"
        ours = "control-plane"
        body = {
            "name": "embedded",
            "trusted_root": b64encode(
                moved.http.get("/v1/sigstore/trusted-root").content
            ),
            "issuers": {"https://plane.example": ours},
            "ca_custody": ours,
            "ct_custody": ours,
        }
        assert moved.http.post(path, json=body).status_code == 201
        (only,) = moved.http.get(path).json()["items"]
        assert only["issuers"] == ["https://plane.example"]
        client = EmbeddedClient(moved.http)
        token = client.identity_token(moved.token("author", subject="alice"))
        key = MemoryKey.ecdsa()
        assert parse_leaf(client.leaf(token, key)).issuer == "https://plane.example"
    finally:
        moved.close()
