# SPDX-License-Identifier: Apache-2.0
import pytest

from bundle.tuf.rootchain import open_roots
from control_plane.workspaces import property_note
from keys.digest import Digest
from keys.public import PublicKey
from keys.strict import b64decode, b64encode
from signer.form import Form
from signer.predicates.trust_change import TrustChangePredicate
from signer.tlog.checkpoint import open_checkpoint
from signer.trust_policy import TrustPolicy
from signer.verify import Expected, verify_attestation
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import (
    CONSTITUTION,
    layer_request,
    new_workspace,
)

PACK = {
    "p.rego": b"""package pack.change_control

deny contains {"rule_id": "change_control.x", "message": "no"} if {
	input.context.target.tier == "never"
}
"""
}


def _post(server, body, **options):
    return server.http.post("/v1/workspaces", json=body, **options)


def test_a_new_workspace_says_what_to_pin_and_what_that_is_worth(server, workspace):
    shown = server.http.get(workspace.path).json()
    root = b64decode(shown["root"])
    assert shown["workspace"] == str(Digest.of(root)) == str(workspace.digest)
    assert open_roots([root]).form is Form.EMBEDDED
    assert shown["form"] == "embedded"
    assert shown["property_note"] == property_note(Form.EMBEDDED)
    assert shown["release"] is None
    assert (shown["trust_policy_version"], shown["targets_version"]) == (1, 1)
    assert set(shown["roles"]) == {
        "root",
        "targets",
        "release",
        "snapshot",
        "timestamp",
    }


def test_the_log_signs_with_the_key_that_is_shown(server, workspace):
    shown = server.http.get(workspace.path).json()["log"]
    raw = server.http.get(f"/w/{workspace.name}/log/checkpoint").content
    key = PublicKey.from_pem(shown["public_key"])
    assert open_checkpoint(raw, origin="acme.log.localhost", key=key).size == 1
    assert shown["origin"] == "acme.log.localhost"


def test_the_first_trust_change_is_in_the_log_and_about_the_first_targets(
    server, workspace
):
    ours = server.services.workspaces.open("acme")
    published = ours.published()
    subject = Digest.of(published.committed.targets)
    found = server.http.get(
        f"{workspace.path}/attestations", params={"subject": str(subject)}
    ).json()["items"]
    assert [one["index"] for one in found] == [0]
    evidence = verify_attestation(
        b64decode(found[0]["attestation"]),
        trust=published.trust,
        expected=Expected(TrustChangePredicate.type, (subject,)),
        at=server.clock(),
    ).require()
    said = evidence.said(TrustChangePredicate)
    assert (said.targets_version, said.previous) == (1, None)
    assert said.change.kind == "workspace-created"


def test_each_key_of_a_workspace_has_one_purpose(server, workspace):
    server.create_workspace("other")
    found = list((server.settings.state / "keys").rglob("*.pem"))
    assert len(found) == 2 + 4 + 2 * 7
    ids = {
        server.services.keystore.key(p.parent.name, p.stem).public_key.key_id
        for p in found
    }
    assert len(ids) == len(found)


def test_every_custody_is_said_to_be_the_control_planes(server, workspace):
    policy = TrustPolicy.parse(
        server.http.get(f"{workspace.path}/trust/policy").content
    )
    assert {c.value for c in policy.custody.logs.values()} == {"control-plane"}
    assert {c.value for c in policy.custody.authorities.values()} == {"control-plane"}
    assert [i.id for i in policy.identities] == ["control-plane-admin"]


def test_packs_are_pinned_with_their_publishers(server):
    publisher = MemoryKey.ecdsa()
    pack = layer_request("pack", "change-control", PACK, publisher)
    body = new_workspace() | {"packs": [{**pack, "name": "change-control"}]}
    assert _post(server, body).status_code == 201
    policy = server.services.workspaces.open("acme").published().trust.policy
    pin = policy.layers.packs["change-control"]
    assert pin.digest == Digest.of(b64decode(pack["archive"]))
    assert pin.publisher == publisher.public_key


def test_the_same_name_again_is_refused(server, workspace, refused):
    refused(lambda: _post(server, new_workspace()), 409, "workspace-exists")


