# SPDX-License-Identifier: Apache-2.0
"""A sovereign workspace judges what its people signed with certificates of real Fulcio.

Offline, by what its admins signed; weeks after the minutes of the certificate.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.digest import Digest
from signer.form import Custody
from signer.predicates.release import ReleasePredicate
from signer.predicates.rule import RulePredicate
from signer.trust import Expected
from signer.verify import verify_attestation
from tests.interop.peers.workshop import FILES, NAME, PeerWorkshop

pytestmark = pytest.mark.interop
TYPES = {"rule": RulePredicate.type, "release": ReleasePredicate.type}
SIGNERS = {"rule": "alice", "release": "ci"}


@pytest.fixture(scope="module", params=FILES)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def shop(instance):
    return PeerWorkshop(instance)


@pytest.fixture(scope="module")
def raw(shop, kind):
    return shop.sign(kind)


def verify(shop, kind, raw, *, at=None, trust=None):
    expected = Expected(TYPES[kind], tuple(map(Digest.of, FILES[kind].values())))
    at = at or shop.at + timedelta(minutes=1)
    return verify_attestation(
        raw, trust=trust or shop.trust(), expected=expected, at=at
    )


def test_it_is_accepted_now_and_in_weeks(shop, kind, raw):
    for days in (0, 21):
        later = shop.at + timedelta(days=days, minutes=1)
        evidence = verify(shop, kind, raw, at=later).require()

        assert evidence.identity.id == SIGNERS[kind]
        custodies = {one.custody(shop.policy().custody) for one in evidence.times}
        assert custodies == {Custody.CONTROL_PLANE, Custody.EXTERNAL}


def test_it_is_not_accepted_for_an_hour_ago(shop, kind, raw):
    before = verify(shop, kind, raw, at=shop.at - timedelta(hours=1))

    assert before.result.code == "from-the-future"


def test_who_may_sign_one_kind_may_not_sign_the_other(shop, kind):
    other = next(one for one in FILES if one != kind)
    raw = shop.sign(kind, shop.account(other))

    assert verify(shop, kind, raw).result.code == "signer-mismatch"


STRANGE_CA, STRANGE_LOG = Digest.of(b"a CA"), Digest.of(b"a log").raw


def _without_the_ca(shop):
    (instance,) = shop.policy().instances.values()
    strange = replace(instance, certificate_authorities=frozenset({STRANGE_CA}))
    custody = shop.policy().custody
    known = {**custody.certificate_authorities, STRANGE_CA: Custody.EXTERNAL}
    return shop.policy(
        instances={NAME: strange},
        custody=replace(custody, certificate_authorities=known),
    )


def _without_the_log_of_certificates(shop):
    (instance,) = shop.policy().instances.values()
    strange = replace(instance, ct_logs=frozenset({STRANGE_LOG}))
    custody = shop.policy().custody
    known = {**custody.ct_logs, STRANGE_LOG: Custody.EXTERNAL}
    return shop.policy(
        instances={NAME: strange}, custody=replace(custody, ct_logs=known)
    )


def _without_a_time_from_outside(shop):
    custody = shop.policy().custody
    ours = dict.fromkeys(custody.authorities, Custody.CONTROL_PLANE)
    return shop.policy(custody=replace(custody, authorities=ours))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_without_the_ca, "wrong-instance"),
        (_without_the_log_of_certificates, "wrong-instance"),
        (_without_a_time_from_outside, "certificate-time"),
    ],
)
def test_what_the_admins_do_not_trust_certifies_nothing(shop, kind, raw, change, code):
    trust = shop.trust(policy=change(shop))

    assert verify(shop, kind, raw, trust=trust).result.code == code
