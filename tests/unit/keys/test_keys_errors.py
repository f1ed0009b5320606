# SPDX-License-Identifier: Apache-2.0
"""The tree of errors: what every refusal carries."""

import pytest

from keys import errors
from keys.errors import TrustacksError

BRANCHES = [
    (errors.UsageError, 2),
    (errors.FormatError, 1),
    (errors.VerificationError, 1),
    (errors.RuleError, 1),
    (errors.ActivationError, 1),
    (errors.AccessError, 1),
    (errors.StateError, 1),
    (errors.KeyProviderError, 3),
    (errors.StorageError, 3),
    (errors.UnavailableError, 3),
]


@pytest.mark.parametrize(
    ("branch", "exit_code"), [pytest.param(*row, id=row[0].code) for row in BRANCHES]
)
def test_a_branch_says_how_a_command_exits_and_its_leaves_agree(branch, exit_code):
    assert branch.exit_code == exit_code
    assert issubclass(branch, TrustacksError)
    assert {leaf.exit_code for leaf in branch.__subclasses__()} <= {exit_code}


def test_an_error_carries_message_hint_and_evidence_for_programs():
    error = errors.NotFoundError("expected a, got none", hint="make a", name="a")

    assert str(error) == "expected a, got none"
    assert error.to_json() == {
        "code": "not-found",
        "message": "expected a, got none",
        "hint": "make a",
        "evidence": {"name": "a"},
    }


def test_an_error_without_more_to_say_says_no_more():
    error = errors.BusyError("expected to be alone, got company")

    assert (error.hint, error.evidence) == (None, {})
