# SPDX-License-Identifier: Apache-2.0
"""The runbooks of stolen keys: a thief before each, and after it the thief again."""

import shutil

import pytest

from tests.simulators.desk import PAGES
from tests.simulators.online_thief import (
    FAR_AHEAD,
    OnlineThief,
    another_runner,
    release_elsewhere,
)
from tests.simulators.settled import approve


def require_replay(desk):
    """What was done is in the log, and an auditor finds nothing wrong with it."""
    desk.must("Ann", "trustacks audit export -o pack.tar")
    desk.must("Ann", "trustacks audit replay pack.tar --json")


def steal(desk, who):
    """Somebody has a copy of this person's keys and tokens."""
    desk.person(who).copy(desk.folder / "people" / "the-thief")


@pytest.mark.parametrize("lists", [False, True], ids=["two keys", "all three"])
def test_numbers_far_ahead_are_forgotten_with_their_keys(settled, lists):
    thief = OnlineThief(settled)

    def serve_one_runner():
        thief.come(settled.clock(), lists=lists)
        seen = settled.must("The Runner", "trustacks runner step --state runner")
        assert "enforces revision 1" in seen.out
        thief.leave()

    settled.play(
        PAGES / "stolen-timestamp-or-snapshot-key.md",
        before={
            "1. What it looks like": serve_one_runner,
            "5. The thief comes back": lambda: thief.come(
                settled.clock(), number=FAR_AHEAD + 1
            ),
            "6. The release role's key, too": thief.leave,
        },
    )
    require_replay(settled)


@pytest.mark.parametrize("number", [FAR_AHEAD, 10**15 - 10])
def test_numbers_far_ahead_in_the_storage_itself_stop_nobody(settled, number):
    """The thief wrote, and nobody noticed: the server counts on from there."""
    OnlineThief(settled).come(settled.clock(), number=number, lists=True)
    step = "trustacks runner step --state runner"
    settled.must("The Runner", step)
    for role in ("timestamp", "snapshot", "release"):
        settled.must("Ann", f"trustacks root online {role} --out {role}.pub")
    keys = "--timestamp-key timestamp.pub --snapshot-key snapshot.pub"
    settled.must("Ann", f"trustacks root draft 2.root.json {keys}")
    for name in ("ann", "ben"):
        sign = f"trustacks root sign 2.root.json --key {name}-root"
        settled.must(name.capitalize(), sign)
    settled.must("Ann", "trustacks root publish 2.root.json --admin-key ann-admin")
    settled.must("Ann", "trustacks trust change --release-key release.pub")
    approve(settled)
    settled.must("CI", "trustacks bundle release --overlay policy")
    assert "enforces revision 2" in settled.must("The Runner", step).out


def test_a_release_key_is_replaced_and_what_was_released_survives(settled):
    online = OnlineThief(settled)

    def list_with_the_old_key():
        online.come(settled.clock(), lists=True)
        another_runner(settled, "served")

    def release_as_ci():
        online.leave()
        release_elsewhere(settled)
        steal(settled, "CI")
        settled.must("The thief", "trustacks bundle release --overlay policy")
        settled.must("The Runner", "trustacks runner step --state runner")

    settled.play(
        PAGES / "stolen-release-key.md",
        before={
            "What the thief lists now": list_with_the_old_key,
            "The identity's key: look first": release_as_ci,
        },
    )
    require_replay(settled)


def test_an_admin_s_keys_are_replaced_by_the_two_others(settled):
    settled.play(
        PAGES / "stolen-admin-key.md",
        before={"What the thief tries": lambda: steal(settled, "Ben")},
    )
    require_replay(settled)


def test_a_served_list_changes_nothing_on_the_runner_s_disk(settled):
    """The thief of all online keys lists what the release identity never signed."""
    thief = OnlineThief(settled)
    state = settled.table / "runner" / "state" / "releases"
    before = {p.name: p.read_bytes() for p in state.iterdir()}
    thief.come(settled.clock(), lists=True)
    settled.must("The Runner", "trustacks runner step --state runner")
    assert {p.name: p.read_bytes() for p in state.iterdir()} == before
    shutil.rmtree(settled.table / "runner" / "state" / "tuf")
    thief.leave()
    # Whoever deletes python-tuf's cache deletes what it protected from, and no mark.
    settled.must("The Runner", "trustacks runner step --state runner")
    assert {p.name: p.read_bytes() for p in state.iterdir()} == before
