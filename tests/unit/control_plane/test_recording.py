# SPDX-License-Identifier: Apache-2.0
"""Many callers, one commit: each leaf once, and none under trust that was replaced."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from control_plane.registry import repository as index
from control_plane.workflows import ledger, recording
from control_plane.workflows.attestations import verify_pending
from control_plane.workflows.recording import record_verified
from keys.digest import Digest
from signer.errors import RevokedError
from signer.predicates.artifact import ArtifactPredicate
from signer.statement import Subject

CALLERS = 16


@pytest.fixture
def jane(workspace):
    return workspace.register("jane", "author")


def pending(workspace, jane, name):
    predicate = ArtifactPredicate(
        workspace=workspace.digest,
        identity="jane",
        signed_at=workspace.server.clock(),
    )
    subject = Subject(name, Digest.of(name.encode()))
    return workspace.sign_pending([subject], predicate, jane)


@pytest.fixture
def ours(server, workspace):
    return server.services.workspaces.open("acme")


def verified(server, ours, raw, key):
    def verify(trust):
        evidence = verify_pending(server.services, ours, raw, trust)
        return evidence.attestation, key

    return verify


def leaves(server):
    with server.services.registry.read() as session:
        return index.count_leaves(session, "acme")


def together(server, ours, raws, key):
    """Submit from as many threads, which all wait before the first may commit."""
    with ThreadPoolExecutor(len(raws)) as pool:
        ours.lock.__enter__()
        begun = Barrier(len(raws) + 1)

        def submit(raw):
            begun.wait()
            verify = verified(server, ours, raw, key)
            return record_verified(server.services, ours, verify)

        waiting = [pool.submit(submit, raw) for raw in raws]
        begun.wait()
        ours.lock.__exit__(None, None, None)
        return [one.result() for one in waiting]


def test_each_of_many_has_a_leaf_of_its_own_and_its_row(server, workspace, ours, jane):
    before = leaves(server)
    raws = [pending(workspace, jane, f"file {n}") for n in range(CALLERS)]
    done = together(server, ours, raws, jane.key.public_key)
    places = sorted(one.index for one in done)
    assert places == list(range(before, before + CALLERS))
    assert leaves(server) == before + CALLERS
    for one in done:
        assert ledger.find(server.services, ours, one.digest).index == one.index


def test_one_statement_of_many_callers_is_one_leaf(server, workspace, ours, jane):
    before = leaves(server)
    raw = pending(workspace, jane, "file")
    done = together(server, ours, [raw] * CALLERS, jane.key.public_key)
    assert {one.index for one in done} == {before}
    assert ours.log.size == before + 1 == leaves(server)


def test_what_was_verified_before_a_revocation_is_verified_again(
    server, workspace, ours, jane
):
    """The revocation is acknowledged while the attestation waits: it comes too late."""
    raw = pending(workspace, jane, "file")
    before = leaves(server)
    tried = []

    def verify(trust):
        answer = verified(server, ours, raw, jane.key.public_key)(trust)
        tried.append(trust)
        if len(tried) == 1:
            workspace.http.post(
                f"{workspace.path}/identities/jane/revoke", json={"reason": "stolen"}
            )
        return answer

    with pytest.raises(RevokedError):
        record_verified(server.services, ours, verify)
    assert len(tried) == 1
    assert leaves(server) == before + 1  # the revocation's event


def test_who_is_overtaken_each_time_takes_the_lock(server, workspace, ours, jane):
    raw = pending(workspace, jane, "file")
    tried = []

    def verify(trust):
        tried.append(trust)
        if len(tried) <= recording._TRIES:
            workspace.register(f"new-{len(tried)}", "author")
        return verified(server, ours, raw, jane.key.public_key)(trust)

    done = record_verified(server.services, ours, verify)
    assert len(tried) == recording._TRIES + 1
    assert ledger.find(server.services, ours, done.digest).index == done.index
