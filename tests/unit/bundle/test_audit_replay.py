# SPDX-License-Identifier: Apache-2.0
"""A replay of honest evidence: what it says, in which forms, and what it never touches."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from bundle.audit.errors import NotAPackError
from bundle.audit.records import Outcome
from bundle.audit.replay import replay
from bundle.audit.timeline import CHANGES
from bundle.rego.embedded import EmbeddedEngine
from keys.clock import format_instant
from keys.errors import UsageError
from keys.strict import dumps_json
from signer.predicates.trust_change import KINDS
from tests.simulators.evidence import AuditedWorkspace, Doctor

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as one:
        yield one


@pytest.fixture(scope="module")
def acme(engine):
    workspace = AuditedWorkspace(AT, engine)
    workspace.register("second", "author", at=AT)
    rule = workspace.rule(by="second")
    workspace.report(workspace.release(rule))
    more = workspace.rule("acme.deploy_window", at=AT + DAY)
    workspace.report(workspace.release(more, rule, at=AT + 2 * DAY), at=AT + 3 * DAY)
    return workspace


@pytest.fixture(scope="module")
def report(acme):
    return acme.replay()


def test_notes_that_are_left_out_refuse_nothing(report):
    """A thousand lost release races are no reason to refuse what was published."""
    assert report
    assert replace(report, findings_left_out=7).accepted


def test_every_release_names_who_made_each_rule_so(report):
    assert report.accepted
    assert bool(report)
    first, second = report.releases
    assert [r.rule_id for r in second.rules] == [
        "acme.deploy_window",
        "acme.requires_change_ticket",
    ]
    rule = second.rules[1]
    assert rule.author.identity.id == "second"
    assert rule.author.admin == "admin"
    assert rule.author.proof == 1
    assert rule.tested.startswith("2 cases passed with regorus")
    assert rule.linted == "1 check passed, linter 0.1.0"
    assert rule.change == "kept"
    assert second.rules[0].change == "added"
    assert second.signer.identity.id == "releaser"
    assert second.activated_by == ("runner",)
    assert first.result.accepted


def test_the_timeline_has_one_item_for_each_entry(acme, report):
    assert [item.entry for item in report.timeline] == list(range(len(acme.log.bodies)))
    assert [item.kind for item in report.timeline] == [
        "trust-change",
        "identity-proof",
        "trust-change",
        "rule",
        "release",
        "runner-report",
        "rule",
        "release",
        "runner-report",
    ]
    assert report.timeline[2].text == (
        "admin (admin@example.com) registered second, as targets 2"
    )


def test_the_text_says_the_verdict_first_and_then_everything(report):
    text = report.text()
    assert text.startswith("accepted: 4 recorded outcomes computed again, all the same")
    for said in (
        "the Control Plane held the admins' keys",
        "release 2: same",
        "rule acme.deploy_window (added), ",
        "registered second by admin",
        "with proof of possession #1",
        "released   by releaser (releaser@example.com, external custody)",
        "activated  by runner",
        "warning [unwitnessed]",
    ):
        assert said in text


def test_the_report_is_as_its_schema_says(report):
    schema = json.loads(
        (ROOT / "docs/formats/replay-report-v1.schema.json").read_text()
    )
    document = json.loads(dumps_json(report.to_json()))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["accepted"] is True


def test_a_refused_report_is_as_its_schema_says_too(engine):
    workspace = AuditedWorkspace(AT, engine)
    workspace.report(workspace.release(workspace.rule(), expires=AT + 20 * DAY))
    schema = json.loads(
        (ROOT / "docs/formats/replay-report-v1.schema.json").read_text()
    )
    refused = workspace.replay(Doctor(workspace).invent())
    document = json.loads(dumps_json(refused.to_json()))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["accepted"] is False
    assert document["releases"][0]["result"]["code"] == "release-lifetime"
    assert refused.text().startswith("refused: ")
    assert {"unknown-signer", "release-lifetime"} <= set(refused.codes)


def test_the_manifest_of_an_export_is_as_its_schema_says(acme):
    schema = json.loads(
        (ROOT / "docs/formats/evidence-pack-v1.schema.json").read_text()
    )
    data = acme.export()
    start = data.index(b'{"exported_at"')
    manifest = json.loads(data[start : data.index(b"\0", start)])
    jsonschema.Draft202012Validator(schema).validate(manifest)


def test_two_replays_of_one_pack_are_equal(acme, report):
    assert acme.replay(acme.export()) == report


def test_an_export_is_a_function_of_the_workspace_and_the_instant(acme):
    assert acme.export() == acme.export()
    assert acme.export() != acme.export(AT + DAY)


INSTANTS = {
    "before the first release": (AT - DAY, None, None),
    "after the first": (AT + DAY, 1, None),
    "after the second": (AT + 2 * DAY, 2, None),
    "after it expired": (AT + 10 * DAY, 2, "release-expired"),
    "after everything expired": (AT + 400 * DAY, 2, "tuf-expired"),
}


@pytest.mark.parametrize(("at", "revision", "code"), INSTANTS.values(), ids=INSTANTS)
def test_what_was_in_force_is_known_for_any_instant(acme, at, revision, code):
    report = acme.replay(at=at)
    assert report.accepted
    assert (report.in_force.revision, report.in_force.code) == (revision, code)
    assert format_instant(at) in report.in_force.text()
    assert all(item.at <= at for item in report.timeline)


def test_an_instant_that_is_not_utc_is_misuse(acme):
    with pytest.raises(UsageError):
        acme.replay(at=datetime(2026, 3, 2, 9))  # noqa: DTZ001


def test_what_is_no_pack_is_refused_at_once(acme):
    with pytest.raises(NotAPackError):
        acme.replay(b"hello")


def test_progress_is_told(acme):
    told = []
    acme.replay(progress=lambda what, done, all_: told.append((what, done, all_)))
    assert {what for what, _, _ in told} == {
        "log entries",
        "releases",
        "runner reports",
    }
    assert all(done < all_ for _, done, all_ in told)


def test_replay_brings_an_engine_of_its_own(acme):
    report = replay(acme.export(), root=acme.root, log_key=acme.log.key.public_key)
    assert report.accepted


def test_a_log_of_more_than_one_tile_replays(engine):
    workspace = AuditedWorkspace(AT, engine)
    for _ in range(260):
        workspace.report(None, outcome="held")
    report = workspace.replay()
    assert report.accepted
    assert report.log.size == 261
    assert {r.outcome for r in report.reports} == {Outcome.SAME}


def test_replay_opens_no_socket_no_file_and_reads_no_clock(acme, tmp_path):
    """An audit hook sees what no import contract can: every open, every connect."""
    (tmp_path / "pack.tar").write_bytes(acme.export())
    (tmp_path / "1.root.json").write_bytes(acme.root)
    (tmp_path / "log.pub").write_text(acme.log.key.public_key.pem)
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["True"]), done.stderr


_WATCHED = """
import sys
from pathlib import Path
from bundle.audit.replay import replay
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from keys.public import PublicKey
import keys.clock

folder = Path(sys.argv[1])
pack, root, key = (
    (folder / name).read_bytes() for name in ("pack.tar", "1.root.json", "log.pub")
)
with EmbeddedEngine() as engine:
    engine.parse(Module("a.rego", "package a"))
    engine.version
    replay(pack, root=root, log_key=PublicKey.from_pem(key), engine=engine)

    class Clock(keys.clock.datetime):
        @classmethod
        def now(cls, *_):
            raise AssertionError("replay read the clock")

    keys.clock.datetime = Clock
    refused = ("socket.", "open", "subprocess.Popen", "os.listdir", "urllib.")

    def watch(event, args):
        if event.startswith(refused):
            raise AssertionError(f"replay did {event} {args}")

    sys.addaudithook(watch)
    print(replay(pack, root=root, log_key=PublicKey.from_pem(key), engine=engine).accepted)
    sys.stdout.flush()
    import os
    os._exit(0)
"""


def test_the_timeline_has_words_for_every_change_of_trust():
    assert set(CHANGES) == set(KINDS)
