# SPDX-License-Identifier: Apache-2.0
"""A release is renewed as it is: its own identity vouches for it again (DESIGN T6)."""

import pytest

from tests.simulators.plane import RULE, joined, overlay_repository, replanted


@pytest.fixture
def plane(tmp_path):
    with replanted(tmp_path / "plane") as plane:
        yield plane


@pytest.fixture
def overlay(plane, tmp_path):
    return ("--overlay", overlay_repository(tmp_path / "policy"))


def step(plane):
    return plane.ci("runner", "step", "--state", plane.runner, "--json")


def released(plane, overlay):
    plane.alice.must("rule", "new", RULE, "--from", "change-calendar", *overlay)
    plane.alice.must("rule", "sign", RULE, *overlay)
    return plane.ci.must("bundle", "release", *overlay, "--json").value


def test_what_is_released_is_renewed_without_the_overlay(plane, overlay, tmp_path):
    nothing = plane.ci("bundle", "reaffirm")
    assert (nothing.exit_code, nothing.code) == (1, "nothing-released")
    first = released(plane, overlay)
    again = plane.ci.must("bundle", "reaffirm", "--json").value
    assert (again["revision"], again["published"]) == (2, True)
    said, before = again["statement"], first["statement"]
    for same in ("inventory", "retired", "source"):
        assert said[same] == before[same]
    assert (said["added"], said["changed"]) == ([], [])
    assert said["issued_at"] >= before["issued_at"]  # within one second, perhaps
    assert said["expires"] >= before["expires"]
    assert step(plane).value["revision"] == 2
    pack = tmp_path / "pack.tar"
    plane.admin.must("audit", "export", "-o", pack)
    assert plane.admin("audit", "replay", pack).exit_code == 0


def test_it_follows_a_change_of_trust(plane, overlay):
    released(plane, overlay)
    assert step(plane).value["outcome"] == "activated"
    joined(plane, "kim", "author")
    assert step(plane).code == "parents-not-current"
    plane.ci.must("bundle", "reaffirm")
    assert step(plane).value["revision"] == 2


def test_what_does_not_hold_any_more_is_not_renewed(plane, overlay):
    released(plane, overlay)
    plane.admin.must("identity", "revoke", "alice", "--reason", "stolen")
    refused = plane.ci("bundle", "reaffirm")
    assert (refused.exit_code, refused.code) == (1, "revoked")
    assert plane.admin.must("status", "--json").value["revision"] == 1


def test_who_may_not_release_renews_nothing(plane, overlay):
    released(plane, overlay)
    refused = plane.alice("bundle", "reaffirm")
    assert refused.exit_code == 1
    assert plane.admin.must("status", "--json").value["revision"] == 1
