# SPDX-License-Identifier: Apache-2.0
"""What outlives an identity's end is the admins' word alone (DESIGN T3).

An author, an approver and a further author left, or their windows ended; admins kept
what a release lists, or what was logged by then. It survives for a Runner with state,
whose mark is above what they named, for a fresh one, and after a restart of either; and
what it does not reach is void for each of them, for good.
"""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from keys.clock import utc_now
from signer.pins import Floor
from signer.revocation import NOTHING, Revocation, Survivors
from signer.tlog.merkle import leaf_hash
from tests.simulators.evidence import AuditedWorkspace
from tests.simulators.runner import disk, outcome
from tests.simulators.workspace import WINDOW, proposal, rule_text

TWO = {"rule": 2, "release": 1}
WHO = ("author", "second", "approver")


@pytest.fixture
def house(engine):
    """Three releases; the second changed the rule, the third only renewed it.

    Everybody who signed the rule, and who approved it, will end.
    """
    at = utc_now() - timedelta(minutes=1)
    house = AuditedWorkspace(at, engine, sovereign=True)
    house.people["second"] = house.person("second", "author")
    house.people["stays"] = house.person("stays", "author")
    house.people["stays-too"] = house.person("stays-too", "author")
    house.publish_trust(thresholds=TWO)
    first = house.rule()
    house.release(first.cosigned(house.cosignature(first, "second")))
    newer = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    newer = newer.cosigned(house.cosignature(newer, "second"))
    house.release(newer.approved(house.approval(first, newer)))
    house.release_again()
    return house


@pytest.fixture(params=["with state", "fresh", "restarted"])
def runner(request, bench, house):
    runner = bench.runner(floor=house.releases[0].known)
    assert runner.step().outcome == "activated"
    if request.param == "fresh":
        runner.close()
        shutil.rmtree(bench.directory)
        runner = bench.runner(floor=house.releases[0].known)
    if request.param == "restarted":
        runner = bench.restart(runner)
    return runner


def floor(release) -> Floor:
    return Floor(release.predicate.revision, release.digest)


def ended(house, first=NOTHING, others=NOTHING, *, further=None):
    """Revocations; what a release keeps need only be named with the first.

    But for further signatures, which are kept by their own signer's end alone.
    """
    kept = dict.fromkeys(WHO, others) | {"author": first}
    if further is not None:
        kept["second"] = listed(further)
    return tuple(Revocation(one, house.at, "left", kept[one]) for one in WHO)


def listed(*releases) -> Survivors:
    return Survivors(releases=frozenset(release.digest for release in releases))


# ------------------------------------------------------------------ kept


def below_the_admins_floor(house):
    named = house.releases[1]
    house.publish_trust(revocations=ended(house, further=named), floor=floor(named))
    house.release_again()


def at_a_floor_that_is_the_newest_release(house):
    named = house.releases[2]
    house.publish_trust(revocations=ended(house, further=named), floor=floor(named))
    house.release_again()


def listed_by_a_release_that_a_revocation_names(house):
    named = house.releases[1]
    house.publish_trust(revocations=ended(house, listed(named), further=named))
    house.release_again()


def listed_by_one_of_two_that_are_named(house):
    kept = listed(*house.releases[:2])
    house.publish_trust(
        revocations=ended(house, kept, further=house.releases[1]),
        floor=floor(house.releases[2]),
    )
    house.release_again()


def named_one_by_one(house):
    (rule,) = house.releases[2].rules
    digests = frozenset({rule.head, *rule.item.approvals})
    kept = Survivors(digests)
    house.publish_trust(revocations=ended(house, kept, kept))
    house.release_again()


def logged_by_then(house):
    size = len(house.log.bodies)
    kept = Survivors(checkpoint=house.log.checkpoint(size).decode())
    house.publish_trust(revocations=ended(house, kept, kept))
    house.release(proved(house, house.releases[2].rules[0], size))


def of_identities_whose_windows_ended(house):
    """Nobody was revoked: a window that ended is an end as well."""
    ago = house.at - timedelta(seconds=1)
    for one in WHO:
        house.people[one] = replace(house.people[one], not_after=ago)
    house.publish_trust(floor=floor(house.releases[1]))
    house.release_again()


