# SPDX-License-Identifier: Apache-2.0
"""Two principals for every release: what does not count as the second one.

In a sovereign workspace whose admins ask for two, on a Runner with state, which walks
the chain from its mark, and on a fresh one, which walks it from a floor. Each attack has
real signatures; each is refused by its code, and what was active stays as it was.
"""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from bundle.chain_names import cosigned_name
from keys.clock import utc_now
from signer.attestation import build_attestation, join_jsonl, parse_attestation
from signer.form import Custody
from signer.limits import MAX_COSIGNERS
from signer.pins import Floor
from signer.revocation import Revocation, Survivors
from tests.simulators.evidence import AuditedWorkspace
from tests.simulators.runner import outcome
from tests.simulators.workspace import DAY, WINDOW, proposal

TWO = {"rule": 1, "release": 2}
BOTH = ("second",)


@pytest.fixture
def house(engine):
    """Two releases of one rule, which two release identities signed."""
    at = utc_now() - timedelta(minutes=1)
    house = AuditedWorkspace(at, engine, sovereign=True)
    house.people |= {
        one.id: one
        for one in (
            house.person("second", "release"),
            house.person("third", "release"),
            house.person("elsewhere", "release", namespaces=frozenset({"other"})),
            house.person("laptop", "release", principal="releaser@example.com"),
            house.person(
                "ended", "release", not_before=at - 20 * DAY, not_after=at - DAY
            ),
        )
    }
    house.publish_trust(thresholds=TWO)
    house.release(house.rule(), further=BOTH)
    house.release_again(further=BOTH)
    return house


@pytest.fixture(params=["with state", "fresh"])
def runner(request, bench, house):
    floor = house.releases[0].known
    runner = bench.runner(floor=floor)
    assert runner.step().outcome == "activated"
    if request.param == "fresh":
        runner.close()
        shutil.rmtree(bench.directory)
        runner = bench.runner(floor=floor)
    return runner


def with_window(house, *further, **changes):
    """Release a second rule, which ``further`` sign too."""
    rules = (*house.releases[-1].rules, house.rule(WINDOW))
    return house.release(*rules, further=further, **changes)


def doctored(house, change):
    """Release both rules, with other lines for the release than were made."""
    rules = (*house.releases[-1].rules, house.rule(WINDOW))
    made = house.make_release(*rules, further=BOTH)
    others = [raw for rule in rules for raw in rule.attestations]
    lines = change(made.attestation, *made.cosignatures)
    house.publish(replace(made, lines=join_jsonl([*others, *lines])))


def signed_too(house, made, by):
    """A further signature of what was released."""
    statement = parse_attestation(made.attestation).envelope.payload
    return house.attest(statement, by=house.people[by])


# ------------------------------------------------------------------ too few


def a_release_that_one_signed(house):
    with_window(house)
    return "threshold-not-met"


def one_principal_with_two_keys(house):
    with_window(house, "laptop")
    return "threshold-not-met"


def a_signature_over_another_statement(house):
    """The second signed the same content, a second later: another statement."""
    rules = (*house.releases[-1].rules, house.rule(WINDOW))
    made = house.make_release(*rules)
    later = house.make_release(
        *rules, by="second", issued_at=house.at + timedelta(seconds=1)
    )
    lines = made.lines + join_jsonl([later.attestation])
    house.publish(replace(made, lines=lines))
    return "attestation-set"


def a_second_signature_of_the_release_before(house):
    rules = (*house.releases[-1].rules, house.rule(WINDOW))
    made = house.make_release(*rules, extra=house.releases[-1].cosignatures)
    house.publish(made)
    return "attestation-set"


# ------------------------------------------------------------------ not distinct


def the_same_signature_twice(house):
    doctored(house, lambda first, _: [first, first])
    return "attestation-set"


def two_signatures_by_one_key(house):
    with_window(house, "releaser")
    return "attestation-set"


def one_signature_under_two_names_of_keys(house):
    key = house.people["second"].key.public_key

    def renamed(first, _):
        own = parse_attestation(first)
        other = build_attestation(
            envelope=replace(own.envelope, keyid=key.hint),
            key=key,
            timestamps=own.timestamps,
            entries=own.entries,
        )
        return [first, other]

    doctored(house, renamed)
    return "signature-invalid"


def one_key_under_two_ids(house):
    """Admins themselves cannot make this: such a trust policy does not exist."""
    files = house.trust_files()
    pem = lambda who: house.people[who].key.public_key.pem.replace("\n", "\\n").encode()  # noqa: E731
    document = files["trust/policy.json"]
    assert pem("second") in document
    changed = document.replace(pem("second"), pem("releaser"))
    house.publish_trust({**files, "trust/policy.json": changed})
    house.release_again(further=BOTH)
    return "key-reused"


