# SPDX-License-Identifier: Apache-2.0
"""A Control Plane in a thief's hands, against Runners pinned to a sovereign root.

The thief signs with everything of control-plane custody: snapshot, timestamp, the
release role, the log, the timestamp authority. They have no key of an admin, author or
releaser. Each attack meets a Runner with state and a fresh one; none activates.
"""

import base64
import json
import shutil
from datetime import timedelta

import pytest

from bundle.archive import gzip_stored, pack_tar, unpack
from bundle.build import build_bundle
from bundle.tuf.repository import Repository
from keys.clock import utc_now
from signer.attestation import join_jsonl
from signer.revocation import Revocation, Survivors
from tests.simulators.runner import disk
from tests.simulators.signing import SimulatedLog
from tests.simulators.workspace import (
    DAY,
    TICKET,
    WINDOW,
    SimulatedWorkspace,
    proposal,
    rule_text,
)


@pytest.fixture
def house(engine):
    """Two releases, the second of which every Runner here knows."""
    at = utc_now() - timedelta(minutes=1)
    house = SimulatedWorkspace(at, engine, sovereign=True)
    house.release(house.rule())
    house.release(*house.releases[0].rules, house.rule(WINDOW))
    return house


def list_as(house, revision, files):
    """Publish files as a revision, with the keys that the thief has."""
    repository = Repository(house.storage, house.hostile.keys)
    staged = repository.prepare_release(revision, files, keep=9, at=house.at)
    repository.publish_release(staged, at=house.at)


def loosened(house):
    """The newest release without its teeth."""
    release = house.releases[-1]
    files = dict(unpack(release.archive))
    path = f"rules/{TICKET}/{TICKET}.rego"
    files[path] = files[path].replace(b'== "prod"', b'== "none"')
    return gzip_stored(pack_tar(files))


# ------------------------------------------------------------------ the attacks


def a_release_by_the_thief(house, bench):
    house.people["releaser"] = house.person("releaser", "release")
    house.people["author"] = house.person("author", "author")
    rule = house.rule(text=rule_text(message="looser"))
    list_as(house, 3, house.make_release(rule, revision=3).files)
    return "unknown-signer"


def the_old_release_as_a_new_revision(house, bench):
    list_as(house, 3, house.releases[0].files)
    return "release-revision"


def another_bundle_under_the_old_attestations(house, bench):
    files = {**house.releases[-1].files, "bundle.tar.gz": loosened(house)}
    list_as(house, 3, files)
    return "subject-mismatch"


def an_overlay_without_the_window_rule(house, bench):
    ticket = house.releases[-1].rules[0]
    archive = build_bundle([ticket], revision=3, parse=house.engine.parse).archive
    lines = join_jsonl([ticket.attestation, house.releases[-1].attestation])
    files = {"bundle.tar.gz": archive, "attestations.sigstore.jsonl": lines}
    list_as(house, 3, files)
    return "subject-mismatch"


def no_release_attestation_at_all(house, bench):
    rules = house.releases[-1].rules
    lines = join_jsonl([rule.attestation for rule in rules])
    files = {**house.releases[-1].files, "attestations.sigstore.jsonl": lines}
    list_as(house, 3, files)
    return "attestation-set"


def the_release_of_another_workspace(house, bench):
    other = SimulatedWorkspace(house.at, house.engine, sovereign=True)
    other.people["releaser"] = house.people["releaser"]  # one key in both
    other.people["author"] = house.people["author"]
    other.publish_trust()
    made = other.make_release(other.rule())
    list_as(house, 3, made.files)
    return "no-trusted-time"


def the_release_of_another_workspace_seen_by_this_one_s_witnesses(house, bench):
    other = SimulatedWorkspace(house.at, house.engine, sovereign=True)
    other.people, other.log = house.people, house.log
    other.authority = house.authority
    made = other.make_release(other.rule())
    list_as(house, 3, made.files)
    return "workspace-mismatch"


def a_release_that_ran_out(house, bench):
    bench.clock.now = house.at + 7 * DAY
    house.at = bench.clock.now
    Repository(house.storage, house.hostile.keys).refresh(house.at)
    return "release-expired"


def a_trust_policy_of_the_thief(house, bench):
    house.people["author"] = house.person("author", "author")
    name = next(
        n
        for n in house.storage.objects
        if n.startswith("targets/") and n.endswith("policy.json")
    )
    # Under the name that TUF listed; not even its length fits.
    bench.mirror.replaced[name] = house.policy().to_bytes() + b" "
    shutil.rmtree(bench.directory / "tuf" / "targets", ignore_errors=True)
    house.release_again()
    return "tuf-length"


def rules_of_a_revoked_author_dated_back(house, bench):
    """The thief got the author's key after all; the admins revoked it in time."""
    survivors = Survivors(frozenset(r.head for r in house.releases[-1].rules))
    house.publish_trust(
        revocations=(Revocation("author", house.at, "stolen", survivors),)
    )
    early = house.at - 20 * DAY  # the thief's authority stamps what it is told
    stolen = house.rule("acme.extra", text=rule_text("acme.extra"), at=early)
    rules = (*house.releases[-1].rules, stolen)
    release = house.make_release(*rules)  # and even a releaser who was tricked
    house.publish(release)
    return "revoked"


