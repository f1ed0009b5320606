# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

pytest.importorskip("z3", reason="SKIPPED: the extra prove is not installed")

from bundle.ratchet.child import Prover
from bundle.ratchet.compare import compare
from bundle.ratchet.errors import ProverUnavailableError
from bundle.ratchet.limits import MAX_CALL_DEPTH
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module

RULE = Module("r.rego", 'package overlay.x\n\ndeny contains "m" if input.a == 1\n')


@pytest.fixture(scope="module")
def engine():
    with EmbeddedEngine() as engine:
        yield engine


def test_asking_imports_no_solver():
    code = "import sys, bundle.ratchet.refine, bundle.ratchet.parameters\n"
    code += "sys.exit(any(n.split('.')[0] == 'z3' for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_killed_solver_is_an_unknown_and_the_next_question_starts_another(engine):
    with Prover() as prover:
        assert compare(RULE, RULE, engine=engine, prover=prover).verdict == "equal"
        first = prover._child._process
        os.kill(first.pid, 9)
        first.wait()
        assert compare(RULE, RULE, engine=engine, prover=prover).verdict == "equal"
        assert prover._child.generation == 2


def test_a_stopped_solver_is_unknown_when_its_time_is_over(engine):
    with Prover() as prover:
        assert compare(RULE, RULE, engine=engine, prover=prover).verdict == "equal"
        os.kill(prover._child._process.pid, 19)  # it hangs past its own clock
        found = compare(RULE, RULE, engine=engine, prover=prover, timeout_ms=100)
        assert found.verdict in ("unknown", "equal")
        assert prover._child.generation == 2


def test_helpers_too_deep_are_unknown(engine):
    depth = MAX_CALL_DEPTH + 1
    chain = "\n\n".join(f"h{i} if h{i + 1}" for i in range(depth))
    text = f'package overlay.x\n\ndeny contains "m" if h0\n\n{chain}\n\nh{depth} if input.a\n'
    module = Module("r.rego", text)
    found = compare(module, module, engine=engine)
    assert found.verdict == "unknown"
    assert "helpers deep" in found.reason


def test_recursion_is_unknown(engine):
    text = 'package overlay.x\n\ndeny contains "m" if f(input.a)\n\nf(x) if f(x)\n'
    found = compare(Module("r.rego", text), Module("r.rego", text), engine=engine)
    assert found.verdict == "unknown"


def test_a_formula_too_large_is_unknown(engine):
    body = "\n\t".join(f"f{i}(input.a)" for i in range(12))
    functions = "\n".join(
        f"f{i}(x) := y if {{\n\ty := x.a{j}\n}}\n" for i in range(12) for j in range(4)
    )
    text = f'package overlay.x\n\ndeny contains "m" if {{\n\t{body}\n}}\n\n{functions}'
    found = compare(Module("r.rego", text), Module("r.rego", text), engine=engine)
    assert found.verdict == "unknown"
    assert "nodes" in found.reason


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python"])
def test_no_solver_is_said_with_what_to_install(engine, python):
    with (
        Prover(python=python) as prover,
        pytest.raises(ProverUnavailableError) as error,
    ):
        compare(RULE, RULE, engine=engine, prover=prover)
    assert (error.value.code, error.value.exit_code) == ("prover-unavailable", 3)
