# SPDX-License-Identifier: Apache-2.0
"""Every attack on trust and its repository, by a mirror and by a Control Plane.

The workspace is sovereign, from its beginning or since its admins made it so; the
Runner, its gate, its engine and its disk are real. Each attack meets a Runner with state
and a fresh one: it is refused by its code, and what the Runner keeps stays, byte for
byte, but for trust that admins signed; after a restart it decides as before. ``make
attacks`` prints the table.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tuf.api.metadata import Metadata, TargetFile

from bundle.build import build_bundle
from bundle.tuf.keys import role_key
from bundle.tuf.repository import Repository
from keys.clock import utc_now
from signer.attestation import build_attestation, join_jsonl, parse_attestation
from signer.dsse import Envelope, pae
from signer.form import Custody
from signer.predicates.parts import Source
from signer.revocation import Revocation, Survivors
from tests.simulators.fulcio import CaTerms, SimulatedFulcio
from tests.simulators.keyless import CI_ISSUER, MAIN
from tests.simulators.memory_key import MemoryKey
from tests.simulators.moved import move
from tests.simulators.runner import Bench
from tests.simulators.signing import BEGIN, NOW, SimulatedAuthority
from tests.simulators.thief import (
    MIRROR,
    PLANE,
    RELEASER,
    TIMESTAMP,
    Attack,
    Scene,
    told_time,
)
from tests.simulators.workspace import (
    DAY,
    SignedRetirement,
    SimulatedWorkspace,
    rule_text,
)

# As the roadmap names them, in its order.
LIST = (
    "rollback",
    "freeze",
    "mix and match",
    "fast-forward",
    "endless data",
    "slow retrieval",
    "orphan substitution",
    "an identity added without admins",
    "a threshold met by one key under two ids",
    "a custodial key promoted",
    "a certificate from the wrong instance",
    "a revoked key",
    "a backdated signature",
    "a rule dropped without a retirement",
    "an old version of a rule brought back",
    "a retirement replayed",
    "a release that skips its predecessor",
    "an expired release re-served with fresh timestamps",
    "older pins under newer releases",
    "another workspace's bundle",
    "a rival root from the embedded key",
)
ATTACKS: list[Attack] = []


def attack(name: str, *, by: str, code: str, fresh: str = "") -> Callable:
    """Add one way to do an attack, and how it is refused."""

    def added(act):
        ATTACKS.append(Attack(name, by, act, code, fresh or code))
        return act

    return added


@pytest.fixture(params=["with state", "fresh", "with state, moved", "fresh, moved"])
def scene(request, engine, tmp_path, monkeypatch):
    at = utc_now() - timedelta(minutes=1)
    moved = request.param.endswith("moved")
    house = SimulatedWorkspace(at, engine, sovereign=not moved)
    if moved:
        move(house)
    bench = Bench(house, tmp_path / "runner")
    bench.clock.move(minutes=1)
    told_time(monkeypatch, bench)
    yield Scene(house, bench, fresh=request.param.startswith("fresh"))
    bench.close()


# ------------------------------------------------------------------ rollback, freeze


@attack("rollback", by=MIRROR, code="tuf-rollback", fresh="below-floor")
def the_whole_repository_of_before(scene):
    scene.bench.mirror.storage = scene.before


@attack("rollback", by=PLANE, code="revision-rollback", fresh="below-floor")
def an_older_release_under_higher_numbers(scene):
    """Below what the Runner has; without state, below the floor."""
    scene.house.release_again()
    scene.follow()
    current = scene.house.repository.current()
    older = "overlay/1/" if scene.fresh else "overlay/2/"
    listed = current.delegated.signed.targets.items()
    files = {path: file for path, file in listed if path.startswith(older)}
    scene.serve(current.targets, scene.list_only(files))


@attack("freeze", by=MIRROR, code="tuf-expired")
def the_timestamp_of_today_for_ever(scene):
    scene.bench.mirror.freeze()
    scene.house.release_again()
    scene.wait(days=2)


@attack("freeze", by=PLANE, code="tuf-expired")
def the_trust_of_today_for_ever(scene):
    """Under timestamps renewed each day, while honest people go on releasing."""
    scene.wait(days=88)
    scene.renew()
    scene.house.release_again()
    scene.wait(days=2)
    scene.renew()


@attack("mix and match", by=MIRROR, code="tuf-hash")
def an_older_snapshot_under_the_newest_timestamp(scene):
    stamp = scene.house.repository.current().timestamp
    old = Metadata.from_bytes(stamp).signed.snapshot_meta.version
    scene.house.release_again()
    stamp = scene.house.repository.current().timestamp
    new = Metadata.from_bytes(stamp).signed.snapshot_meta.version
    name = f"metadata/{new}.snapshot.json"
    scene.bench.mirror.replaced[name] = scene.stored(f"metadata/{old}.snapshot.json")


@attack("mix and match", by=PLANE, code="tuf-rollback", fresh="parents-not-current")
def the_newest_trust_beside_an_older_list_of_releases(scene):
    old = scene.house.repository.current().release
    scene.house.publish_trust()
    scene.house.release_again()
    scene.follow()
    scene.serve(scene.house.repository.current().targets, old)


@attack("fast-forward", by=MIRROR, code="tuf-signature")
def a_number_far_ahead_by_a_key_of_its_own(scene):
    def forward(metadata):
        metadata.signed.version = 1 << 40

    scene.bench.mirror.replaced[TIMESTAMP] = scene.house.tuf.resign(
        scene.stored(TIMESTAMP), forward, [MemoryKey.ed25519()], Custody.CONTROL_PLANE
    )


@attack("fast-forward", by=PLANE, code="tuf-rollback")
def numbers_far_ahead_and_then_the_honest_ones(scene):
    current = scene.house.repository.current()
    scene.serve(current.targets, current.release, ahead=1 << 30)
    assert scene.runner.step().revision == scene.floor.revision
    scene.settle()
    scene.bench.mirror.replaced.clear()
    scene.house.release_again()


# ------------------------------------------------------------------ endless, slow


@attack("endless data", by=MIRROR, code="tuf-length")
def a_snapshot_without_an_end(scene):
    scene.house.release_again()
    stamp = scene.house.repository.current().timestamp
    number = Metadata.from_bytes(stamp).signed.snapshot_meta.version
    scene.bench.mirror.endless.add(f"metadata/{number}.snapshot.json")


@attack("endless data", by=MIRROR, code="tuf-length")
def an_attestation_of_the_chain_without_an_end(scene):
    between = scene.two_more()
    name = f"chain/{between.digest.hex}.sigstore.json"
    scene.bench.mirror.endless.add(name)


@attack("endless data", by=PLANE, code="tuf-length")
def a_bundle_listed_with_a_length_of_a_terabyte(scene):
    """The thief signs what they like; our own bound stands above it."""
    current = scene.house.repository.current()
    listed = dict(current.delegated.signed.targets)
    huge = TargetFile(1 << 40, {"sha256": "0" * 64}, "overlay/3/bundle.tar.gz")
    lines = replace_path(listed, "overlay/2/attestations.sigstore.jsonl", "overlay/3/")
    files = {**listed, huge.path: huge, lines.path: lines}
    scene.serve(current.targets, scene.list_only(files))
    scene.bench.mirror.endless.add(f"targets/{'0' * 64}.bundle.tar.gz")


def replace_path(listed, path, folder):
    file = listed[path]
    name = folder + path.rpartition("/")[2]
    return TargetFile(file.length, file.hashes, name)


@attack("slow retrieval", by=MIRROR, code="unavailable")
def drops_of_metadata_that_outlast_the_deadline_together(scene):
    scene.house.release_again()
    state = scene.house.repository.current()
    stamp = Metadata.from_bytes(state.timestamp).signed.snapshot_meta.version
    for name in (TIMESTAMP, f"metadata/{stamp}.snapshot.json"):
        scene.bench.mirror.slow[name] = 31


@attack("slow retrieval", by=PLANE, code="unavailable")
def a_bundle_that_drips(scene):
    scene.house.release_again()
    scene.bench.mirror.slow[scene.target("overlay/3/bundle.tar.gz")] = 61


# ------------------------------------------------------------------ orphans


@attack("orphan substitution", by=MIRROR, code="tuf-hash")
def a_list_of_releases_that_was_signed_and_withdrawn(scene):
    house = scene.house
    rules = house.releases[-1].rules
    withdrawn = house.make_release(*rules, source=Source("c" * 40, "main"))
    aside = Repository(house.storage.copy(), house.tuf.keys)
    staged = aside.prepare_release(3, withdrawn.files, keep=3, at=house.at)
    house.release_again()
    name = f"metadata/{staged.version}.release.json"
    assert scene.stored(name) != staged.metadata
    scene.bench.mirror.replaced[name] = staged.metadata


@attack(
    "orphan substitution", by=PLANE, code="version-reused", fresh="parents-not-current"
)
def trust_that_admins_signed_and_withdrew(scene):
    house = scene.house
    aside = Repository(house.storage.copy(), house.tuf.keys)
    files = house.trust_files(revocations=(Revocation("linter", house.at, "never"),))
    checkpoint = house.log.checkpoint().decode()
    staged = aside.prepare_targets(files, checkpoint=checkpoint, at=house.at)
    house.publish_trust()
    house.release_again()
    scene.follow()
    current = house.repository.current()
    assert staged.version == current.top.version
    for name, data in staged.files.items():
        scene.bench.mirror.replaced.setdefault(name, data)
    scene.serve(staged.metadata, current.release)


@attack("orphan substitution", by=PLANE, code="release-chain")
def a_release_that_was_signed_and_withdrawn(scene):
    """A fresh Runner is given the floor that the admins set at the true one."""
    house = scene.house
    rules = house.releases[-1].rules
    withdrawn = house.make_release(*rules, source=Source("c" * 40, "main"))
    house.release_again()
    house.floor_at(house.releases[-1])
    house.release_again()
    scene.follow()
    house.release_again(predecessor=withdrawn.digest)
    chained = f"chain/{withdrawn.digest.hex}.sigstore.json"
    scene.bench.mirror.replaced[chained] = withdrawn.attestation


# ------------------------------------------------------------------ trust


@attack("an identity added without admins", by=MIRROR, code="tuf-length")
def a_policy_with_one_more_author(scene):
    house = scene.house
    house.publish_trust()
    house.release_again()
    scene.forget_downloads()
    known = house.policy()
    more = house.person("thief", "author").identity
    policy = replace(known, identities=(*known.identities, more)).to_bytes()
    scene.bench.mirror.replaced[scene.target("trust/policy.json")] = policy


@attack("an identity added without admins", by=PLANE, code="tuf-signature")
def targets_signed_with_every_key_of_the_server(scene):
    house, hostile = scene.house, scene.house.hostile
    known = house.policy()
    more = house.person("thief", "author").identity
    policy = replace(known, identities=(*known.identities, more)).to_bytes()
    current = house.repository.current()

    def add(metadata):
        path = "trust/policy.json"
        metadata.signed.version += 1
        metadata.signed.targets[path] = TargetFile.from_data(path, policy, ["sha256"])

    keys = [hostile.own, hostile.keys.snapshot, hostile.keys.timestamp]
    signers = [*keys, hostile.keys.release]
    targets = house.tuf.resign(current.targets, add, signers, Custody.CONTROL_PLANE)
    scene.serve(targets, current.release)


@attack("an identity added without admins", by=PLANE, code="tuf-signature")
def targets_signed_by_one_admin_of_two(scene):
    """One stolen admin key is below the threshold."""
    current = scene.house.repository.current()
    tuf = scene.house.tuf
    targets = tuf.resign(current.targets, next_version, tuf.targets_keys[:1])
    scene.serve(targets, current.release)


def next_version(metadata):
    metadata.signed.version += 1


@attack("a threshold met by one key under two ids", by=MIRROR, code="tuf-signature")
def a_root_signed_twice_by_one_admin(scene):
    tuf = scene.house.tuf
    root = json.loads(tuf.resign(tuf.root, next_version, tuf.root_keys[:1]))
    root["signatures"].append({**root["signatures"][0], "keyid": "0" * 64})
    scene.bench.mirror.replaced[scene.next_root] = json.dumps(root).encode()


@attack("a threshold met by one key under two ids", by=PLANE, code="tuf-key")
def a_root_that_lists_one_admin_twice(scene):
    """Admins were talked into signing it; python-tuf alone would adopt it."""
    tuf = scene.house.tuf

    def twice(metadata):
        metadata.signed.version += 1
        twin = role_key(tuf.root_keys[0].public_key, Custody.EXTERNAL)
        twin.keyid = "0" * 64
        metadata.signed.keys[twin.keyid] = twin
        metadata.signed.roles["root"].keyids.append(twin.keyid)

    root = tuf.resign(tuf.root, twice, tuf.root_keys)
    scene.bench.mirror.replaced[scene.next_root] = root


@attack(
    "a threshold met by one key under two ids", by=RELEASER, code="approval-not-second"
)
def one_principal_who_writes_and_approves_under_two_ids(scene):
    house = scene.house
    alias = house.person("alias", "approve", principal="author@example.com")
    house.people["alias"] = alias
    house.publish_trust()
    ticket, window = house.releases[-1].rules
    newer = house.rule(text=rule_text(message="looser"), supersedes=ticket.head)
    approval = house.approval(ticket, newer, by="alias")
    house.release(newer.approved(approval), window)


@attack("a custodial key promoted", by=MIRROR, code="tuf-length")
def a_policy_that_calls_a_custodial_key_external(scene):
    house = scene.house
    custody = Custody.CONTROL_PLANE
    house.people["bot"] = house.person("bot", "report", custody=custody)
    house.publish_trust()
    house.release_again()
    scene.forget_downloads()
    name = scene.target("trust/policy.json")
    house.people["bot"] = replace(house.people["bot"], custody=Custody.EXTERNAL)
    scene.bench.mirror.replaced[name] = house.policy().to_bytes()


@attack("a custodial key promoted", by=PLANE, code="tuf-custody")
def a_root_with_a_custodial_key_among_the_admins(scene):
    tuf = scene.house.tuf
    custodial = role_key(scene.house.hostile.own.public_key, Custody.CONTROL_PLANE)

    def promote(metadata):
        metadata.signed.version += 1
        metadata.signed.add_key(custodial, "targets")

    root = tuf.resign(tuf.root, promote, tuf.root_keys)
    scene.bench.mirror.replaced[scene.next_root] = root


@attack("a custodial key promoted", by=PLANE, code="custody")
def a_custodial_author_in_the_policy(scene):
    house = scene.house
    custody = Custody.CONTROL_PLANE
    house.people["bot"] = house.person("bot", "author", custody=custody)
    house.publish_trust()
    house.release_again()


# ------------------------------------------------------------------ signatures


def certified(attestation: bytes) -> bytes:
    """The same statement, signed with a certificate of the thief's own instance."""
    old, key = parse_attestation(attestation), MemoryKey.ecdsa()
    der = SimulatedFulcio(CaTerms(at=BEGIN)).certify(
        key, subject=MAIN, issuer=CI_ISSUER, at=NOW
    )
    kind, payload = old.envelope.payload_type, old.envelope.payload
    return build_attestation(
        envelope=Envelope(kind, payload, "", key.sign(pae(kind, payload))),
        key=key.public_key,
        timestamps=old.timestamps,
        entries=old.entries,
        certificate=der,
    )


