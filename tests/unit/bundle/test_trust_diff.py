# SPDX-License-Identifier: Apache-2.0
"""The diff leaves nothing out, and says what loosens first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bundle.trust_diff import TrustSide, diff_trust, text_of
from keys.clock import format_instant
from keys.digest import Digest
from signer.credential import OidcCredential
from signer.custody import CustodyTable
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.pins import Floor, Freshness, LayerPin, LayerPins
from signer.revocation import Revocation, Survivors
from signer.subject_pattern import SubjectPattern
from signer.trust_policy import TrustPolicy
from signer.trusted_root import (
    TimestampAuthority,
    TransparencyLog,
    TrustedRoot,
    Window,
)
from tests.simulators.instance import GITHUB, MAIN, PEOPLE
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import BEGIN, SimulatedAuthority, Workshop, person

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PUBLISHER = MemoryKey.ecdsa().public_key
TERMS = {"not_before": AT, "not_after": AT + timedelta(days=90)}
JANE = person("jane.doe", "author", **TERMS).identity
CI = person("ci.release", "release", **TERMS).identity
LAYERS = LayerPins(
    LayerPin(Digest.of(b"c"), PUBLISHER), {"p": LayerPin(Digest.of(b"p"), PUBLISHER)}
)
POLICY = TrustPolicy(
    workspace=Digest.of(b"root"),
    version=3,
    identities=(JANE, CI),
    thresholds={"rule": 1, "release": 1},
    revocations=(),
    layers=LAYERS,
    custody=CustodyTable({b"l" * 32: Custody.CONTROL_PLANE}, {}),
    floor=Floor(3, Digest.of(b"3")),
)
BOB = person("bob", "approve", **TERMS).identity
REVOKED = Revocation("jane.doe", AT, "left")
OTHER = LayerPin(Digest.of(b"d"), PUBLISHER)

CHANGES = {
    "an identity more": ({"identities": (JANE, CI, BOB)}, "identity bob", "loosens"),
    "an identity gone": ({"identities": (CI,)}, "identity jane.doe", "loosens"),
    "an identity that may more": (
        {"identities": (replace(JANE, permissions=JANE.permissions | {"approve"}), CI)},
        "identity jane.doe",
        "loosens",
    ),
    "another key": (
        {"identities": (replace(JANE, credential=BOB.credential), CI)},
        "identity jane.doe",
        "loosens",
    ),
    "a revocation": ({"revocations": (REVOKED,)}, "identity jane.doe", "tightens"),
    "a lower floor": ({"floor": Floor(2, Digest.of(b"2"))}, "floor", "loosens"),
    "a higher floor": ({"floor": Floor(4, Digest.of(b"4"))}, "floor", "tightens"),
    "no floor": ({"floor": None}, "floor", "loosens"),
    "longer grace": (
        {"freshness": Freshness(revocation_grace_seconds=60)},
        "freshness revocation_grace_seconds",
        "loosens",
    ),
    "decide and mark": (
        {"freshness": Freshness(stale_until=AT)},
        "freshness stale_until",
        "loosens",
    ),
    "shorter releases": (
        {"freshness": Freshness(release_max_seconds=60)},
        "freshness release_max_seconds",
        "tightens",
    ),
    "a log in other hands": (
        {"custody": CustodyTable({b"l" * 32: Custody.EXTERNAL}, {})},
        "logs bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw=",
        "loosens",
    ),
    "another constitution": (
        {"layers": LayerPins(OTHER, LAYERS.packs)},
        "constitution",
        "loosens",
    ),
    "a pack gone": (
        {"layers": LayerPins(LAYERS.constitution, {})},
        "pack p",
        "loosens",
    ),
    "a waiver withdrawn": (
        {"withdrawn_waivers": frozenset({Digest.of(b"w")})},
        "waiver",
        "tightens",
    ),
}


KEY = "e" * 64
CA, CT = Digest.of(b"the CA"), b"c" * 32
OTHER_CA = Digest.of(b"another CA")
PUBLIC = SigstoreInstance(
    certificate_authorities=frozenset({CA}),
    ct_logs=frozenset({CT}),
    issuers=frozenset({GITHUB, PEOPLE}),
)
KEYLESS = replace(
    POLICY,
    instances={"public": PUBLIC},
    custody=CustodyTable(
        POLICY.custody.logs,
        {},
        {CA: Custody.CONTROL_PLANE},
        {CT: Custody.EXTERNAL},
        {GITHUB: Custody.EXTERNAL, PEOPLE: Custody.EXTERNAL},
    ),
)
WORKFLOW = replace(
    person("workflow", "release", **TERMS).identity,
    credential=OidcCredential("public", GITHUB, SubjectPattern.exactly(MAIN)),
)
KEYLESS_CHANGES = {
    "a subject more": (
        {"identities": (JANE, CI, WORKFLOW)},
        ("identity workflow", f"subject {MAIN} of {GITHUB} by public", "loosens"),
    ),
    "an issuer less": (
        {"instances": {"public": replace(PUBLIC, issuers=frozenset({GITHUB}))}},
        ("instance public", f"signers whom it names by issuer {PEOPLE}: rem", "tight"),
    ),
    "another CA": (
        {
            "instances": {
                "public": replace(PUBLIC, certificate_authorities=frozenset({OTHER_CA}))
            },
            "custody": replace(
                KEYLESS.custody,
                certificate_authorities={
                    CA: Custody.CONTROL_PLANE,
                    OTHER_CA: Custody.EXTERNAL,
                },
            ),
        },
        ("instance public", f"by CA {OTHER_CA}: added", "loosens"),
    ),
    "a CT log in addition": (
        {
            "instances": {
                "public": replace(PUBLIC, ct_logs=frozenset({CT, b"d" * 32}))
            },
            "custody": replace(
                KEYLESS.custody,
                ct_logs={CT: Custody.EXTERNAL, b"d" * 32: Custody.EXTERNAL},
            ),
        },
        ("instance public", "certificates seen by CT log", "loosens"),
    ),
    "no instance": ({"instances": {}}, ("instance public", "removed", "tightens")),
    "a CA in other hands": (
        {
            "custody": replace(
                KEYLESS.custody, certificate_authorities={CA: Custody.EXTERNAL}
            )
        },
        (f"certificate authorities {CA}", "becomes external", "loosens"),
    ),
}


@pytest.mark.parametrize("name", KEYLESS_CHANGES)
def test_every_part_of_an_instance_has_a_sentence(name):
    changes, (what, says, direction) = KEYLESS_CHANGES[name]
    found = diff_trust(
        TrustSide(KEYLESS, {}, KEY),
        TrustSide(replace(KEYLESS, version=4, **changes), {}, KEY),
    )
    assert any(
        one.what == what and says in one.says and one.direction.startswith(direction)
        for one in found
    ), found


def test_the_first_instance_of_a_workspace_has_sentences_too():
    for old in (None, TrustSide(POLICY, {}, KEY)):
        found = diff_trust(old, TrustSide(replace(KEYLESS, version=4), {}, KEY))
        whats = [one.what for one in found]
        assert whats.count("instance public") == 4
        assert f"issuers {GITHUB}" in whats
        assert f"certificate authorities {CA}" in whats


def test_whose_subject_somebody_takes_over_is_said():
    ended = replace(
        KEYLESS,
        identities=(JANE, CI, WORKFLOW),
        revocations=(replace(REVOKED, identity="workflow"),),
    )
    again = replace(WORKFLOW, id="workflow2", not_before=AT)
    new = replace(ended, version=4, identities=(*ended.identities, again))
    found = diff_trust(TrustSide(ended, {}, KEY), TrustSide(new, {}, KEY))
    assert ("identity workflow2", "loosens") in {
        (one.what, one.direction) for one in found if "workflow had" in one.says
    }


def sides(**changes):
    files = {
        "trust/policy.json": Digest.of(b"1"),
        "trust/trusted_root.json": Digest.of(b"r"),
    }
    new = replace(POLICY, version=4, **changes)
    return TrustSide(POLICY, files, KEY), TrustSide(
        new, {**files, "trust/policy.json": Digest.of(b"2")}, KEY
    )


@pytest.mark.parametrize("name", CHANGES)
def test_every_part_of_trust_has_a_sentence(name):
    changes, what, direction = CHANGES[name]
    found = diff_trust(*sides(**changes))
    assert (what, direction) in {(one.what, one.direction) for one in found}


def test_no_difference_is_said():
    assert diff_trust(*sides()) == ()
    assert text_of(()) == "  no difference"


def test_a_file_without_a_sentence_of_its_own_is_named():
    old, new = sides()
    changed = TrustSide(
        new.policy, {**new.files, "trust/trusted_root.json": Digest.of(b"x")}, KEY
    )
    (one,) = diff_trust(old, changed)
    assert (one.what, one.direction) == ("trust/trusted_root.json", "loosens")


def test_another_key_of_the_release_role_is_named():
    old, new = sides()
    (one,) = diff_trust(old, replace(new, release_key="f" * 64))
    assert (one.what, one.direction) == ("release role", "loosens")
    assert one.says == f"key {'e' * 16} becomes {'f' * 16}"


def test_more_survivors_loosen():
    old, new = sides(
        revocations=(
            replace(REVOKED, survivors=Survivors(frozenset({Digest.of(b"s")}))),
        )
    )
    old = TrustSide(replace(old.policy, revocations=(REVOKED,)), old.files, KEY)
    assert [one.direction for one in diff_trust(old, new)] == ["loosens"]


def test_a_version_that_does_not_rise_is_said():
    old, new = sides()
    stale = TrustSide(replace(new.policy, version=3), new.files, KEY)
    assert [one.what for one in diff_trust(old, stale)] == ["trust policy version"]


def test_what_loosens_stands_first_and_is_marked():
    text = text_of(
        diff_trust(*sides(identities=(JANE, CI, BOB), revocations=(REVOKED,)))
    ).splitlines()
    assert text[0].startswith("! identity bob: added: ")
    assert (
        text[1]
        == "- identity jane.doe: revoked at 2026-03-02T09:00:00Z, nothing survives: left"
    )


def test_the_first_trust_is_all_new():
    _, new = sides()
    found = diff_trust(None, new)
    assert {one.what for one in found} >= {
        "identity jane.doe",
        "constitution",
        "pack p",
    }


# ------------------------------------------------------------------ hidden things


def test_a_first_trust_that_is_laxer_than_by_default_says_so():
    """Who drafts it could otherwise have admins sign what no sentence shows."""
    lax = replace(
        POLICY,
        freshness=Freshness(stale_until=AT, revocation_grace_seconds=60),
        thresholds={**POLICY.thresholds, "release": 1},
    )
    found = {
        (one.what, one.direction) for one in diff_trust(None, TrustSide(lax, {}, KEY))
    }
    assert ("freshness stale_until", "loosens") in found
    assert ("freshness revocation_grace_seconds", "loosens") in found


def test_when_an_end_is_said_to_have_been_is_shown():
    """It decides whose an OIDC subject was."""
    later = replace(REVOKED, revoked_at=AT + timedelta(days=1))
    old, new = sides(revocations=(later,))
    old = replace(old, policy=replace(old.policy, revocations=(REVOKED,)))
    (one,) = diff_trust(old, new)
    assert (one.direction, format_instant(later.revoked_at) in one.says) == (
        "loosens",
        True,
    )


SHOP = Workshop()


def rooted(*, key=SHOP.log.key, end=None, authorities=(SHOP.authority,)):
    """A trusted root, its log under one id whatever its key is."""
    window = Window(BEGIN, end)
    log = TransparencyLog("https://log", key.public_key, b"l" * 32, window)
    stamping = tuple(
        TimestampAuthority(one.uri, tuple(one.chain), window) for one in authorities
    )
    return TrustedRoot((log,), stamping)


PARTS = {
    "another key under the id of a log": (rooted(key=MemoryKey.ecdsa()), "log bGx"),
    "a log that ends": (rooted(end=AT), "log bGx"),
    "an authority more": (
        rooted(authorities=(SHOP.authority, SimulatedAuthority("https://tsa.example"))),
        "timestamp authority sha256:",
    ),
    "an authority less": (rooted(authorities=()), "timestamp authority sha256:"),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_part_of_the_trusted_root_has_a_sentence(name):
    other, what = PARTS[name]
    old, new = sides()
    found = diff_trust(
        replace(old, trusted_root=rooted()), replace(new, trusted_root=other)
    )
    assert any(one.what.startswith(what) for one in found), found
