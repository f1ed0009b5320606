# SPDX-License-Identifier: Apache-2.0
"""The move from embedded to sovereign, attacked before, while and after it is made.

Before: no admin is asked to sign what would leave something of the Control Plane's in
trust. After: a thief has every key of the embedded form, root and targets, online roles
and custodial identities, and all that the Control Plane can still use. A Runner pinned
to the new root refuses by a code and changes nothing; one pinned to the old can be led
astray, and says ``embedded``, for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tuf.api.metadata import Metadata, TargetFile

from bundle.embedded import EmbeddedGround
from bundle.move_diff import diff_move
from bundle.trust_diff import TrustSide
from bundle.trust_proposal import digests_of
from bundle.tuf.errors import AlreadySovereignError
from bundle.tuf.keys import role_key
from bundle.tuf.repository import Repository
from bundle.tuf.rootchain import from_pin, is_sovereign, open_roots
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.credential import OidcCredential
from signer.form import Custody, Form
from signer.identity import Identity
from signer.instances import SigstoreInstance
from signer.pins import Floor, Freshness
from signer.predicates.trust_change import LAYERS_CHANGED, MADE_SOVEREIGN, Change
from signer.revocation import NOTHING, Revocation, Survivors
from signer.subject_pattern import SubjectPattern
from tests.simulators.memory_key import MemoryKey
from tests.simulators.moved import (
    KEPT,
    draft,
    embedded_bytes,
    move,
    next_keys,
)
from tests.simulators.runner import Bench, disk
from tests.simulators.thief import TIMESTAMP, Scene, told_time
from tests.simulators.workspace import (
    DAY,
    TICKET,
    WINDOW,
    SimulatedWorkspace,
    proposal,
    rule_text,
)

ISSUER = "https://accounts.example.com"


def embedded_house(engine) -> SimulatedWorkspace:
    """An embedded workspace, whose second rule a custodial author signed."""
    house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine)
    custody = Custody.CONTROL_PLANE
    house.people["admin"] = house.person("admin", "admin", custody=custody)
    for name, permission in (("bot", "author"), ("robot", "release")):
        house.people[name] = house.person(name, permission, custody=custody)
    house.publish_trust()
    first = house.rule()
    house.release(first, house.rule(WINDOW, by="bot"), by="robot")
    second = house.rule(text=rule_text(message="newer"), supersedes=first.head)
    second = second.approved(house.approval(first, second))
    house.release(second, house.releases[-1].rules[1], by="robot")
    return house


@pytest.fixture(scope="module")
def house(engine):
    """For what changes nothing."""
    return embedded_house(engine)


# ------------------------------------------------------------------ before it is signed


@dataclass(frozen=True)
class Lie:
    name: str
    code: str
    lies: Callable[[SimulatedWorkspace], dict]


def with_end(policy, **changes):
    """The policy in which the custodial author ends otherwise, or not at all."""
    ends = [
        replace(end, **changes) if end.identity == "bot" else end
        for end in policy.revocations
    ]
    return replace(policy, revocations=tuple(ends))


def called_external(house):
    def lie(policy):
        found = [
            replace(one, custody=Custody.EXTERNAL) if one.id == "bot" else one
            for one in policy.identities
        ]
        ends = tuple(end for end in policy.revocations if end.identity != "bot")
        return replace(policy, identities=tuple(found), revocations=ends)

    return {"policy": lie}


def under_another_id(house):
    twin = replace(house.people["bot"], id="twin", custody=Custody.EXTERNAL).identity
    return {"policy": lambda p: replace(p, identities=(*p.identities, twin))}


def somebody_new(house, *permissions, custody=Custody.EXTERNAL):
    new = house.person("new", *permissions, custody=custody).identity
    return {"policy": lambda p: replace(p, identities=(*p.identities, new))}


def a_targets_key_as_an_admin_s(house):
    tuf = next_keys(house)
    twin = house.person("ann", "admin", key=tuf.targets_keys[0]).identity

    def lie(policy):
        others = tuple(one for one in policy.identities if one.id != "ann")
        return replace(policy, identities=(*others, twin))

    return {"tuf": tuf, "policy": lie}


def custody_of(part):
    def lie(policy):
        table = policy.custody
        parts = dict.fromkeys(getattr(table, part), Custody.EXTERNAL)
        return replace(policy, custody=replace(table, **{part: parts}))

    return lambda house: {"policy": lie}


def outside_witness(policy):
    """One more, so that nothing is promoted; the thief had it in the embedded trust."""
    table = policy.custody
    more = {**table.authorities, Digest.of(b"the thief's"): Custody.EXTERNAL}
    return replace(policy, custody=replace(table, authorities=more))


def forged_survivor(house):
    forged = house.rule("acme.forged", text=rule_text("acme.forged"), by="bot").head
    return {"policy": lambda p: with_end(p, survivors=Survivors(frozenset({forged})))}


def survivors_of_before(house):
    """The first version of the rule: published once, and in force no longer."""
    old = house.releases[0].rules[0].head
    return {"policy": lambda p: with_end(p, survivors=Survivors(frozenset({old})))}


def everything_logged(house):
    """The log was the Control Plane's: it holds whatever a thief put there."""
    note = house.log.checkpoint().decode()
    return {"policy": lambda p: with_end(p, survivors=Survivors(checkpoint=note))}