@attack("a certificate from the wrong instance", by=MIRROR, code="wrong-instance")
def a_certificate_in_place_of_a_key_in_the_chain(scene):
    between = scene.two_more()
    name = f"chain/{between.digest.hex}.sigstore.json"
    scene.bench.mirror.replaced[name] = certified(between.attestation)


@attack("a certificate from the wrong instance", by=PLANE, code="wrong-instance")
def a_release_certified_by_the_server_s_own_authority(scene):
    made = scene.house.make_release(*scene.house.releases[-1].rules)
    rules = [raw for rule in made.rules for raw in rule.attestations]
    lines = join_jsonl([*rules, certified(made.attestation)])
    scene.list_as(3, {**made.files, "attestations.sigstore.jsonl": lines})


@attack("a revoked key", by=MIRROR, code="tuf-rollback", fresh="tuf-expired")
def a_revocation_that_is_withheld(scene):
    """A fresh Runner believes the mirror until the timestamp runs out."""
    house = scene.house
    before = house.storage.copy()
    survivors = Survivors(frozenset(r.head for r in house.releases[-1].rules))
    house.publish_trust(
        revocations=(Revocation("author", house.at, "stolen", survivors),)
    )
    house.release_again()
    scene.follow()
    scene.bench.mirror.storage = before
    scene.wait(days=2)


