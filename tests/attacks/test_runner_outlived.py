# SPDX-License-Identifier: Apache-2.0
"""Attack: keep a Runner up, so that what it judged once is never judged again.

The admins signed when a log and a timestamp authority go out of use. A Runner that
starts after that instant denies; one that was up all the while says the same.
"""

import json
from datetime import timedelta

import pytest

from keys.clock import format_instant, utc_now
from tests.simulators.runner import Bench, disk
from tests.simulators.workspace import SimulatedWorkspace, proposal

PARTS = {
    "a timestamp authority": ("timestampAuthorities", "no-trusted-time"),
    "a log": ("tlogs", "log-window"),
}


class Ending(SimulatedWorkspace):
    """A workspace whose log or timestamp authority goes out of use."""

    ends = None

    def trusted_root(self) -> bytes:
        document = json.loads(super().trusted_root())
        for kind, end in (self.ends or {}).items():
            for part in document[kind]:
                window = part.get("publicKey", part)["validFor"]
                window["end"] = format_instant(end)
        return json.dumps(document).encode()


@pytest.mark.parametrize(("kind", "code"), PARTS.values(), ids=PARTS)
def test_a_runner_that_is_up_denies_when_a_witness_goes_out_of_use(
    engine, tmp_path, kind, code
):
    at = utc_now()
    house = Ending(at, engine, sovereign=True)
    house.ends = {kind: at + timedelta(hours=1)}
    house.publish_trust()
    house.release(house.rule())
    bench = Bench(house, tmp_path / "runner")
    runner = bench.runner(floor=house.releases[0].known)
    assert runner.step().outcome == "activated"
    bench.clock.move(hours=1)
    assert runner.decide(proposal(body="CM-1")).allowed, "in use, to the second"
    kept = disk(bench.directory)
    bench.clock.move(seconds=1)

    decision = runner.decide(proposal(body="CM-1"))

    assert [deny.code for deny in decision.denies] == [code]
    assert disk(bench.directory) == kept
    restarted = bench.restart(runner).decide(proposal(body="CM-1"))
    assert [deny.code for deny in restarted.denies] == [code]
    bench.close()