def suspended_for_a_time(house):
    named = house.releases[1]
    ends = (replace(one, final=False) for one in ended(house, further=named))
    house.publish_trust(revocations=tuple(ends), floor=floor(named))
    house.release_again()


def proved(house, rule, size):
    """A rule with proofs to the tree of that size, as who releases next makes them."""
    again = lambda raw: house.log.proved(raw, size)  # noqa: E731
    return replace(
        rule,
        attestation=again(rule.attestation),
        cosignatures=tuple(map(again, rule.cosignatures)),
        approvals=tuple(map(again, rule.approvals)),
    )


KEPT = [
    below_the_admins_floor,
    at_a_floor_that_is_the_newest_release,
    listed_by_a_release_that_a_revocation_names,
    listed_by_one_of_two_that_are_named,
    named_one_by_one,
    logged_by_then,
    of_identities_whose_windows_ended,
    suspended_for_a_time,
]


@pytest.mark.parametrize("way", KEPT, ids=[w.__name__.replace("_", " ") for w in KEPT])
def test_survives_while_walking_and_after_a_restart(way, house, bench, runner):
    way(house)
    newest = house.releases[-1].predicate.revision
    assert outcome(runner.step()) == ("activated", None, newest)
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.mirror.down = True
    runner = bench.restart(runner)
    assert runner.status().revision == newest
    assert runner.decide(proposal(body="CM-1")).allowed
    assert not runner.decide(proposal()).allowed
    bench.mirror.down = False
    assert outcome(runner.step()) == ("unchanged", None, newest)


def replayed_below_the_floor(acme):
    acme.revoke("author", floor=floor(acme.releases[0]))
    return acme.releases[-1].rules


def replayed_in_a_named_release(acme):
    named = frozenset({acme.releases[0].digest})
    acme.revoke("author", survivors=Survivors(releases=named))
    return acme.releases[-1].rules


def replayed_under_a_checkpoint(acme):
    size = len(acme.log.bodies)
    note = acme.log.checkpoint(size).decode()
    acme.revoke("author", survivors=Survivors(checkpoint=note))
    return [proved(acme, acme.releases[-1].rules[0], size)]


REPLAYED = [
    replayed_below_the_floor,
    replayed_in_a_named_release,
    replayed_under_a_checkpoint,
]


@pytest.mark.parametrize("way", REPLAYED)
def test_survives_in_replay_where_each_release_is_judged_by_the_one_before(way, engine):
    acme = AuditedWorkspace(utc_now() - timedelta(minutes=1), engine, sovereign=True)
    acme.release(acme.rule())
    acme.release_again()
    rules = way(acme)
    acme.report(acme.release(*rules))
    report = acme.replay()
    assert report.accepted, report.text()


def test_what_is_void_is_refused_in_replay(engine):
    acme = AuditedWorkspace(utc_now() - timedelta(minutes=1), engine, sovereign=True)
    acme.release(acme.rule())
    acme.release(*acme.releases[-1].rules, acme.rule(WINDOW))
    acme.revoke("author", floor=floor(acme.releases[0]))
    acme.release_again()
    report = acme.replay()
    assert (report.accepted, report.codes) == (False, ("revoked",))


def test_the_active_release_goes_on_when_only_the_trust_changes(house, bench):
    """Between the revocation and the next release nothing stops, nor over a restart."""
    runner = bench.runner(floor=house.releases[0].known)
    runner.step()
    named = house.releases[1]
    house.publish_trust(revocations=ended(house, further=named), floor=floor(named))
    assert outcome(runner.step()) == ("held", "parents-not-current", 3)
    assert runner.decide(proposal(body="CM-1")).allowed
    bench.mirror.down = True
    runner = bench.restart(runner)
    assert runner.decide(proposal(body="CM-1")).allowed


def test_a_kill_before_the_commit_of_what_survives_is_resumed(house, bench):
    """A pending activation is judged by the trust that came with it."""
    runner = bench.runner(floor=house.releases[0].known)
    below_the_admins_floor(house)
    runner.step()
    state = disk(bench.directory)
    assert [name for name in state if name.startswith("releases/")]
    assert bench.restart(runner).status().revision == 4


# ------------------------------------------------------------------ void


