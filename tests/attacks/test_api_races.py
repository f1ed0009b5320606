# SPDX-License-Identifier: Apache-2.0
"""Attack: many clients at once; nothing is lost, doubled or out of order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from keys.digest import Digest
from keys.strict import b64encode
from signer.statement import Subject
from tests.simulators.memory_key import MemoryKey
from tests.simulators.service import ControlPlane, new_workspace

CLIENTS = 8


@pytest.fixture
def server(tmp_path):
    found = ControlPlane(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture
def workspace(server):
    return server.create_workspace()


def _at_once(call, items):
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(call, items))


def _entries(workspace):
    path = f"{workspace.path}/audit/entries"
    return workspace.http.get(path, params={"limit": 256}).json()["items"]


def test_registrations_at_once_all_end_in_the_trust_policy(workspace):
    def register(number):
        return workspace.register(f"i{number}", "author")

    _at_once(register, range(CLIENTS))
    items = workspace.http.get(f"{workspace.path}/identities").json()["items"]
    assert {f"i{n}" for n in range(CLIENTS)} <= {one["id"] for one in items}
    shown = workspace.http.get(workspace.path).json()
    assert shown["trust_policy_version"] == 1 + CLIENTS
    digests = [one["digest"] for one in _entries(workspace)]
    assert len(set(digests)) == len(digests) == 1 + 2 * CLIENTS


def test_one_proof_sent_by_many_is_one_identity(workspace):
    key = MemoryKey.ecdsa()
    terms = workspace.terms("jane", "author")
    proof = workspace.proof(terms, key, workspace.challenge(terms, key))
    answers = _at_once(lambda _: workspace.post_proof(proof, key), range(CLIENTS))
    assert {a.status_code for a in answers} == {201}
    assert workspace.http.get(workspace.path).json()["trust_policy_version"] == 2


def test_one_attestation_sent_by_many_is_one_leaf(workspace):
    jane = workspace.register("jane", "author")
    subject = Subject("x", Digest.of(b"x"))
    raw = workspace.sign_pending([subject], workspace.artifact(jane), jane)
    body = {"attestation": b64encode(raw)}
    path = f"{workspace.path}/attestations"
    answers = _at_once(lambda _: workspace.http.post(path, json=body), range(CLIENTS))
    assert {(a.status_code, a.json()["index"]) for a in answers} == {(200, 3)}
    assert len(_entries(workspace)) == 4


def test_of_two_releases_of_one_revision_one_wins_and_the_other_learns_of_it(
    server, workspace
):
    author = workspace.register("jane", "author")
    releaser = workspace.register("rel", "release")
    rule = workspace.rule(author)
    requests = []
    for _ in range(4):
        server.clock.advance(seconds=1)
        requests.append(workspace.release_request(releaser, rule))
    answers = _at_once(workspace.publish, requests)
    codes = sorted(a.status_code for a in answers)
    assert codes == [201, 409, 409, 409]
    (winner,) = [a.json() for a in answers if a.status_code == 201]
    for loser in (a.json() for a in answers if a.status_code == 409):
        assert loser["code"] == "release-predecessor-stale"
        assert loser["evidence"]["head"]["digest"] == winner["digest"]


def test_a_workspace_made_by_many_is_made_once(server):
    bodies = [new_workspace("acme") for _ in range(4)]
    answers = _at_once(lambda b: server.http.post("/v1/workspaces", json=b), bodies)
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409]
