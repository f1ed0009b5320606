# SPDX-License-Identifier: Apache-2.0
"""What the service may not do with trust, and what it does without being asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bundle.tuf.view import read_view
from control_plane.errors import NotEmbeddedError
from control_plane.jobs import refresh_all
from control_plane.workflows.trust import following
from keys.digest import Digest
from signer.credential import KeyCredential
from signer.errors import KeyReusedError
from signer.form import Form
from signer.predicates.trust_change import IDENTITY_REGISTERED, Change
from tests.simulators.service import ControlPlane

CHANGE = Change(kind=IDENTITY_REGISTERED, identity="jane")


@pytest.fixture
def published(server, workspace):
    workspace.register("jane", "author")
    return server.services.workspaces.open("acme").published()


def test_the_next_trust_names_the_one_in_force(published):
    policy = replace(published.trust.policy, version=9)
    change = following(published, policy, CHANGE)
    assert change.previous == Digest.of(published.committed.targets)
    assert change.files == published.files


def test_the_service_changes_no_trust_of_a_sovereign_workspace(published):
    sovereign = replace(published, trust=replace(published.trust, form=Form.SOVEREIGN))
    with pytest.raises(NotEmbeddedError) as refused:
        following(sovereign, published.trust.policy, CHANGE)
    assert refused.value.code == "not-embedded"


def test_a_key_of_the_log_is_no_identitys(server, published):
    policy = published.trust.policy
    authority = server.services.keystore.key("_server", "tsa").public_key
    jane = replace(policy.identity("jane"), credential=KeyCredential(authority))
    others = tuple(one for one in policy.identities if one.id != "jane")
    with pytest.raises(KeyReusedError):
        following(published, replace(policy, identities=(*others, jane)), CHANGE)


def test_what_is_in_force_is_read_again_when_it_changes(server, workspace):
    ours = server.services.workspaces.open("acme")
    before = ours.published()
    assert ours.published() is before
    workspace.register("jane", "author")
    assert ours.published().trust.policy.version == before.trust.policy.version + 1


def test_what_only_online_keys_renewed_is_not_parsed_again(server, workspace):
    ours = server.services.workspaces.open("acme")
    before = ours.published()
    server.clock.at += timedelta(hours=12)
    assert refresh_all(server.services) == 1
    after = ours.published()
    assert after.committed.timestamp != before.committed.timestamp
    assert (after.trust, after.files) == (before.trust, before.files)
    assert after.trust is before.trust


def test_another_servers_change_of_trust_is_read_whole(server, workspace):
    ours = server.services.workspaces.open("acme")
    ours.published()
    other = ControlPlane(server.settings.state)
    replace(workspace, server=other).register("jane", "author")
    other.close()
    assert ours.published().trust.policy.identity("jane")


def test_online_metadata_is_renewed_at_half_its_life(server, workspace):
    assert refresh_all(server.services) == 0
    server.clock.at += timedelta(hours=12)
    assert refresh_all(server.services) == 1
    assert refresh_all(server.services) == 0


def test_a_server_that_goes_on_keeps_its_metadata_alive(server, workspace):
    for _ in range(60):
        server.clock.at += timedelta(hours=12)
        refresh_all(server.services)
    committed = server.services.workspaces.open("acme").repository.current()
    roles = committed.roles
    for role in ("timestamp", "snapshot", "release"):
        assert not roles[role].is_expired(server.clock())
    assert read_view(
        committed.roots, committed.targets, committed.release, at=server.clock()
    )


def test_a_broken_workspace_keeps_no_other_from_being_renewed(
    server, workspace, caplog
):
    server.create_workspace("other")
    broken = server.settings.state / "workspaces" / "acme" / "metadata"
    (broken / "timestamp.json").write_bytes(b"junk")
    server.clock.at += timedelta(hours=12)
    assert refresh_all(server.services) == 1
    assert "acme" in caplog.text


def test_a_broken_workspace_keeps_no_other_from_being_served(server, workspace, caplog):
    server.create_workspace("other")
    broken = server.settings.state / "workspaces" / "acme" / "metadata"
    (broken / "timestamp.json").write_bytes(b"junk")
    server.restart()
    assert server.http.get("/v1/workspaces/other").status_code == 200
    answer = server.http.get("/v1/workspaces/acme")
    assert (answer.status_code, answer.json()["code"]) == (503, "workspace-damaged")
    assert "acme" in caplog.text
