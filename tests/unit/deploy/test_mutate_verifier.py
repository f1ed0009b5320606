# SPDX-License-Identifier: Apache-2.0
"""The mutation run sees every step, and tells a survivor from a red test."""

import ast
import re

import pytest

from deploy.mutate_verifier import ROOT, TARGETS, Red, find_mutants, read_red
from signer.verify import STEPS
from signer.verify_key import LAYER_STEPS, POSSESSION_STEPS

SOURCE = """
def check(number):
    with steps:
        with steps("even") as note:
            require_even(number)
            note("even")
        with steps("small"):
            require(
                number < 10,
            )
            require(number > 0)
    return steps.result()
"""


def test_each_statement_of_a_step_is_a_mutant_and_a_note_is_not():
    mutants = list(find_mutants(SOURCE, "check"))

    assert [mutant.step for mutant in mutants] == ["even", "small, 1", "small, 2"]
    first = mutants[1].apply(SOURCE)
    ast.parse(first)
    assert "number < 10" not in first
    assert first.count("pass") == 1
    assert "require(number > 0)" in first


def test_another_function_has_none():
    assert list(find_mutants(SOURCE, "other")) == []


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.function)
def test_every_target_exists_with_its_tests_and_has_steps(target):
    source = (ROOT / target.file).read_text()

    assert list(find_mutants(source, target.function))
    assert all((ROOT / test).exists() for test in target.tests)


@pytest.mark.parametrize(
    ("functions", "plan"),
    [
        (("verify_attestation", "_check_word"), STEPS),
        (("verify_layer",), LAYER_STEPS),
        (("verify_possession",), POSSESSION_STEPS),
    ],
)
def test_every_step_of_the_plan_is_mutated_in_order(functions, plan):
    mutants = [
        mutant
        for function in functions
        for target in TARGETS
        if target.function == function
        for mutant in find_mutants((ROOT / target.file).read_text(), function)
    ]

    assert [mutant.step for mutant in mutants] == [step for step, _ in plan]


def test_every_step_of_the_product_is_numbered():
    source = (ROOT / "signer/verify.py").read_text()
    numbers = re.findall(r"^ +# \((\d+)\) ", source, re.MULTILINE)

    assert [int(number) for number in numbers] == list(range(1, len(STEPS) + 1))


SUMMARIES = {
    "green": (None, Red(None)),
    "accepted": (
        "tests/attacks/t.py::test_x[time: late -> revoked] - AssertionError: assert None == 'revoked'",
        Red("tests/attacks/t.py::test_x[time: late -> revoked]", "revoked", "accepted"),
    ),
    "refused by another step": (
        "t.py::test_x[a -> revoked] - assert 'not-logged' == 'revoked'",
        Red("t.py::test_x[a -> revoked]", "revoked", "not-logged"),
    ),
    "crashed": (
        "t.py::test_x[a -> revoked] - NameError: name 'times' is not defined",
        Red("t.py::test_x[a -> revoked]", "revoked", "NameError"),
    ),
    "without a code": (
        "t.py::test_x - assert False",
        Red("t.py::test_x", "", "assert False"),
    ),
}


@pytest.mark.parametrize(
    ("line", "red"), [pytest.param(*row, id=name) for name, row in SUMMARIES.items()]
)
def test_the_summary_of_a_run_is_read(line, red):
    assert read_red(line) == red