def an_older_release_s_survivors(house):
    kept = Survivors(releases=frozenset({house.releases[0].digest}))
    return {"policy": lambda p: with_end(p, survivors=kept)}


def floor(number, digest=None):
    def lies(house):
        known = house.releases[number].known
        at = Floor(known.revision, digest or known.digest)
        return {"policy": lambda p: replace(p, floor=at)}

    return lies


def old_key(role):
    """The embedded form's own key, now said to be an admin's."""

    def lies(house):
        tuf = next_keys(house)
        kept = [*getattr(house.tuf, f"{role}_keys"), tuf.root_keys[1]]
        return {"tuf": replace(tuf, **{f"{role}_keys": kept})}

    return lies


def old_online_key(role):
    def lies(house):
        kept = {f"{role}_key": getattr(house.tuf, f"{role}_key")}
        return {"tuf": replace(next_keys(house), **kept)}

    return lies


def custodial_root(house):
    def lie(metadata):
        own = role_key(MemoryKey.ecdsa().public_key, Custody.CONTROL_PLANE)
        metadata.signed.add_key(own, "root")

    return {"root": lie}


def one_admin_is_enough(metadata):
    metadata.signed.roles["targets"].threshold = 1


def another_workspace(metadata):
    named = metadata.signed.unrecognized_fields["x-trustacks"]
    named["workspace"] = str(Digest.of(b"another"))


def skipped(metadata):
    metadata.signed.version += 1


