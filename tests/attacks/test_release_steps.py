# SPDX-License-Identifier: Apache-2.0
"""For every numbered step of ``check_release`` an attack that it stops.

Each attacker has real keys and does everything else right. ``deploy/mutate_verifier.py``
deletes each statement in turn and runs these.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bundle.archive import gzip_stored, pack_tar, unpack
from bundle.build import build_bundle
from bundle.gate import PLAN, Candidate
from bundle.marks import Known, LogMark, Marks
from bundle.rego.templates import library
from keys.digest import Digest
from signer.attestation import build_attestation, join_jsonl, parse_attestation
from signer.dsse import Envelope, pae
from signer.form import Custody
from signer.pins import Floor
from signer.predicates.parts import Parents, Source
from signer.predicates.release import RetiredItem
from signer.predicates.waiver import WaivedPack
from signer.result import Status
from signer.revocation import Revocation, Survivors
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import NOW, SimulatedLog
from tests.simulators.workspace import (
    CONSTITUTION,
    DAY,
    TICKET,
    WINDOW,
    SimulatedWorkspace,
    layer_archive,
    rule_text,
)

OTHER = Digest.of(b"another")


@dataclass(frozen=True)
class Attack:
    """What the gate is given."""

    candidate: Candidate
    marks: Marks | None = None
    floor: Known | None = None
    at: datetime = NOW


@pytest.fixture
def house(engine):
    return SimulatedWorkspace(NOW, engine)


def sovereign(house) -> SimulatedWorkspace:
    return SimulatedWorkspace(NOW, house.engine, sovereign=True)


def released(house, count: int = 1) -> SimulatedWorkspace:
    """So many good releases of one rule."""
    rule = house.rule()
    for _ in range(count):
        house.release(rule)
    return house


def marks_of(house) -> Marks:
    """The marks of a Runner that accepted the newest release."""
    return house.check().require().marks


# ------------------------------------------------------------------ trust


def the_clock_goes_back(house):
    marks = marks_of(released(house))
    return Attack(house.candidate(), marks, at=NOW - timedelta(seconds=301))


def another_workspace_s_marks(house):
    marks = marks_of(released(house))
    other = released(SimulatedWorkspace(NOW, house.engine))
    same = replace(marks_of(other), release=None, log=None)
    return Attack(other.candidate(), replace(same, workspace=marks.workspace))


def an_older_root(house):
    marks = marks_of(released(house))
    return Attack(house.candidate(), replace(marks, root_version=2))


def another_root_of_that_version(house):
    marks = marks_of(released(house))
    return Attack(house.candidate(), replace(marks, root_digest=OTHER))


def older_targets(house):
    old = released(house).candidate()
    house.publish_trust()
    house.release_again()
    newer = house.check().require().marks
    return Attack(old, replace(newer, release=None, log=None))


def other_targets_of_that_version(house):
    marks = marks_of(released(house))
    return Attack(house.candidate(), replace(marks, targets_digest=OTHER))


def a_trust_policy_of_the_thief(house):
    """With a release by the thief's own releaser, who is in that policy only."""
    house.people["releaser"] = house.person("releaser", "release")
    thief = house.policy().to_bytes()
    parents = house.release_parents(trust_policy=Digest.of(thief))
    house.release(house.rule(), parents=parents)
    return Attack(replace(house.candidate(), policy=thief))


def layers_signed_by_other_bytes_than_listed(house):
    candidate = released(house).candidate()
    other = house.layer_attestation(house.constitution)  # good, and not the listed one
    return Attack(replace(candidate, constitution_attestation=other))


def a_layer_that_the_targets_do_not_list(house):
    candidate = released(house).candidate()
    files = house.trust_files()
    unlisted = "layers/packs/change-control.sigstore.json"
    house.publish_trust({n: d for n, d in files.items() if n != unlisted})
    house.release_again()
    fresh = house.repository.current()
    return Attack(
        replace(
            candidate,
            targets=fresh.targets,
            release_role=fresh.release,
            policy=files["trust/policy.json"],
            constitution_attestation=files["layers/constitution.sigstore.json"],
        )
    )


def a_trust_policy_of_another_workspace(house):
    house.publish_trust(workspace=OTHER)
    return Attack(released(house).candidate())


def an_author_in_the_control_plane_s_custody(house):
    house = sovereign(house)
    house.people["bot"] = house.person("bot", "author", custody=Custody.CONTROL_PLANE)
    house.publish_trust()
    released(house)
    return Attack(house.candidate(), floor=house.releases[-1].known)


def a_lint_identity_in_the_control_plane_s_custody(house):
    house = sovereign(house)
    house.people["bot"] = house.person("bot", "lint", custody=Custody.CONTROL_PLANE)
    house.publish_trust()
    released(house)
    return Attack(house.candidate(), floor=house.releases[-1].known)


def an_identity_with_a_key_of_the_metadata(house):
    house.log.key = house.tuf.timestamp_key
    house.publish_trust()
    return Attack(released(house).candidate())


def targets_with_a_checkpoint_of_an_unknown_log(house):
    other = SimulatedLog("other.log.example.com")
    house.publish_trust(checkpoint=other.checkpoint().decode())
    return Attack(released(house).candidate())