def a_log_that_was_cut(house, bench):
    early = SimulatedLog(house.log.origin)
    early.key = house.log.key
    early.append(b"{}")
    checkpoint = early.checkpoint().decode()
    release = house.make_release(*house.releases[-1].rules, checkpoint=checkpoint)
    house.publish(release)
    return "log-rollback"


ATTACKS = [
    a_release_by_the_thief,
    the_old_release_as_a_new_revision,
    another_bundle_under_the_old_attestations,
    an_overlay_without_the_window_rule,
    no_release_attestation_at_all,
    the_release_of_another_workspace,
    the_release_of_another_workspace_seen_by_this_one_s_witnesses,
    a_release_that_ran_out,
    a_trust_policy_of_the_thief,
    rules_of_a_revoked_author_dated_back,
    a_log_that_was_cut,
]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[a.__name__.replace("_", " ") for a in ATTACKS]
)
def test_activates_nothing(attack, house, bench, runner):
    had = runner.status()
    kept = {n: d for n, d in disk(bench.directory).items() if n.startswith("releases")}
    known = house.releases[-1].known
    code = attack(house, bench)
    event = runner.step()
    assert (event.outcome, event.code) == ("held", code)
    assert event.revision == had.revision
    after = {n: d for n, d in disk(bench.directory).items() if n.startswith("releases")}
    assert after == kept
    status = runner.status()
    assert (status.revision, status.release) == (had.revision, had.release)
    if had.revision and status.code is None:
        assert status.release == known.digest
        denied = runner.decide(proposal(change_kind="normal"))
        assert TICKET in {deny.rule_id for deny in denied.denies}
    else:
        assert not runner.decide(proposal(body="CM-1"))


def test_a_fresh_runner_starts_nowhere_without_a_floor(bench):
    runner = bench.runner()
    event = runner.step()
    assert (event.outcome, event.code) == ("held", "floor-missing")
    assert not runner.decide(proposal(body="CM-1"))


def test_a_fresh_runner_starts_at_the_floor_that_the_admins_signed(bench, house):
    house.floor_at(house.releases[-1])
    house.release_again()
    runner = bench.runner()
    assert runner.step().revision == 3
    assert runner.status().form.value == "sovereign"


def test_a_runner_with_state_does_not_go_back_with_the_whole_repository(bench, house):
    old = house.storage.copy()
    house.release_again()
    runner = bench.runner(floor=house.releases[1].known)
    assert runner.step().revision == 3
    runner.close()
    shutil.rmtree(bench.directory / "tuf")  # TUF's own memory is gone
    bench.mirror.storage = old
    runner = bench.runner()
    event = runner.step()
    assert (event.outcome, event.code) == ("held", "revision-rollback")
    assert runner.status().revision == 3


def test_an_old_timestamp_put_back_is_refused_and_the_runner_decides_on(bench, house):
    runner = bench.runner(floor=house.releases[1].known)
    runner.step()
    old = house.storage.objects["metadata/timestamp.json"]
    house.release_again()
    assert runner.step().revision == 3
    bench.mirror.replaced["metadata/timestamp.json"] = old
    event = runner.step()
    assert (event.outcome, event.code) == ("held", "tuf-rollback")
    assert TICKET in {d.rule_id for d in runner.decide(proposal()).denies}


def test_a_mirror_that_lied_about_the_chain_is_believed_no_longer_than_it_lies(
    bench, house
):
    """A chain file is named by its statement; its signature can be any."""
    runner = bench.runner(floor=house.releases[-1].known)
    runner.step()
    between = house.release_again()
    house.release_again()
    kept = disk(bench.directory)
    lie = json.loads(between.attestation)
    lie["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(bytes(70)).decode()
    name = f"chain/{between.digest.hex}.sigstore.json"
    bench.mirror.once[name] = json.dumps(lie).encode()

    event = runner.step()

    assert (event.outcome, event.code) == ("held", "signature-invalid")
    assert disk(bench.directory) == kept
    assert runner.status().revision == 2
    event = runner.step()
    assert (event.outcome, event.revision) == ("activated", 4)


@pytest.mark.parametrize("folder", ["tuf/targets", "tuf/chain", "releases", "trust"])
def test_a_folder_that_is_a_link_elsewhere_loses_no_file_of_others(
    bench, house, tmp_path, folder
):
    others = tmp_path / "others"
    others.mkdir()
    for name in ("precious.txt", "backup.tar", "a" * 64 + ".tar.gz"):
        (others / name).write_bytes(b"not the Runner's")
    kept = disk(others)
    runner = bench.runner(floor=house.releases[-1].known)
    runner.step()
    shutil.rmtree(bench.directory / folder, ignore_errors=True)
    (bench.directory / folder).symlink_to(others)
    bad = house.release_again(expires=house.at + timedelta(seconds=1))

    assert runner.step().code == "release-expired", bad.predicate.revision
    house.release_again()
    assert runner.step().outcome == "activated"

    assert kept.items() <= disk(others).items()