LIES = (
    Lie("a custodial author who stays", "custody", lambda h: {"keep": (*KEPT, "bot")}),
    Lie("a custodial author who is suspended only", "custody",
        lambda h: {"policy": lambda p: with_end(p, final=False)}),
    Lie("a custodial author called external", "custody", called_external),
    Lie("the embedded admin who stays", "custody", lambda h: {"keep": ("admin",)}),
    Lie("a custodial key under another id", "key-reused", under_another_id),
    Lie("a new custodial author", "custody",
        lambda h: somebody_new(h, "author", custody=Custody.CONTROL_PLANE)),
    Lie("a new author without proof", "trust-proposal-mismatch",
        lambda h: somebody_new(h, "author")),
    Lie("an admin who is an author too", "trust-proposal-mismatch",
        lambda h: somebody_new(h, "admin", "author")),
    Lie("nobody who comes", "trust-proposal-mismatch", lambda h: {"admins": ()}),
    Lie("the log called external", "custody", custody_of("logs")),
    Lie("the timestamp authority called external", "custody",
        custody_of("authorities")),
    Lie("a timestamp authority that the embedded trust had called external", "custody",
        lambda h: {"policy": outside_witness}),
    Lie("a survivor that nobody published", "survivor-not-released", forged_survivor),
    Lie("a survivor that is in force no longer", "survivor-not-released",
        survivors_of_before),
    Lie("all that was logged", "survivor-not-released", everything_logged),
    Lie("all that an older release lists", "survivor-not-released",
        an_older_release_s_survivors),
    Lie("a floor below the release in force", "trust-proposal-mismatch", floor(0)),
    Lie("another release at the floor", "trust-proposal-mismatch",
        floor(1, Digest.of(b"another"))),
    Lie("no floor", "trust-proposal-mismatch",
        lambda h: {"policy": lambda p: replace(p, floor=None)}),
    Lie("an admin's targets key as their identity's", "key-reused",
        a_targets_key_as_an_admin_s),
    Lie("an identity that is gone", "trust-event-untrue",
        lambda h: {"policy": lambda p: replace(
            p, identities=tuple(i for i in p.identities if i.id != "runner"))}),
    Lie("another event", "trust-event-untrue",
        lambda h: {"change": Change(kind=LAYERS_CHANGED)}),
    Lie("an older trust policy", "trust-proposal-mismatch",
        lambda h: {"policy": lambda p: replace(p, version=1)}),
    Lie("a trust of another workspace", "trust-proposal-mismatch",
        lambda h: {"workspace": Digest.of(b"another")}),
    Lie("targets that are not newer", "trust-proposal-stale",
        lambda h: {"ahead": 0}),
    Lie("the embedded root key among the admins", "tuf-key", old_key("root")),
    Lie("the embedded targets key among the admins", "tuf-key", old_key("targets")),
    Lie("the old snapshot key", "tuf-key", old_online_key("snapshot")),
    Lie("the old timestamp key", "tuf-key", old_online_key("timestamp")),
    Lie("the old key of the release role", "tuf-key", old_online_key("release")),
    Lie("a root key in the Control Plane's custody", "tuf-custody", custodial_root),
    Lie("one admin who is enough", "tuf-threshold",
        lambda h: {"root": one_admin_is_enough}),
    Lie("a root of another workspace", "tuf-root-chain",
        lambda h: {"root": another_workspace}),
    Lie("a root that skips one", "tuf-root-chain", lambda h: {"root": skipped}),
)  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=[one.name for one in LIES])
def test_no_admin_is_asked_to_sign(lie, house):
    with pytest.raises(TrustacksError) as refused:
        draft(house, **lie.lies(house)).judge()
    assert refused.value.code == lie.code


def test_an_honest_move_is_signed(house):
    trust = draft(house).judge()
    assert trust.form is Form.SOVEREIGN
    ended = {end.identity: end for end in trust.policy.revocations}
    assert ended.keys() == {"admin", "bot", "robot"}
    newest = house.releases[-1]
    assert ended["robot"].survivors == Survivors(frozenset({newest.digest}))
    assert ended["bot"].survivors == Survivors(frozenset({newest.rules[1].head}))
    assert ended["admin"].survivors == NOTHING


def test_numbers_that_were_the_thief_s_before_are_said(engine):
    """Nothing of the embedded trust is known: what stays as lax as it was is lax."""
    house = embedded_house(engine)
    never = Freshness(stale_until=house.at + 9999 * DAY)
    house.publish_trust(freshness=never)
    house.release_again()
    made = draft(house, policy=lambda p: replace(p, freshness=never))
    trust = made.judge()
    side = TrustSide(trust.policy, digests_of(made.proposal), "x" * 64)
    said = {(one.what, one.direction) for one in diff_move(made.ground, side)}
    assert ("freshness stale_until", "loosens") in said