def targets_with_a_forged_checkpoint(house):
    other = SimulatedLog(house.log.origin)
    house.publish_trust(checkpoint=other.checkpoint().decode())
    return Attack(released(house).candidate())


def a_fork_of_the_log_at_the_marked_size(house):
    marks = marks_of(released(house))
    mark = LogMark(house.log.origin, 1, OTHER)  # the size that the targets have
    return Attack(house.candidate(), replace(marks, log=mark, release=None))


# ------------------------------------------------------------------ layers


def named(house, **changes) -> Candidate:
    """A release under trust that keeps what the release before lists."""
    first = released(house).releases[0]
    house.publish_trust(
        revocations=(
            Revocation(
                "author", NOW, "left", Survivors(releases=frozenset({first.digest}))
            ),
        )
    )
    house.release_again()
    return replace(house.candidate(), **changes)


def a_named_release_that_is_missing(house):
    return Attack(named(house, named=()))


def a_release_that_nobody_named(house):
    candidate = named(house)
    more = (*candidate.named, house.releases[-1].attestation)
    return Attack(replace(candidate, named=more))


def a_named_release_twice(house):
    candidate = named(house)
    return Attack(replace(candidate, named=candidate.named * 2))


def a_rule_in_a_named_release_s_place(house):
    """Reachable is what a release lists, and not what a rule might say."""
    head = released(house).releases[0].rules[0]
    survivors = Survivors(releases=frozenset({head.head}))
    house.publish_trust(revocations=(Revocation("author", NOW, "left", survivors),))
    house.release_again()
    return Attack(replace(house.candidate(named=()), named=(head.attestation,)))


def a_survivor_s_checkpoint_of_an_unknown_log(house):
    other = SimulatedLog("other.log.example.com")
    other.append(b"{}")
    survivors = Survivors(checkpoint=other.checkpoint().decode())
    house.publish_trust(revocations=(Revocation("author", NOW, "left", survivors),))
    return Attack(released(house).candidate())


def a_survivor_s_checkpoint_of_a_thief_s_log(house):
    forged = SimulatedLog(house.log.origin)
    forged.append(b"{}")
    survivors = Survivors(checkpoint=forged.checkpoint().decode())
    house.publish_trust(revocations=(Revocation("author", NOW, "left", survivors),))
    return Attack(released(house).candidate())


def a_constitution_that_nobody_pinned(house):
    """The publisher's own, one version on; the admins pinned the one before."""
    pinned = house.policy()
    files = {"proposal.rego": CONSTITUTION + "# more", "lib.rego": library().source}
    newer = layer_archive("constitution", "constitution", "1.0.0", files)
    house.constitution = newer
    listed = house.trust_files()
    listed["trust/policy.json"] = pinned.to_bytes()
    house.publish_trust(listed)
    return Attack(released(house).candidate())


def a_constitution_signed_by_another_publisher(house):
    files = house.trust_files()
    mine, house.publisher = house.publisher, MemoryKey.ecdsa()
    files["layers/constitution.sigstore.json"] = house.layer_attestation(
        house.constitution
    )
    house.publisher = mine
    house.publish_trust(files)
    return Attack(released(house).candidate())


def a_pack_in_the_constitution_s_place(house):
    pack = {"layer": "pack", "name": "change-control"}
    house.constitution = house.pack
    files = house.trust_files()
    files["layers/constitution.sigstore.json"] = house.layer_attestation(
        house.pack, **pack
    )
    house.publish_trust(files)
    return Attack(released(house).candidate())


def a_layer_of_another_version_than_signed(house):
    files = house.trust_files()
    files["layers/constitution.sigstore.json"] = house.layer_attestation(
        house.constitution, version="2.0.0"
    )
    house.publish_trust(files)
    return Attack(released(house).candidate())


def a_pinned_pack_that_is_missing(house):
    candidate = released(house).candidate()
    return Attack(replace(candidate, packs={}, pack_attestations={}))


# ------------------------------------------------------------------ the release


def a_release_that_nobody_listed(house):
    return Attack(house.candidate(house.make_release(house.rule())))


def a_release_below_the_highest_listed(house):
    released(house, 2)
    return Attack(house.candidate(house.releases[0], chain=0))


def attestations_in_another_order_than_listed(house):
    candidate = released(house).candidate()
    first, last, rest = candidate.attestations.split(b"\n")
    return Attack(replace(candidate, attestations=b"\n".join([last, first, rest])))


def a_bundle_with_one_bit_changed(house):
    candidate = released(house).candidate()
    data = bytearray(candidate.bundle)
    data[200] ^= 1
    return Attack(replace(candidate, bundle=bytes(data)))


def two_release_attestations(house):
    rule = house.rule()
    other = house.make_release(rule, source=Source("c" * 40, "main"))
    house.release(rule, extra=(other.attestation,))
    return Attack(house.candidate())


def one_attestation_twice(house):
    rule = house.rule()
    house.release(rule, extra=(rule.attestation,))
    return Attack(house.candidate())


def a_releaser_whom_nobody_registered(house):
    house.people["releaser"] = house.person("releaser", "release")
    return Attack(released(house).candidate())


