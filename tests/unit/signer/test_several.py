# SPDX-License-Identifier: Apache-2.0
"""m of n: distinct signers, one digest, whoever and however they are named."""

import pytest

from keys.errors import UsageError
from keys.strict import dumps_json
from signer.several import verify_several
from signer.signer_policy import IdentityPolicy
from signer.subject_pattern import SubjectPattern
from tests.simulators.memory_key import MemoryKey
from tests.simulators.sigstore import (
    DATA,
    ISSUER,
    SUBJECT,
    Signer,
    SimulatedSigstore,
    by_key,
    identity,
    statement,
)

TYPE = "https://example.com/built/v1"
BRANCHES = SubjectPattern.anchored(
    r"^https://ci\.example\.com/acme/overlay/\.github/workflows/release\.yml"
    r"@refs/heads/[a-z]+$"
)


@pytest.fixture(scope="module")
def instance():
    return SimulatedSigstore()


@pytest.fixture(scope="module")
def keys():
    return [Signer(MemoryKey.ecdsa()) for _ in range(3)]


def judged(instance, documents, policies, threshold, **asked):
    return verify_several(
        [dumps_json(one) for one in documents],
        artifact=DATA,
        trusted_root=instance.trusted_root(),
        policies=policies,
        threshold=threshold,
        **asked,
    )


def test_two_of_three_are_enough(instance, keys):
    made = [instance.sign(one) for one in keys[:2]]
    found = judged(instance, made, [by_key(one) for one in keys], 2)
    assert found
    assert len(found.signers) == 2


def test_one_signer_twice_is_one(instance, keys):
    made = [instance.sign(keys[0]), instance.sign(keys[0])]
    found = judged(instance, made, [by_key(one) for one in keys], 2)
    with pytest.raises(Exception, match="2 distinct") as refused:
        found.require()
    assert refused.value.code == "too-few-signers"


def test_one_subject_by_two_policies_is_one(instance):
    made = [instance.sign(instance.keyless()), instance.sign(instance.keyless())]
    policies = [identity(), IdentityPolicy(issuer=ISSUER, subject=BRANCHES)]
    assert not judged(instance, made, policies, 2)


def test_two_statements_are_not_one(instance, keys):
    made = [
        instance.sign(keys[0], payload=statement(DATA)),
        instance.sign(keys[1], payload=statement(DATA, predicate={"took": 2})),
    ]
    found = judged(instance, made, [by_key(one) for one in keys], 2)
    assert all(found.bundles)
    assert not found


def test_a_bundle_that_does_not_hold_is_shown_and_does_not_count(instance, keys):
    made = [instance.sign(keys[0]), instance.sign(Signer(MemoryKey.ecdsa()))]
    found = judged(instance, made, [by_key(one) for one in keys], 2)
    assert [one.result.code for one in found.bundles] == [None, "signature-invalid"]
    with pytest.raises(Exception, match="signature") as refused:
        found.require()
    assert refused.value.code == "signature-invalid"


def test_keys_and_identities_count_together(instance, keys):
    said = statement(DATA)
    made = [
        instance.sign(keys[0], payload=said),
        instance.sign(instance.keyless(), payload=said),
    ]
    assert judged(instance, made, [by_key(keys[0]), identity()], 2)


def test_two_subjects_of_one_pattern_do_not_stand_in_for_a_key(instance, keys):
    """Whoever a pattern lets in may have many names; the key's holder has not signed."""
    said = statement(DATA)
    made = [
        instance.sign(instance.keyless(subject=subject), payload=said)
        for subject in (SUBJECT, SUBJECT.replace("main", "next"))
    ]
    policies = [by_key(keys[0]), IdentityPolicy(issuer=ISSUER, subject=BRANCHES)]
    found = judged(instance, made, policies, 2)
    assert all(found.bundles)
    with pytest.raises(Exception, match="2 distinct") as refused:
        found.require()
    assert refused.value.code == "too-few-signers"
    made.append(instance.sign(keys[0], payload=said))
    assert judged(instance, made, policies, 2)


def test_who_is_named_twice_leaves_room_for_whom_only_one_name_means(instance):
    """The exact name first or last, the pattern's other subject still counts."""
    said = statement(DATA)
    made = [
        instance.sign(instance.keyless(subject=subject), payload=said)
        for subject in (SUBJECT, SUBJECT.replace("main", "next"))
    ]
    wide = IdentityPolicy(issuer=ISSUER, subject=BRANCHES)
    assert judged(instance, made, [identity(), wide], 2)
    assert judged(instance, made, [wide, identity()], 2)
    assert not judged(instance, made[1:] * 2, [wide, identity()], 2)


@pytest.mark.parametrize("threshold", [0, 3])
def test_a_threshold_that_nobody_can_reach_is_misuse(instance, keys, threshold):
    policies = [by_key(one) for one in keys[:2]]
    with pytest.raises(UsageError):
        judged(instance, [instance.sign(keys[0])], policies, threshold)


def test_the_type_of_statement_is_asked_for(instance, keys):
    made, policies = (
        [instance.sign(keys[0], payload=statement(DATA))],
        [by_key(keys[0])],
    )
    assert judged(instance, made, policies, 1, predicate_type=TYPE)
    for other in (f"{TYPE}/", "https://example.com/other/v1"):
        found = judged(instance, made, policies, 1, predicate_type=other)
        assert found.bundles[0].result.code == "predicate-type"


def test_a_file_is_no_statement_of_any_type(instance, keys):
    made, policies = [instance.sign(keys[0])], [by_key(keys[0])]
    found = judged(instance, made, policies, 1, predicate_type=TYPE)
    assert found.bundles[0].result.code == "predicate-type"
