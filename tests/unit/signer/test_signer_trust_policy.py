# SPDX-License-Identifier: Apache-2.0
"""A trust policy that exists is one that can be meant."""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.digest import Digest
from keys.errors import FieldFormatError, FormatError, UsageError
from keys.strict import dumps_json, loads_json
from signer.credential import KeyCredential
from signer.custody import CustodyTable
from signer.errors import (
    CustodyError,
    KeyReusedError,
    UnknownCustodyError,
    UnknownIdentityError,
    UnknownSignerError,
    UnsafeTrustPolicyError,
    WorkspaceMismatchError,
)
from signer.form import Custody, Form
from signer.identity import Identity, IdentityTerms
from signer.limits import MAX_APPROVALS, MAX_COSIGNERS, MAX_NAMED_RELEASES
from signer.pins import Floor, Freshness, LayerPin
from signer.revocation import Revocation, Survivors
from signer.tlog.errors import NoteFormatError
from signer.trust import Expected
from signer.trust_policy import TrustPolicy
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN, END, NOW, Workshop, person

SHOP = Workshop()
POLICY = SHOP.policy(
    revocations=(
        Revocation(
            "runner",
            NOW,
            "retired",
            Survivors(
                attestations=frozenset({Digest.of(b"kept")}),
                releases=frozenset({Digest.of(b"release")}),
            ),
        ),
    ),
    floor=Floor(3, Digest.of(b"release 3")),
    freshness=Freshness(stale_until=NOW),
    withdrawn_waivers=frozenset({Digest.of(b"waiver")}),
)
AUTHOR = SHOP.people["author"]


def changed(**changes) -> bytes:
    data = POLICY.to_bytes()
    return dumps_json(loads_json(data, max_bytes=len(data)) | changes)


def test_a_policy_is_read_as_it_was_written():
    read = TrustPolicy.parse(POLICY.to_bytes())

    assert read == POLICY
    assert read.to_bytes() == POLICY.to_bytes()


def test_identities_are_found_by_id_and_key():
    assert POLICY.identity("author") == AUTHOR.identity
    assert POLICY.identity_by_key(AUTHOR.key.public_key.key_id).id == "author"
    with pytest.raises(UnknownIdentityError):
        POLICY.identity("nobody")
    with pytest.raises(UnknownSignerError):
        POLICY.identity_by_key("0" * 64)


def test_a_revocation_is_found_and_so_is_none():
    assert POLICY.revocation("runner").reason == "retired"
    assert POLICY.revocation("author") is None
    assert POLICY.survives(POLICY.identity("runner"), Digest.of(b"kept"))
    assert not POLICY.survives(POLICY.identity("author"), Digest.of(b"kept"))
    assert POLICY.named_releases == {Digest.of(b"release"), POLICY.floor.digest}


def test_named_releases_are_bounded_and_a_checkpoint_is_one():
    many = [Digest.of(str(i).encode()) for i in range(MAX_NAMED_RELEASES + 1)]
    Survivors(releases=frozenset(many[1:]))
    with pytest.raises(UnsafeTrustPolicyError):
        Survivors(releases=frozenset(many))
    some = [Survivors(releases=frozenset(half)) for half in (many[:16], many[16:])]
    ends = [
        Revocation(one, NOW, "left", kept)
        for one, kept in zip(("runner", "author"), some, strict=True)
    ]
    with pytest.raises(UnsafeTrustPolicyError):
        SHOP.policy(revocations=tuple(ends))
    with pytest.raises(NoteFormatError):
        Survivors(checkpoint="acme.log.example.com\n1\n")