def a_release_signed_by_an_author(house):
    house.release(house.rule(), by="author")
    return Attack(house.candidate())


def a_release_by_a_revoked_releaser(house):
    house.publish_trust(revocations=(Revocation("releaser", NOW, "stolen"),))
    return Attack(released(house).candidate())


def an_attestation_of_another_archive(house):
    rule = house.rule()
    good = house.make_release(rule)
    other = house.make_release(house.rule(text=rule_text(message="looser")))
    house.publish(good, files={**good.files, "bundle.tar.gz": other.archive})
    return Attack(replace(house.candidate(), bundle=other.archive))


def another_revision_than_listed(house):
    """Revision 1 again, listed as 2, its manifest changed to fit."""
    rule = house.rule()
    archive = build_bundle([rule], revision=2, parse=house.engine.parse).archive
    release = house.make_release(rule, revision=1, archive=archive)
    house.publish(release, revision=2)
    return Attack(replace(house.candidate(), revision=2))


def a_release_for_older_targets(house):
    files = house.trust_files()
    house.publish_trust(files)
    released(house)
    house.publish_trust(files)  # the same trust under a new version
    return Attack(house.candidate())


def a_release_for_another_trusted_root(house):
    parents = house.release_parents(trusted_root=OTHER)
    house.release(house.rule(), parents=parents)
    return Attack(house.candidate())


def a_release_that_lives_longer_than_admins_allow(house):
    house.release(house.rule(), expires=NOW + 8 * DAY)
    return Attack(house.candidate())


def a_release_issued_tomorrow(house):
    house.release(house.rule(), issued_at=NOW + DAY, expires=NOW + 2 * DAY)
    return Attack(house.candidate())


def a_release_on_the_second_of_its_expiry(house):
    return Attack(released(house).candidate(), at=NOW + 7 * DAY)


def a_fresh_runner_without_a_floor(house):
    return Attack(released(sovereign(house)).candidate())


def floor_elsewhere(house) -> SimulatedWorkspace:
    """A floor at revision 2, on a release that is signed and was not published."""
    made = house.make_release(house.rule(), revision=2, predecessor=OTHER)
    name = f"chain/{made.digest.hex}.sigstore.json"
    house.storage.put_immutable(name, made.attestation)
    house.publish_trust(floor=Floor(2, made.digest))
    return house


def a_release_below_the_admins_floor(house):
    """The Runner has it already; a floor that came later is still a floor."""
    floor_elsewhere(house)
    released(house)
    marks = Marks(
        workspace=house.workspace,
        root_version=1,
        root_digest=Digest.of(house.root),
        targets_version=1,
        targets_digest=OTHER,
        at=NOW,
        release=house.releases[-1].known,
    )
    return Attack(house.candidate(), marks)


def a_lower_revision_than_marked(house):
    candidate = released(house).candidate()
    marks = marks_of(house)
    return Attack(candidate, replace(marks, release=Known(2, OTHER)))


def another_release_at_the_marked_revision(house):
    marks = marks_of(released(house))
    return Attack(house.candidate(), replace(marks, release=Known(1, OTHER)))


def a_gap_in_the_chain(house):
    first = marks_of(released(house))
    house.release_again()
    house.release_again()
    candidate = house.candidate()
    return Attack(replace(candidate, chain=candidate.chain[1:]), first)


def a_chain_that_ends_above_the_mark(house):
    first = marks_of(released(house))
    house.release_again()
    house.release_again()
    return Attack(house.candidate(chain=1), first)


def a_chain_that_begins_at_revision_two(house):
    made = house.make_release(house.rule(), revision=2, predecessor=OTHER)
    house.publish(made)
    return Attack(house.candidate(chain=0))


def a_revision_that_is_skipped(house):
    released(house).release_again(revision=3)
    return Attack(house.candidate())


def a_chain_past_a_floor_another_way(house):
    first = marks_of(released(house))
    house.release_again()
    floor_elsewhere(house).release_again()
    return Attack(house.candidate(), first)


def an_earlier_release_by_nobody(house):
    first = marks_of(released(house))
    honest = house.people["releaser"]
    house.people["releaser"] = house.person("releaser", "release")
    house.release_again()
    house.people["releaser"] = honest
    house.release_again()
    return Attack(house.candidate(), first)


def a_log_smaller_than_marked(house):
    marks = marks_of(released(house))
    bigger = LogMark(house.log.origin, 99, OTHER)
    return Attack(house.candidate(), replace(marks, log=bigger))


def a_log_smaller_than_the_release_before_saw(house):
    released(house)
    early = SimulatedLog(house.log.origin)
    early.key = house.log.key
    early.append(b"{}")
    checkpoint = early.checkpoint().decode()  # the size that the targets saw
    house.release_again(checkpoint=checkpoint)
    return Attack(house.candidate())


def a_log_smaller_than_the_admins_saw(house):
    early = house.log.checkpoint().decode()
    house.log.append(b"{}")
    house.publish_trust()
    house.release(house.rule(), checkpoint=early)
    return Attack(house.candidate())


