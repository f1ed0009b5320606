# SPDX-License-Identifier: Apache-2.0
"""A result is a value; what was not run never counts as passed."""

import pytest

from keys.errors import JsonFormatError, NotFoundError, UsageError
from keys.strict import dumps_json
from signer.errors import NotVerifiedError
from signer.result import Check, Status, VerificationResult
from signer.steps import StepRecorder
from tests.simulators.signing import NOW

PLAN = (("one", "the first"), ("two", "the second"), ("three", "the third"))
PASSED, FAILED, NOT_RUN = Status.PASSED, Status.FAILED, Status.NOT_RUN


def recorded(*, fail: str | None = None, skip: str | None = None) -> VerificationResult:
    steps = StepRecorder(PLAN)
    with steps:
        for step, _ in PLAN:
            if step == skip:
                continue
            with steps(step) as note:
                note(f"ran {step}")
                if step == fail:
                    raise NotFoundError("expected it, got none")
    return steps.result(subject="it", at=NOW)


def statuses(result: VerificationResult) -> list[Status]:
    return [check.status for check in result.checks]


def test_all_steps_passed_is_accepted():
    result = recorded()

    assert statuses(result) == [PASSED] * 3
    assert result
    assert (result.code, result.first_failure) == (None, None)
    assert result.require() is result
    assert [check.detail for check in result.checks] == [
        "ran one",
        "ran two",
        "ran three",
    ]


def test_the_first_refusal_ends_it_and_the_rest_is_not_run():
    result = recorded(fail="two")

    assert statuses(result) == [PASSED, FAILED, NOT_RUN]
    assert not result
    assert result.code == "not-found"
    assert result.first_failure.id == "two"
    assert result.first_failure.detail == "expected it, got none"
    with pytest.raises(NotFoundError):
        result.require()


def test_a_step_that_nobody_ran_refuses():
    result = recorded(skip="two")

    assert statuses(result) == [PASSED, NOT_RUN, PASSED]
    assert not result
    assert result.code == "not-verified"
    with pytest.raises(NotVerifiedError):
        result.require()


def test_no_checks_at_all_refuse():
    result = StepRecorder(()).result(subject="it", at=NOW)

    assert not result
    with pytest.raises(NotVerifiedError):
        result.require()


@pytest.mark.parametrize("step", ["four", "one"])
def test_a_step_outside_the_plan_or_twice_is_a_mistake_of_ours(step):
    steps = StepRecorder(PLAN)
    with steps, steps("one"):
        pass

    with pytest.raises(UsageError), steps(step):
        pass


def test_a_defect_is_not_taken_for_a_refusal():
    steps = StepRecorder(PLAN)

    with pytest.raises(ZeroDivisionError), steps, steps("one"):
        raise ZeroDivisionError

    assert statuses(steps.result(subject="it", at=NOW)) == [NOT_RUN] * 3


def test_a_check_is_made_of_others_and_fails_with_the_first_of_them():
    inner = recorded(fail="two")
    steps = StepRecorder((("outer", "the outer"), ("after", "the next")))
    with steps:
        with steps("outer") as note:
            note.add(*inner.checks)
        with steps("after"):
            raise AssertionError
    result = steps.result(subject="it", at=NOW)

    assert statuses(result) == [FAILED, NOT_RUN]
    assert result.code == "not-found"
    assert result.first_failure.id == "two"
    with pytest.raises(NotFoundError):
        result.require()


def test_a_parent_that_says_passed_over_a_child_that_did_not_is_refused():
    child = Check("inner", "the inner", NOT_RUN)
    parent = Check("outer", "the outer", PASSED, children=(child,))

    result = VerificationResult("it", NOW, (parent,))

    assert not result
    assert result.code == "not-verified"


@pytest.mark.parametrize("fail", [None, "one", "three"])
def test_a_result_is_read_as_it_was_written(fail):
    result = recorded(fail=fail)

    read = VerificationResult.parse(dumps_json(result.to_json()))

    assert read == result
    assert (bool(read), read.code) == (bool(result), result.code)
    assert read.to_json() == result.to_json()


def test_a_result_read_again_refuses_without_its_error():
    read = VerificationResult.parse(dumps_json(recorded(fail="one").to_json()))

    with pytest.raises(NotVerifiedError) as refused:
        read.require()
    assert refused.value.evidence == {"refusal": "not-found"}


def test_a_verdict_that_its_checks_do_not_bear_out_is_refused():
    document = recorded(fail="two").to_json() | {"accepted": True, "code": None}

    with pytest.raises(NotVerifiedError):
        VerificationResult.parse(dumps_json(document))


def test_the_same_evidence_gives_the_same_result():
    assert recorded(fail="two") == recorded(fail="two")
    assert recorded(fail="two") != recorded(fail="three")


def test_people_see_a_tree_with_marks_codes_and_details():
    inner = recorded(fail="two").checks
    result = VerificationResult(
        "it", NOW, (Check("o", "outer", FAILED, children=inner),)
    )

    assert result.text().splitlines() == [
        "refused [not-found]  it  at 2026-03-02T09:00:00Z",
        "  ✗ outer",
        "    ✓ the first: ran one",
        "    ✗ the second [not-found]: expected it, got none",
        "    · the third",
    ]
    assert "\x1b[31m✗\x1b[0m" in result.text(color=True)
    assert recorded().text().startswith("accepted  it")


def test_a_result_without_an_instant_says_none():
    result = StepRecorder(()).result(subject="it", at=None)

    assert result.to_json()["at"] is None
    assert result.text() == "refused [not-verified]  it"
    assert VerificationResult.parse(dumps_json(result.to_json())) == result


def test_rubbish_is_not_a_result():
    with pytest.raises(JsonFormatError):
        VerificationResult.parse(b"{")