TWIN = replace(person("twin", "author"), key=AUTHOR.key)
NAMESAKE = person("author", "release")
UNSAFE = {
    "version 0": (lambda: SHOP.policy(version=0), UnsafeTrustPolicyError),
    "an id twice": (
        lambda: SHOP.policy(identities=(AUTHOR.identity, NAMESAKE.identity)),
        UnsafeTrustPolicyError,
    ),
    "one key under two ids": (
        lambda: SHOP.policy(identities=(AUTHOR.identity, TWIN.identity)),
        KeyReusedError,
    ),
    "a publisher who is an author": (
        lambda: SHOP.policy(
            layers=replace(
                POLICY.layers,
                constitution=LayerPin(Digest.of(b"c"), AUTHOR.key.public_key),
            )
        ),
        KeyReusedError,
    ),
    "a pack's publisher who is an author": (
        lambda: SHOP.policy(
            layers=replace(
                POLICY.layers, packs={"p": LayerPin(Digest.of(b"c"), AUTHOR.key.public_key)}
            )
        ),
        KeyReusedError,
    ),
    "a revocation of nobody": (
        lambda: SHOP.policy(revocations=(Revocation("nobody", NOW, "why"),)),
        UnsafeTrustPolicyError,
    ),
    "two revocations of one": (
        lambda: SHOP.policy(revocations=(Revocation("author", NOW, "why"),) * 2),
        UnsafeTrustPolicyError,
    ),
    "a threshold of nobody": (
        lambda: SHOP.policy(thresholds={"rule": 0}), UnsafeTrustPolicyError,
    ),
    "a threshold that nobody can reach": (
        lambda: SHOP.policy(thresholds={"rule": 2}), UnsafeTrustPolicyError,
    ),
    "a threshold of something else": (
        lambda: SHOP.policy(thresholds={"rules": 1}), FieldFormatError,
    ),
    "a release that lives for ever": (
        lambda: Freshness(release_max_seconds=30 * 86_400 + 1), UnsafeTrustPolicyError,
    ),
    "a release that never lived": (
        lambda: Freshness(release_max_seconds=0), UnsafeTrustPolicyError,
    ),
    "targets that live for ever": (
        lambda: Freshness(targets_max_seconds=90 * 86_400 + 1), UnsafeTrustPolicyError,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("build", "error"), [pytest.param(*row, id=name) for name, row in UNSAFE.items()]
)
def test_an_unsafe_policy_cannot_be_built(build, error):
    with pytest.raises(error):
        build()


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("rule", 1, MAX_COSIGNERS + 1),
        ("release", 1, MAX_COSIGNERS + 1),
        ("approval", 2, MAX_APPROVALS + 1),
    ],
)
def test_a_threshold_is_from_what_can_be_meant_to_what_a_release_carries(
    name, least, most
):
    people = [
        person(f"p{number}", "author", "release", "approve").identity
        for number in range(most + 1)
    ]
    for good in (least, most):
        assert SHOP.policy(identities=people, thresholds={name: good})
    for bad in (least - 1, most + 1):
        with pytest.raises(UnsafeTrustPolicyError):
            SHOP.policy(identities=people, thresholds={name: bad})


def test_authors_and_approvers_stand_behind_a_change_together():
    approver = person("approver", "approve")
    releaser = person("releaser", "release")
    people = (AUTHOR.identity, approver.identity, releaser.identity)
    assert SHOP.policy(identities=people, thresholds={"approval": 2})
    with pytest.raises(UnsafeTrustPolicyError):
        SHOP.policy(identities=people, thresholds={"approval": 3})


def test_a_threshold_counts_principals_and_not_identities():
    second = person("second", "author")
    same = replace(second.identity, principal=AUTHOR.identity.principal)

    with pytest.raises(UnsafeTrustPolicyError):
        SHOP.policy(identities=(AUTHOR.identity, same), thresholds={"rule": 2})
    SHOP.policy(identities=(AUTHOR.identity, second.identity), thresholds={"rule": 2})


def test_a_new_workspace_has_nobody_yet():
    policy = SHOP.policy(identities=(), thresholds={"rule": 1, "release": 1})

    assert TrustPolicy.parse(policy.to_bytes()) == policy


REFUSED = {
    "another format": {"format": "https://trustacks.com/formats/trust-policy/v2"},
    "an unknown field": {"x": 1},
    "no identities": {"identities": None},
    "an unknown custody": {
        "custody": {"logs": {"AA==": "nobody"}, "timestamp_authorities": {}}
    },
    "a custody of another log id": {
        "custody": {"logs": {"A": "external"}, "timestamp_authorities": {}}
    },
    "a floor at 0": {"floor": {"revision": 0, "digest": str(Digest.of(b""))}},
    "a threshold that is a text": {"thresholds": {"rule": "1"}},
    "a waiver that is no digest": {"withdrawn_waivers": ["x"]},
    "a workspace by name": {"workspace": "acme"},
}


@pytest.mark.parametrize(
    "changes", [pytest.param(changes, id=name) for name, changes in REFUSED.items()]
)
def test_a_policy_out_of_form_is_refused(changes):
    with pytest.raises(FormatError):
        TrustPolicy.parse(changed(**changes))


def test_a_pack_twice_is_refused():
    layers = loads_json(POLICY.to_bytes(), max_bytes=10**6)["layers"]

    with pytest.raises(UnsafeTrustPolicyError):
        TrustPolicy.parse(changed(layers=layers | {"packs": layers["packs"] * 2}))


@pytest.mark.parametrize("form", Form)
def test_the_whole_policy_is_held_to_its_form(form):
    custodial = person("ci", "release", custody=Custody.CONTROL_PLANE)
    policy = SHOP.policy(identities=(AUTHOR.identity, custodial.identity))

    if form is Form.SOVEREIGN:
        with pytest.raises(CustodyError):
            policy.require_custody(form)
    else:
        policy.require_custody(form)