def a_release_without_a_trusted_log(house):
    other = SimulatedLog("other.log.example.com")
    house.release(house.rule(), checkpoint=other.checkpoint().decode())
    return Attack(house.candidate())


# ------------------------------------------------------------------ the bundle


def rebuilt(house, change, *rules, **said):
    """Release an archive that was changed before it was signed."""
    rules = rules or (house.rule(),)
    files = unpack(build_bundle(rules, revision=1, parse=house.engine.parse).archive)
    files = dict(files)
    change(files)
    house.release(*rules, archive=gzip_stored(pack_tar(files)), **said)
    return Attack(house.candidate())


def a_manifest_of_another_revision(house):
    rule = house.rule()
    archive = build_bundle([rule], revision=5, parse=house.engine.parse).archive
    house.release(rule, archive=archive)
    return Attack(house.candidate())


def no_manifest(house):
    return rebuilt(house, lambda files: files.pop(".manifest"))


def wider_roots(house):
    def change(files):
        files[".manifest"] = files[".manifest"].replace(b'"overlay"', b'""')

    return rebuilt(house, change)


def a_data_file(house):
    return rebuilt(house, lambda files: files.update({"data.json": b"{}"}))


def a_rule_in_the_constitution_s_package(house):
    text = rule_text().replace(
        "package overlay.acme_requires_change_ticket", "package proposal"
    )
    rule = house.rule(text=text)
    path = f"rules/{TICKET}/{TICKET}.rego"
    return rebuilt(
        house,
        lambda files: files.update({path: rule.rule}),
        house.rule(),
        inventory=(rule.item,),
    )