# ------------------------------------------------------------------ may not


def a_revoked_further_signer(house):
    house.publish_trust(revocations=(Revocation("second", house.at, "stolen"),))
    with_window(house, "second")
    return "revoked"


def a_suspended_further_signer(house):
    end = Revocation("second", house.at, "leave", final=False)
    house.publish_trust(revocations=(end,))
    with_window(house, "second")
    return "suspended"


def a_further_signer_who_may_not_release(house):
    with_window(house, "author")
    return "signer-not-permitted"


def a_further_signer_of_another_namespace(house):
    with_window(house, "elsewhere")
    return "namespace-not-permitted"


def a_further_signer_whose_window_ended(house):
    with_window(house, "ended")
    return "outside-window"


def a_stranger_as_further_signer(house):
    house.people["stranger"] = house.person("stranger", "release")
    with_window(house, "stranger")
    return "unknown-signer"


def a_good_second_and_a_third_who_may_not(house):
    with_window(house, "second", "author")
    return "signer-not-permitted"


def a_further_signer_in_control_plane_custody(house):
    house.people["second"] = house.person(
        "second", "release", custody=Custody.CONTROL_PLANE
    )
    house.publish_trust()
    with_window(house, "second")
    return "custody"


# ------------------------------------------------------------------ the file


def the_further_signature_in_the_first_place(house):
    doctored(house, lambda first, second: [second, first])
    return "signer-mismatch"


def more_further_signatures_than_anybody_asks_for(house):
    many = [house.person(f"ci-{i}", "release") for i in range(MAX_COSIGNERS + 1)]
    house.people |= {one.id: one for one in many}
    house.publish_trust()
    with_window(house, *(one.id for one in many))
    return "attestation-set"


# ------------------------------------------------------------------ along the chain


def chained(house, lines):
    """Two good releases more; the mirror serves other further signatures of the first."""
    between = house.release_again(further=BOTH)
    house.release_again(further=BOTH)
    name = cosigned_name(between.digest)
    del house.storage.objects[name]
    if lines is not None:
        house.storage.put_immutable(name, join_jsonl(lines(between)))


def a_further_signature_that_is_missing_on_the_way(house):
    chained(house, None)
    return "threshold-not-met"


def a_further_signature_of_one_principal_on_the_way(house):
    chained(house, lambda made: [signed_too(house, made, "laptop")])
    return "threshold-not-met"


def a_key_twice_on_the_way(house):
    chained(house, lambda made: [made.attestation])
    return "attestation-set"


def a_further_signature_of_another_release_on_the_way(house):
    other = house.releases[-1].cosignatures
    chained(house, lambda _: other)
    return "tuf-hash"


def a_further_signer_who_may_not_on_the_way(house):
    chained(house, lambda made: [signed_too(house, made, "author")])
    return "signer-not-permitted"


def a_release_of_one_that_is_passed_over_quickly(house):
    """A thief has one of two: signs a release, and the next good one builds on it."""
    house.release_again()
    house.release_again(further=BOTH)
    return "threshold-not-met"


ATTACKS = [
    a_release_that_one_signed,
    one_principal_with_two_keys,
    a_signature_over_another_statement,
    a_second_signature_of_the_release_before,
    the_same_signature_twice,
    two_signatures_by_one_key,
    one_signature_under_two_names_of_keys,
    one_key_under_two_ids,
    a_revoked_further_signer,
    a_suspended_further_signer,
    a_further_signer_who_may_not_release,
    a_further_signer_of_another_namespace,
    a_further_signer_whose_window_ended,
    a_stranger_as_further_signer,
    a_good_second_and_a_third_who_may_not,
    a_further_signer_in_control_plane_custody,
    the_further_signature_in_the_first_place,
    more_further_signatures_than_anybody_asks_for,
    a_further_signature_that_is_missing_on_the_way,
    a_further_signature_of_one_principal_on_the_way,
    a_key_twice_on_the_way,
    a_further_signature_of_another_release_on_the_way,
    a_further_signer_who_may_not_on_the_way,
    a_release_of_one_that_is_passed_over_quickly,
]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[one.__name__.replace("_", " ") for one in ATTACKS]
)
def test_refuses(attack, house, bench, runner):
    before = runner.status().revision
    code = attack(house)
    assert outcome(runner.step()) == ("held", code, before)
    runner = bench.restart(runner, floor=house.releases[0].known)
    assert outcome(runner.step()) == ("held", code, before)


