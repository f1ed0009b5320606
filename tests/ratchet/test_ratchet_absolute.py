# SPDX-License-Identifier: Apache-2.0
"""The proof that the proof is right, part one: formulas against real OPA.

``TRUSTACKS_FUZZ_PAIRS`` says how many pairs of a rule and an input are checked.
"""

import os
import sys

import pytest

from bundle.rego.embedded import EmbeddedEngine
from tests.ratchet import mutants
from tests.simulators.opa_oracle import opa_oracle  # noqa: F401 - a fixture

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from tests.ratchet.absolute import Check

PAIRS = int(os.environ.get("TRUSTACKS_FUZZ_PAIRS", "200"))
DEFAULT_PAIRS = 200
SEED = 20261122
# Parts that two processes can take at once; each has a seed of its own.
PARTS = 4


@pytest.fixture
def engine():
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture(autouse=True)
def _frames():
    """The solver's process has as many: formulas are nested functions."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("part", range(PARTS))
def test_formula_says_what_opa_says(engine, opa_oracle, part):  # noqa: F811
    check = Check(engine, opa_oracle)
    check.run(SEED + part, PAIRS // PARTS)
    assert check.wrong == []
    decided = check.count["agree"]
    assert decided >= PAIRS // PARTS
    # What the check leaves open it does not check: it has to stay the exception.
    assert decided > 10 * (check.count["undetermined"] + check.count["unknown"])


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda m: m.name)
def test_mutant_of_the_encoder_is_caught(opa_oracle, mutant, tmp_path):  # noqa: F811
    counts = mutants.check(
        mutant, tmp_path, seeds=range(SEED, SEED + PARTS), pairs=DEFAULT_PAIRS // PARTS
    )
    assert counts.get("wrong", 0) > 0, counts