@attack("a revoked key", by=PLANE, code="revoked")
def a_release_signed_with_a_key_that_was_revoked(scene):
    """The thief has the old release identity's key, and every witness."""
    house = scene.house
    house.people["second"] = house.person("second", "release")
    kept = Survivors(releases=frozenset(one.digest for one in house.releases))
    house.publish_trust(revocations=(Revocation("releaser", house.at, "stolen", kept),))
    scene.list_as(3, house.make_release(*house.releases[-1].rules).files)


@attack("a backdated signature", by=MIRROR, code="no-trusted-time")
def an_older_stamp_by_another_authority(scene):
    between = scene.two_more()
    said = json.loads(between.attestation)
    signature = parse_attestation(between.attestation).envelope.signature
    other = SimulatedAuthority(scene.house.authority.uri)
    token = other.stamp(signature, at=scene.house.at - 20 * DAY)
    stamps = said["verificationMaterial"]["timestampVerificationData"]
    stamps["rfc3161Timestamps"][0]["signedTimestamp"] = base64.b64encode(token).decode()
    name = f"chain/{between.digest.hex}.sigstore.json"
    scene.bench.mirror.replaced[name] = json.dumps(said).encode()


@attack("a backdated signature", by=PLANE, code="outside-window")
def a_rule_dated_back_into_a_window_that_ended(scene):
    """The thief's authority stamps what it is told; custody makes the time worthless."""
    house = scene.house
    ended = house.person("former", "author", not_after=house.at - DAY)
    house.people["former"] = ended
    house.publish_trust()
    early = house.at - 5 * DAY
    rule_id = "acme.extra"
    rule = house.rule(rule_id, text=rule_text(rule_id), by="former", at=early)
    house.release(*house.releases[-1].rules, rule)


