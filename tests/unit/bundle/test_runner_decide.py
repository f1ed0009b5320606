# SPDX-License-Identifier: Apache-2.0
"""What a Runner answers, and what its records bind (DESIGN 9, Input)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bundle.decision import FORMAT, DecisionRecord
from bundle.errors import EvaluatedAtRefusedError, InputFormatError
from bundle.limits import MAX_RECORD_BYTES
from bundle.runner.decisions import DECISIONS_FILE, ChainEnd
from bundle.runner.errors import HeadCommitError, RunnerIdError
from keys.digest import Digest
from keys.errors import FieldFormatError, LimitExceededError
from keys.strict import dumps_json, loads_json
from tests.simulators.workspace import TICKET, proposal


@pytest.fixture
def runner(bench):
    runner = bench.runner()
    runner.step()
    return runner


def test_a_record_binds_everything_that_the_verdict_depends_on(runner, bench, house):
    decision = runner.decide(proposal(), head_commit="c" * 40)
    record, release = decision.record, house.releases[-1]
    assert not decision
    assert record.workspace == house.workspace
    assert record.runner == "runner"
    assert record.at == bench.clock.now
    assert record.expires == record.at + timedelta(hours=1)
    assert record.head_commit == "c" * 40
    assert record.input_digest == Digest.of(decision.document)
    assert record.bundle.archive == Digest.of(release.archive)
    assert record.bundle.release == release.digest
    assert record.bundle.revision == 1
    assert record.bundle.parents == {
        "constitution": str(Digest.of(house.constitution)),
        "packs": {"change-control": str(Digest.of(house.pack))},
    }
    assert record.engine == {"name": "regorus", "version": house.engine.version}
    assert record.waivers == ()
    assert not record.stale
    (deny,) = record.denies
    assert (deny.rule_id, deny.citation["id"]) == (TICKET, "CM-TICKET-REQUIRED-001")


def test_a_record_is_read_back_as_it_was_written(runner):
    for value in (proposal(), proposal(body="CM-1")):
        record = runner.decide(value).record
        assert DecisionRecord.parse(record.to_bytes()) == record
        assert record.to_json()["format"] == FORMAT


def test_records_are_a_chain_without_a_gap_over_restarts(runner, bench):
    records = [runner.decide(proposal()).record for _ in range(2)]
    runner = bench.restart(runner)
    records.append(runner.decide(proposal(body="CM-1")).record)
    assert [r.sequence for r in records] == [1, 2, 3]
    assert [r.previous for r in records] == [None, records[0].digest, records[1].digest]


def test_a_verdict_is_not_good_for_longer_than_its_release(runner, bench, house):
    bench.clock.now = house.releases[0].predicate.expires - timedelta(minutes=10)
    record = runner.decide(proposal(body="CM-1")).record
    assert record.expires == house.releases[0].predicate.expires


def test_without_a_release_the_record_says_so(bench):
    record = bench.runner().decide(proposal(body="CM-1")).record
    assert record.bundle is None
    assert [d.code for d in record.denies] == ["no-bundle"]
    assert DecisionRecord.parse(record.to_bytes()) == record


def test_a_caller_s_instant_and_a_bad_proposal_make_no_record(runner, bench):
    before = (bench.directory / DECISIONS_FILE).read_bytes()
    with pytest.raises(EvaluatedAtRefusedError):
        runner.decide(proposal(evaluated_at="2020-01-01T00:00:00Z"))
    with pytest.raises(InputFormatError):
        runner.decide({})
    assert (bench.directory / DECISIONS_FILE).read_bytes() == before


def edited(record, **changes):
    value = {**record.to_json(), **changes}
    return dumps_json({k: v for k, v in value.items() if v != "absent"})


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "allow"},
        {"verdict": "maybe"},
        {"denies": []},
        {"format": "other"},
        {"extra": 1},
        {"runner": "absent"},
        {"at": "yesterday"},
        {"sequence": -1},
    ],
    ids=str,
)
def test_a_record_that_contradicts_itself_or_its_format_is_refused(runner, changes):
    record = runner.decide(proposal()).record
    with pytest.raises(FieldFormatError):
        DecisionRecord.parse(edited(record, **changes))


@pytest.mark.parametrize("changes", [{"bundle": None}, {"sequence": 0}], ids=str)
def test_an_allow_needs_a_bundle_and_a_place(runner, changes):
    record = runner.decide(proposal(body="CM-1")).record
    with pytest.raises(FieldFormatError):
        DecisionRecord.parse(edited(record, **changes))


def test_the_end_of_the_chain_is_strict():
    end = ChainEnd(3, Digest.of(b"record"))
    assert ChainEnd.parse(end.to_bytes()) == end
    value = loads_json(end.to_bytes(), max_bytes=1000)
    with pytest.raises(FieldFormatError):
        ChainEnd.parse(dumps_json({**value, "more": 1}))


def test_a_decision_of_the_same_input_is_the_same_verdict(runner):
    first, second = (runner.decide(proposal()).record for _ in range(2))
    same = replace(second, sequence=first.sequence, previous=first.previous)
    assert same == first


@pytest.mark.parametrize("commit", ["", "HEAD", "g" * 40, "a" * 39, "a" * 41 + "\n"])
def test_a_head_commit_that_is_none_is_refused(runner, commit):
    with pytest.raises(HeadCommitError):
        runner.decide(proposal(), head_commit=commit)


@pytest.mark.parametrize("runner_id", ["", "Runner", "a" * 65, "-a", "a b"])
def test_an_id_that_no_identity_can_have_is_refused(bench, runner_id):
    with pytest.raises(RunnerIdError):
        bench.runner(runner_id=runner_id)
    assert not bench.directory.exists()


def test_a_record_has_a_bound(runner):
    data = runner.decide(proposal()).record.to_bytes()
    padded = data + b" " * (MAX_RECORD_BYTES - len(data))
    assert DecisionRecord.parse(padded)
    with pytest.raises(LimitExceededError):
        DecisionRecord.parse(padded + b" ")
