# SPDX-License-Identifier: Apache-2.0
"""The whole way with workspaces in a bucket: made, joined, signed, released, enforced."""

import shutil
from datetime import UTC, datetime

import pytest

from control_plane.workflows.reindex import reindex
from control_plane.workflows.releases import head_of
from keys.digest import Digest
from keys.errors import WriteConflictError
from keys.strict import b64decode, dumps_json
from signer.attestation import parse_attestation
from tests.simulators.in_process import release, runner_of
from tests.simulators.s3 import Fault
from tests.simulators.service import ControlPlane, new_workspace


@pytest.fixture
def start(tmp_path):
    """Start a server on its state directory; python-tuf knows only today's time."""
    started = []

    def make(state="state", **settings):
        server = ControlPlane(tmp_path / state, **settings)
        server.clock.at = datetime.now(UTC).replace(microsecond=0)
        started.append(server)
        return server

    yield make
    for server in started:
        server.close()


def test_a_release_goes_the_whole_way(start, s3, s3_settings, tmp_path):
    server = start(**s3_settings)
    workspace = server.create_workspace()
    release(workspace, revision=1)
    runner = runner_of(server, workspace, tmp_path / "runner")
    event = runner.step()
    runner.close()
    assert (event.outcome, event.code, event.revision) == ("activated", None, 1)
    assert list((server.settings.state / "workspaces").iterdir()) == []
    place = f"trust/v1/w/{workspace.name}/"
    kinds = {
        key.removeprefix(place).split("/")[1] for key in s3.objects() if "/w/" in key
    }
    assert kinds == {"metadata", "targets", "log", "journal", "attestations", "chain"}


def test_another_server_finds_everything_in_the_bucket(start, s3_settings, tmp_path):
    """State holds keys and the index; the index is made anew."""
    first = start(**s3_settings)
    workspace = first.create_workspace()
    digest, *_ = release(workspace, revision=1)
    shutil.copytree(first.settings.state, tmp_path / "moved")
    for path in (tmp_path / "moved").glob("registry.sqlite3*"):
        path.unlink()
    moved = start("moved", **s3_settings)
    assert moved.services.workspaces.names() == []
    assert reindex(moved.services) == 1
    found = moved.services.workspaces.open(workspace.name)
    head = head_of(moved.services, found)
    assert (head.revision, head.digest) == (1, str(digest))
    assert Digest.of(found.pin) == workspace.digest


@pytest.mark.long
def test_a_workspace_is_there_wholly_or_not_at_all(start, s3, s3_settings):
    server = start(**s3_settings)
    s3.door.begin()
    server.create_workspace("whole")
    writes = len(s3.door.writes)
    assert s3.door.writes[-1] == "trust/v1/workspaces/whole.json"
    for number in {0, 1, writes // 2, writes - 2, writes - 1}:
        s3.door.fail(number, Fault.DOWN)
        answer = server.http.post("/v1/workspaces", json=new_workspace("w"))
        s3.door.heal()
        assert answer.json()["code"] == "storage-unavailable"
        assert server.http.get("/v1/workspaces/w").status_code == 404
        assert server.http.get("/w/w/log/checkpoint").status_code == 404
    assert server.create_workspace("w").name == "w"


def test_a_commit_whose_answer_was_lost_is_found_by_the_next_try(
    start, s3, s3_settings
):
    server = start(**s3_settings)
    server.create_workspace("whole")
    s3.door.fail(len(s3.door.writes) - 1, Fault.DOWN_AFTER)
    body = new_workspace("w")
    assert server.http.post("/v1/workspaces", json=body).status_code == 503
    s3.door.heal()
    again = server.http.post("/v1/workspaces", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "workspace-exists")
    assert server.http.get("/v1/workspaces/w").status_code == 200


def test_two_servers_never_make_one_workspace_twice(start, s3_settings):
    one, other = start("one", **s3_settings), start("other", **s3_settings)
    stores = [server.services.workspaces._stores for server in (one, other)]
    for store in stores:
        store.stage("acme").storage.put_immutable("a", b"1")
    stores[0].commit("acme")
    with pytest.raises(WriteConflictError):
        stores[1].commit("acme")


@pytest.mark.parametrize(
    "pointer",
    [
        b"{}",
        b"junk",
        dumps_json(
            {
                "format": "https://trustacks.com/formats/workspace-place/v1",
                "place": "w/other/0011",
            }
        ),
    ],
    ids=["empty", "junk", "another's"],
)
def test_a_pointer_that_is_none_damages_one_workspace(start, s3, s3_settings, pointer):
    server = start(**s3_settings)
    workspace = server.create_workspace("other")
    s3.client.put_object(
        Bucket=s3.name,
        Key="trust/v1/workspaces/acme.json",
        Body=pointer,
        IfNoneMatch="*",
        CacheControl="no-cache",
        ContentType="application/json",
        ChecksumAlgorithm="SHA256",
    )
    answer = server.http.post("/v1/workspaces", json=new_workspace("acme"))
    assert (answer.status_code, answer.json()["code"]) == (503, "workspace-damaged")
    server.restart()
    assert server.http.get(workspace.path).status_code == 200


@pytest.mark.integration
def test_two_servers_on_one_database_and_bucket_publish_in_turn(
    start, s3_settings, postgresql_url, tmp_path
):
    settings = {**s3_settings, "database_url": postgresql_url}
    one = start("one", **settings)
    workspace = one.create_workspace()
    digest, rule, releaser = release(workspace, revision=1)
    shutil.copytree(one.settings.state, tmp_path / "other")
    other = start("other", **settings)
    there = type(workspace)(other, workspace.name, workspace.digest)
    for revision, place in ((2, there), (3, workspace), (4, there)):
        request = place.release_request(
            releaser, rule, revision=revision, predecessor=digest
        )
        answer = place.publish(request)
        assert answer.status_code == 201, answer.text
        digest = parse_attestation(b64decode(request["release"])).digest
    for server in (one, other):
        listed = server.http.get(f"{workspace.path}/releases").json()["items"]
        assert [item["revision"] for item in listed] == [1, 2, 3, 4]
    runner = runner_of(one, workspace, tmp_path / "runner")
    assert runner.step().revision == 4
    runner.close()