def certified(house, issuer_custody):
    """Have an author with an OIDC subject registered, before the move."""
    authority, ct_log = Digest.of(b"the CA"), b"c" * 32
    instance = SigstoreInstance(
        certificate_authorities=frozenset({authority}),
        ct_logs=frozenset({ct_log}),
        issuers=frozenset({ISSUER}),
    )
    table = replace(
        house.policy().custody,
        certificate_authorities={authority: Custody.EXTERNAL},
        ct_logs={ct_log: Custody.EXTERNAL},
        issuers={ISSUER: issuer_custody},
    )
    subject = SubjectPattern("carol@example.com", is_pattern=False)
    carol = Identity.of(
        house.person("carol", "author").identity.terms,
        OidcCredential("ours", ISSUER, subject),
    )
    people = tuple(one.identity for one in house.people.values())
    house.publish_trust(
        instances={"ours": instance}, custody=table, identities=(*people, carol)
    )


def test_an_author_whom_the_control_plane_can_certify_does_not_stay(engine):
    """Custody through CA and issuer counts; the identity calls itself external."""
    house = embedded_house(engine)
    certified(house, Custody.CONTROL_PLANE)
    with pytest.raises(TrustacksError) as refused:
        draft(house, keep=(*KEPT, "carol")).judge()
    assert refused.value.code == "custody"
    trust = draft(house).judge()
    assert trust.policy.revocation("carol").final
    assert set(trust.policy.instances) == {"ours"}  # or carol could not be read

    def nobody_s(policy):
        """Her instance under another name, which nobody who ended needs."""
        instance = replace(
            policy.instances["ours"],
            certificate_authorities=frozenset({Digest.of(b"its other CA")}),
            ct_logs=frozenset({b"d" * 32}),
        )
        table = policy.custody
        table = replace(
            table,
            certificate_authorities={
                **table.certificate_authorities,
                Digest.of(b"its other CA"): Custody.EXTERNAL,
            },
            ct_logs={**table.ct_logs, b"d" * 32: Custody.EXTERNAL},
        )
        return replace(
            policy, custody=table, instances={**policy.instances, "more": instance}
        )

    with pytest.raises(TrustacksError) as refused:
        draft(house, policy=nobody_s).judge()
    assert (refused.value.code, "more" in str(refused.value)) == ("custody", True)


def test_an_issuer_of_the_control_plane_does_not_become_somebody_else_s(engine):
    """Or whoever it names could stay, under the custody that their own entry has."""
    house = embedded_house(engine)
    certified(house, Custody.CONTROL_PLANE)

    def called_external(policy):
        table = replace(policy.custody, issuers={ISSUER: Custody.EXTERNAL})
        return replace(policy, custody=table)

    with pytest.raises(TrustacksError) as refused:
        draft(house, keep=(*KEPT, "carol"), policy=called_external).judge()
    assert (refused.value.code, ISSUER in str(refused.value)) == ("custody", True)


def test_an_author_of_an_outside_instance_may_stay(engine):
    house = embedded_house(engine)
    certified(house, Custody.EXTERNAL)
    trust = draft(house, keep=(*KEPT, "carol")).judge()
    assert trust.policy.revocation("carol") is None
    assert trust.policy.custody_of(trust.policy.identity("carol")) is Custody.EXTERNAL


def test_a_move_on_other_targets_than_those_in_force_is_stale(engine):
    house = embedded_house(engine)
    made = draft(house)
    house.publish_trust()
    ground = EmbeddedGround.open(embedded_bytes(house), at=house.at)
    with pytest.raises(TrustacksError) as refused:
        replace(made, ground=ground).judge()
    assert refused.value.code == "trust-proposal-stale"


def test_a_sovereign_workspace_is_not_moved(engine):
    house = SimulatedWorkspace(utc_now() - timedelta(minutes=1), engine, sovereign=True)
    with pytest.raises(AlreadySovereignError):
        EmbeddedGround.open(embedded_bytes(house), at=house.at)


