# SPDX-License-Identifier: Apache-2.0
"""A whole server on a bucket, killed at every write of what it acknowledges.

The same on a directory is beside each workflow (tests/unit/control_plane). Whatever was
acknowledged is there afterwards, and a request that was not is done by sending it again.
"""

import contextlib
import itertools

import pytest

from control_plane.workflows.garbage import collect_garbage
from keys.digest import Digest
from keys.errors import StorageError
from keys.strict import b64decode
from signer.attestation import parse_attestation
from tests.simulators.memory_key import MemoryKey
from tests.simulators.s3 import REGION, Fault
from tests.simulators.service import ControlPlane, new_workspace

pytestmark = pytest.mark.long
FAULTS = pytest.mark.parametrize(
    "fault", [Fault.DOWN, Fault.DOWN_AFTER], ids=["failed", "failed-but-persisted"]
)


@pytest.fixture
def server(s3, tmp_path):
    found = ControlPlane(
        tmp_path / "state",
        storage=f"s3://{s3.name}/trust",
        s3_endpoint_url=s3.url,
        s3_region=REGION,
    )
    yield found
    found.close()


@pytest.fixture
def workspace(server):
    return server.create_workspace()


@FAULTS
def test_a_workspace_is_made_or_is_not_there(server, s3, fault):
    body = new_workspace("w")
    for number in itertools.count():
        s3.door.begin()
        s3.door.fail(number, fault)
        answer = server.http.post("/v1/workspaces", json=body)
        s3.door.heal()
        there = server.http.get("/v1/workspaces/w").status_code == 200
        if answer.status_code == 409:  # it was made, and the answer was lost
            assert fault is Fault.DOWN_AFTER
            assert answer.json()["code"] == "workspace-exists"
            assert there
            break
        assert there == (answer.status_code == 201)
        if there:
            break
    assert number > 5


@FAULTS
def test_a_trust_change_is_in_force_or_is_not(workspace, s3, fault):
    key = MemoryKey.ecdsa()
    terms = workspace.terms("jane", "author")
    given = workspace.challenge(terms, key)
    proof = workspace.proof(terms, key, given)

    def known():
        answer = workspace.http.get(f"{workspace.path}/identities/jane")
        return answer.status_code == 200

    for number in itertools.count():
        s3.door.begin()
        s3.door.fail(number, fault)
        answer = workspace.post_proof(proof, key)
        s3.door.heal()
        before = known()
        if answer.status_code == 201:
            assert before
            break
        assert fault is Fault.DOWN_AFTER or not before
    assert number > 5
    assert workspace.post_proof(proof, key).status_code in (201, 409)
    assert known()


@FAULTS
def test_a_release_is_published_or_is_not(workspace, s3, fault):
    author, releaser = (workspace.register(n, n) for n in ("author", "release"))
    rule = workspace.rule(author)
    revision, predecessor, unharmed = 1, None, False
    while not unharmed:
        request = workspace.release_request(
            releaser, rule, revision=revision, predecessor=predecessor
        )
        s3.door.begin()
        s3.door.fail(revision - 1, fault)
        answer = workspace.publish(request)
        unharmed = len(s3.door.writes) < revision
        s3.door.heal()
        listed = workspace.http.get(f"{workspace.path}/releases").json()["items"]
        there = [one["revision"] for one in listed]
        wanted = list(range(1, revision + 1))
        assert there in (wanted[:-1], wanted)
        assert answer.status_code != 201 or there == wanted
        assert workspace.publish(request).status_code in (200, 201)
        predecessor = parse_attestation(b64decode(request["release"])).digest
        workspace.server.clock.advance(seconds=1)
        revision += 1
    assert revision > 8
    listed = workspace.http.get(f"{workspace.path}/releases").json()["items"]
    assert [one["revision"] for one in listed] == list(range(1, revision))


@FAULTS
def test_garbage_goes_however_often_its_collection_is_killed(workspace, s3, fault):
    services, clock = workspace.server.services, workspace.server.clock
    opened = services.workspaces.open(workspace.name)
    collect_garbage(services, workspace.name)
    for days in (4, 4, 4):
        clock.advance(days=days)
        opened.refresh(at=clock())
    current = opened.repository.current()
    for number in (0, 1, 0, 1, 2, 9):
        clock.advance(days=7)
        s3.door.begin()
        s3.door.fail(number, fault)
        with contextlib.suppress(StorageError):
            collect_garbage(services, workspace.name)
        s3.door.heal()
        assert opened.repository.current() == current
    clock.advance(days=7)
    collect_garbage(services, workspace.name)
    snapshots = [n for n in opened.storage.names("metadata/") if ".snapshot." in n]
    assert len(snapshots) == 1
    assert Digest.of(opened.pin) == workspace.digest
