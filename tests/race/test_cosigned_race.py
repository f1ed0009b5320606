# SPDX-License-Identifier: Apache-2.0
"""Pairs that release one workspace at once, where two must sign each release.

While a release waits for its second signature, another one may become the newest; then
both sign anew. Every release is there once, in order, with two principals behind it.
"""

import json
import time
from collections import Counter

import pytest

from tests.e2e.test_sovereign import Sovereign
from tests.simulators.plane import planted

# Seconds in which all releases of a race must be there: a hang, not a measurement.
_PATIENCE = 1500


class Pairs(Sovereign):
    """CI and ops release revision 1 together, and any pair the next."""

    def __init__(self, folder, plane):
        super().__init__(folder, plane)
        overlay = ("--overlay", self.repository)
        self.ops = self.join("ops", "release")
        first = self.ci.must("bundle", "release", *overlay, "--json").value
        self.floor = f"1:{first['release']}"
        self.people["ann"].must("trust", "change", "--threshold", "release=2")
        self.approve()

    def race(self, *, pairs, each):
        """Return what each pair said, and how many seconds it took."""
        processes = []
        for number in range(pairs):
            ci, ops = (
                one.copy(self.folder / f"{name}-{number}")
                for name, one in (("ci", self.ci), ("ops", self.ops))
            )
            module = ("-m", "tests.simulators.cosigning_racer")
            words = [*module, str(each), str(self.repository), str(ops.folder)]
            processes.append(ci._process(words, self.folder, hears=True))
        began = time.monotonic()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        said = []
        for process in processes:
            out, err = process.communicate(timeout=_PATIENCE)
            assert process.returncode == 0, err
            said += map(json.loads, out.splitlines())
        return said, time.monotonic() - began


@pytest.mark.race
@pytest.mark.parametrize(("pairs", "each"), [(8, 6)], ids=["8x6"])
def test_two_sign_each_release_of_a_race(tmp_path, pairs, each):
    with planted(tmp_path / "plane") as plane:
        house = Pairs(tmp_path / "house", plane)
        said, seconds = house.race(pairs=pairs, each=each)
        check(house, tmp_path, said, total=pairs * each)
    tries = [one["tries"] for one in said]
    print(  # noqa: T201 - the counts are what a race is run for
        f"two must sign: {len(said)} releases in {seconds:.0f} s, {sum(tries)} tries,"
        f" at most {max(tries)} for one"
    )


def check(house, folder, said, *, total):
    """All are there, in order, none doubled; a Runner and an auditor agree."""
    revisions = list(range(2, total + 2))
    assert sorted(one["revision"] for one in said) == revisions
    assert max(Counter(one["release"] for one in said).values()) == 1
    by_revision = {one["revision"]: one["release"] for one in said}
    pack, ann = folder / "pack.tar", house.people["ann"]
    ann.must("audit", "export", "-o", pack)
    replayed = ann.must("audit", "replay", pack, "--json").value["releases"]
    found = {one["revision"]: one for one in replayed}
    assert list(found) == [1, *revisions]
    assert {one["outcome"] for one in replayed} == {"same"}
    assert {n: found[n]["attestation"] for n in revisions} == by_revision
    for number in revisions:
        assert [one["identity"] for one in found[number]["cosigners"]] == ["ops"]
    step = ("runner", "step", "--state", house.runner, "--floor", house.floor)
    done = house.ci.must(*step, "--json").value
    assert (done["outcome"], done["revision"]) == ("activated", total + 1)
