# SPDX-License-Identifier: Apache-2.0
"""A Runner's life: it activates what was earned, and never gets weaker."""

import shutil
import threading
from datetime import timedelta

import pytest

from bundle.rego.engine import Module
from bundle.runner.state import STATE_FILE, State, load_state
from bundle.runner.store import store_trust
from keys.clock import utc_now
from keys.errors import BusyError
from signer.pins import Freshness
from signer.revocation import Revocation, Survivors
from tests.simulators.runner import Bench, disk, outcome
from tests.simulators.tuf_mirror import Mirror
from tests.simulators.workspace import (
    DAY,
    TICKET,
    WINDOW,
    SimulatedWorkspace,
    proposal,
    rule_text,
)


def codes(decision):
    return [deny.code or deny.rule_id for deny in decision.denies]


# ------------------------------------------------------------------ stepping


def test_a_fresh_runner_denies_until_it_has_verified_a_release(bench):
    runner = bench.runner()
    assert codes(runner.decide(proposal(body="CM-1"))) == ["no-bundle"]
    event = runner.step()
    assert outcome(event) == ("activated", None, 1)
    assert event.fresh
    assert event.result
    assert runner.decide(proposal(body="CM-1")).allowed
    assert codes(runner.decide(proposal())) == [TICKET]


def test_a_step_with_nothing_new_is_unchanged_and_writes_nothing(bench):
    runner = bench.runner()
    runner.step()
    before = disk(bench.directory)
    event = runner.step()
    assert outcome(event) == ("unchanged", None, 1)
    assert not event.fresh
    assert disk(bench.directory) == before


def test_a_new_release_takes_over_and_raises_the_marks(bench, house):
    runner = bench.runner()
    runner.step()
    house.release(*house.releases[0].rules, house.rule(WINDOW))
    assert outcome(runner.step()) == ("activated", None, 2)
    marks = runner.status().marks
    assert marks.release == house.releases[-1].known
    assert len(list((bench.directory / "releases").glob("*.tar"))) == 1
    target = (bench.directory / "current").readlink()
    assert target.name == f"{house.releases[-1].digest.hex}.tar"


def test_a_refused_release_is_held_and_the_last_known_good_decides(bench, house):
    runner = bench.runner()
    runner.step()
    before = disk(bench.directory)
    house.release(house.rule(WINDOW))  # drops the ticket rule
    event = runner.step()
    assert outcome(event) == ("held", "rule-dropped", 1)
    assert event.result.first_failure.id == "rule-chain"
    assert disk(bench.directory) == before
    assert codes(runner.decide(proposal())) == [TICKET]


def test_a_mirror_that_is_down_changes_nothing(bench):
    runner = bench.runner()
    runner.step()
    before = disk(bench.directory)
    bench.mirror.down = True
    assert outcome(runner.step()) == ("held", "unavailable", 1)
    assert disk(bench.directory) == before
    assert codes(runner.decide(proposal())) == [TICKET]
    bench.mirror.down = False
    assert outcome(runner.step()) == ("unchanged", None, 1)


def test_one_changed_byte_of_a_published_bundle_is_held(bench, house):
    runner = bench.runner()
    runner.step()
    release = house.release_again()
    (name,) = (
        n
        for n, data in house.storage.objects.items()
        if n.startswith("targets/") and data == release.archive
    )
    bench.mirror.tamper(name, at=600)
    assert outcome(runner.step()) == ("held", "tuf-hash", 1)
    assert codes(runner.decide(proposal())) == [TICKET]
    bench.mirror.replaced.clear()
    assert outcome(runner.step()) == ("activated", None, 2)


def test_a_cache_that_vanished_while_running_is_made_anew(bench):
    runner = bench.runner()
    runner.step()
    shutil.rmtree(bench.directory / "tuf")
    assert outcome(runner.step()) == ("held", "storage-unavailable", 1)
    assert outcome(runner.step()) == ("unchanged", None, 1)


def test_before_the_first_release_there_is_nothing_to_activate(engine, tmp_path):
    empty = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
    bench = Bench(empty, tmp_path / "runner")
    runner = bench.runner()
    assert runner.step().outcome == "held"
    assert codes(runner.decide(proposal(body="CM-1"))) == ["no-bundle"]
    bench.close()


