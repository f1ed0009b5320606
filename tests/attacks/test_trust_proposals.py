# SPDX-License-Identifier: Apache-2.0
"""A Control Plane in a thief's hands asks an admin to sign: what it may not ask for."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, TargetFile

from bundle.rego.embedded import EmbeddedEngine
from bundle.trust_proposal import InForce
from bundle.tuf.keys import identify, role_key
from bundle.tuf.proposal import (
    Base,
    ProposalSignature,
    TrustProposal,
    build_proposal,
    delegated_key,
)
from bundle.tuf.proposal_signing import assemble, sign_proposal
from bundle.tuf.rootchain import open_roots
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import TrustacksError
from signer.credential import KeyCredential, OidcCredential
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.pins import Floor, Freshness
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_RESUMED,
    IDENTITY_REVOKED,
    IDENTITY_ROTATED,
    LAYERS_CHANGED,
    RELEASE_KEY_CHANGED,
    RULES_CHANGED,
    SURVIVORS_CHANGED,
    TRUST_RENEWED,
    Change,
)
from signer.revocation import Revocation, Survivors
from signer.subject_pattern import SubjectPattern
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot
from tests.simulators.instance import GITHUB, MAIN, SimulatedInstance
from tests.simulators.signing import SimulatedLog
from tests.simulators.workspace import SimulatedWorkspace
from trustacks.trusting import review

AT = utc_now().replace(microsecond=0)
RULES = Change(kind=RULES_CHANGED)


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as started:
        yield started


@pytest.fixture(scope="module")
def house(engine):
    made = SimulatedWorkspace(AT, engine, sovereign=True)
    ended = Revocation("runner", AT, "left")
    held = Revocation("admin", AT, "on leave", final=False)
    made.publish_trust(revocations=(ended, held))
    made.release(made.rule())
    return made


def in_force(house):
    current = house.repository.current()
    files = {
        p: house.repository.read(p, max_bytes=1 << 24) for p in current.top.targets
    }
    policy = TrustPolicy.parse(files["trust/policy.json"])
    roots = open_roots(current.roots)
    trust = Trust(
        workspace=roots.workspace,
        form=roots.form,
        policy=policy,
        trusted_root=TrustedRoot.parse(files["trust/trusted_root.json"]),
    )
    base = Base(current.top.version, Digest.of(current.targets))
    key = identify(delegated_key(current.top))
    return roots, InForce(base, trust, files, house.chain, key)


def propose(house, *, change=RULES, base=None, version=None, workspace=None, **policy):
    """The next trust with these changes, and its files."""
    _, now = in_force(house)
    old = now.trust.policy
    new = replace(old, **{"version": old.version + 1, **policy})
    files = {**now.files, "trust/policy.json": new.to_bytes()}
    key = role_key(house.tuf.release_key.public_key, Custody.CONTROL_PLANE)
    made = build_proposal(
        workspace or house.workspace,
        now.base if base is None else base,
        version or now.base.version + 1,
        files,
        key,
        change,
        checkpoint=house.log.checkpoint().decode(),
        at=AT,
    )
    return made, files


def rebuilt(made, change):
    """The same proposal with other targets."""
    metadata = Metadata.from_bytes(made.targets)
    change(metadata.signed)
    return replace(made, targets=metadata.to_bytes())


def judged(house, made, files, signatures=()):
    roots, now = in_force(house)
    return review(made, roots, now, files, list(signatures), at=AT)


def identities(house, *more):
    return (*in_force(house)[1].trust.policy.identities, *more)


def thief(house, **terms):
    return house.person("thief", "author", **terms).identity


def registered(identity_id="thief"):
    proof = Digest.of(b"a proof")
    return Change(kind=IDENTITY_REGISTERED, identity=identity_id, proof=proof)


def changed_identity(house):
    first, *rest = identities(house)
    return (replace(first, permissions=first.permissions | {"release"}), *rest)


def foreign_target(targets):
    targets.targets["overlay/9/bundle.tar.gz"] = TargetFile(
        1, {"sha256": "0" * 64}, "overlay/9/bundle.tar.gz"
    )


def wider_delegation(targets):
    (keyid,) = targets.delegations.keys
    role = DelegatedRole("release", [keyid], 1, terminating=True, paths=["*"])
    targets.delegations = Delegations(targets.delegations.keys, {"release": role})


def long_life(targets):
    targets.expires = AT + timedelta(days=400)


def propose_older(house):
    _, now = in_force(house)
    made, files = propose(house)
    old = now.files["trust/policy.json"]
    files = {**files, "trust/policy.json": old}

    def back(targets):
        path = "trust/policy.json"
        targets.targets[path] = TargetFile(
            len(old), {"sha256": Digest.of(old).hex}, path
        )

    return rebuilt(made, back), files


def with_targets(house, change):
    made, files = propose(house)
    made = rebuilt(made, change)
    if "overlay/9/bundle.tar.gz" in made.signed.targets:
        files = {**files, "overlay/9/bundle.tar.gz": b"x"}
        path = "overlay/9/bundle.tar.gz"
        made = rebuilt(
            made,
            lambda t: t.targets.update(
                {path: TargetFile(1, {"sha256": Digest.of(b"x").hex}, path)}
            ),
        )
    return made, files


def ending(house, survivors):
    end = Revocation("author", AT, "left", survivors)
    before = in_force(house)[1].trust.policy.revocations
    change = Change(kind=IDENTITY_REVOKED, identity="author")
    return propose(house, change=change, revocations=(*before, end))


def certified(house, *, inside="", name="workflow", change=None):
    """A proposal of an OIDC subject, of whose instance the Control Plane has a part."""
    custody = dict.fromkeys(("ca", "ct", "issuer"), Custody.EXTERNAL)
    custody |= {inside: Custody.CONTROL_PLANE} if inside else {}
    instance, old = SimulatedInstance(), in_force(house)[1].trust.policy
    subject = replace(
        house.person(name, "release").identity,
        credential=OidcCredential("public", GITHUB, SubjectPattern.exactly(MAIN)),
    )
    table = replace(
        old.custody,
        certificate_authorities={instance.authority: custody["ca"]},
        ct_logs={instance.log_id: custody["ct"]},
        issuers={GITHUB: custody["issuer"]},
    )
    pinned = SigstoreInstance(
        certificate_authorities=frozenset(table.certificate_authorities),
        ct_logs=frozenset(table.ct_logs),
        issuers=frozenset(table.issuers),
    )
    return propose(
        house,
        change=change or Change(kind=IDENTITY_REGISTERED, identity=name),
        identities=identities(house, subject),
        instances={"public": pinned},
        custody=table,
    )


def succeeded_by_somebody_else(house):
    before = in_force(house)[1].trust.policy.revocations
    end = Revocation("author", AT, "rotated")
    change = Change(
        kind=IDENTITY_ROTATED,
        identity="thief",
        replaces="author",
        proof=Digest.of(b"a proof"),
    )
    return propose(
        house,
        change=change,
        identities=identities(house, thief(house)),
        revocations=(*before, end),
    )


def thief_s_log(house):
    log = SimulatedLog(house.log.origin)
    log.append(b"{}")
    return log


ATTACKS = {
    "a custodial author": (
        lambda h: propose(
            h,
            change=registered(),
            identities=identities(h, thief(h, custody=Custody.CONTROL_PLANE)),
        ),
        "custody",
    ),
    "an identity without a proof": (
        lambda h: propose(
            h,
            change=Change(kind=IDENTITY_REGISTERED, identity="thief"),
            identities=identities(h, thief(h)),
        ),
        "trust-proposal-mismatch",
    ),
    "an identity that nobody announces": (
        lambda h: propose(h, identities=identities(h, thief(h))),
        "trust-event-untrue",
    ),
    "a renewal that changes an age": (
        lambda h: propose(
            h,
            change=Change(kind=TRUST_RENEWED),
            freshness=Freshness(release_max_seconds=60),
        ),
        "trust-event-untrue",
    ),
    "another release key, and an age": (
        lambda h: propose(
            h,
            change=Change(kind=RELEASE_KEY_CHANGED),
            freshness=Freshness(release_max_seconds=60),
        ),
        "trust-event-untrue",
    ),
    "survivors of somebody who has not ended": (
        lambda h: propose(h, change=Change(kind=SURVIVORS_CHANGED, identity="author")),
        "trust-event-untrue",
    ),
    "survivors, and an age": (
        lambda h: propose(
            h,
            change=Change(kind=SURVIVORS_CHANGED, identity="runner"),
            freshness=Freshness(release_max_seconds=60),
        ),
        "trust-event-untrue",
    ),
    "survivors, and a suspension that is final": (
        lambda h: propose(
            h,
            change=Change(kind=SURVIVORS_CHANGED, identity="admin"),
            revocations=tuple(
                replace(end, final=True)
                for end in in_force(h)[1].trust.policy.revocations
            ),
        ),
        "trust-event-untrue",
    ),
    "another identity than announced": (
        lambda h: propose(
            h, change=registered("jane"), identities=identities(h, thief(h))
        ),
        "trust-event-untrue",
    ),
    "two identities under one event": (
        lambda h: propose(
            h,
            change=registered(),
            identities=identities(h, thief(h), h.person("two", "author").identity),
        ),
        "trust-event-untrue",
    ),
    "an identity that may more": (
        lambda h: propose(h, identities=changed_identity(h)),
        "trust-event-untrue",
    ),
    "a subject that the Control Plane can have certified": (
        lambda h: certified(h, inside="ca"),
        "custody",
    ),
    "a subject whose certificates nobody else sees": (
        lambda h: certified(h, inside="ct"),
        "custody",
    ),
    "a subject that the Control Plane names": (
        lambda h: certified(h, inside="issuer"),
        "custody",
    ),
    "a subject that nobody announces": (
        lambda h: certified(h, change=RULES),
        "trust-event-untrue",
    ),
    "a successor who is somebody else": (
        succeeded_by_somebody_else,
        "trust-event-untrue",
    ),
    "an identity that is gone": (
        lambda h: propose(h, identities=identities(h)[1:], revocations=()),
        "trust-event-untrue",
    ),
    "a revoked identity that is back": (
        lambda h: propose(
            h,
            change=Change(kind=IDENTITY_RESUMED, identity="runner"),
            revocations=(Revocation("admin", AT, "on leave", final=False),),
        ),
        "trust-event-untrue",
    ),
    "a revocation made a suspension": (
        lambda h: propose(
            h,
            revocations=(
                Revocation("runner", AT, "left", final=False),
                Revocation("admin", AT, "on leave", final=False),
            ),
        ),
        "trust-event-untrue",
    ),
    "a suspension lifted under another name": (
        lambda h: propose(
            h,
            change=Change(kind=LAYERS_CHANGED),
            revocations=(Revocation("runner", AT, "left"),),
        ),
        "trust-event-untrue",
    ),
    "a floor that nobody published": (
        lambda h: propose(h, floor=Floor(1, Digest.of(b"no release"))),
        "trust-proposal-mismatch",
    ),
    "a floor at another revision than its release says": (
        lambda h: propose(h, floor=Floor(2, h.releases[0].digest)),
        "trust-proposal-mismatch",
    ),
    "a survivor that nobody published": (
        lambda h: ending(h, Survivors(releases=frozenset({Digest.of(b"none")}))),
        "trust-proposal-mismatch",
    ),
    "survivors in the tree of a thief's log": (
        lambda h: ending(h, Survivors(checkpoint=thief_s_log(h).checkpoint().decode())),
        "checkpoint-signature",
    ),
    "an older trust policy": (
        propose_older,
        "trust-proposal-mismatch",
    ),
    "other targets before": (
        lambda h: propose(h, base=Base(1, Digest.of(b"x"))),
        "trust-proposal-stale",
    ),
    "a version that is in force": (
        lambda h: propose(h, version=in_force(h)[1].base.version),
        "trust-proposal-stale",
    ),
    "another workspace": (
        lambda h: propose(h, workspace=Digest.of(b"other")),
        "trust-proposal-mismatch",
    ),
    "an admin's targets key as an author's": (
        lambda h: propose(
            h,
            change=registered(),
            identities=identities(
                h,
                replace(
                    thief(h), credential=KeyCredential(h.tuf.targets_keys[0].public_key)
                ),
            ),
        ),
        "key-reused",
    ),
    "an overlay among the admins' targets": (
        lambda h: with_targets(h, foreign_target),
        "tuf-target",
    ),
    "a wider delegation": (
        lambda h: with_targets(h, wider_delegation),
        "tuf-delegation",
    ),
    "trust for a year": (lambda h: with_targets(h, long_life), "tuf-expired"),
    "files that are not listed": (
        lambda h: (propose(h)[0], {**propose(h)[1], "trust/policy.json": b"{}"}),
        "trust-proposal-mismatch",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_admin_is_asked_to_sign(house, name):
    attack, code = ATTACKS[name]
    before = dict(house.storage.objects)
    with pytest.raises(TrustacksError) as refused:
        judged(house, *attack(house))
    assert refused.value.code == code
    assert dict(house.storage.objects) == before


def test_survivors_are_shown_one_by_one(house):
    kept = Survivors(
        frozenset({Digest.of(b"one")}),
        frozenset({house.releases[0].digest}),
        house.log.checkpoint().decode(),
    )
    shown = judged(house, *ending(house, kept)).differences
    (said,) = [one for one in shown if one.what == "identity author"]
    assert said.direction == "tightens"
    for part in (
        f"attestation {Digest.of(b'one')}",
        f"all that release {house.releases[0].digest} lists",
        f"the first {len(house.log.bodies)} entries of {house.log.origin}, tree ",
    ):
        assert part in said.says


def test_an_honest_change_is_shown_in_words(house):
    found = judged(
        house,
        *propose(
            house, change=registered(), identities=identities(house, thief(house))
        ),
    )
    assert [one.what for one in found.differences] == ["identity thief"]


def test_what_the_server_signs_itself_is_no_admin_s_signature(house):
    made, files = propose(house)
    roots, _ = in_force(house)
    online = role_key(house.tuf.release_key.public_key, Custody.CONTROL_PLANE)
    forged = ProposalSignature(
        online.keyid, house.tuf.release_key.sign(made.signed_bytes)
    )
    with pytest.raises(TrustacksError) as refused:
        judged(house, made, files, [forged])
    assert refused.value.code == "tuf-key"
    one = sign_proposal(made, roots.current, house.tuf.targets_keys[0])
    found = judged(house, made, files, [one, one])
    assert (len(found.signatures), found.threshold) == (1, 2)
    with pytest.raises(TrustacksError) as refused:
        found.targets()
    assert refused.value.code == "tuf-signature"


def test_signatures_of_one_proposal_publish_no_other(house):
    """The thief holds both admins' signatures of an honest proposal."""
    honest, _ = propose(house)
    roots, _ = in_force(house)
    held = [sign_proposal(honest, roots.current, k) for k in house.tuf.targets_keys]
    other, _ = propose(
        house, change=registered(), identities=identities(house, thief(house))
    )
    with pytest.raises(TrustacksError) as refused:
        assemble(other, roots.current, held)
    assert refused.value.code == "tuf-signature"
    assert TrustProposal.parse(honest.to_bytes()).id == honest.id


def test_a_subject_in_outside_hands_is_asked_for(house):
    """No proof is asked: an OIDC subject has no key."""
    found = judged(house, *certified(house))
    said = [one.says for one in found.differences if one.what == "identity workflow"]
    assert any(f"subject {MAIN} of {GITHUB} by public" in one for one in said)