def a_rule_that_was_not_released(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    both = build_bundle([ticket, window], revision=1, parse=house.engine.parse)
    house.release(ticket, archive=both.archive)
    return Attack(house.candidate())


def a_released_rule_that_is_missing(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    one = build_bundle([ticket], revision=1, parse=house.engine.parse)
    house.release(ticket, window, archive=one.archive)
    return Attack(house.candidate())


def other_bytes_than_the_author_signed(house):
    rule = house.rule()
    looser = replace(rule, rule=rule_text(message="looser").encode())
    archive = build_bundle([looser], revision=1, parse=house.engine.parse).archive
    house.release(rule, archive=archive)
    return Attack(house.candidate())


def an_inventory_that_the_rules_do_not_make(house):
    def change(files):
        data = files["rule_inventory.json"]
        files["rule_inventory.json"] = data.replace(b"behavior", b"b").replace(
            b'"tier_scope":["prod"]', b'"tier_scope":["dev"]'
        )

    return rebuilt(house, change)


# ------------------------------------------------------------------ rules


def an_attestation_that_is_missing(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    made = house.make_release(ticket, window)
    lines = join_jsonl([ticket.attestation, made.attestation])
    house.publish(replace(made, lines=lines))
    return Attack(house.candidate())


def an_attestation_of_nothing_in_the_release(house):
    house.release(house.rule(), extra=(house.rule(WINDOW).attestation,))
    return Attack(house.candidate())


def two_must_release(house) -> SimulatedWorkspace:
    house.people["second"] = house.person("second", "release")
    house.publish_trust(thresholds={"rule": 1, "release": 2})
    return house


def a_release_that_too_few_principals_signed(house):
    return Attack(released(two_must_release(house)).candidate())


def a_further_signature_of_a_release_by_an_author(house):
    house = two_must_release(house)
    house.release(house.rule(), further=("author",))
    return Attack(house.candidate())


def an_earlier_release_that_too_few_principals_signed(house):
    known = two_must_release(house).release(house.rule(), further=("second",)).known
    house.release_again()
    house.release_again(further=("second",))
    return Attack(house.candidate(known=known), floor=known)


def an_earlier_release_signed_twice_by_one_key(house):
    known = two_must_release(house).release(house.rule(), further=("second",)).known
    between = house.release_again(further=("second",))
    house.release_again(further=("second",))
    candidate = house.candidate(known=known)
    twice = {**candidate.cosigned, between.digest: (between.attestation,)}
    return Attack(replace(candidate, cosigned=twice), floor=known)


def another_statement_as_an_earlier_release_s_signature(house):
    known = two_must_release(house).release(house.rule(), further=("second",)).known
    between = house.release_again(further=("second",))
    house.release_again(further=("second",))
    candidate = house.candidate(known=known)
    other = {**candidate.cosigned, between.digest: house.releases[0].cosignatures}
    return Attack(replace(candidate, cosigned=other), floor=known)


def a_rule_that_too_few_principals_signed(house):
    house.people["second"] = house.person("second", "author")
    house.publish_trust(thresholds={"rule": 2, "release": 1})
    return Attack(released(house).candidate())


def a_further_signature_by_a_revoked_author(house):
    house.people["second"] = house.person("second", "author")
    house.publish_trust(revocations=(Revocation("second", NOW, "left"),))
    rule = house.rule()
    house.release(rule.cosigned(house.cosignature(rule, "second")))
    return Attack(house.candidate())


def an_author_of_another_namespace(house):
    house.people["author"] = house.person(
        "author", "author", namespaces=frozenset({"other"})
    )
    house.publish_trust()
    return Attack(released(house).candidate())


def a_rule_signed_by_the_releaser(house):
    house.release(house.rule(by="releaser"))
    return Attack(house.candidate())


def a_rule_by_a_revoked_author(house):
    house.publish_trust(revocations=(Revocation("author", NOW, "left"),))
    return Attack(released(house).candidate())


def attestations_moved_between_rules(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    swapped = (
        replace(ticket, attestation=window.attestation),
        replace(window, attestation=ticket.attestation),
    )
    house.release(*swapped)
    return Attack(house.candidate())


def a_test_that_the_author_did_not_sign(house):
    rule = house.rule()
    house.release(replace(rule, test=b"another test"))
    return Attack(house.candidate())


def the_right_bytes_under_another_id(house):
    house.release(house.rule(rule_id=TICKET, package="overlay.acme_other"))
    return Attack(house.candidate())


def another_citation_than_in_the_rego(house):
    rule = house.rule()
    citation = house._rule_predicate(TICKET, rule.rule, "author").citation
    house.release(house.rule(citation=replace(citation, id="XX-NOTHING-001")))
    return Attack(house.candidate())


def a_lint_against_another_constitution(house):
    parents = Parents(OTHER, {"change-control": Digest.of(house.pack)})
    house.release(house.rule(parents=parents))
    return Attack(house.candidate())


# ------------------------------------------------------------------ rule chain


def a_rule_that_is_dropped(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    house.release(ticket)
    return Attack(house.candidate())


def a_rule_that_is_retired_without_a_signature(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    house.release(
        ticket, retired=(RetiredItem(rule_id=WINDOW, rule=OTHER, head=OTHER),)
    )
    return Attack(house.candidate())


def a_retirement_by_who_may_not_retire(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    end = house.retirement(window, by="author", identity="author")
    house.release(ticket, ends=(end,))
    return Attack(house.candidate())


def a_retirement_that_names_another_rule(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    end = house.retirement(window, rule_id="acme.another")
    house.release(ticket, ends=(replace(end, rule_id=WINDOW),))
    return Attack(house.candidate())


def a_retirement_of_a_rule_that_never_was(house):
    house.release(house.rule())
    end = house.retirement(house.rule(WINDOW))
    house.release_again(ends=(end,))
    return Attack(house.candidate())


def a_retirement_that_supersedes_another_statement(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    house.release(ticket, ends=(house.retirement(window, supersedes=OTHER),))
    return Attack(house.candidate())


def a_retired_head_that_is_forgotten(house):
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    house.release(ticket, ends=(house.retired(window),))
    house.release(ticket)
    return Attack(house.candidate())


def a_changed_rule_that_supersedes_nothing(house):
    house.release(house.rule())
    house.release(house.rule(text=rule_text(message="newer")))
    return Attack(house.candidate())


def an_old_rule_version_again(house):
    first = house.rule()
    house.release(first)
    second = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(second)
    house.release(first)
    return Attack(house.candidate())


def a_new_rule_that_supersedes_something(house):
    house.release(house.rule(supersedes=OTHER))
    return Attack(house.candidate())


def a_change_that_the_release_does_not_name(house):
    first = house.rule()
    house.release(first)
    second = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(second, changed=())
    return Attack(house.candidate())


def an_earlier_change_that_supersedes_nothing(house):
    first = house.rule()
    house.release(first)
    second = house.rule(text=rule_text(message="newer"))
    house.release(second)
    third = house.rule(text=rule_text(message="newest"), supersedes=second.head)
    house.release(third)
    return Attack(house.candidate())


# ------------------------------------------------------------------ approvals


def changed(house, approve=None, message="newer", **said):
    """Release a change of the rule, and what approves it."""
    first = house.releases[-1].rules[0]
    text = rule_text(message=message)
    second = house.rule(text=text, supersedes=first.head, **said)
    second = second.approved(*([approve(first, second)] if approve else []))
    house.release(second)
    return second


def changed_twice(house, **said):
    """And what a Runner that knows the first release would gather."""
    known = released(house).releases[0].known
    changed(house, house.approval, **said)
    changed(house, house.approval, message="newest")
    return house.candidate(known=known), known


def an_approval_by_a_revoked_approver(house):
    house.publish_trust(revocations=(Revocation("approver", NOW, "stolen"),))
    changed(released(house), house.approval)
    return Attack(house.candidate())


def an_approval_that_names_other_bytes_in_a_release_that_is_known(house):
    """Somebody vouched for that release; what it lists is verified all the same."""
    rule, other = house.rule(), house.rule(text=rule_text(message="other"))
    approved = rule.approved(house.approval(other, rule, new=OTHER))
    house.release(approved)
    known = house.release(approved).known
    house.release(approved)
    return Attack(house.candidate(known=known), floor=known)


def an_earlier_approval_that_is_missing(house):
    candidate, known = changed_twice(house)
    return Attack(replace(candidate, moved=candidate.moved[:1]), floor=known)


def an_attestation_that_no_earlier_change_has(house):
    candidate, known = changed_twice(house)
    extra = house.rule(WINDOW).attestation
    return Attack(replace(candidate, moved=(*candidate.moved, extra)), floor=known)


def an_earlier_approval_twice(house):
    candidate, known = changed_twice(house)
    return Attack(replace(candidate, moved=candidate.moved * 2), floor=known)


def an_earlier_version_by_who_is_no_author(house):
    candidate, known = changed_twice(house, by="releaser")
    return Attack(candidate, floor=known)


def an_earlier_version_in_another_s_name(house):
    house.people["second"] = house.person("second", "author")
    house.publish_trust()
    candidate, known = changed_twice(house, by="second", identity="author")
    return Attack(candidate, floor=known)


def an_earlier_version_by_an_author_of_another_namespace(house):
    other = house.person("other", "author", namespaces=frozenset({"other"}))
    house.people["other"] = other
    house.publish_trust()
    candidate, known = changed_twice(house, by="other")
    return Attack(candidate, floor=known)


def an_earlier_version_of_another_workspace(house):
    candidate, known = changed_twice(house, workspace=OTHER)
    return Attack(candidate, floor=known)


def an_earlier_version_under_another_payload_type(house):
    """The author's signature over the same words, as another kind of document."""
    known = released(house).releases[0].known
    first, kind = house.releases[0].rules[0], "application/json"
    text = rule_text(message="newer")
    second = house.rule(text=text, supersedes=first.head)
    payload = parse_attestation(second.attestation).envelope.payload
    key = house.people["author"].key
    envelope = Envelope(kind, payload, "", key.sign(pae(kind, payload)))
    raw = build_attestation(envelope=envelope, key=key.public_key)
    approval = house.approval(first, second)
    house.release(replace(second, attestation=raw).approved(approval))
    changed(house, house.approval, message="newest")
    return Attack(house.candidate(known=known), floor=known)


def an_earlier_version_that_is_no_rule_attestation(house):
    known = released(house).releases[0].known
    first, second = house.releases[0].rules[0], house.rule(text=rule_text(message="b"))
    said = house.approval(first, second, by="linter")
    house.release(replace(second, attestation=said))
    changed(house, house.approval, message="newest")
    return Attack(house.candidate(known=known), floor=known)


def an_earlier_version_of_other_bytes(house):
    candidate, known = changed_twice(house, subjects=(b"other", b"bytes"))
    return Attack(candidate, floor=known)


def an_earlier_approval_by_a_revoked_approver(house):
    house.publish_trust(revocations=(Revocation("approver", NOW, "stolen"),))
    known = released(house).releases[0].known
    changed(house, house.approval)
    changed(house, house.linted, message="newest")
    return Attack(house.candidate(known=known), floor=known)


def an_approval_that_is_dropped(house):
    changed(released(house), house.approval)
    house.release(house.releases[-1].rules[0].approved())
    return Attack(house.candidate())


def an_approval_of_another_change(house):
    approve = lambda old, new: house.approval(old, new, old=OTHER)  # noqa: E731
    changed(released(house), approve)
    return Attack(house.candidate())


def an_approval_by_the_author(house):
    house.people["both"] = house.person("both", "author", "approve")
    house.publish_trust()
    approve = lambda old, new: house.approval(old, new, by="both")  # noqa: E731
    changed(released(house), approve, by="both")
    return Attack(house.candidate())


def a_rule_that_comes_back_after_its_retirement(house):
    """Signed by its author alone; the retirement stood in a release that is known."""
    house = sovereign(house)
    ticket, window = house.rule(), house.rule(WINDOW)
    house.release(ticket, window)
    end = house.retired(window)
    known = house.release(ticket, ends=(end,)).known
    house.release(ticket, house.rule(WINDOW, supersedes=end.head))
    return Attack(house.candidate(known=known), floor=known)


def a_changed_rule_without_approval(house):
    house = sovereign(house)
    first = house.rule()
    known = house.release(first).known
    second = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    house.release(second)
    return Attack(house.candidate(known=known), floor=known)


# ------------------------------------------------------------------ waivers


def a_waiver_that_one_person_signed(house):
    house.release(house.rule(), waivers=(house.waiver(further=()),))
    return Attack(house.candidate())


def a_waiver_of_another_pack(house):
    pack = WaivedPack(name="change-control", digest=OTHER)
    waiver = house.waiver(pack=pack, subject=OTHER)
    house.release(house.rule(), waivers=(waiver,))
    return Attack(house.candidate())


def a_waiver_that_was_withdrawn(house):
    waiver = house.waiver()
    house.publish_trust(withdrawn_waivers=frozenset({waiver.digest}))
    house.release(house.rule(), waivers=(waiver,))
    return Attack(house.candidate())


def a_waiver_of_the_constitution(house):
    waiver = house.waiver(rule_id="proposal.allowed_paths")
    house.release(house.rule(), waivers=(waiver,))
    return Attack(house.candidate())


# ------------------------------------------------------------------ together


def a_rule_that_does_not_answer(house):
    text = rule_text().replace('target_tier == "prod"', "level == 1")
    text += "\nlevel := 1\n\nlevel := 2\n"
    house.release(house.rule(text=text))
    return Attack(house.candidate())


ATTACKS = [
    (the_clock_goes_back, "clock", "clock-behind"),
    (another_workspace_s_marks, "marks", "marks-foreign"),
    (an_older_root, "marks", "root-rollback"),
    (another_root_of_that_version, "marks", "version-reused"),
    (older_targets, "marks", "targets-rollback"),
    (other_targets_of_that_version, "marks", "version-reused"),
    (a_trust_policy_of_the_thief, "trust-files", "target-mismatch"),
    (layers_signed_by_other_bytes_than_listed, "trust-files", "target-mismatch"),
    (a_layer_that_the_targets_do_not_list, "trust-files", "target-mismatch"),
    (a_trust_policy_of_another_workspace, "trust-policy", "workspace-mismatch"),
    (a_named_release_that_is_missing, "survivors", "attestation-set"),
    (a_release_that_nobody_named, "survivors", "attestation-set"),
    (a_named_release_twice, "survivors", "attestation-set"),
    (a_rule_in_a_named_release_s_place, "survivors", "release-chain"),
    (a_survivor_s_checkpoint_of_an_unknown_log, "survivors", "checkpoint-missing"),
    (a_survivor_s_checkpoint_of_a_thief_s_log, "survivors", "checkpoint-signature"),
    (an_author_in_the_control_plane_s_custody, "custody", "custody"),
    (a_lint_identity_in_the_control_plane_s_custody, "custody", "custody"),
    (an_identity_with_a_key_of_the_metadata, "keys", "key-reused"),
    (targets_with_a_checkpoint_of_an_unknown_log, "targets-log", "checkpoint-missing"),
    (targets_with_a_forged_checkpoint, "targets-log", "checkpoint-signature"),
    (a_fork_of_the_log_at_the_marked_size, "targets-log", "log-inconsistent"),
    (a_constitution_that_nobody_pinned, "layers", "layer-pin"),
    (a_constitution_signed_by_another_publisher, "layers", "unknown-signer"),
    (a_pack_in_the_constitution_s_place, "layers", "layer-pin"),
    (a_layer_of_another_version_than_signed, "layers", "layer-pin"),
    (a_pinned_pack_that_is_missing, "layers", "layer-pin"),
    (a_release_that_nobody_listed, "listed", "overlay-missing"),
    (a_release_below_the_highest_listed, "listed", "not-highest-revision"),
    (attestations_in_another_order_than_listed, "listed", "target-mismatch"),
    (a_bundle_with_one_bit_changed, "listed", "target-mismatch"),
    (two_release_attestations, "release", "attestation-set"),
    (one_attestation_twice, "release", "attestation-set"),
    (a_releaser_whom_nobody_registered, "release", "unknown-signer"),
    (a_release_signed_by_an_author, "release", "signer-not-permitted"),
    (a_release_by_a_revoked_releaser, "release", "revoked"),
    (an_attestation_of_another_archive, "release", "subject-mismatch"),
    (another_revision_than_listed, "current", "release-revision"),
    (a_release_for_older_targets, "current", "parents-not-current"),
    (a_release_for_another_trusted_root, "current", "parents-not-current"),
    (a_release_that_lives_longer_than_admins_allow, "fresh", "release-lifetime"),
    (a_release_issued_tomorrow, "fresh", "release-lifetime"),
    (a_release_on_the_second_of_its_expiry, "fresh", "release-expired"),
    (a_fresh_runner_without_a_floor, "forward", "floor-missing"),
    (a_release_below_the_admins_floor, "forward", "below-floor"),
    (a_lower_revision_than_marked, "forward", "revision-rollback"),
    (another_release_at_the_marked_revision, "forward", "revision-forked"),
    (a_gap_in_the_chain, "chain", "release-chain"),
    (a_chain_that_ends_above_the_mark, "chain", "release-chain"),
    (a_chain_that_begins_at_revision_two, "chain", "release-chain"),
    (a_revision_that_is_skipped, "chain", "release-chain"),
    (a_chain_past_a_floor_another_way, "chain", "revision-forked"),
    (an_earlier_release_by_nobody, "chain", "unknown-signer"),
    (a_log_smaller_than_marked, "release-log", "log-rollback"),
    (a_log_smaller_than_the_release_before_saw, "release-log", "log-rollback"),
    (a_log_smaller_than_the_admins_saw, "release-log", "log-rollback"),
    (a_release_without_a_trusted_log, "release-log", "checkpoint-missing"),
    (a_manifest_of_another_revision, "archive", "manifest-revision"),
    (no_manifest, "archive", "manifest-revision"),
    (wider_roots, "archive", "manifest-format"),
    (a_data_file, "confinement", "confinement"),
    (a_rule_in_the_constitution_s_package, "confinement", "confinement"),
    (a_rule_that_was_not_released, "inventory", "inventory-not-released"),
    (a_released_rule_that_is_missing, "inventory", "inventory-not-released"),
    (other_bytes_than_the_author_signed, "inventory", "inventory-not-released"),
    (an_inventory_that_the_rules_do_not_make, "inventory", "inventory-mismatch"),
    (an_attestation_that_is_missing, "rules", "attestation-set"),
    (an_attestation_of_nothing_in_the_release, "rules", "attestation-set"),
    (an_author_of_another_namespace, "rules", "namespace-not-permitted"),
    (a_rule_signed_by_the_releaser, "rules", "signer-not-permitted"),
    (a_rule_by_a_revoked_author, "rules", "revoked"),
    (attestations_moved_between_rules, "rules", "subject-mismatch"),
    (a_test_that_the_author_did_not_sign, "rules", "subject-mismatch"),
    (the_right_bytes_under_another_id, "rules", "rule-mismatch"),
    (another_citation_than_in_the_rego, "rules", "rule-mismatch"),
    (a_lint_against_another_constitution, "rules", "rule-parents"),
    (
        an_earlier_release_that_too_few_principals_signed,
        "chain",
        "threshold-not-met",
    ),
    (an_earlier_release_signed_twice_by_one_key, "chain", "attestation-set"),
    (another_statement_as_an_earlier_release_s_signature, "chain", "attestation-set"),
    (a_release_that_too_few_principals_signed, "thresholds", "threshold-not-met"),
    (
        a_further_signature_of_a_release_by_an_author,
        "thresholds",
        "signer-not-permitted",
    ),
    (a_rule_that_too_few_principals_signed, "thresholds", "threshold-not-met"),
    (a_further_signature_by_a_revoked_author, "thresholds", "revoked"),
    (a_rule_that_is_dropped, "rule-chain", "rule-dropped"),
    (a_rule_that_is_retired_without_a_signature, "rules", "attestation-set"),
    (a_retirement_by_who_may_not_retire, "retirements", "signer-not-permitted"),
    (a_retirement_that_names_another_rule, "retirements", "rule-mismatch"),
    (a_retirement_of_a_rule_that_never_was, "rule-chain", "retirement"),
    (a_retirement_that_supersedes_another_statement, "rule-chain", "rule-chain"),
    (a_retired_head_that_is_forgotten, "rule-chain", "retirement"),
    (a_changed_rule_that_supersedes_nothing, "rule-chain", "rule-chain"),
    (an_old_rule_version_again, "rule-chain", "rule-chain"),
    (a_new_rule_that_supersedes_something, "rule-chain", "rule-chain"),
    (a_change_that_the_release_does_not_name, "rule-chain", "release-chain"),
    (an_earlier_change_that_supersedes_nothing, "rule-chain", "rule-chain"),
    (an_approval_by_a_revoked_approver, "approvals", "revoked"),
    (
        an_approval_that_names_other_bytes_in_a_release_that_is_known,
        "approvals",
        "approval-mismatch",
    ),
    (an_earlier_approval_that_is_missing, "moved", "attestation-set"),
    (an_attestation_that_no_earlier_change_has, "moved", "attestation-set"),
    (an_earlier_approval_twice, "moved", "attestation-set"),
    (an_earlier_version_by_who_is_no_author, "moved", "signer-not-permitted"),
    (an_earlier_version_in_another_s_name, "moved", "signer-mismatch"),
    (
        an_earlier_version_by_an_author_of_another_namespace,
        "moved",
        "namespace-not-permitted",
    ),
    (an_earlier_version_of_another_workspace, "moved", "workspace-mismatch"),
    (an_earlier_version_of_other_bytes, "moved", "subject-mismatch"),
    (an_earlier_version_under_another_payload_type, "moved", "payload-type"),
    (an_earlier_version_that_is_no_rule_attestation, "moved", "predicate-type"),
    (an_earlier_approval_by_a_revoked_approver, "moved", "revoked"),
    (an_approval_that_is_dropped, "changes", "approval-unlisted"),
    (an_approval_of_another_change, "changes", "approval-mismatch"),
    (an_approval_by_the_author, "changes", "approval-not-second"),
    (a_rule_that_comes_back_after_its_retirement, "changes", "change-not-approved"),
    (a_changed_rule_without_approval, "changes", "change-not-approved"),
    (a_waiver_that_one_person_signed, "waivers", "waiver-not-approved"),
    (a_waiver_of_another_pack, "waivers", "waiver-pack"),
    (a_waiver_that_was_withdrawn, "waivers", "waiver-withdrawn"),
    (a_waiver_of_the_constitution, "waivers", "waiver-not-allowed"),
    (a_rule_that_does_not_answer, "compile", "no-answer"),
]


@pytest.mark.parametrize(
    ("attack", "step", "code"),
    [
        pytest.param(*row, id=f"{row[0].__name__.replace('_', ' ')} -> {row[2]}")
        for row in ATTACKS
    ],
)
def test_refuses(house, attack, step, code):
    given = attack(house)
    judged = house.check(
        given.candidate, marks=given.marks, at=given.at, floor=given.floor
    )
    assert judged.result.code == code
    failed = [c.id for c in judged.result.checks if c.status is Status.FAILED]
    assert failed == [step]
    assert judged.release is None


def test_accepts_a_revoked_author_s_rule_that_a_named_release_lists(house):
    assert house.check(named(house))


def test_every_step_that_can_refuse_has_an_attack():
    attacked = {step for _, step, _ in ATTACKS} | {"metadata"}  # test_tuf_view.py
    assert attacked == {step for step, _ in PLAN}