def test_a_workspace_is_moved_once(engine):
    """Its genesis root stays embedded; what its keys were is over."""
    house = embedded_house(engine)
    move(house)
    chain = house.repository.current().chain
    assert [is_sovereign(root.signed) for root in chain.opened] == [False, True]
    assert from_pin(chain).raw == (house.root,)
    with pytest.raises(AlreadySovereignError):
        draft(house)


# ------------------------------------------------------------------ afterwards


class Moved:
    """A workspace after its move, Runners of both pins, and a thief with the old keys.

    ``mend`` ends the thief's lies and has honest people release once more.
    """

    def __init__(self, engine, folder, monkeypatch, *, fresh: bool):
        self.house = embedded_house(engine)
        self.genesis = self.house.root
        self.bench = Bench(self.house, folder / "new")
        self.lower = Bench(self.house, folder / "old")
        self.lower.clock = self.bench.clock
        self.lower.mirror = self.bench.mirror
        self.bench.clock.move(minutes=1)
        told_time(monkeypatch, self.bench)
        self.old = self.lower.runner()
        assert self.old.step().outcome == "activated"
        self.before = self.house.storage.copy()
        self.relics = move(self.house)
        self.house.release_again()
        assert self.old.step().outcome == "activated"
        self.new = self.bench.runner()
        if not fresh:
            assert self.new.step().outcome == "activated"
        self.kept = disk(self.bench.directory)

    def mend(self):
        mirror = self.bench.mirror
        mirror.storage = self.house.storage
        mirror.replaced.clear()
        self.house.release_again()

    def close(self):
        self.bench.close()
        self.lower.close()


@pytest.fixture(params=["with state", "fresh"])
def moved(request, engine, tmp_path, monkeypatch):
    made = Moved(engine, tmp_path, monkeypatch, fresh=request.param == "fresh")
    yield made
    made.close()


@dataclass(frozen=True)
class Attack:
    name: str
    code: str
    act: Callable[[Moved], None]


def rival(moved, *, number=2):
    """A root after the embedded one, signed by its key, that names the thief's."""
    thief = next_keys(moved.house)
    genesis = Metadata.from_bytes(moved.genesis)

    def lie(metadata):
        metadata.signed.version = number
        for role in ("root", "targets", "snapshot", "timestamp"):
            for old in list(metadata.signed.roles[role].keyids):
                metadata.signed.revoke_key(old, role)
        for role, keys in (
            ("root", thief.root_keys),
            ("targets", thief.targets_keys),
            ("snapshot", [thief.snapshot_key]),
            ("timestamp", [thief.timestamp_key]),
        ):
            for key in keys:
                metadata.signed.add_key(
                    role_key(key.public_key, Custody.CONTROL_PLANE), role
                )

    keys = [*moved.relics.tuf.root_keys, *thief.root_keys]
    root = moved.relics.tuf.resign(genesis.to_bytes(), lie, keys, Custody.CONTROL_PLANE)
    return thief, root


def rival_house(moved):
    """A whole repository of the thief's under the rival root, with a rule of theirs."""
    thief, root = rival(moved)
    house = moved.house
    storage = house.storage.copy()
    for name in list(storage.objects):
        if name.startswith("metadata/") and name != "metadata/1.root.json":
            del storage.objects[name]
    mine = object.__new__(SimulatedWorkspace)
    mine.__dict__ = {**house.__dict__, "storage": storage, "ended": {}}
    mine.form, mine.releases, mine.policy_changes = Form.EMBEDDED, [], {}
    mine.policy_version = 50
    own = [mine.person("thief", "author"), mine.person("fence", "release")]
    mine.people = {**moved.relics.people, **{one.id: one for one in own}}
    storage.put_immutable("metadata/2.root.json", root)
    mine.tuf = replace(thief, storage=storage, root=root, custody=Custody.CONTROL_PLANE)
    for _ in range(2):
        mine.publish_trust()
    text = rule_text("acme.evil", message="anything")
    mine.release(mine.rule("acme.evil", text=text, by="thief"), by="fence")
    return mine


