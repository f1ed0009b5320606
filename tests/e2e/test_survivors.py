# SPDX-License-Identifier: Apache-2.0
"""Revoke an author and keep what they wrote, by commands alone, in each of the ways.

A real Control Plane, a Runner that goes on meanwhile, and an auditor at the end.
"""

import pytest

from tests.simulators.plane import RULE, joined, overlay_repository, replanted

OTHER = "acme.second_window"


def released(plane, folder):
    """An overlay with one rule, released once."""
    place = ("--overlay", overlay_repository(folder / "policy"))
    plane.alice.must("rule", "new", RULE, "--from", "change-calendar", *place)
    plane.alice.must("rule", "sign", RULE, *place)
    plane.ci.must("bundle", "release", *place)
    return place


@pytest.fixture
def plane(tmp_path):
    with replanted(tmp_path / "plane") as plane:
        yield plane


@pytest.fixture
def overlay(plane, tmp_path):
    return released(plane, tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """A workspace that every test leaves as it was."""
    folder = tmp_path_factory.mktemp("unchanged")
    with replanted(folder / "plane") as plane:
        released(plane, folder)
        yield plane


def step(plane):
    return plane.ci("runner", "step", "--state", plane.runner, "--json")


def audited(plane, tmp_path):
    pack = tmp_path / "pack.tar"
    plane.admin.must("audit", "export", "-o", pack)
    return plane.admin("audit", "replay", pack, "--json")


@pytest.mark.parametrize("word", ["release:1", "logged"])
def test_what_a_revoked_author_wrote_stays(plane, overlay, tmp_path, word):
    assert step(plane).value["outcome"] == "activated"
    plane.admin.must(
        "identity", "revoke", "alice", "--reason", "left", "--survivor", word
    )
    shown = plane.admin.must("identity", "show", "alice", "--json").value["revoked"]
    kept = shown["survivors"]
    assert (bool(kept["releases"]), bool(kept["checkpoint"])) == (
        True,
        word != "release:1",
    )
    held = step(plane)
    assert held.code == "parents-not-current"
    status = plane.ci.must("runner", "status", "--state", plane.runner, "--json").value
    assert (status["revision"], status["code"]) == (1, None)
    released = plane.ci.must("bundle", "release", *overlay, "--json").value
    assert released["revision"] == 2
    assert step(plane).value["outcome"] == "activated"
    replayed = audited(plane, tmp_path)
    assert replayed.exit_code == 0, replayed


def test_what_was_logged_and_not_released_stays_by_its_proof_alone(
    plane, overlay, tmp_path
):
    """It is in no release; the log's tiles prove it anew in the admins' tree."""
    plane.alice.must("rule", "new", OTHER, "--from", "change-calendar", *overlay)
    plane.alice.must("rule", "sign", OTHER, *overlay)
    late = joined(plane, "late", "author")
    late.must("rule", "new", "acme.late", "--from", "change-calendar", *overlay)
    kept = ("--survivor", "logged")
    plane.admin.must("identity", "revoke", "alice", "--reason", "left", *kept)
    late.must("rule", "sign", "acme.late", *overlay)
    plane.admin.must("identity", "revoke", "late", "--reason", "left", *kept)
    plane.ci.must("bundle", "release", *overlay)
    assert step(plane).value["outcome"] == "activated"
    replayed = audited(plane, tmp_path)
    assert replayed.exit_code == 0, replayed


def test_a_release_identity_is_rotated_and_its_successor_releases_on(
    plane, overlay, tmp_path
):
    """What the old key released survives with the newest release, by its digest."""
    proof, asks = tmp_path / "ci-2.proof", ("--principal", "ci@acme.example")
    plane.ci.must("keys", "create", "ci-2")
    register = ("identity", "register", "ci-2", "--key", "ci-2", *asks)
    may = ("--permission", "release", "--namespace", "acme")
    plane.ci.must(*register, *may, "--proof-out", proof)
    plane.admin.must("identity", "rotate", "ci", "--proof", proof)
    assert step(plane).code == "parents-not-current"
    old = plane.ci("bundle", "release", "--key", "ci", *overlay)
    assert (old.exit_code, old.code) == (1, "revoked")
    plane.ci.must("bundle", "reaffirm", "--key", "ci-2")
    plane.ci.must("bundle", "release", "--key", "ci-2", *overlay)
    assert step(plane).value["revision"] == 3
    replayed = audited(plane, tmp_path)
    assert replayed.exit_code == 0, replayed


def test_what_nobody_kept_is_not_released(plane, overlay):
    plane.admin.must("identity", "revoke", "alice", "--reason", "stolen")
    refused = plane.ci("bundle", "release", *overlay)
    assert (refused.exit_code, refused.code) == (1, "revoked")


def test_what_was_logged_later_than_the_admins_said_is_not_kept(plane, overlay):
    plane.alice.must("rule", "new", OTHER, "--from", "change-calendar", *overlay)
    plane.alice.must("rule", "sign", OTHER, *overlay)
    kept = ("--survivor", "logged:1")
    plane.admin.must("identity", "revoke", "alice", "--reason", "stolen", *kept)
    refused = plane.ci("bundle", "release", *overlay)
    assert (refused.exit_code, refused.code) == (1, "revoked")


WORDS = [
    (["release:2"], "survivor-missing", 1),
    (["release:0"], "usage", 2),
    (["release"], "usage", 2),
    (["logged:sha256:abc"], "usage", 2),
    (["sha256:ABC"], "usage", 2),
    (["release:sha256:" + "0" * 64], "tuf-missing", 1),
    (["logged", "logged:1"], "survivor-missing", 1),
]


@pytest.mark.parametrize(("words", "code", "exit_code"), WORDS)
@pytest.mark.parametrize("verb", ["revoke", "suspend"])
def test_words_that_cannot_be_meant_change_nothing(
    unchanged, verb, words, code, exit_code
):
    kept = [part for word in words for part in ("--survivor", word)]
    ended = unchanged.admin("identity", verb, "alice", "--reason", "left", *kept)
    assert (ended.exit_code, ended.code) == (exit_code, code)
    shown = unchanged.admin.must("identity", "show", "alice", "--json").value
    assert shown["revoked"] is None