@pytest.mark.parametrize(
    "name",
    [
        "Acme",
        "1acme",
        "a_b",
        "-a",
        "a-",
        "a.b",
        "../a",
        ".new-a",
        "_server",
        "é",
        "a/b",
    ],
)
def test_a_name_that_is_no_label_is_refused(server, refused, name):
    refused(lambda: _post(server, new_workspace(name)), 400, "usage")


@pytest.mark.parametrize(("length", "status"), [(40, 201), (41, 422)])
def test_names_are_bounded(server, length, status):
    answer = _post(server, new_workspace("a" * length))
    assert answer.status_code == status, answer.text


def _with(**changes):
    body = new_workspace()
    return body | {"constitution": {**body["constitution"], **changes}}


def _unsafe():
    files = CONSTITUTION | {
        "bad.rego": b"package overlay.acme_mine\n\nx := 1\n",
    }
    layer = layer_request("constitution", "baseline", files, MemoryKey.ecdsa())
    return new_workspace() | {"constitution": layer}


def _pack_as_constitution():
    layer = layer_request("pack", "change-control", PACK, MemoryKey.ecdsa())
    return new_workspace() | {"constitution": layer}


def _renamed_pack():
    layer = layer_request("pack", "change-control", PACK, MemoryKey.ecdsa())
    return new_workspace() | {"packs": [{**layer, "name": "another"}]}


def _pack_twice():
    layer = layer_request("pack", "change-control", PACK, MemoryKey.ecdsa())
    return new_workspace() | {"packs": [{**layer, "name": "change-control"}] * 2}


def _other_archive():
    other = layer_request("constitution", "baseline", CONSTITUTION, MemoryKey.ecdsa())
    files = CONSTITUTION | {"x.rego": b"package proposal\n\nx := 1\n"}
    archive = layer_request("constitution", "baseline", files, MemoryKey.ecdsa())
    return new_workspace() | {"constitution": {**other, "archive": archive["archive"]}}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(
            lambda: _with(publisher=MemoryKey.ecdsa().public_key.pem),
            403,
            "unknown-signer",
            id="another-publisher",
        ),
        pytest.param(lambda: _with(publisher="junk"), 422, "key-format", id="no-key"),
        pytest.param(
            lambda: _with(attestation=b64encode(b"{}")),
            422,
            "field-format",
            id="no-attestation",
        ),
        pytest.param(_other_archive, 422, "subject-mismatch", id="another-archive"),
        pytest.param(_pack_as_constitution, 422, "layer-mismatch", id="another-kind"),
        pytest.param(_renamed_pack, 422, "layer-mismatch", id="another-name"),
        pytest.param(_pack_twice, 422, "layer-mismatch", id="pack-twice"),
        pytest.param(_unsafe, 422, "layer-unsafe", id="reaches-into-overlays"),
    ],
)
def test_a_layer_that_does_not_hold_makes_no_workspace(
    server, refused, body, status, code
):
    wanted = body()
    refused(lambda: _post(server, wanted), status, code)
    assert server.http.get("/v1/workspaces").json()["items"] == []


def test_a_scoped_admin_sees_its_workspace_and_makes_none(server, workspace, refused):
    server.create_workspace("other")
    token = server.token("admin", "other")
    listed = server.http.get("/v1/workspaces", token=token).json()["items"]
    assert [one["name"] for one in listed] == ["other"]
    refused(
        lambda: _post(server, new_workspace("third"), token=token),
        403,
        "not-permitted",
    )


def test_a_workspace_is_never_half_there(server):
    """Whatever write fails, there is no workspace, and the next try makes one."""
    body = new_workspace("w")
    for writes in range(60):
        for persisted in (False, True):
            server.disk.crash(writes, persisted=persisted)
            answer = _post(server, body)
            server.disk.heal()
            if answer.status_code == 201:
                assert writes > 5
                assert server.http.get("/v1/workspaces/w").status_code == 200
                return
            assert answer.json()["code"] == "storage-unavailable"
            assert server.http.get("/v1/workspaces/w").status_code == 404
            assert server.http.get("/w/w/log/checkpoint").status_code == 404
    pytest.fail("the workspace was never made")