# ------------------------------------------------------------------ good


def two_releasers(house):
    with_window(house, "second")


def three_releasers(house):
    with_window(house, "second", "third")


def named_the_other_way(house):
    with_window(house, "releaser", by="second")


def several_since_anybody_looked(house):
    house.release_again(further=("third",))
    house.release_again(further=("second", "third"))
    with_window(house, "second")


def a_signature_that_nobody_asks_for(house):
    house.publish_trust(thresholds={"rule": 1, "release": 1})
    with_window(house, "second")


def a_revoked_releaser_below_the_admins_floor(house):
    known = house.releases[-1].known
    house.publish_trust(
        floor=Floor(known.revision, known.digest),
        revocations=(Revocation("second", house.at, "left"),),
    )
    with_window(house, "third")


def a_revoked_releaser_of_a_release_that_survives(house):
    kept = Survivors(releases=frozenset({house.releases[-1].digest}))
    house.publish_trust(revocations=(Revocation("releaser", house.at, "left", kept),))
    with_window(house, "third", by="second")


GOOD = [
    two_releasers,
    three_releasers,
    named_the_other_way,
    several_since_anybody_looked,
    a_signature_that_nobody_asks_for,
    a_revoked_releaser_below_the_admins_floor,
    a_revoked_releaser_of_a_release_that_survives,
]


@pytest.mark.parametrize("way", GOOD, ids=[w.__name__.replace("_", " ") for w in GOOD])
def test_activates_and_stays_over_a_restart(way, house, bench, runner):
    way(house)
    newest = house.releases[-1].predicate.revision
    assert outcome(runner.step()) == ("activated", None, newest)
    bench.mirror.down = True
    runner = bench.restart(runner)
    assert runner.status().revision == newest
    assert not runner.decide(proposal(change_kind="normal")).allowed
    assert runner.status().code is None


def test_a_runner_says_who_signed(house):
    judged = house.check(floor=house.releases[0].known)
    (step,) = [c for c in judged.result.checks if c.id == "thresholds"]
    (said,) = step.children
    assert said.title == "a further signature of revision 2"
    assert said.detail == "signed by second (second@example.com)"
    (step,) = [c for c in judged.result.checks if c.id == "chain"]
    assert step.children[0].detail == (
        "signed by releaser (releaser@example.com), second (second@example.com)"
    )


# ------------------------------------------------------------------ trust that changes


def test_a_further_signer_who_is_revoked_denies_even_if_no_release_comes(house, bench):
    runner = bench.runner(floor=house.releases[0].known)
    runner.step()
    house.publish_trust(revocations=(Revocation("second", house.at, "stolen"),))
    runner.step()
    assert not runner.decide(proposal(body="CM-1")).allowed
    bench.mirror.down = True
    assert not bench.restart(runner).decide(proposal(body="CM-1")).allowed


def test_a_threshold_is_raised_with_a_floor_and_nothing_stops(house, bench):
    """What is published has two signatures; the floor vouches for it."""
    runner = bench.runner(floor=house.releases[0].known)
    runner.step()
    newest = house.releases[-1].known
    house.publish_trust(
        thresholds={"rule": 1, "release": 3},
        floor=Floor(newest.revision, newest.digest),
    )
    runner.step()
    assert runner.decide(proposal(body="CM-1")).allowed
    runner = bench.restart(runner)
    assert runner.decide(proposal(body="CM-1")).allowed
    with_window(house, "second")
    assert outcome(runner.step()) == ("held", "threshold-not-met", 2)
    house.releases.pop()
    house.release_again(further=("second", "third"), revision=4)
    assert runner.decide(proposal(body="CM-1")).allowed


def test_a_threshold_that_is_raised_without_a_floor_denies(house, bench):
    runner = bench.runner(floor=house.releases[0].known)
    runner.step()
    house.publish_trust(thresholds={"rule": 1, "release": 3})
    runner.step()
    assert not runner.decide(proposal(body="CM-1")).allowed
    house.release_again(further=("second", "third"))
    assert outcome(runner.step()) == ("held", "threshold-not-met", 2)


def test_after_a_floor_three_sign_and_everybody_follows(house, bench, runner):
    newest = house.releases[-1].known
    house.publish_trust(
        thresholds={"rule": 1, "release": 3},
        floor=Floor(newest.revision, newest.digest),
    )
    with_window(house, "second", "third")
    assert outcome(runner.step()) == ("activated", None, 3)


# ------------------------------------------------------------------ a mirror


