# SPDX-License-Identifier: Apache-2.0
"""For every numbered step of ``verify_bundle`` a case that it stops, by its own code.

The cases are those of ``tests.simulators.bundle_cases``; as files for others they are
in ``tests/vectors``. ``deploy/mutate_verifier.py`` deletes each step in turn and runs
these.
"""

import pytest

from keys.digest import Digest
from keys.strict import dumps_json
from signer.result import Status
from signer.signer_policy import KeyPolicy
from signer.trusted_root import TrustedRoot
from signer.verify_bundle import IDENTITY_STEPS, KEY_STEPS, verify_bundle
from tests.simulators.bundle_cases import CASES, Case
from tests.simulators.sigstore import (
    DATA,
    SimulatedSigstore,
    identity,
    statement,
)

ACCEPTED = [case for case in CASES if case.code is None]
REFUSED = [case for case in CASES if case.code is not None]


def judged(case: Case):
    offered = case.make()
    artifact = Digest.of(offered.artifact) if offered.by_digest else offered.artifact
    plan = KEY_STEPS if isinstance(offered.policy, KeyPolicy) else IDENTITY_STEPS
    verified = verify_bundle(
        offered.bundle,
        artifact=artifact,
        trusted_root=TrustedRoot.parse(dumps_json(offered.root)),
        policy=offered.policy,
    )
    return verified, [step for step, _ in plan]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_what_is_in_order_is_accepted(case):
    verified, plan = judged(case)

    assert verified.result.code is None
    assert [check.id for check in verified.result.checks] == plan
    assert verified.require().facts() == verified.result.facts


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case.step}: {case.name} -> {case.code}")
        for case in REFUSED
    ],
)
def test_a_case_is_refused_by_its_own_step(case):
    verified, plan = judged(case)

    assert verified.result.code == case.code
    assert verified.result.first_failure.id == case.step
    assert not verified
    assert verified.evidence is None
    assert verified.result.facts == {}
    later = verified.result.checks[plan.index(case.step) + 1 :]
    assert {check.status for check in later} <= {Status.NOT_RUN}


def test_every_step_has_a_case_of_its_own():
    steps = {step for step, _ in (*KEY_STEPS, *IDENTITY_STEPS)}

    assert {case.step for case in REFUSED} == steps


def test_a_statement_of_another_type_is_not_what_was_asked_for():
    instance = SimulatedSigstore()
    root = instance.trusted_root()

    def judge(document, predicate_type):
        return verify_bundle(
            dumps_json(document),
            artifact=DATA,
            trusted_root=root,
            policy=identity(),
            predicate_type=predicate_type,
        ).result

    said = instance.sign(instance.keyless(), payload=statement(DATA))
    assert judge(said, "https://example.com/built/v1").accepted
    for document in (said, instance.sign(instance.keyless())):
        result = judge(document, "https://example.com/other/v1")
        assert result.code == "predicate-type"
        assert result.first_failure.id == "says"
