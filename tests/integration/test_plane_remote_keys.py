# SPDX-License-Identifier: Apache-2.0
"""A Control Plane whose keys lie in a KMS and an HSM, from the first start to a Runner."""

import json
from datetime import UTC, datetime

import pytest

from bundle.tuf.committed import read_committed
from bundle.tuf.view import read_view
from keys.providers import open_signing_key
from signer.certificate.leaf import parse_leaf
from tests.simulators.embedded_client import EmbeddedClient
from tests.simulators.hsm import PINS
from tests.simulators.hsm import Fault as HsmFault
from tests.simulators.in_process import ROLES, release, runner_of
from tests.simulators.kms import Fault as KmsFault
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import ControlPlane, new_workspace

# Purpose, provider, kind: of every kind that a role of TUF may have.
PLACES = {
    ("_server", "tsa-ca"): ("hsm", "P-256"),
    ("_server", "tsa"): ("kms", "ECC_NIST_P256"),
    ("_server", "sigstore-root"): ("hsm", "P-256"),
    ("_server", "sigstore-ca"): ("kms", "ECC_NIST_P256"),
    ("_server", "sigstore-ct"): ("hsm", "P-256"),
    ("_server", "sigstore-oidc"): ("kms", "ECC_NIST_P256"),
    ("acme", "root"): ("kms", "RSA_3072"),
    ("acme", "targets"): ("hsm", "P-384"),
    ("acme", "snapshot"): ("hsm", "Ed25519"),
    ("acme", "timestamp"): ("kms", "ECC_NIST_P384"),
    ("acme", "release"): ("hsm", "RSA-3072"),
    ("acme", "log"): ("hsm", "Ed25519"),
    ("acme", "control-plane-admin"): ("kms", "ECC_NIST_P256"),
}


@pytest.fixture
def places(kms, hsm, tmp_path):
    """The keys file, and each key as it is registered there."""
    pin = tmp_path / "pin"
    pin.write_text(PINS["acme-root"])
    pin.chmod(0o600)
    entries = []
    for number, ((owner, purpose), (where, kind)) in enumerate(PLACES.items()):
        if where == "kms":
            uri = kms.uri(kms.create(kind))
        else:
            label = f"{tmp_path.name}-{purpose}"
            hsm.order("make", kind=kind, label=label, key_id=f"{number:02x}5eed")
            uri = f"pkcs11:token=acme-root;object={label}?pin-source=file:{pin}"
        key = open_signing_key(uri, str, pkcs11_module=hsm.module)
        entries.append(
            {
                "owner": owner,
                "purpose": purpose,
                "uri": uri,
                "key_id": key.public_key.key_id,
            }
        )
    (tmp_path / "keys.json").write_text(json.dumps({"keys": entries}))
    return tmp_path / "keys.json"


@pytest.fixture
def server(places, hsm, tmp_path):
    made = ControlPlane(tmp_path / "state", keys_file=places, pkcs11_module=hsm.module)
    made.clock.at = datetime.now(UTC).replace(microsecond=0)
    yield made
    made.close()


def registered(places):
    return {
        (e["owner"], e["purpose"]): e["key_id"]
        for e in json.loads(places.read_text())["keys"]
    }


def test_a_release_goes_the_whole_way_and_no_key_is_a_file(server, places, tmp_path):
    workspace = server.create_workspace()
    release(workspace, revision=1)
    runner = runner_of(server, workspace, tmp_path / "runner")

    event = runner.step()

    runner.close()
    assert (event.outcome, event.code, event.revision) == ("activated", None, 1)
    assert list((server.settings.state / "keys").rglob("*.pem")) == []
    # The embedded instance certifies with them, too.
    client = EmbeddedClient(server.http)
    token = client.identity_token(server.token("author", subject="alice"))
    leaf = parse_leaf(client.leaf(token, MemoryKey.ecdsa()))
    assert leaf.subject == "alice@acme.localhost"
    state = read_committed(server.services.workspaces.open("acme").storage)
    seen = read_view(state.roots, state.targets, state.release, at=server.clock())
    ids = registered(places)
    assert {seen.role_keys[ids["acme", r]] for r in ("root", "targets", "release")} == {
        "root",
        "targets",
        "release",
    }


@pytest.mark.parametrize("where", ["kms", "hsm"])
def test_a_provider_that_is_down_is_503_and_publishes_nothing(server, kms, hsm, where):
    workspace = server.create_workspace()
    author, releaser = (
        workspace.register(n, p) for n, p in zip(("jane", "rel"), ROLES, strict=True)
    )
    request = workspace.release_request(
        releaser, workspace.rule(author), revision=1, predecessor=None
    )
    storage = server.services.workspaces.open("acme").storage
    before = read_committed(storage)

    if where == "kms":
        kms.door.fail(KmsFault.DOWN)
        refused = workspace.publish(request)
        kms.door.heal()
    else:
        with hsm.fault(HsmFault.BROKEN):
            refused = workspace.publish(request)

    assert (refused.status_code, refused.json()["code"]) == (503, "key-unavailable")
    assert read_committed(storage) == before
    again = workspace.publish(request)
    assert again.status_code == 201, again.text


def test_another_key_than_the_registered_one_serves_nothing(
    server, places, hsm, tmp_path
):
    """Somebody moves the alias, or swaps the token, under the server."""
    entries = json.loads(places.read_text())["keys"]
    entry = next(e for e in entries if e["purpose"] == "snapshot")
    entry["key_id"] = "0" * 64
    places.write_text(json.dumps({"keys": entries}))

    other = ControlPlane(tmp_path / "x", keys_file=places, pkcs11_module=hsm.module)
    answer = other.http.post("/v1/workspaces", json=new_workspace("acme"))
    other.close()

    assert (answer.status_code, answer.json()["code"]) == (503, "key-mismatch")
    assert other.services.workspaces.names() == []