def test_a_mirror_that_lied_about_a_further_signature_is_believed_no_longer(
    house, bench, runner
):
    before = runner.status().revision
    between = house.release_again(further=BOTH)
    house.release_again(further=BOTH)
    name = cosigned_name(between.digest)
    forged = bytearray(parse_attestation(between.cosignatures[0]).envelope.signature)
    forged[-1] ^= 1
    own = parse_attestation(between.cosignatures[0])
    lie = build_attestation(
        envelope=replace(own.envelope, signature=bytes(forged)),
        key=house.people["second"].key.public_key,
        timestamps=own.timestamps,
        entries=own.entries,
    )
    bench.mirror.replaced[name] = join_jsonl([lie])
    assert outcome(runner.step()) == ("held", "signature-invalid", before)
    del bench.mirror.replaced[name]
    assert outcome(runner.step()) == ("activated", None, 4)


def test_further_signatures_are_not_fetched_where_one_is_enough(house, bench, runner):
    house.publish_trust(thresholds={"rule": 1, "release": 1})
    house.release_again(further=BOTH)
    bench.mirror.asked.clear()
    runner.step()
    assert not [name for name in bench.mirror.asked if "cosigned" in name]


# ------------------------------------------------------------------ replay


@pytest.fixture
def acme(engine):
    """The same, with the events and proofs that an auditor asks for."""
    acme = AuditedWorkspace(utc_now() - timedelta(hours=2), engine, sovereign=True)
    for name in ("second", "third"):
        acme.register(name, "release")
    acme.publish_trust(thresholds=TWO)
    return acme


def test_replay_shows_each_signer(acme):
    acme.release(acme.rule(), further=BOTH)
    acme.report(acme.release_again(by="third", further=("releaser", "second")))
    report = acme.replay()
    assert report.accepted, report.text()
    who = [(one.signer, one.cosigners) for one in report.releases]
    names = [(a.identity.id, [b.identity.id for b in more]) for a, more in who]
    assert names == [("releaser", ["second"]), ("third", ["releaser", "second"])]
    assert "  signed     by second (second@example.com, external custody) too" in (
        report.text().splitlines()
    )
    assert [
        one["identity"] for one in report.to_json()["releases"][0]["cosigners"]
    ] == ["second"]


def test_a_release_is_as_old_as_its_last_signature(acme):
    """The second signed an hour later: before that nobody could publish it."""
    made = acme.make_release(acme.rule())
    late = acme.at + timedelta(hours=1)
    statement = parse_attestation(made.attestation).envelope.payload
    too = acme.attest(statement, by=acme.people["second"], at=late)
    lines = made.lines + join_jsonl([too])
    acme.publish(replace(made, lines=lines, cosignatures=(too,)), at=late)
    report = acme.replay()
    assert report.accepted, report.text()
    assert report.releases[0].at == late


def test_a_release_that_was_signed_last_under_trust_that_was_replaced_is_refused(acme):
    """Its first signature stands before the change, its second behind it."""
    made = acme.make_release(acme.rule())
    acme.publish_trust()
    statement = parse_attestation(made.attestation).envelope.payload
    too = acme.attest(statement, by=acme.people["second"])
    lines = made.lines + join_jsonl([too])
    acme.publish(replace(made, lines=lines, cosignatures=(too,)))
    report = acme.replay()
    assert not report.accepted
    assert report.codes[0] == "parents-not-current"


def test_a_release_with_too_few_signatures_is_different(acme):
    acme.release(acme.rule(), further=BOTH)
    acme.release_again()
    report = acme.replay()
    assert (report.accepted, report.codes) == (False, ("threshold-not-met",))


def test_a_further_signature_that_is_not_in_the_log_is_refused(acme):
    acme.release(acme.rule(), further=BOTH)
    statement = parse_attestation(acme.releases[-1].attestation).envelope.payload
    size = len(acme.log.bodies)
    too = acme.attest(statement, by=acme.people["third"])
    del acme.log.bodies[size:]
    name = cosigned_name(acme.releases[-1].digest)
    acme.storage.objects[name] += join_jsonl([too])
    report = acme.replay()
    assert not report.accepted
    assert "evidence-unlogged" in report.codes


def test_copies_of_another_release_s_signatures_are_refused(acme):
    acme.release(acme.rule(), further=BOTH)
    acme.release_again(further=BOTH)
    first, second = (cosigned_name(one.digest) for one in acme.releases)
    acme.storage.objects[first] = acme.storage.objects[second]
    report = acme.replay()
    assert not report.accepted
    assert "entry-altered" in report.codes