# ------------------------------------------------------------------ rules


def only_the_first_rule(scene) -> bytes:
    rules = scene.house.releases[-1].rules[:1]
    parse = scene.house.engine.parse
    return build_bundle(rules, revision=3, parse=parse).archive


@attack("a rule dropped without a retirement", by=MIRROR, code="tuf-length")
def a_bundle_without_the_rule(scene):
    scene.house.release_again()
    name = scene.target("overlay/3/bundle.tar.gz")
    scene.bench.mirror.replaced[name] = only_the_first_rule(scene)


@attack("a rule dropped without a retirement", by=PLANE, code="subject-mismatch")
def a_bundle_without_the_rule_under_the_old_signatures(scene):
    ticket = scene.house.releases[-1].rules[0]
    signed = scene.house.releases[-1].attestation
    lines = join_jsonl([*ticket.attestations, signed])
    files = {
        "bundle.tar.gz": only_the_first_rule(scene),
        "attestations.sigstore.jsonl": lines,
    }
    scene.list_as(3, files)


@attack("a rule dropped without a retirement", by=RELEASER, code="rule-dropped")
def a_release_without_the_rule(scene):
    scene.house.release(scene.house.releases[-1].rules[0])


@attack("an old version of a rule brought back", by=MIRROR, code="tuf-length")
def the_bundle_of_before(scene):
    scene.house.release_again()
    name = scene.target("overlay/3/bundle.tar.gz")
    scene.bench.mirror.replaced[name] = scene.house.releases[0].archive


