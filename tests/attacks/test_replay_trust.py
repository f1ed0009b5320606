# SPDX-License-Identifier: Apache-2.0
"""Packs that lie about who was trusted: metadata without events, people without keys.

The attacker has everything of the Control Plane. In the embedded form that includes the
admins' keys; what replay holds even then is that nothing happened without a trace.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    LAYERS_CHANGED,
    Change,
)
from tests.simulators.evidence import AuditedWorkspace, Doctor, log_files
from tests.simulators.memory_key import MemoryKey

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def acme(engine):
    return AuditedWorkspace(AT, engine)


@pytest.mark.parametrize("sovereign", [False, True], ids=["embedded", "sovereign"])
def test_registration_release_and_revocation_replay(engine, sovereign):
    acme = AuditedWorkspace(AT, engine, sovereign=sovereign)
    acme.register("second", "author")
    acme.release(acme.rule(by="second"))
    acme.revoke("author")
    acme.release(
        acme.rule("acme.deploy_window", by="second"), acme.releases[0].rules[0]
    )
    report = acme.replay()
    assert report.accepted, report.text()
    assert report.form == ("sovereign" if sovereign else "embedded")
    rule = report.releases[0].rules[0]
    assert rule.author.identity.id == "second"
    assert rule.author.admin == "admin"
    assert rule.author.proof == 1


def test_targets_without_their_event_are_refused(acme):
    acme.release(acme.rule())
    acme.publish_trust(event=False)
    report = acme.replay()
    assert report.codes == ("trust-event-missing",)
    assert not report.accepted


def test_the_first_targets_need_their_event_too(engine):
    class Silent(AuditedWorkspace):
        def publish_trust(self, *args, **options):
            super().publish_trust(*args, **{**options, "event": False})

    acme = Silent(AT, engine)
    acme.rule()
    report = acme.replay()
    assert report.codes == ("trust-event-missing",)
    assert not report.accepted


def test_targets_in_the_middle_cannot_be_left_out(acme):
    acme.revoke("author")
    acme.publish_trust()
    doctor = Doctor(acme)
    del doctor.files["metadata/2.targets.json"]
    report = acme.replay(doctor.close())
    assert "history-missing" in report.codes
    assert not report.accepted


def test_the_newest_targets_cannot_be_withheld(acme):
    before = Doctor(acme)
    acme.revoke("author")
    doctor = Doctor(acme)
    newest = [n for n in doctor.files if n.startswith("metadata/2.")]
    for name in newest:
        del doctor.files[name]
    doctor.files["metadata/timestamp.json"] = before.files["metadata/timestamp.json"]
    report = acme.replay(doctor.close())
    assert "history-missing" in report.codes
    assert not report.accepted


def test_the_newest_targets_cannot_be_passed_off_as_unpublished(acme):
    before = Doctor(acme)
    acme.revoke("author")
    doctor = Doctor(acme)
    doctor.files["metadata/timestamp.json"] = before.files["metadata/timestamp.json"]
    report = acme.replay(doctor.close())
    assert report.codes == ("trust-unpublished",)
    assert not report.accepted


def test_a_change_that_crashed_and_was_overtaken_is_a_warning(acme):
    acme.publish_trust(publish=False)
    acme.publish_trust()
    acme.release(acme.rule())
    report = acme.replay()
    assert report.accepted, report.text()
    assert "trust-unpublished" in {f.code for f in report.findings}


def test_a_change_that_crashed_before_its_event_is_a_note(acme):
    acme.publish_trust(publish=False, event=False)
    acme.publish_trust()
    report = acme.replay()
    assert report.accepted, report.text()
    assert "note" in {f.severity.value for f in report.findings}


def test_a_release_by_a_revoked_identity_is_refused(acme):
    rule = acme.rule()
    acme.revoke("releaser")
    acme.release(rule)
    report = acme.replay()
    assert report.codes == ("revoked", "evidence-unlogged")
    assert not report.accepted
    assert report.releases[0].outcome.value == "not_run"


def test_a_release_of_a_rule_by_a_revoked_author_is_refused(acme):
    rule = acme.rule()
    acme.revoke("author")
    acme.release(rule)
    report = acme.replay()
    assert report.releases[0].outcome.value == "different"
    assert "revoked" in report.codes
    assert not report.accepted


def test_a_signature_after_revocation_is_refused_whatever_its_time(acme):
    acme.revoke("author", at=AT)
    acme.rule(at=AT - HOUR / 2)
    report = acme.replay()
    assert report.codes == ("revoked",)
    assert not report.accepted


def test_a_release_under_trust_that_was_replaced_is_refused(acme):
    rule = acme.rule()
    release = acme.make_release(rule)
    acme.publish(release)
    assert acme.replay().accepted
    acme.register("second", "author")
    acme.release(rule, targets=release.predicate.targets)
    report = acme.replay()
    assert report.codes == ("parents-not-current",)
    assert [r.outcome.value for r in report.releases] == ["same", "different"]


def test_an_identity_without_proof_of_possession_is_refused(acme):
    acme.register("second", "author", proof=False)
    report = acme.replay()
    assert report.codes == ("possession",)
    assert not report.accepted


def test_a_proof_by_another_key_is_refused(acme):
    acme.register("second", "author", proven_by=MemoryKey.ecdsa())
    report = acme.replay()
    assert "possession" in report.codes
    assert not report.accepted


def test_a_proof_that_came_after_the_registration_is_refused(acme):
    acme.register("second", "author", late=True)
    report = acme.replay()
    assert report.codes == ("possession",)
    assert not report.accepted


def test_an_event_that_names_somebody_else_is_refused(acme):
    acme.people["second"] = acme.person("second", "author")
    acme.publish_trust(change=Change(kind=LAYERS_CHANGED))
    report = acme.replay()
    assert "trust-event-untrue" in report.codes
    assert not report.accepted


def test_an_event_of_somebody_who_did_not_come_is_refused(acme):
    acme.publish_trust(change=Change(kind=IDENTITY_REGISTERED, identity="ghost"))
    report = acme.replay()
    assert "trust-event-untrue" in report.codes
    assert not report.accepted


LIES = {
    "of another version": lambda p, _: replace(p, targets_version=7),
    "of another trust policy": lambda p, _: replace(p, policy=Digest.of(b"x")),
    "of another workspace": lambda p, _: replace(p, workspace=Digest.of(b"x")),
    "of themselves as the ones before": lambda p, own: replace(p, previous=own),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_event_that_speaks_of_other_targets_is_refused(acme, lie):
    acme.publish_trust(said=lie)
    report = acme.replay()
    assert "trust-event-untrue" in report.codes
    assert not report.accepted


def test_an_event_that_passes_over_the_targets_before_is_refused(acme):
    first = Digest.of(acme.repository.current().targets)
    acme.revoke("author")
    acme.publish_trust(said=lambda p, _: replace(p, previous=first))
    report = acme.replay()
    assert "trust-event-untrue" in report.codes
    assert not report.accepted


def test_the_first_event_says_that_the_workspace_was_created(engine):
    class Silent(AuditedWorkspace):
        def publish_trust(self, *args, **options):
            change = Change(kind=LAYERS_CHANGED)
            super().publish_trust(*args, **{**options, "change": change})

    report = Silent(AT, engine).replay()
    assert report.codes == ("trust-event-missing",)
    assert not report.accepted


def test_events_out_of_order_are_refused(acme):
    empty = log_files([], acme.log.origin, acme.log.key)["log/checkpoint"].decode()
    acme.publish_trust(checkpoint=empty)
    doctor = Doctor(acme)
    doctor.bodies.reverse()
    doctor.rewrite_log(resign=True)
    report = acme.replay(doctor.close())
    assert report.codes == ("trust-event-missing",)
    assert not report.accepted


def test_targets_without_a_trusted_root_are_refused(acme):
    files = acme.trust_files()
    del files["trust/trusted_root.json"]
    acme.publish_trust(files)
    report = acme.replay()
    assert "overlay-missing" in report.codes
    assert not report.accepted


def test_a_signature_that_no_authority_saw_is_refused(acme):
    statement = parse_attestation(acme.rule().attestation).envelope.payload
    acme.log_bare(statement.replace(b"acme.", b"acma."), by=acme.people["author"])
    report = acme.replay()
    assert report.codes == ("no-trusted-time",)
    assert not report.accepted


def test_an_identity_that_quietly_changes_is_refused(acme):
    acme.people["author"] = acme.person("author", "author", "release")
    acme.publish_trust()
    report = acme.replay()
    assert "trust-event-untrue" in report.codes
    assert not report.accepted


def test_a_registration_that_no_admin_signed_is_refused(engine):
    acme = AuditedWorkspace(AT, engine, sovereign=True)
    doctor = Doctor(acme)
    other = AuditedWorkspace(AT, engine, sovereign=True)
    doctor.files["metadata/1.targets.json"] = other.storage.objects[
        "metadata/1.targets.json"
    ]
    report = acme.replay(doctor.close())
    assert not report.accepted
    assert report.form is None


def test_a_statement_before_its_signer_was_registered_is_refused(acme):
    new = acme.person("second", "author")
    acme.people["second"] = new
    rule = acme.rule(by="second")
    del acme.people["second"]
    assert rule
    report = acme.replay()
    assert report.codes == ("unknown-signer",)


def test_a_backdated_signature_is_refused(acme):
    acme.rule(at=AT)
    acme.rule("acme.deploy_window", at=AT - 2 * HOUR)
    report = acme.replay()
    assert report.codes == ("backdated",)
    assert not report.accepted


def test_a_signature_that_took_its_time_to_the_log_is_not_backdated(acme):
    acme.rule(at=AT)
    acme.rule("acme.deploy_window", at=AT - HOUR)
    assert acme.replay().accepted


@pytest.mark.parametrize("target", ["policy.json", "trusted_root.json"])
def test_a_changed_trust_file_inside_the_pack_is_refused(acme, target):
    doctor = Doctor(acme)
    name = next(n for n in doctor.files if n.endswith(f".{target}"))
    doctor.files[name] += b"\n"
    report = acme.replay(doctor.close())
    assert "target-mismatch" in report.codes
    assert not report.accepted
    assert report.form is None


def test_a_layer_that_no_release_came_to_need_is_evidence_too(acme):
    acme.publish_trust()
    doctor = Doctor(acme)
    layers = [n for n in doctor.files if n.endswith("constitution.sigstore.json")]
    assert len(layers) == 2
    for name in layers:
        del doctor.files[name]
        report = acme.replay(doctor.close())
        assert "history-missing" in report.codes
        assert not report.accepted
        doctor = Doctor(acme)