def the_rival_s_whole_repository(moved):
    moved.bench.mirror.storage = rival_house(moved).storage


def a_rival_root_in_place_of_the_pinned_one(moved):
    """A mirror cannot replace what is pinned; the third root is not signed by it."""
    _, root = rival(moved, number=3)
    moved.bench.mirror.replaced["metadata/3.root.json"] = root


def the_embedded_repository_of_before(moved):
    """Renewed by the thief, so that nothing in it has run out."""
    old = moved.relics.tuf.on(moved.before)
    old.repository.refresh(moved.house.at + timedelta(hours=20))
    moved.bench.mirror.storage = moved.before


def resigned(moved, name, role):
    """The newest file of a role, numbered up and signed with its old key."""

    def lie(metadata):
        metadata.signed.version += 1

    key = getattr(moved.relics.tuf, f"{role}_key")
    data = moved.house.storage.get(name, max_bytes=1 << 20)
    old = moved.relics.tuf
    return old.resign(data, lie, [key], Custody.CONTROL_PLANE)


def a_timestamp_with_the_old_key(moved):
    replaced = resigned(moved, TIMESTAMP, "timestamp")
    moved.bench.mirror.replaced[TIMESTAMP] = replaced


def targets_with_the_old_key(moved):
    """The Control Plane serves them under the online keys of today."""
    house, old = moved.house, moved.relics.tuf
    policy = house.policy(identities=(house.person("thief", "author").identity,))
    data = policy.to_bytes()

    def lie(metadata):
        metadata.signed.version += 1
        path = "trust/policy.json"
        metadata.signed.targets[path] = TargetFile.from_data(path, data, ["sha256"])

    current = house.repository.current()
    custody = Custody.CONTROL_PLANE
    forged = old.resign(current.targets, lie, old.targets_keys, custody)
    serve(moved, forged, current.release)


def serve(moved, targets, release):
    at_work(moved).serve(targets, release)


def at_work(moved) -> Scene:
    """A thief with everything that the Control Plane can still use."""
    scene = object.__new__(Scene)
    scene.house, scene.bench = moved.house, moved.bench
    return scene


def listed(moved, made):
    house = moved.house
    repository = Repository(house.storage, house.hostile.keys)
    revision = made.predicate.revision
    staged = repository.prepare_release(revision, made.files, keep=9, at=house.at)
    repository.publish_release(staged, at=house.at)


def a_release_by_the_custodial_releaser(moved):
    house = moved.house
    house.people["robot"] = moved.relics.people["robot"]
    made = house.make_release(*house.releases[-1].rules, by="robot")
    del house.people["robot"]
    listed(moved, made)


def a_rule_by_the_custodial_author(moved):
    """The release identity was talked into releasing it."""
    house = moved.house
    house.people["bot"] = moved.relics.people["bot"]
    text = rule_text("acme.late", message="anything")
    rule = house.rule("acme.late", text=text, by="bot", at=house.at - 20 * DAY)
    del house.people["bot"]
    listed(moved, house.make_release(*house.releases[-1].rules, rule))


def a_survivor_s_place_taken(moved):
    """Another statement of the custodial author's, for the rule that survives."""
    house = moved.house
    house.people["bot"] = moved.relics.people["bot"]
    kept = house.releases[-1].rules[1]
    other = house.rule(WINDOW, text=rule_text(WINDOW, message="looser"), by="bot",
                       supersedes=kept.head)  # fmt: skip
    other = other.approved(house.approval(kept, other))
    del house.people["bot"]
    listed(moved, house.make_release(house.releases[-1].rules[0], other))


