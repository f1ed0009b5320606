# SPDX-License-Identifier: Apache-2.0
"""DESIGN T3: a time of control-plane custody can make evidence invalid, never valid."""

from dataclasses import replace

import pytest

from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.errors import CustodyError
from signer.form import Custody
from signer.limits import MAX_CLOCK_SKEW_S
from signer.predicates.artifact import ArtifactPredicate
from signer.revocation import Revocation, Survivors
from signer.trust import Expected
from signer.trusted_root import TrustedRoot, Window
from signer.verify import verify_attestation
from tests.simulators.keyless import KeylessWorkshop
from tests.simulators.signing import (
    BEGIN,
    DAY,
    END,
    NOW,
    SimulatedAuthority,
    Workshop,
    say,
)

DATA = b"the bytes that are attested"
ASKED = Expected(ArtifactPredicate.type, (Digest.of(DATA),))
EXTERNAL, OURS = Custody.EXTERNAL, Custody.CONTROL_PLANE


def code_of(shop: Workshop, raw: bytes, *, at, **trust) -> str | None:
    verified = verify_attestation(raw, trust=shop.trust(**trust), expected=ASKED, at=at)
    return verified.result.code


def signed(shop: Workshop, *, at) -> bytes:
    by = shop.people["author"]
    return shop.attest(say(shop.artifact(), DATA), by=by, at=at)


WINDOWS = [
    # name, custody of the authority, stamped, decided for, code
    ("inside and inside", OURS, NOW, NOW, None),
    ("on the first second", OURS, BEGIN, NOW, None),
    ("on the last second", OURS, END, END, None),
    ("inside, decided after the end", OURS, NOW, END + DAY, "outside-window"),
    ("the same, by an external authority", EXTERNAL, NOW, END + DAY, None),
    ("after the end", EXTERNAL, END + DAY, END + DAY, "outside-window"),
    ("after the end, ours", OURS, END + DAY, END + DAY, "outside-window"),
    ("before the begin", EXTERNAL, BEGIN - DAY, NOW, "outside-window"),
    ("before the begin, ours", OURS, BEGIN - DAY, NOW, "outside-window"),
]


@pytest.mark.parametrize(
    ("custody", "stamped", "at", "code"),
    [pytest.param(*row[1:], id=f"{row[0]} -> {row[4]}") for row in WINDOWS],
)
def test_a_window_is_checked_at_the_times_that_count(custody, stamped, at, code):
    shop = Workshop()
    shop.custody = custody
    raw = signed(shop, at=stamped)
    older = Window(BEGIN - 100 * DAY)
    root = shop.trusted_root()
    root = TrustedRoot(
        tuple(replace(one, window=older) for one in root.logs),
        tuple(replace(one, window=older) for one in root.authorities),
    )

    assert code_of(shop, raw, at=at, trusted_root=root) == code


@pytest.mark.parametrize(
    ("ahead_s", "code"),
    [(MAX_CLOCK_SKEW_S, None), (MAX_CLOCK_SKEW_S + 1, "from-the-future")],
)
def test_an_authority_may_be_ahead_by_the_skew_and_not_a_second_more(ahead_s, code):
    shop = Workshop()
    raw = signed(shop, at=NOW + ahead_s * DAY / 86_400)

    assert code_of(shop, raw, at=NOW) == code


def test_replay_does_not_see_what_was_signed_later():
    shop = Workshop()
    raw = signed(shop, at=NOW)

    assert code_of(shop, raw, at=NOW - DAY) == "from-the-future"
    assert code_of(shop, raw, at=NOW) is None


@pytest.mark.parametrize(
    ("custody", "code"), [(OURS, "no-trusted-time"), (EXTERNAL, None)]
)
def test_a_retired_authority_counts_for_what_it_saw_only_if_it_is_external(
    custody, code
):
    shop = Workshop()
    shop.custody = custody
    raw = signed(shop, at=NOW - 3 * DAY)
    root = shop.trusted_root()
    ended = tuple(
        replace(one, window=Window(BEGIN, NOW - 2 * DAY)) for one in root.authorities
    )

    assert (
        code_of(shop, raw, at=NOW, trusted_root=replace(root, authorities=ended))
        == code
    )