# ------------------------------------------------------------------ starting again


def test_a_restart_without_a_network_decides_by_the_last_verified_state(bench):
    bench.runner().step()
    bench.close()
    bench.mirror.down = True
    runner = bench.runner()
    assert codes(runner.decide(proposal())) == [TICKET]
    assert runner.decide(proposal(body="CM-1")).allowed
    assert outcome(runner.step()) == ("held", "unavailable", 1)
    assert runner.status().revision == 1


def test_two_runners_on_one_directory_are_refused_politely(bench):
    bench.runner()
    with pytest.raises(BusyError):
        bench.runner()


def test_another_root_finds_the_state_foreign(bench, engine):
    bench.runner().step()
    bench.close()
    other = SimulatedWorkspace(bench.house.at, engine)
    runner = bench.runner(root=other.root)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["runner-state-foreign"]
    assert runner.step().code == "runner-state-foreign"


def test_another_runner_s_state_is_foreign(bench):
    bench.runner().step()
    bench.close()
    assert bench.runner(runner_id="second").step().code == "runner-state-foreign"


def test_a_mirror_of_another_workspace_is_held(bench, engine, tmp_path):
    other = SimulatedWorkspace(bench.house.at, engine)
    other.release(other.rule())
    bench.mirror = Mirror(other.storage)
    runner = bench.runner()
    event = runner.step()
    assert event.outcome == "held"
    assert event.code.startswith("tuf-")
    assert codes(runner.decide(proposal(body="CM-1"))) == ["no-bundle"]


# ------------------------------------------------------------------ damage


def delete(name):
    return lambda directory: (directory / name).unlink()


def overwrite(name, data):
    return lambda directory: (directory / name).write_bytes(data)


def truncate(name):
    def cut(directory):
        path = directory / name
        path.write_bytes(path.read_bytes()[:-20])

    return cut