@attack("an old version of a rule brought back", by=PLANE, code="release-revision")
def the_release_of_before_as_a_new_revision(scene):
    scene.list_as(3, scene.house.releases[0].files)


@attack("an old version of a rule brought back", by=RELEASER, code="rule-chain")
def a_new_release_of_the_old_version(scene):
    old, window = scene.house.releases[0].rules[0], scene.house.releases[1].rules[1]
    scene.house.release(old, window)


@attack("a retirement replayed", by=MIRROR, code="tuf-length")
def a_list_that_was_signed_with_a_retirement(scene):
    house = scene.house
    retiring = house.make_release(house.releases[-1].rules[0], ends=retired(scene))
    house.release_again()
    name = scene.target("overlay/3/attestations.sigstore.jsonl")
    scene.bench.mirror.replaced[name] = retiring.lines


def retired(scene) -> tuple[SignedRetirement, ...]:
    return (scene.house.retired(scene.house.releases[-1].rules[1]),)


@attack("a retirement replayed", by=PLANE, code="release-revision")
def a_release_that_retired_the_rule_before_it_came_back(scene):
    """Revision 3 retired the rule, 4 did not; 3 is listed again, as 5."""
    house = scene.house
    ticket = house.releases[-1].rules[0]
    retiring = house.make_release(ticket, ends=retired(scene))
    house.release_again()
    house.release_again()
    scene.follow()
    scene.list_as(5, retiring.files)


@attack("a retirement replayed", by=RELEASER, code="rule-chain")
def a_retirement_of_an_older_head(scene):
    house = scene.house
    ticket, window = house.releases[-1].rules
    end = house.retirement(window, supersedes=house.releases[0].rules[0].head)
    house.release(ticket, ends=(end.approved(house.end_approval(end)),))


# ------------------------------------------------------------------ releases


