# SPDX-License-Identifier: Apache-2.0
"""A proposal in a folder: what an admin without a network refuses to sign."""

import shutil

import pytest

from tests.simulators.plane import tree

SIGN = "trustacks trust sign {} --root acme.root.json --key cleo-targets"
CLEO = "Cleo, offline"


@pytest.fixture
def carried(settled):
    """A proposal in the folder ``one``, which nobody has signed yet."""
    settled.must("Ann", "trustacks trust renew")
    settled.must("Ann", "trustacks trust carry one")
    return settled


def folder(desk, name="one"):
    return desk.table / name


def refused(desk, command, who=CLEO):
    ended = desk.say(who, command)
    assert ended.exit_code == 1, ended.terminal
    return ended.code


def test_signing_twice_is_signing_once(carried):
    for _ in range(2):
        assert (
            carried.must(CLEO, f"{SIGN.format('one')} --json").value["signatures"] == 1
        )
    assert len(list((folder(carried) / "signatures").iterdir())) == 1


@pytest.mark.parametrize("name", ["in-force.tar", "proposal.json"])
def test_a_folder_that_is_not_whole_is_refused(carried, name):
    (folder(carried) / name).unlink()
    assert refused(carried, SIGN.format("one")) == "carried-folder"


def test_a_file_that_was_exchanged_is_refused(carried):
    for path in (folder(carried) / "files").iterdir():
        path.write_bytes(b"{}")
    assert refused(carried, SIGN.format("one")) == "carried-folder"
    assert not (folder(carried) / "signatures").exists()


def test_another_workspace_s_folder_is_refused(carried):
    root = carried.table / "acme.root.json"
    root.write_bytes(root.read_bytes() + b"\n")
    assert refused(carried, SIGN.format("one")) == "pin-changed"


def test_a_strangers_key_signs_nothing(carried):
    before = tree(folder(carried))
    command = SIGN.format("one").replace("cleo-targets", "cleo-root")
    assert refused(carried, command) == "tuf-key"
    assert tree(folder(carried)) == before


def test_a_signature_that_does_not_hold_is_not_passed_over(carried):
    carried.must(CLEO, SIGN.format("one"))
    (path,) = (folder(carried) / "signatures").iterdir()
    path.write_text(path.read_text().replace('"signature":"ME', '"signature":"MA'))
    assert refused(carried, SIGN.format("one")) == "tuf-signature"
    assert refused(carried, "trustacks trust submit one", "Ann") == "tuf-signature"


def test_older_trust_than_was_brought_before_is_refused(carried):
    """The machine has no network; what it saw last is all that it knows."""
    shutil.copytree(folder(carried), folder(carried, "old"))
    carried.must("Ann", "trustacks trust approve --key ann-targets")
    done = "trustacks trust approve --key ben-targets --admin-key ben-admin"
    carried.must("Ben", done)
    carried.must("Ann", "trustacks trust renew")
    carried.must("Ann", "trustacks trust carry new")
    carried.must(CLEO, SIGN.format("new"))
    before = tree(folder(carried, "old"))
    assert refused(carried, SIGN.format("old")) == "tuf-rollback"
    assert tree(folder(carried, "old")) == before
    # A stale proposal is a matter of the server's, too.
    assert refused(carried, "trustacks trust submit old", "Ann") == (
        "trust-proposal-stale"
    )


def test_what_survives_is_carried_along(settled):
    """A proposal that names a release is judged by that release, wherever it is."""
    end = "trustacks identity revoke ci --reason stolen --survivor release:1"
    settled.must("Ann", end)
    settled.must("Ann", "trustacks trust carry one")
    told = settled.must(CLEO, SIGN.format("one"))
    assert "identity ci: revoked" in told.terminal


def test_what_ran_out_is_signed_only_by_who_says_so(carried):
    carried.wait(days=90)
    before = tree(folder(carried))
    assert refused(carried, SIGN.format("one")) == "tuf-expired"
    assert tree(folder(carried)) == before
    told = carried.must(CLEO, f"{SIGN.format('one')} --expired").terminal
    assert "not renewed in time" in told