def what_was_signed_above_the_floor(house):
    window = house.rule(WINDOW)
    signed = window.cosigned(house.cosignature(window, "stays"))
    house.release(*house.releases[-1].rules, signed)
    named = house.releases[1]
    house.publish_trust(revocations=ended(house, further=named), floor=floor(named))
    house.release_again()
    return "revoked"


def an_approval_above_the_floor(house):
    old = house.releases[-1].rules[0]
    new = house.rule(text=rule_text(message="newest"), by="stays", supersedes=old.head)
    new = new.cosigned(house.cosignature(new, "stays-too"))
    house.release(new.approved(house.approval(old, new)))
    named = house.releases[1]
    house.publish_trust(revocations=ended(house, further=named), floor=floor(named))
    house.release_again()
    return "revoked"


def the_version_before_the_one_that_the_floor_lists(house):
    """Reachable through a predecessor is what counted there: it is superseded here."""
    old = house.releases[0].rules[0]
    named = house.releases[1]
    house.publish_trust(revocations=ended(house, further=named), floor=floor(named))
    house.release(replace(old, approvals=house.releases[1].rules[0].approvals))
    return "revoked"


def what_was_logged_after_the_checkpoint(house):
    size = len(house.log.bodies)
    kept = Survivors(checkpoint=house.log.checkpoint(size).decode())
    window = house.rule(WINDOW)
    signed = window.cosigned(house.cosignature(window, "stays"))
    house.publish_trust(revocations=ended(house, kept, kept))
    before = proved(house, house.releases[-1].rules[0], size)
    house.release(before, signed)
    return "revoked"


def what_was_logged_before_it_and_not_proved_in_its_tree(house):
    """The index alone proves nothing: whoever has the log's key chooses indexes."""
    kept = Survivors(checkpoint=house.log.checkpoint().decode())
    house.publish_trust(revocations=ended(house, kept, kept))
    house.release_again()
    return "revoked"


def a_new_rule_at_an_old_place_of_a_forked_log(house):
    """The thief has the log's key: a tree of the same size, with the rule in it."""
    size = len(house.log.bodies)
    kept = Survivors(checkpoint=house.log.checkpoint(size).decode())
    window = house.rule(WINDOW)
    signed = window.cosigned(house.cosignature(window, "stays"))
    house.publish_trust(revocations=ended(house, kept, kept))
    before = proved(house, house.releases[-1].rules[0], size)
    forked = replace(signed, attestation=house.forked(signed.attestation))
    house.release(before, forked)
    return "revoked"


def a_proof_that_claims_the_admins_tree(house):
    """The root is copied, and nothing leads to it."""
    size = len(house.log.bodies)
    kept = Survivors(checkpoint=house.log.checkpoint(size).decode())
    window = house.rule(WINDOW)
    house.publish_trust(revocations=ended(house, kept, kept))
    before = proved(house, house.releases[-1].rules[0], size)
    claimed = replace(window, attestation=claiming(house, window.attestation, size))
    signed = claimed.cosigned(house.cosignature(window, "stays"))
    house.release(before, signed)
    return "not-included"


def claiming(house, raw, size):
    """An attestation in a tree of the admins' root, by a proof of another leaf."""
    from signer.attestation import parse_attestation, with_entry  # noqa: PLC0415

    attestation = parse_attestation(raw)
    (entry,) = attestation.entries
    assert leaf_hash(entry.body) not in map(leaf_hash, house.log.bodies[:size])
    other = house.log.entry(0, size)
    bare = replace(attestation, entries=())
    return with_entry(bare, replace(other, body=entry.body))


def a_further_signature_by_somebody_whose_end_keeps_nothing(house):
    """The floor lists the statement, and a stolen key can sign a statement anew."""
    named = house.releases[2]
    stolen = Revocation("stays-too", house.at, "stolen")
    house.publish_trust(
        revocations=(*ended(house, further=named), stolen), floor=floor(named)
    )
    (rule,) = named.rules
    house.release(rule.cosigned(house.cosignature(rule, "stays-too")))
    return "revoked"