DAMAGED = {
    "state deleted": delete(STATE_FILE),
    "state emptied": overwrite(STATE_FILE, b""),
    "state truncated": truncate(STATE_FILE),
    "state of another format": overwrite(STATE_FILE, b'{"format":"x"}'),
    "decisions deleted": delete("decisions.json"),
    "decisions emptied": overwrite("decisions.json", b""),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_state_is_deny_and_never_fresh(bench, name):
    bench.runner().step()
    bench.close()
    saved = (bench.directory / STATE_FILE).read_bytes()
    chain = (bench.directory / "decisions.json").read_bytes()
    DAMAGED[name](bench.directory)
    runner = bench.runner()
    assert codes(runner.decide(proposal(body="CM-1"))) == ["runner-state-damaged"]
    event = runner.step()
    assert outcome(event) == ("held", "runner-state-damaged", None)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["runner-state-damaged"]
    # When the cause is gone, the next step recovers by itself.
    (bench.directory / STATE_FILE).write_bytes(saved)
    (bench.directory / "decisions.json").write_bytes(chain)
    assert outcome(runner.step()) == ("unchanged", None, 1)
    assert runner.decide(proposal(body="CM-1")).allowed


def stored(directory):
    (path,) = (directory / "releases").glob("*.tar")
    return path


def test_a_stored_release_that_was_changed_is_not_believed(bench):
    bench.runner().step()
    bench.close()
    path = stored(bench.directory)
    data = bytearray(path.read_bytes())
    data[data.index(b"package overlay") + 20] ^= 1
    path.write_bytes(data)
    runner = bench.runner()
    assert not runner.decide(proposal(body="CM-1")).allowed
    assert outcome(runner.step()) == ("activated", None, 1)
    assert runner.decide(proposal(body="CM-1")).allowed


def test_a_stored_release_that_is_gone_is_fetched_again(bench):
    bench.runner().step()
    bench.close()
    stored(bench.directory).unlink()
    runner = bench.runner()
    assert codes(runner.decide(proposal(body="CM-1"))) == ["runner-state-damaged"]
    assert outcome(runner.step()) == ("activated", None, 1)


def test_an_older_stored_release_in_its_place_is_refused(bench, house):
    bench.runner().step()
    old = stored(bench.directory).read_bytes()
    house.release(*house.releases[0].rules, house.rule(WINDOW))
    runner = bench._open[-1]
    runner.step()
    bench.close()
    stored(bench.directory).write_bytes(old)
    runner = bench.runner()
    assert codes(runner.decide(proposal(body="CM-1"))) != []
    assert runner.status().revision is None


def test_a_directory_that_was_deleted_is_fresh(bench):
    bench.runner().step()
    bench.close()
    shutil.rmtree(bench.directory)
    assert bench.runner().step().fresh


# ------------------------------------------------------------------ time


def test_a_clock_that_went_back_denies_and_holds(bench):
    runner = bench.runner()
    runner.step()
    bench.clock.move(seconds=-300)
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.clock.move(seconds=-1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["clock-behind"]
    assert outcome(runner.step()) == ("held", "clock-behind", 1)
    runner = bench.restart(runner)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["clock-behind"]
    bench.clock.move(seconds=1)
    assert runner.decide(proposal(body="CM-1")).allowed


def test_a_release_decides_to_the_second_before_its_expiry(bench):
    runner = bench.runner()
    runner.step()
    bench.clock.now = bench.house.releases[0].predicate.expires - timedelta(seconds=1)
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.clock.move(seconds=1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["release-expired"]
    assert outcome(runner.step()) == ("held", "release-expired", 1)


def test_a_step_as_time_goes_on_raises_the_mark_of_time(bench):
    runner = bench.runner()
    runner.step()
    bench.clock.move(days=1)
    runner.step()
    bench.clock.move(hours=-1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["clock-behind"]


def test_decide_and_mark_ends_when_the_admins_said(bench, house):
    end = house.at + 8 * DAY
    house.publish_trust(freshness=Freshness(stale_until=end))
    house.release_again()
    runner = bench.runner()
    runner.step()
    bench.clock.now = end - timedelta(seconds=1)
    decision = runner.decide(proposal(body="CM-1"))
    assert decision.allowed
    assert decision.record.stale
    bench.clock.now = end
    assert codes(runner.decide(proposal(body="CM-1"))) == ["release-expired"]


def test_a_window_that_ends_takes_the_rules_with_it(bench, house):
    end = house.at + DAY
    house.people["author"] = house.person(
        "author", "author", key=house.people["author"].key, not_after=end
    )
    house.publish_trust()
    house.release_again()
    runner = bench.runner()
    runner.step()
    bench.clock.now = end
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.clock.move(seconds=1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["outside-window"]


# ------------------------------------------------------------------ trust


def revoke(house, **freshness):
    house.publish_trust(
        revocations=(Revocation("author", house.at, "left"),),
        freshness=Freshness(**freshness),
    )


def test_a_revocation_denies_even_if_no_new_release_comes(bench, house):
    runner = bench.runner()
    runner.step()
    revoke(house)
    event = runner.step()
    assert outcome(event) == ("held", "parents-not-current", 1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["revoked"]
    bench.mirror.down = True
    runner = bench.restart(runner)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["revoked"]


def test_a_revocation_has_the_grace_that_the_admins_signed_and_no_more(bench, house):
    runner = bench.runner()
    runner.step()
    revoke(house, revocation_grace_seconds=60)
    runner.step()
    bench.clock.move(seconds=59)
    assert runner.decide(proposal(body="CM-1")).allowed
    runner = bench.restart(runner)  # a restart does not begin the grace anew
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.clock.move(seconds=1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["revoked"]
    runner = bench.restart(runner)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["revoked"]


def test_targets_once_seen_are_not_left_for_older_ones(bench, house):
    runner = bench.runner()
    runner.step()
    old = house.storage.copy()
    revoke(house)
    runner.step()
    # The mirror goes back to before the revocation, and TUF's cache is wiped.
    bench.mirror.storage = old
    runner.close()
    shutil.rmtree(bench.directory / "tuf")
    runner = bench.runner()
    assert outcome(runner.step()) == ("held", "targets-rollback", 1)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["revoked"]


def test_newest_trust_that_is_gone_or_another_denies_until_the_next_step(bench, house):
    runner = bench.runner()
    runner.step()
    house.people["second"] = house.person("second", "author")
    house.publish_trust()
    runner.step()
    kept = bench.directory / "trust" / f"{house.view().targets_digest.hex}.tar"
    data = kept.read_bytes()
    kept.unlink()
    runner = bench.restart(runner)
    assert codes(runner.decide(proposal(body="CM-1"))) == ["runner-state-damaged"]
    runner.close()
    kept.write_bytes(data)
    runner = bench.runner()
    assert runner.decide(proposal(body="CM-1")).allowed
    # Genuine trust, later than the one that the marks name, in its place.
    house.publish_trust()
    digest = house.view().targets_digest
    store_trust(bench.directory, digest, house.candidate())
    runner.close()
    (bench.directory / "trust" / f"{digest.hex}.tar").rename(kept)
    runner = bench.runner()
    assert codes(runner.decide(proposal(body="CM-1"))) == ["runner-state-damaged"]
    house.release_again()
    assert outcome(runner.step()) == ("activated", None, 2)


def test_new_trust_that_keeps_the_signers_keeps_the_release(bench, house):
    runner = bench.runner()
    runner.step()
    house.people["second"] = house.person("second", "author")
    house.publish_trust()
    assert outcome(runner.step()) == ("held", "parents-not-current", 1)
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.mirror.down = True
    runner = bench.restart(runner)
    assert runner.decide(proposal(body="CM-1")).allowed


def test_a_survivor_outlives_its_revoked_author(bench, house):
    runner = bench.runner()
    runner.step()
    kept = house.releases[0].rules[0].head
    house.publish_trust(
        revocations=(
            Revocation("author", house.at, "left", Survivors(frozenset({kept}))),
        )
    )
    house.release_again()
    assert outcome(runner.step()) == ("activated", None, 2)
    assert runner.decide(proposal(body="CM-1")).allowed


def test_what_a_floor_lists_outlives_its_revoked_author(bench, house):
    runner = bench.runner()
    runner.step()
    house.floor_at(house.releases[0])
    house.publish_trust(revocations=(Revocation("author", house.at, "left"),))
    house.release_again()
    assert outcome(runner.step()) == ("activated", None, 2)


# ------------------------------------------------------------------ probe and threads


def test_a_failed_probe_goes_back_and_the_marks_stay_up(bench, house, engine):
    broken = Module("z.rego", "package z\nx := ")

    class Sick:
        """An engine that fails on a message; everything else is the real one."""

        name, version = engine.name, engine.version
        loads = 0

        def parse(self, module):
            return engine.parse(module)

        def load(self, modules, data=None, *, coverage=False):
            text = "".join(m.source for m in modules)
            if "newer" in text:
                self.loads += 1
                if self.loads > 1:  # not in the gate, but in the probe
                    return engine.load([*modules, broken])
            return engine.load(modules, data)

        def close(self):
            pass

    runner = bench.runner(engine=Sick())
    runner.step()
    first = house.releases[0].rules[0]
    newer = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(newer)
    event = runner.step()
    assert outcome(event) == ("held", "probe-failed", 1)
    assert codes(runner.decide(proposal())) == [TICKET]
    state = load_state(bench.directory)
    assert isinstance(state, State)
    assert state.marks.release == house.releases[-1].known
    assert state.active.release == house.releases[0].known
    assert state.pending is None
    current = (bench.directory / "current").readlink().name
    assert current == f"{house.releases[0].digest.hex}.tar"
    # A healthy engine takes it up; and nothing lower is taken meanwhile.
    runner = bench.restart(runner)
    assert runner.status().revision == 1
    assert outcome(runner.step()) == ("activated", None, 2)


def test_decisions_and_steps_may_come_from_several_threads(bench, house):
    runner = bench.runner()
    runner.step()
    found = []

    def decide():
        found.extend(runner.decide(proposal()).record for _ in range(5))

    threads = [threading.Thread(target=decide) for _ in range(4)]
    for thread in threads:
        thread.start()
    house.release(*house.releases[0].rules, house.rule(WINDOW))
    assert runner.step().outcome == "activated"
    for thread in threads:
        thread.join()
    assert sorted(r.sequence for r in found) == list(range(1, 21))
    assert all(not r.allowed for r in found)


def test_a_closed_runner_answers_nothing(bench):
    runner = bench.runner()
    runner.step()
    runner.close()
    assert runner.step().code == "runner-closed"
    with pytest.raises(Exception, match="closed"):
        runner.decide(proposal())
