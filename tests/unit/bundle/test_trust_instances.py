# SPDX-License-Identifier: Apache-2.0
"""A Sigstore instance is pinned with all that belongs to it, and dropped the same."""

from dataclasses import replace

import pytest

from bundle.trust_instances import (
    Custodies,
    drop_instance,
    pin_instance,
)
from keys.errors import FormatError
from keys.strict import loads_json
from signer.credential import OidcCredential
from signer.errors import (
    CustodyError,
    ForeignIssuerError,
    TrustedRootFormatError,
    UnknownInstanceError,
    UnsafeTrustPolicyError,
)
from signer.form import Custody
from signer.limits import MAX_TRUSTED_PARTS
from signer.revocation import Revocation
from signer.subject_pattern import SubjectPattern
from signer.trusted_root import build_trusted_root
from tests.simulators.instance import GITHUB, MAIN, PEOPLE, SimulatedInstance
from tests.simulators.signing import BEGIN, NOW, Workshop, person

SHOP = Workshop()
HERE, THERE = SimulatedInstance(), SimulatedInstance("other.example.com")
OUTSIDE = Custodies(
    certificate_authorities=Custody.EXTERNAL,
    ct_logs=Custody.EXTERNAL,
    issuers={GITHUB: Custody.EXTERNAL},
)


ROOT = build_trusted_root(
    logs=[(f"https://{SHOP.log.origin}", SHOP.log.key.public_key, BEGIN)],
    authorities=[(SHOP.authority.uri, SHOP.authority.chain, BEGIN)],
)


def pinned(instance=HERE, name="public", *, on=None, custodies=OUTSIDE):
    policy, root = (on.policy, on.trusted_root) if on else (SHOP.policy(), ROOT)
    given = instance.trusted_root()
    return pin_instance(policy, root, name, given=given, custodies=custodies)


def with_ci(found, subject=MAIN, issuer=GITHUB):
    keyed = person("ci", "release").identity
    claim = OidcCredential("public", issuer, SubjectPattern.exactly(subject))
    ci = replace(keyed, credential=claim)
    policy = replace(found.policy, identities=(*found.policy.identities, ci))
    return replace(found, policy=policy)


def parts(trusted_root):
    value = loads_json(trusted_root, max_bytes=1 << 20)
    return len(value["certificateAuthorities"]), len(value["ctlogs"])


def test_an_instance_brings_its_parts_and_their_custodies():
    found = pinned()
    instance = found.policy.instances["public"]

    assert instance.certificate_authorities == {HERE.authority}
    assert instance.ct_logs == {HERE.log_id}
    assert instance.issuers == {GITHUB}
    assert found.policy.custody.certificate_authorities == {
        HERE.authority: Custody.EXTERNAL
    }
    assert found.policy.version == SHOP.policy().version
    assert parts(found.trusted_root) == (1, 1)


def test_the_workspaces_own_log_and_authority_stay_as_they_are():
    before = loads_json(ROOT, max_bytes=1 << 20)
    after = loads_json(pinned().trusted_root, max_bytes=1 << 20)

    for name in ("mediaType", "tlogs", "timestampAuthorities"):
        assert after[name] == before[name]


def test_two_instances_stand_beside_each_other():
    both = pinned(THERE, "private", on=pinned())

    assert set(both.policy.instances) == {"public", "private"}
    assert parts(both.trusted_root) == (2, 2)


def test_pinning_again_changes_nothing():
    once = pinned()

    assert pinned(on=once) == once


def test_an_instance_of_the_same_name_is_replaced_whole():
    found = pinned(THERE, on=pinned())

    assert found.policy.instances["public"].certificate_authorities == {THERE.authority}
    assert set(found.policy.custody.ct_logs) == {THERE.log_id}
    assert parts(found.trusted_root) == (1, 1)


def test_what_is_dropped_leaves_nothing():
    found = drop_instance(*_of(pinned()), "public")

    assert found.policy == SHOP.policy()
    assert parts(found.trusted_root) == (0, 0)