def a_policy_with_more_survivors(moved):
    """Survivors are in the admins' policy; the thief has no admin key but the old."""
    house, old = moved.house, moved.relics.tuf
    robot = Revocation("robot", house.at, "x", Survivors(frozenset({Digest.of(b"x")})))
    policy = house.policy()
    ends = tuple(e for e in policy.revocations if e.identity != "robot")
    data = replace(policy, version=99, revocations=(*ends, robot)).to_bytes()

    def lie(metadata):
        metadata.signed.version += 1
        path = "trust/policy.json"
        metadata.signed.targets[path] = TargetFile.from_data(path, data, ["sha256"])

    current = house.repository.current()
    signers = [*old.targets_keys, *old.root_keys, house.hostile.own]
    forged = old.resign(current.targets, lie, signers, Custody.CONTROL_PLANE)
    serve(moved, forged, current.release)


def the_release_of_before_the_move(moved):
    """It was made for the embedded trust; a fresh Runner has a floor at it."""
    house = moved.house
    current = house.repository.current()
    files = {
        path: file
        for path, file in current.delegated.signed.targets.items()
        if path.startswith("overlay/2/")
    }
    serve(moved, current.targets, at_work(moved).list_only(files))


def a_custodial_author_kept_by_trick(moved):
    """Two admins signed what their own client would have refused."""
    house = moved.house
    house.ended.pop(moved.relics.people["bot"].identity)
    house.people["bot"] = moved.relics.people["bot"]
    house.publish_trust()
    listed(moved, house.make_release(*house.releases[-1].rules))


AFTERWARDS = (
    Attack("the rival's whole repository", "tuf-signature",
           the_rival_s_whole_repository),
    Attack("a rival root after the pinned one", "tuf-signature",
           a_rival_root_in_place_of_the_pinned_one),
    Attack("the embedded repository of before", "tuf-signature",
           the_embedded_repository_of_before),
    Attack("a timestamp with the old key", "tuf-signature",
           a_timestamp_with_the_old_key),
    Attack("targets with the old key", "tuf-signature", targets_with_the_old_key),
    Attack("a policy with more survivors", "tuf-signature",
           a_policy_with_more_survivors),
    Attack("a release by the custodial releaser", "revoked",
           a_release_by_the_custodial_releaser),
    Attack("a rule by the custodial author, dated back", "revoked",
           a_rule_by_the_custodial_author),
    Attack("another statement in a survivor's place", "revoked",
           a_survivor_s_place_taken),
    Attack("the release of before the move", "parents-not-current",
           the_release_of_before_the_move),
    Attack("a custodial author kept by trick", "custody",
           a_custodial_author_kept_by_trick),
)  # fmt: skip


@pytest.mark.parametrize("attack", AFTERWARDS, ids=[a.name for a in AFTERWARDS])
def test_a_runner_of_the_new_pin_refuses_and_changes_nothing(attack, moved):
    fresh = not moved.new.status().revision
    attack.act(moved)

    event = moved.new.step()

    assert (event.outcome, event.code) == ("held", attack.code)
    after = {n: d for n, d in disk(moved.bench.directory).items() if "releases" in n}
    before = {n: d for n, d in moved.kept.items() if "releases" in n}
    assert after == before
    assert moved.new.status().form is Form.SOVEREIGN
    if fresh:
        assert not moved.new.decide(proposal(body="CM-1"))
    else:
        denied = moved.new.decide(proposal(change_kind="normal"))
        assert denied.denies


def test_what_survives_goes_on(moved):
    """The custodial author's rule is enforced: admins signed its digest."""
    moved.mend()
    assert moved.new.step().outcome == "activated"
    moved.mend()
    assert moved.new.step().outcome == "activated"  # beyond the floor too
    denied = moved.new.decide(proposal(change_kind="normal"))
    assert TICKET in {deny.rule_id for deny in denied.denies}


