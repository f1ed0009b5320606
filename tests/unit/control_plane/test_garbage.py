# SPDX-License-Identifier: Apache-2.0
"""Garbage of a whole server: what goes, what replay still finds, and a crash anywhere."""

import threading

import pytest

from bundle.audit.replay import replay
from bundle.tuf.garbage_note import NOTE_NAME
from control_plane import jobs, limits
from control_plane.jobs import collect_all, run_jobs
from control_plane.run import jobs_only
from control_plane.settings import Settings
from control_plane.workflows.audit import pack
from control_plane.workflows.garbage import collect_garbage
from keys.errors import BusyError, ConfigurationError
from keys.strict import b64decode
from signer.attestation import parse_attestation


def released(workspace, count):
    """Publish revisions 1 to ``count``, one a day; the last way to more of them."""
    author = workspace.register("jane", "author")
    releaser = workspace.register("rel", "release")
    rule = workspace.rule(author)
    digest = None
    for revision in range(1, count + 1):
        request = workspace.release_request(
            releaser, rule, revision=revision, predecessor=digest
        )
        assert workspace.publish(request).status_code == 201
        digest = parse_attestation(b64decode(request["release"])).digest
        run_jobs(workspace.server.services)
        workspace.server.clock.advance(days=1)


def objects(workspace, prefix=""):
    return set(
        workspace.server.services.workspaces.storage(workspace.name).names(prefix)
    )


def replayed(workspace):
    services = workspace.server.services
    opened = services.workspaces.open(workspace.name)
    return replay(
        pack(services, workspace.name),
        root=opened.pin,
        log_key=opened.log.key,
        engine=services.engine,
    )


@pytest.fixture
def old(workspace):
    """Five releases, and weeks in which nothing was published."""
    released(workspace, 5)
    for _ in range(4):
        workspace.server.clock.advance(days=2)
        workspace.server.services.workspaces.open("acme").refresh(
            at=workspace.server.clock()
        )
    return workspace


def test_what_goes_and_what_an_auditor_still_finds(old):
    before, said = objects(old), replayed(old)
    assert said
    services = old.server.services
    for _ in range(3):
        collect_garbage(services, "acme")
        old.server.clock.advance(days=7)
    gone = before - objects(old)
    assert gone
    assert all(name.endswith((".snapshot.json", ".release.json")) for name in gone)
    assert len([n for n in objects(old) if n.endswith(".snapshot.json")]) == 1
    after = replayed(old)
    assert after, after.findings
    assert [r.outcome for r in after.releases] == [r.outcome for r in said.releases]
    assert [r.content for r in after.releases] == [r.content for r in said.releases]


def test_nothing_goes_before_the_grace(workspace):
    released(workspace, 2)
    before = objects(workspace)
    services = workspace.server.services
    for _ in range(8):
        workspace.server.clock.advance(hours=12)
        assert collect_all(services) == 0
    assert before | {NOTE_NAME} == objects(workspace)


def test_off_is_off(old):
    old.server.settings = Settings(old.server.settings.state, garbage_grace_seconds=0)
    old.server.restart()
    before = objects(old)
    for _ in range(3):
        assert collect_all(old.server.services) == 0
        old.server.clock.advance(days=7)
    assert objects(old) == before


@pytest.mark.parametrize("seconds", [-1, 1, 3599])
def test_a_grace_shorter_than_a_session_is_refused(tmp_path, seconds):
    with pytest.raises(ConfigurationError):
        Settings(tmp_path, garbage_grace_seconds=seconds)


def test_a_look_is_not_taken_again_at_once(old):
    services = old.server.services
    old.server.clock.advance(days=7)
    collect_garbage(services, "acme")
    writes = old.server.disk.writes
    old.server.clock.advance(hours=5)
    assert collect_garbage(services, "acme") == 0
    assert old.server.disk.writes == writes


def test_publishers_wait_for_a_part_only(old, monkeypatch):
    monkeypatch.setattr(limits, "GARBAGE_AT_ONCE", 2)
    services = old.server.services
    lock = services.workspaces.open("acme").lock
    turns = []
    enter = type(lock).__enter__
    monkeypatch.setattr(
        type(lock), "__enter__", lambda self: (turns.append(1), enter(self))[1]
    )
    turns.clear()
    deleted = collect_garbage(services, "acme")
    assert deleted >= 5
    assert len(turns) == deleted // 2 + 1


def test_a_damaged_workspace_loses_nothing_and_keeps_nobody_waiting(server, acme):
    first, other = (server.create_workspace(name) for name in ("aa", "bb"))
    storage = server.services.workspaces.storage("aa")
    path = server.settings.state / "workspaces/aa/metadata/timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
    before = objects(first)
    collect_all(server.services)
    assert objects(first) == before
    assert NOTE_NAME in objects(other)
    assert storage.names("garbage/") == []


def test_a_note_that_cannot_be_read_is_as_none(old):
    services = old.server.services
    old.server.clock.advance(days=7)
    path = old.server.settings.state / f"workspaces/acme/{NOTE_NAME}"
    path.write_bytes(b"junk")
    before = objects(old)
    assert collect_garbage(services, "acme") == 0
    assert objects(old) == before
    old.server.clock.advance(days=7)
    assert collect_garbage(services, "acme") > 0


def test_the_note_is_not_served(old):
    answer = old.http.get(f"/w/acme/{NOTE_NAME}", token=None)
    assert answer.status_code == 404


def test_jobs_run_without_a_server_and_not_beside_one(old):
    server = old.server
    with server.services.state.lock(), pytest.raises(BusyError):
        jobs_only(server.settings, once=True)
    done = jobs_only(server.settings, once=True)
    assert done.refreshed == 1
    assert done.deleted > 0


def test_a_round_of_jobs_refreshes_first(monkeypatch):
    order = []
    monkeypatch.setattr(jobs, "refresh_all", lambda _: order.append("refresh") or 0)
    monkeypatch.setattr(jobs, "collect_all", lambda _: order.append("collect") or 0)
    run_jobs(None)
    assert order == ["refresh", "collect"]


def test_readers_beside_the_sweep_find_all_that_is_reachable(old, monkeypatch):
    """Between any two deletes a client gets whatever the timestamp leads to."""
    services = old.server.services
    storage = services.workspaces.storage("acme")
    opened = services.workspaces.open("acme")
    discard, seen = type(storage).discard, []

    def watched(self, name):
        discard(self, name)
        reader = threading.Thread(target=lambda: seen.append(read()))
        reader.start()
        reader.join()

    def read():
        state = opened.repository.current()
        listed = {**state.top.targets, **state.delegated.signed.targets}
        for path in listed:
            opened.repository.read(path, max_bytes=1 << 26)
        return len(listed)

    monkeypatch.setattr(type(storage), "discard", watched)
    deleted = collect_garbage(services, "acme")
    assert deleted == len(seen) > 3
    assert len(set(seen)) == 1