def test_dropping_one_leaves_the_other():
    both = pinned(THERE, "private", on=pinned())
    found = drop_instance(*_of(both), "public")

    assert set(found.policy.instances) == {"private"}
    assert set(found.policy.custody.issuers) == {GITHUB}
    assert parts(found.trusted_root) == (1, 1)


def _of(found):
    return found.policy, found.trusted_root


def test_nobody_drops_what_an_identity_needs():
    found = with_ci(pinned())
    with pytest.raises(UnknownInstanceError):
        drop_instance(*_of(found), "public")

    end = (Revocation("ci", NOW, "left"),)
    policy = replace(found.policy, revocations=end)
    assert drop_instance(policy, found.trusted_root, "public").policy.instances == {}
    suspended = (replace(end[0], final=False),)
    policy = replace(found.policy, revocations=suspended)
    with pytest.raises(UnknownInstanceError):
        drop_instance(policy, found.trusted_root, "public")


def test_nobody_takes_an_issuer_from_an_identity():
    people = replace(OUTSIDE, issuers={PEOPLE: Custody.EXTERNAL})
    with pytest.raises(ForeignIssuerError):
        pinned(on=with_ci(pinned()), custodies=people)


def test_an_instance_that_is_not_there_cannot_be_dropped():
    with pytest.raises(UnknownInstanceError) as refused:
        drop_instance(SHOP.policy(), ROOT, "public")
    assert refused.value.code == "unknown-instance"


def test_a_ca_is_not_pinned_under_two_names():
    with pytest.raises(UnsafeTrustPolicyError):
        pinned(HERE, "private", on=pinned())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"certificateAuthorities": []}, id="no CA"),
        pytest.param({"ctlogs": []}, id="no CT log"),
    ],
)
def test_an_instance_without_a_part_certifies_nobody(changes):
    given = HERE.trusted_root(**changes)
    with pytest.raises(TrustedRootFormatError):
        pin_instance(SHOP.policy(), ROOT, "public", given=given, custodies=OUTSIDE)


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"{}",
        b"[]",
        HERE.trusted_root(certificateAuthorities=[{}]),
        HERE.trusted_root(certificateAuthorities=[{"certChain": {"certificates": []}}]),
        HERE.trusted_root(ctlogs=[{"logId": {"keyId": "x"}}]),
        HERE.trusted_root(mediaType="x"),
    ],
    ids=range(7),
)
def test_what_is_no_trusted_root_is_refused(given):
    with pytest.raises(FormatError):
        pin_instance(SHOP.policy(), ROOT, "public", given=given, custodies=OUTSIDE)


def test_more_cas_than_a_trusted_root_may_have_are_refused():
    many = [SimulatedInstance(f"{n}.example.com") for n in range(MAX_TRUSTED_PARTS)]
    rows = [one.document()["certificateAuthorities"][0] for one in many]
    given = THERE.trusted_root(certificateAuthorities=rows)
    at_the_limit = pin_instance(
        SHOP.policy(), ROOT, "many", given=given, custodies=OUTSIDE
    )
    assert parts(at_the_limit.trusted_root) == (MAX_TRUSTED_PARTS, 1)
    with pytest.raises(FormatError):
        pin_instance(*_of(pinned()), "many", given=given, custodies=OUTSIDE)


def test_no_issuer_is_no_instance():
    with pytest.raises(UnsafeTrustPolicyError):
        pinned(custodies=replace(OUTSIDE, issuers={}))


@pytest.mark.parametrize("part", ["certificate_authorities", "ct_logs", "issuers"])
def test_what_the_control_plane_can_cause_is_not_called_external(part):
    ours = (
        {GITHUB: Custody.CONTROL_PLANE} if part == "issuers" else Custody.CONTROL_PLANE
    )
    first = pinned(custodies=replace(OUTSIDE, **{part: ours}))
    with pytest.raises(CustodyError) as refused:
        pinned(on=first)
    assert refused.value.code == "custody"
    dropped = drop_instance(first.policy, first.trusted_root, "public")
    assert pinned(on=dropped).policy.instances.keys() == {"public"}