# ------------------------------------------------------------------ the lower pin


def test_a_runner_pinned_lower_says_embedded_for_ever(moved):
    for _ in range(2):
        moved.mend()
        assert moved.old.step().outcome == "activated"
        status = moved.old.status()
        assert status.form is Form.EMBEDDED
        assert status.to_json()["form"] == "embedded"
    moved.old = moved.lower.restart(moved.old, root=moved.genesis)
    assert moved.old.status().form is Form.EMBEDDED
    roots = moved.house.repository.current().roots
    assert open_roots(roots).form is Form.EMBEDDED
    assert open_roots(roots[1:]).form is Form.SOVEREIGN
    assert open_roots(roots[1:]).workspace == open_roots(roots).workspace


def test_a_fresh_runner_pinned_lower_can_be_led_astray_and_says_so(moved, tmp_path):
    the_rival_s_whole_repository(moved)
    moved.lower.directory = tmp_path / "astray"
    astray = moved.lower.runner(root=moved.genesis)
    assert astray.step().outcome == "activated"
    assert "acme.evil" in {r.rule_id for r in astray._life.active.release.rules}
    assert astray.status().form is Form.EMBEDDED


# ------------------------------------------------------------------ the new pin


def pinned_anew(moved, bench=None):
    """The Runner of the old pin, its state kept, pinned to the new root."""
    bench = bench or moved.lower
    for runner in bench._open:
        runner.close()
    return bench.runner(root=moved.house.root)


def test_a_runner_that_is_pinned_anew_keeps_its_marks_and_decides_by_nothing_old(moved):
    before = moved.old.status()
    runner = pinned_anew(moved)
    found = runner.status()
    assert (found.form, found.revision, found.code) == (
        Form.SOVEREIGN,
        None,
        "pinned-root",
    )
    assert not runner.decide(proposal(body="CM-1"))
    assert runner.step().outcome == "activated"
    after = runner.status()
    assert (after.revision, after.release) == (before.revision, before.release)
    again = moved.lower.restart(runner, root=moved.house.root)
    assert again.status().revision == after.revision


def test_what_a_thief_gave_to_the_old_pin_ends_with_it(moved, tmp_path):
    """Also with the thief's metadata in the cache, and whatever marks they set."""
    the_rival_s_whole_repository(moved)
    moved.lower.directory = tmp_path / "astray"
    astray = moved.lower.runner(root=moved.genesis)
    assert astray.step().outcome == "activated"
    runner = pinned_anew(moved)
    assert not runner.decide(proposal(body="CM-1"))
    held = runner.step()
    assert (held.outcome, held.code) == ("held", "tuf-signature")
    assert not runner.decide(proposal(body="CM-1"))
    moved.mend()
    held = runner.step()
    # It has seen another root of this number: it needs a new directory.
    assert (held.outcome, held.code) == ("held", "version-reused")
    assert not runner.decide(proposal(body="CM-1"))


def test_a_pending_release_of_the_old_pin_is_left(moved, monkeypatch):
    """Killed between pending and commit, and pinned anew before the next start."""
    from bundle.runner import activate  # noqa: PLC0415

    moved.mend()

    def killed(*_args, **_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(activate, "load_active", killed)
        with pytest.raises(KeyboardInterrupt):
            moved.old.step()
    runner = pinned_anew(moved)
    assert runner.status().revision is None
    assert not runner.decide(proposal(body="CM-1"))
    assert runner.step().outcome == "activated"


def test_the_event_of_a_move_is_no_ordinary_change(moved):
    """Otherwise a proposal could bring or end people whom its event does not name."""
    from bundle.trust_event import require_true  # noqa: PLC0415

    policy = moved.house.policy()
    with pytest.raises(TrustacksError) as refused:
        require_true(policy, replace(policy, version=99), Change(kind=MADE_SOVEREIGN))
    assert refused.value.code == "trust-event-untrue"