def test_a_revoked_custodial_identity_and_one_that_only_reports_do_no_harm():
    custodial = person("ci", "release", custody=Custody.CONTROL_PLANE).identity
    reporter = person(
        "reporter", "report", "admin", custody=Custody.CONTROL_PLANE
    ).identity
    policy = SHOP.policy(
        identities=(custodial, reporter),
        revocations=(Revocation("ci", NOW, "ceremony"),),
    )

    policy.require_custody(Form.SOVEREIGN)


# ------------------------------------------------------------------ identities

TERMS = AUTHOR.identity.terms
SENSELESS = {
    "an id in capitals": {"id": "Jane"},
    "an id with a slash": {"id": "a/b"},
    "an id of 65": {"id": "a" * 65},
    "no principal": {"principal": ""},
    "no permission": {"permissions": frozenset()},
    "an unknown permission": {"permissions": frozenset({"root"})},
    "no namespace": {"namespaces": frozenset()},
    "all namespaces and one": {"namespaces": frozenset({"*", "acme"})},
    "a namespace with a dot": {"namespaces": frozenset({"acme.x"})},
    "a window that ends before it began": {"not_before": END, "not_after": BEGIN},
    "a window of no time": {"not_before": END, "not_after": END},
}


@pytest.mark.parametrize(
    "changes", [pytest.param(changes, id=name) for name, changes in SENSELESS.items()]
)
def test_terms_that_nobody_can_mean_cannot_be_built(changes):
    with pytest.raises(UnsafeTrustPolicyError):
        replace(TERMS, **changes)
    with pytest.raises(UnsafeTrustPolicyError):
        replace(AUTHOR.identity, **changes)


@pytest.mark.parametrize(
    "made", [MemoryKey.ed25519, MemoryKey.ecdsa_p384, MemoryKey.rsa]
)
def test_an_identity_signs_with_p256_only(made):
    with pytest.raises(UnsafeTrustPolicyError):
        KeyCredential(made().public_key)


def test_terms_and_key_make_an_identity():
    assert isinstance(TERMS, IdentityTerms)
    assert Identity.of(TERMS, KeyCredential(AUTHOR.key.public_key)) == AUTHOR.identity


@pytest.mark.parametrize(
    ("permission", "namespace", "may"),
    [
        ("author", None, True),
        ("author", "acme", True),
        ("author", "web", False),
        ("release", None, False),
        ("release", "acme", False),
    ],
)
def test_what_an_identity_may_do(permission, namespace, may):
    limited = replace(TERMS, namespaces=frozenset({"acme"}))

    assert limited.may(permission, namespace) is may


def test_a_window_includes_both_ends():
    TERMS.require_begun(BEGIN)
    TERMS.require_not_ended(END)
    for beyond in (
        lambda: TERMS.require_begun(BEGIN - timedelta(seconds=1)),
        lambda: TERMS.require_not_ended(END + timedelta(seconds=1)),
    ):
        with pytest.raises(Exception) as refused:  # noqa: PT011 (its code is asserted)
            beyond()
        assert refused.value.code == "outside-window"


# ------------------------------------------------------------------ trust


def test_trust_holds_together():
    trust = SHOP.trust()

    assert trust.policy.workspace == trust.workspace


def test_a_policy_of_another_workspace_is_no_trust_here():
    with pytest.raises(WorkspaceMismatchError):
        SHOP.trust(workspace=Digest.of(b"another"))


@pytest.mark.parametrize("part", ["logs", "authorities"])
def test_a_log_or_authority_whose_custody_nobody_signed_is_refused(part):
    table = POLICY.custody
    short = CustodyTable(
        {} if part == "logs" else table.logs,
        {} if part == "authorities" else table.authorities,
    )

    with pytest.raises(UnknownCustodyError):
        SHOP.trust(policy=SHOP.policy(custody=short))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(AUTHOR.key, id="an identity's"),
        pytest.param(SHOP.authority.key, id="the timestamp authority's"),
        pytest.param(SHOP.authority.ca, id="its CA's"),
        pytest.param(SHOP.publisher, id="a publisher's"),
    ],
)
def test_one_key_has_one_purpose(key):
    root = SHOP.trusted_root()
    taken = replace(root, logs=(replace(root.logs[0], key=key.public_key),))

    with pytest.raises(KeyReusedError):
        SHOP.trust(trusted_root=taken)


def test_who_asks_for_no_subject_asks_for_nothing():
    with pytest.raises(UsageError):
        Expected("type", ())