@attack("a release that skips its predecessor", by=MIRROR, code="tuf-missing")
def a_link_that_is_withheld(scene):
    between = scene.two_more()
    name = f"chain/{between.digest.hex}.sigstore.json"
    scene.bench.mirror.status[name] = 404


@attack("a release that skips its predecessor", by=PLANE, code="tuf-hash")
def a_link_that_another_statement_stands_for(scene):
    between = scene.two_more()
    name = f"chain/{between.digest.hex}.sigstore.json"
    scene.bench.mirror.replaced[name] = scene.house.releases[0].attestation


@attack("a release that skips its predecessor", by=RELEASER, code="release-chain")
def a_release_after_the_one_before_the_last(scene):
    scene.house.release_again()
    scene.house.release_again(predecessor=scene.floor.digest)


@attack(
    "an expired release re-served with fresh timestamps", by=MIRROR, code="tuf-expired"
)
def what_was_published_a_week_ago(scene):
    scene.wait(days=7)


@attack(
    "an expired release re-served with fresh timestamps",
    by=PLANE,
    code="release-expired",
)
def a_release_of_a_week_ago_under_metadata_of_today(scene):
    scene.wait(days=7)
    scene.renew()


@attack("older pins under newer releases", by=MIRROR, code="tuf-hash")
def an_older_pack_under_the_name_of_the_new_one(scene):
    old = scene.house.pack
    upgraded(scene)
    scene.forget_downloads()
    name = scene.target("layers/packs/change-control.tar.gz")
    scene.bench.mirror.replaced[name] = old


def upgraded(scene) -> None:
    """Admins upgrade the pack; authors sign under it, and a release follows."""
    scene.house.pack = scene.house.pack_of("1.1.0")
    scene.house.publish_trust()
    scene.house.release(*scene.signed_again())


@attack("older pins under newer releases", by=PLANE, code="parents-not-current")
def the_newest_release_over_the_trust_of_before(scene):
    old = scene.house.repository.current().targets
    upgraded(scene)
    scene.serve(old, scene.house.repository.current().release)


@attack(
    "older pins under newer releases",
    by=PLANE,
    code="tuf-rollback",
    fresh="parents-not-current",
)
def the_trust_of_before_to_who_has_seen_the_newest(scene):
    old = scene.house.repository.current().targets
    upgraded(scene)
    scene.follow()
    scene.house.release_again()
    scene.serve(old, scene.house.repository.current().release)


@attack("another workspace's bundle", by=MIRROR, code="tuf-signature")
def the_whole_repository_of_another_workspace(scene):
    other = SimulatedWorkspace(scene.house.at, scene.house.engine, sovereign=True)
    for _ in range(3):
        other.release(other.rule()) if not other.releases else other.release_again()
    scene.bench.mirror.storage = other.storage


@attack("another workspace's bundle", by=PLANE, code="workspace-mismatch")
def another_workspace_s_release_by_the_same_people(scene):
    """Also the same log and the same authority: only the statement tells."""
    house = scene.house
    other = SimulatedWorkspace(house.at, house.engine, sovereign=True)
    other.people, other.log, other.authority = house.people, house.log, house.authority
    scene.list_as(3, other.make_release(other.rule()).files)


@attack("a rival root from the embedded key", by=MIRROR, code="tuf-signature")
def the_repository_of_the_embedded_form(scene):
    embedded = SimulatedWorkspace(scene.house.at, scene.house.engine)
    embedded.release(embedded.rule())
    scene.bench.mirror.storage = embedded.storage


@attack("a rival root from the embedded key", by=PLANE, code="tuf-signature")
def the_next_root_signed_with_the_embedded_key(scene):
    embedded = SimulatedWorkspace(scene.house.at, scene.house.engine)

    def next_root(metadata):
        metadata.signed.version = len(scene.house.repository.current().roots) + 1

    root = embedded.tuf.resign(embedded.root, next_root, embedded.tuf.root_keys)
    scene.bench.mirror.replaced[scene.next_root] = root


# ------------------------------------------------------------------ the tests


@pytest.mark.parametrize("one", ATTACKS, ids=[f"{a.by}: {a.way}" for a in ATTACKS])
def test_is_refused_by_its_code_and_changes_nothing(one, scene):
    one.act(scene)

    event = scene.runner.step()

    code = one.fresh if scene.fresh else one.code
    assert (event.outcome, event.code) == ("held", code)
    assert event.revision == scene.had.revision
    scene.assert_unmoved()
    if one.by == MIRROR:
        scene.honest()
        assert scene.runner.step().outcome == "activated"