def a_further_signature_that_another_s_end_keeps(house):
    """What is kept of the author is kept of nobody else."""
    (rule,) = house.releases[-1].rules
    kept = Survivors(frozenset({rule.head, *rule.item.approvals}))
    first, second, approver = ended(house, kept)
    house.publish_trust(
        revocations=(
            first,
            second,
            replace(approver, survivors=listed(house.releases[2])),
        )
    )
    house.release_again()
    return "revoked"


def a_release_that_the_admins_named_and_nobody_published(house):
    """Its digest is known and its attestation is not there: nothing can be kept."""
    made = house.make_release(*house.releases[-1].rules)
    kept = Survivors(releases=frozenset({made.digest}))
    house.publish_trust(revocations=ended(house, kept))
    return "tuf-missing"


VOID = [
    what_was_signed_above_the_floor,
    an_approval_above_the_floor,
    the_version_before_the_one_that_the_floor_lists,
    what_was_logged_after_the_checkpoint,
    what_was_logged_before_it_and_not_proved_in_its_tree,
    a_new_rule_at_an_old_place_of_a_forked_log,
    a_proof_that_claims_the_admins_tree,
    a_further_signature_by_somebody_whose_end_keeps_nothing,
    a_further_signature_that_another_s_end_keeps,
    a_release_that_the_admins_named_and_nobody_published,
]


@pytest.mark.parametrize("way", VOID, ids=[w.__name__.replace("_", " ") for w in VOID])
def test_is_void_for_every_runner(way, house, bench, runner):
    code = way(house)
    before = runner.status().revision
    event = runner.step()
    assert (event.outcome, event.code) == ("held", code)
    assert runner.status().revision == before
    runner = bench.restart(runner, floor=house.releases[0].known)
    assert outcome(runner.step()) == ("held", code, before)


def test_what_is_void_denies_over_a_restart_too(house, bench):
    runner = bench.runner(floor=house.releases[0].known)
    window = house.rule(WINDOW)
    signed = window.cosigned(house.cosignature(window, "stays"))
    house.release(*house.releases[-1].rules, signed)
    assert outcome(runner.step()) == ("activated", None, 4)
    house.publish_trust(revocations=ended(house), floor=floor(house.releases[1]))
    runner.step()
    assert not runner.decide(proposal(body="CM-1")).allowed
    bench.mirror.down = True
    runner = bench.restart(runner)
    assert not runner.decide(proposal(body="CM-1")).allowed


# ------------------------------------------------------------------ a mirror


def test_a_mirror_that_hides_a_named_release_hides_the_trust_and_stops_nobody(
    house, bench, runner
):
    """It could hide all of the new trust as well; what was good must not end by it."""
    before = runner.status().revision
    below_the_admins_floor(house)
    name = f"chain/{house.releases[1].digest.hex}.sigstore.json"
    bench.mirror.status[name] = 404
    shutil.rmtree(bench.directory / "tuf" / "chain", ignore_errors=True)
    assert outcome(runner.step()) == ("held", "tuf-missing", before)
    if before:
        assert runner.decide(proposal(body="CM-1")).allowed
    del bench.mirror.status[name]
    assert outcome(runner.step()) == ("activated", None, 4)


def test_a_mirror_that_serves_another_release_as_the_named_one_is_refused(
    house, bench, runner
):
    before = runner.status().revision
    below_the_admins_floor(house)
    name = f"chain/{house.releases[1].digest.hex}.sigstore.json"
    bench.mirror.replaced[name] = house.releases[2].attestation
    shutil.rmtree(bench.directory / "tuf" / "chain", ignore_errors=True)
    assert outcome(runner.step()) == ("held", "tuf-hash", before)


def test_an_altered_named_release_on_disk_denies_until_the_next_step(house, bench):
    runner = bench.runner(floor=house.releases[0].known)
    below_the_admins_floor(house)
    runner.step()
    kept = bench.directory / "releases" / f"{house.releases[3].digest.hex}.tar"
    data = kept.read_bytes()
    word = house.releases[1].attestation
    assert data.count(word) == 1
    runner.close()
    kept.write_bytes(data.replace(word, word.replace(b"a", b"b")))
    runner = bench.runner()
    assert not runner.decide(proposal(body="CM-1")).allowed
    house.release_again()
    assert outcome(runner.step()) == ("activated", None, 5)
