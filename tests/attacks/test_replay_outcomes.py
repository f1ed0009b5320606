# SPDX-License-Identifier: Apache-2.0
"""Packs whose outcomes are not what the evidence gives: releases and Runner reports."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bundle.audit.records import Outcome
from bundle.audit.source import attestation_name
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.predicates.trust_change import RULES_CHANGED, Change
from tests.simulators.evidence import AuditedWorkspace, Doctor, content_of
from tests.simulators.workspace import rule_text

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
THRESHOLDS = Change(kind=RULES_CHANGED)


@pytest.fixture
def acme(engine):
    return AuditedWorkspace(AT, engine)


def outcomes(report):
    return [r.outcome.value for r in (*report.releases, *report.reports)]


# ------------------------------------------------------------------ releases


def test_a_bundle_with_one_byte_changed_is_refused(acme):
    acme.release(acme.rule())
    doctor = Doctor(acme)
    name = next(n for n in doctor.files if n.endswith("bundle.tar.gz"))
    data = doctor.files[name]
    doctor.files[name] = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    report = acme.replay(doctor.close())
    assert report.codes == ("target-mismatch",)
    assert outcomes(report) == ["different"]


def test_a_missing_bundle_is_not_run_and_never_accepted(acme):
    acme.release(acme.rule())
    doctor = Doctor(acme)
    name = next(n for n in doctor.files if n.endswith("bundle.tar.gz"))
    del doctor.files[name]
    report = acme.replay(doctor.close())
    assert report.codes == ("history-missing",)
    assert outcomes(report) == ["not_run"]
    assert not report.accepted


def test_a_rule_other_than_the_one_that_was_tested_and_signed_is_refused(acme):
    rule = acme.rule()
    acme.release(replace(rule, rule=rule_text(message="looser").encode()))
    report = acme.replay()
    assert report.codes == ("subject-mismatch",)
    assert outcomes(report) == ["different"]


def test_a_release_missing_from_the_chain_is_refused(acme):
    rule = acme.rule()
    first = acme.release(rule)
    acme.release(rule)
    doctor = Doctor(acme)
    del doctor.files[f"chain/{first.digest.hex}.sigstore.json"]
    report = acme.replay(doctor.close())
    assert "history-missing" in report.codes
    assert not report.accepted


def test_a_chain_that_leads_back_to_itself_ends(acme):
    rule = acme.rule()
    first = acme.release(rule)
    newest = acme.release(rule)
    doctor = Doctor(acme)
    doctor.files[f"chain/{first.digest.hex}.sigstore.json"] = newest.attestation
    report = acme.replay(doctor.close())
    assert {"overlay-missing", "entry-altered"} <= set(report.codes)
    assert not report.accepted


def test_a_release_whose_list_is_withheld_is_not_run(acme):
    rule = acme.rule()
    acme.release(rule)
    acme.release(rule)
    doctor = Doctor(acme)
    lists = [n for n in doctor.files if n.endswith(".release.json")]
    del doctor.files[lists[1]]
    report = acme.replay(doctor.close())
    assert report.codes == ("history-missing",)
    assert outcomes(report) == ["not_run", "same"]
    assert not report.accepted


def test_a_release_with_a_gap_in_its_revisions_is_refused(acme):
    rule = acme.rule()
    acme.release(rule)
    acme.release(rule, revision=3)
    report = acme.replay()
    assert "release-chain" in report.codes
    assert outcomes(report) == ["same", "different"]


def test_a_release_that_claims_more_life_than_allowed_is_refused(acme):
    acme.release(acme.rule(), expires=AT + 20 * DAY)
    report = acme.replay()
    assert report.codes == ("release-lifetime",)


def test_a_release_that_lost_the_race_is_a_note(acme):
    rule = acme.rule()
    acme.make_release(rule, expires=AT + 5 * DAY)
    acme.release(rule)
    report = acme.replay()
    assert report.accepted
    (note,) = [f for f in report.findings if f.code == "release-unpublished"]
    assert note.severity.value == "note"


def test_a_release_above_the_newest_that_the_pack_does_not_show_is_a_warning(acme):
    rule = acme.rule()
    acme.release(rule)
    acme.make_release(rule)
    report = acme.replay()
    (warning,) = [f for f in report.findings if f.code == "release-unpublished"]
    assert warning.severity.value == "warning"


def test_each_release_is_judged_at_its_own_time(acme):
    rule = acme.rule()
    acme.release(rule)
    acme.repository.refresh(AT + 30 * DAY)
    acme.release(rule, at=AT + 20 * DAY)
    report = acme.replay()
    assert report.accepted, report.text()
    assert [r.at for r in report.releases] == [AT, AT + 20 * DAY]


# ------------------------------------------------------------------ reports


def test_what_runners_report_is_compared(acme):
    rule = acme.rule()
    first = acme.release(rule)
    acme.report(first)
    acme.report(first, outcome="held")
    acme.report(first, outcome="unchanged")
    acme.report(acme.release(rule))
    report = acme.replay()
    assert report.accepted, report.text()
    assert [r.said for r in report.reports] == [
        "activated",
        "held [unavailable]",
        "unchanged",
        "activated",
    ]
    assert report.releases[0].activated_by == ("runner",)


def test_a_gap_in_a_runners_reports_is_refused(acme):
    release = acme.release(acme.rule())
    acme.report(release)
    acme.report(release, outcome="unchanged", sequence=3)
    report = acme.replay()
    assert report.codes == ("report-gap",)
    assert not report.accepted


def test_two_histories_of_one_runner_are_refused(acme):
    release = acme.release(acme.rule())
    acme.report(release)
    acme.reports.clear()
    acme.report(release, checkpoint=None)
    report = acme.replay()
    assert report.codes == ("report-gap",)


def test_a_report_after_another_than_the_one_before_is_refused(acme):
    release = acme.release(acme.rule())
    acme.report(release)
    acme.report(release, outcome="unchanged", previous=Digest.of(b"other"))
    assert acme.replay().codes == ("report-gap",)


def test_a_runner_whose_time_goes_back_is_refused(acme):
    release = acme.release(acme.rule())
    acme.report(release)
    acme.report(release, outcome="unchanged", at=AT - timedelta(minutes=1))
    assert acme.replay().codes == ("report-gap",)


CLAIMS = {
    "content that the release does not have": {"content": Digest.of(b"x")},
    "a release that was never published": {"release": Digest.of(b"x")},
    "another revision of that release": {"revision": 7},
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_an_activation_that_the_evidence_does_not_give_is_different(acme, claim):
    acme.report(acme.release(acme.rule()), **claim)
    report = acme.replay()
    assert report.codes == ("outcome-different",)
    assert report.reports[0].outcome is Outcome.DIFFERENT
    assert report.releases[0].activated_by == ()
    assert not report.accepted


def test_an_activation_after_the_release_expired_is_different(acme):
    release = acme.release(acme.rule())
    acme.report(release, at=AT + 8 * DAY)
    report = acme.replay()
    assert report.codes == ("release-expired",)
    assert not report.accepted


def test_a_runner_that_went_back_is_different(acme):
    rule = acme.rule()
    first = acme.release(rule)
    acme.report(acme.release(rule))
    acme.report(first)
    report = acme.replay()
    assert report.reports[1].outcome is Outcome.DIFFERENT
    assert not report.accepted


@pytest.mark.parametrize("outcome", ["unchanged", "held"])
def test_what_is_active_does_not_change_without_an_activation(acme, outcome):
    rule = acme.rule()
    acme.report(acme.release(rule))
    acme.report(acme.release(rule), outcome=outcome)
    report = acme.replay()
    assert report.codes == ("outcome-different",)
    assert report.reports[1].outcome is Outcome.DIFFERENT


def test_a_runner_that_stops_deciding_has_only_become_stricter(acme):
    release = acme.release(acme.rule())
    acme.report(release)
    acme.report(None, outcome="held", code="release-expired")
    acme.report(release, outcome="unchanged")
    assert acme.replay().accepted


def test_a_report_by_somebody_who_may_not_report_is_refused(acme):
    acme.report(acme.release(acme.rule()), by="author", runner="author")
    report = acme.replay()
    assert report.codes == ("signer-not-permitted",)
    assert report.reports == ()


def test_runners_are_compared_apart(acme):
    acme.register("edge", "report")
    release = acme.release(acme.rule())
    acme.report(release)
    acme.report(release, by="edge")
    report = acme.replay()
    assert report.accepted, report.text()
    assert report.releases[0].activated_by == ("runner", "edge")
    assert report.reports[0].revision == 1
    assert content_of(release) == report.releases[0].content


# ------------------------------------------------------------------ further signers


@pytest.fixture(params=["as submitted", "completed"])
def two(request, engine):
    """A rule that two authors signed, released; the log has both signatures."""
    two = AuditedWorkspace(AT, engine, completed=request.param == "completed")
    two.register("second", "author")
    two.publish_trust(thresholds={"rule": 2, "release": 1}, change=THRESHOLDS)
    rule = two.rule()
    two.further = two.cosignature(rule, "second")
    two.release(rule.cosigned(two.further))
    return two


def member(house, raw):
    attestation = parse_attestation(raw)
    return attestation_name(attestation.digest.hex, attestation.key_id)


def test_a_rule_that_two_authors_signed_is_replayed(two):
    report = two.replay()
    assert report.codes == ()
    assert report.accepted
    (rule,) = report.releases[-1].rules
    assert rule.author.identity.id == "author"
    assert rule.cosigners == ("second",)
    assert sum(item.text.startswith("second") for item in report.timeline) >= 1


def test_a_further_signature_that_is_withheld_is_missed(two):
    doctor = Doctor(two)
    del doctor.files[member(two, two.further)]
    report = two.replay(doctor.close())
    assert "entry-altered" in report.codes
    assert not report.accepted


def test_a_further_signature_without_a_leaf_is_refused(two):
    pack = Doctor(two)
    pack.files[member(two, two.further).replace(".sigstore", "0.sigstore")] = (
        pack.files.pop(member(two, two.further))
    )
    assert not two.replay(pack.close()).accepted


def test_a_further_signature_by_a_stranger_is_refused(two):
    two.people["stranger"] = two.person("stranger", "author")
    two.cosignature(two.releases[-1].rules[0], "stranger")
    report = two.replay()
    assert report.codes == ("unknown-signer",)


def test_a_further_signature_twice_in_the_log_is_refused(two):
    bodies = Doctor(two)
    report = two.replay(bodies.edit(lambda b: b.append(b[-2]), resign=True))
    assert "entry-duplicated" in report.codes


def test_a_release_with_fewer_signatures_than_admins_asked_for_is_different(engine):
    house = AuditedWorkspace(AT, engine)
    house.register("second", "author")
    house.publish_trust(thresholds={"rule": 2, "release": 1}, change=THRESHOLDS)
    house.release(house.rule())
    report = house.replay()
    assert report.codes == ("threshold-not-met",)
    assert outcomes(report) == ["different"]