@pytest.mark.parametrize(("custody", "code"), [(OURS, "log-window"), (EXTERNAL, None)])
def test_a_retired_log_counts_for_what_it_took_only_if_the_time_is_external(
    custody, code
):
    shop = Workshop()
    shop.custody = custody
    raw = signed(shop, at=NOW - 3 * DAY)
    root = shop.trusted_root()
    ended = tuple(
        replace(one, window=Window(BEGIN, NOW - 2 * DAY)) for one in root.logs
    )

    assert code_of(shop, raw, at=NOW, trusted_root=replace(root, logs=ended)) == code


def test_a_revocation_voids_what_was_signed_before_it_by_any_clock():
    shop = Workshop()
    shop.custody = EXTERNAL
    raw = signed(shop, at=NOW - 10 * DAY)
    gone = Revocation("author", NOW - DAY, "key in a backup that was lost")

    policy = shop.policy(revocations=(gone,))

    assert code_of(shop, raw, at=NOW, policy=policy) == "revoked"


def test_survivors_outlive_revocation_and_window_and_nothing_else_does():
    shop = Workshop()
    kept, other = signed(shop, at=NOW), signed(shop, at=NOW)
    survivor = parse_attestation(kept).digest
    assert parse_attestation(other).digest == survivor, "one statement, two signatures"
    void = shop.attest(
        say(shop.artifact(), DATA, b"more"), by=shop.people["author"], at=NOW
    )
    kept_by_digest = Survivors(frozenset({survivor}))
    gone = Revocation("author", NOW, "left the company", kept_by_digest)
    policy = shop.policy(revocations=(gone,))

    assert code_of(shop, kept, at=END + DAY, policy=policy) is None
    assert code_of(shop, void, at=END + DAY, policy=policy) == "revoked"


def test_what_a_named_release_lists_outlives_revocation_and_window():
    shop = Workshop()
    raw = signed(shop, at=NOW)
    kept = {Digest.of(b"a release"): frozenset({parse_attestation(raw).digest})}
    policy = shop.policy(revocations=(Revocation("author", NOW, "left"),))

    assert code_of(shop, raw, at=NOW, policy=policy) == "revoked"
    assert code_of(shop, raw, at=NOW, policy=policy, kept=kept) is None
    assert code_of(shop, raw, at=END + DAY, policy=policy, kept=kept) is None
    assert code_of(shop, raw, at=END + DAY, kept=kept) is None
    assert code_of(shop, raw, at=END + DAY) == "outside-window"


def test_what_is_proved_in_the_tree_that_admins_signed_outlives_its_signer():
    shop = Workshop()
    raw = signed(shop, at=NOW)
    size = len(shop.log.bodies)
    shop.log.append(b"{}")
    later = shop.attest(
        say(shop.artifact(), DATA, b"more"), by=shop.people["author"], at=NOW
    )
    kept = Survivors(checkpoint=shop.log.checkpoint(size + 1).decode())
    policy = shop.policy(revocations=(Revocation("author", NOW, "left", kept),))
    proved, other = (shop.log.proved(raw, size + more) for more in (1, 2))

    assert code_of(shop, raw, at=NOW, policy=policy) == "revoked"
    assert code_of(shop, proved, at=NOW, policy=policy) is None
    assert code_of(shop, proved, at=END + DAY, policy=policy) is None
    assert code_of(shop, other, at=NOW, policy=policy) == "revoked"
    assert code_of(shop, later, at=NOW, policy=policy) == "revoked"
    assert code_of(shop, proved, at=END + DAY) == "outside-window"


def test_a_survivor_is_still_bound_to_the_begin_of_its_window():
    shop = Workshop()
    late = replace(shop.people["author"], not_before=NOW)
    shop.people["author"] = late
    raw = signed(shop, at=NOW - DAY)
    kept = Survivors(frozenset({parse_attestation(raw).digest}))
    policy = shop.policy(revocations=(Revocation("author", NOW, "left", kept),))

    assert code_of(shop, raw, at=NOW, policy=policy) == "outside-window"


def test_the_control_plane_s_authority_under_another_certificate_is_not_external():
    """Custody is whose key it is: a thief has its own key certified once more."""
    shop = KeylessWorkshop()
    twin = SimulatedAuthority("https://tsa.example.org")
    twin.key = shop.authority.key
    twin.chain = twin.certified()
    shop.outside = twin
    with pytest.raises(CustodyError) as refused:
        shop.trust()
    assert refused.value.code == "custody"


def test_an_authority_that_renewed_its_certificate_is_one():
    shop = KeylessWorkshop()
    shop.custody = EXTERNAL
    shop.outside.key = shop.authority.key
    shop.outside.chain = shop.outside.certified()
    assert len(shop.trust().trusted_root.authorities) > 1
