# SPDX-License-Identifier: Apache-2.0
"""Two release identities behind each release, by commands alone.

A sovereign workspace whose admins raise the threshold; a release waits at the Control
Plane, or is carried by hand; a Runner follows, and an auditor sees who signed.
"""

import pytest

from bundle.pending import PendingRelease
from tests.e2e.test_sovereign import Sovereign
from tests.simulators.plane import RULE, git, replanted

OTHER = "acme.second_window"


class House(Sovereign):
    """With a second and a third release identity, and two principals asked for."""

    def __init__(self, folder, plane):
        super().__init__(folder, plane)
        self.overlay = ("--overlay", self.repository)
        self.commit("Write a rule")
        first = self.ci.must("bundle", "release", *self.overlay, "--json").value
        assert first["published"]
        self.floor = f"1:{first['release']}"
        self.step("--floor", self.floor)
        self.ops, self.third = self.join("ops", "release"), self.join("tri", "release")
        self.release()
        self.runs = self.step()["revision"]
        self.ann.must("trust", "change", "--threshold", "release=2")
        self.diff = self.ann.must("trust", "diff").out
        self.approve()

    @property
    def ann(self):
        return self.people["ann"]

    def commit(self, message):
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "--allow-empty", "-m", message)

    def release(self, *words):
        return self.ci.must("bundle", "release", *self.overlay, *words, "--json").value

    def step(self, *words):
        state = ("--state", self.runner, "--json")
        return self.ci("runner", "step", *state, *words).value

    def status(self):
        return self.ci.must("runner", "status", "--state", self.runner, "--json").value

    def sign_rule(self, rule):
        self.jane.must("rule", "new", rule, "--from", "change-calendar", *self.overlay)
        self.jane.must("rule", "sign", rule, *self.overlay)
        self.commit(f"Write {rule}")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cosigning")
    with replanted(folder / "plane") as plane:
        yield House(folder / "sov", plane)


def test_a_raised_threshold_brings_its_floor_and_nothing_stops(house):
    assert "- threshold release: 1 becomes 2 principals" in house.diff
    assert "- floor: revision (none) becomes 2" in house.diff
    house.step()
    assert (house.status()["revision"], house.status()["code"]) == (2, None)


def test_a_release_waits_and_is_published_with_the_second_signature(house):
    waits = house.release()
    assert (waits["published"], waits["threshold"]) == (False, 2)
    assert house.ann.must("status", "--json").value["revision"] == waits["revision"] - 1
    again = house.ci.must("bundle", "cosign", "--json").value
    assert (again["signers"], again["published"]) == (["ci"], False)
    done = house.ops.must("bundle", "cosign", *house.overlay)
    assert f"published:   revision {waits['revision']}" in done.out
    for shown in (
        "judged here, from the pinned state: ",
        "signed by ci (ci@acme.example): 1 of 2",
        "the same bytes",
        "signing release/v1",
        "identity = ci",
    ):
        assert shown in done.err
    assert house.step()["revision"] == waits["revision"]
    gone = house.third("bundle", "cosign")
    assert (gone.exit_code, gone.code) == (2, "pending-choice")
    assert "hint: none " in gone.err
    named = house.third("bundle", "cosign", waits["release"])
    assert (named.exit_code, named.code) == (1, "pending-stale")


def test_a_file_is_carried_by_hand_and_the_last_signer_publishes(house, tmp_path):
    file = tmp_path / "release.tar"
    waits = house.release("--out", file)
    assert PendingRelease.parse(file.read_bytes()).digest.hex in waits["release"]
    listed = house.ops("bundle", "cosign")
    assert (listed.exit_code, listed.code) == (2, "pending-choice")
    done = house.ops.must("bundle", "cosign", file, "--json").value
    assert (done["signers"], done["published"]) == (["ci", "ops"], True)
    assert house.step()["revision"] == waits["revision"]


def test_three_must_sign_and_the_file_goes_on(house, tmp_path):
    house.ann.must("trust", "change", "--threshold", "release=3")
    house.approve()
    first, second = tmp_path / "1.tar", tmp_path / "2.tar"
    waits = house.release("--out", first)
    refused = house.ops("bundle", "cosign", first)
    assert (refused.exit_code, refused.code) == (2, "usage")
    middle = house.ops.must("bundle", "cosign", first, "--out", second, "--json").value
    assert (middle["signers"], middle["published"]) == (["ci", "ops"], False)
    done = house.third.must("bundle", "cosign", second, "--json").value
    assert done["published"]
    assert house.step()["revision"] == waits["revision"]
    house.ann.must("trust", "change", "--threshold", "release=2")
    house.approve()
    released = house.release()
    house.ops.must("bundle", "cosign", str(released["revision"]))


def test_who_comes_second_in_a_race_releases_again_and_both_sign_again(house):
    """Two releases wait for one place; with the first published the other is stale."""
    lost = house.release()
    house.sign_rule(OTHER)
    won = house.release()
    assert lost["revision"] == won["revision"]
    both = house.ops("bundle", "cosign")
    assert (both.exit_code, both.code) == (2, "pending-choice")
    house.ops.must("bundle", "cosign", won["release"])
    stale = house.third("bundle", "cosign", lost["release"])
    assert (stale.exit_code, stale.code) == (1, "pending-stale")
    assert "release it again: trustacks bundle release" in stale.err
    again = house.release()
    assert again["revision"] == won["revision"] + 1
    house.third.must("bundle", "cosign")
    assert house.step()["revision"] == again["revision"]


def test_what_the_overlay_does_not_give_is_not_signed(house):
    waits = house.release()
    house.commit("Go on")
    elsewhere = house.ops("bundle", "cosign", *house.overlay)
    assert (elsewhere.exit_code, elsewhere.code) == (1, "release-not-rebuilt")
    rule = house.repository / "overlay" / "rules" / OTHER
    git(house.repository, "reset", "-q", "--hard", "HEAD~1")
    git(house.repository, "mv", str(rule), str(house.repository / "aside"))
    other = house.ops("bundle", "cosign", *house.overlay)
    assert (other.exit_code, other.code) == (1, "release-not-rebuilt")
    git(house.repository, "reset", "-q", "--hard", "HEAD")
    house.ops.must("bundle", "cosign", str(waits["revision"]), *house.overlay)


def test_an_author_signs_no_release(house):
    house.release()
    refused = house.jane("bundle", "cosign")
    assert refused.exit_code == 1
    house.ops.must("bundle", "cosign")


def test_a_renewal_waits_for_the_others_too(house, tmp_path):
    waits = house.ci.must("bundle", "reaffirm", "--json").value
    assert (waits["published"], waits["threshold"]) == (False, 2)
    house.ops.must("bundle", "cosign", *house.overlay)
    assert house.step()["revision"] == waits["revision"]
    file = tmp_path / "renewal.tar"
    carried = house.ci.must("bundle", "reaffirm", "--out", file, "--json").value
    house.ops.must("bundle", "cosign", file)
    assert house.step()["revision"] == carried["revision"]


def test_an_auditor_sees_who_signed(house, tmp_path):
    pack = tmp_path / "pack.tar"
    house.ann.must("audit", "export", "-o", pack)
    replayed = house.ann("audit", "replay", pack, "--json")
    assert replayed.exit_code == 0, replayed
    who = [
        [one["signer"]["identity"], *(c["identity"] for c in one["cosigners"])]
        for one in replayed.value["releases"]
    ]
    assert who[0] == ["ci"]
    assert ["ci", "ops", "tri"] in who
    assert who[-1] == ["ci", "ops"]
    assert RULE in replayed.out
