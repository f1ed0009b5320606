# SPDX-License-Identifier: Apache-2.0
"""The diff leaves nothing out, and says what loosens first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bundle.trust_diff import TrustSide, diff_trust, text_of
from keys.digest import Digest
from signer.custody import CustodyTable
from signer.form import Custody
from signer.pins import Floor, Freshness, LayerPin, LayerPins
from signer.revocation import Revocation, Survivors
from signer.trust_policy import TrustPolicy
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import person

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
    assert text[1] == "- identity jane.doe: revoked, nothing survives: left"


def test_the_first_trust_is_all_new():
    _, new = sides()
    found = diff_trust(None, new)
    assert {one.what for one in found} >= {
        "identity jane.doe",
        "constitution",
        "pack p",
    }
