# SPDX-License-Identifier: Apache-2.0
"""Delete each numbered step of a verifying function in turn: some test must go red.

A step is ``with steps("id"):``; each statement in its body, notes apart, is one mutant.
The body is replaced and not the block, because a step that is missing from a result is
``not_run`` and refuses by itself: the mutants are the harder ones, where the step seems
to have passed. Everything happens in copies of the tree, one for each processor.

Without options, every function of ``TARGETS``. Prints a Markdown table; exits 1 if a
mutant survives, and 3 if the tests are red without one.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
# What a test may need of the tree.
COPIED: Final = (
    "bundle",
    "control_plane",
    "examples",
    "keys",
    "pyproject.toml",
    "signer",
    "tests",
    "trustacks",
)
# Seconds. One run of the attack tests takes about two on a machine with nothing to do.
TIMEOUT_S: Final = 300


@dataclass(frozen=True)
class Target:
    """A verifying function and the tests that hold it."""

    file: str
    function: str
    tests: tuple[str, ...]


TARGETS: Final = (
    *(
        Target(
            "signer/verify.py",
            function,
            (
                "tests/attacks/test_attestation_steps.py",
                "tests/attacks/test_attestation_time.py",
                "tests/attacks/test_attestation_keyless.py",
            ),
        )
        for function in ("verify_attestation", "_check_word")
    ),
    *(
        Target(
            "signer/verify_bundle.py", function, ("tests/attacks/test_bundle_steps.py",)
        )
        for function in ("verify_bundle", "_check_certificate", "_check_said")
    ),
    Target(
        "signer/verify_key.py",
        "verify_layer",
        ("tests/attacks/test_attestation_layer.py",),
    ),
    Target(
        "signer/verify_key.py",
        "verify_possession",
        ("tests/attacks/test_attestation_possession.py",),
    ),
    *(
        Target(file, function, ("tests/attacks/test_release_steps.py",))
        for file, function in (
            ("bundle/gate/steps_trust.py", "check_trust"),
            ("bundle/gate/steps_trust.py", "check_layers"),
            ("bundle/gate/steps_release.py", "check_listed"),
            ("bundle/gate/steps_release.py", "check_word"),
            ("bundle/gate/steps_bundle.py", "check_bundle"),
            ("bundle/gate/steps_bundle.py", "check_together"),
        )
    ),
    *(
        Target(
            "bundle/gate/steps_rules.py",
            function,
            (
                "tests/attacks/test_release_steps.py",
                "tests/attacks/test_rule_changes.py",
                "tests/attacks/test_rule_thresholds.py",
                "tests/attacks/test_retirements.py",
                "tests/attacks/test_waivers.py",
            ),
        )
        for function in (
            "_check_listed",
            "_check_thresholds",
            "_check_moves",
            "check_waivers",
        )
    ),
    Target(
        "bundle/gate/standing.py",
        "check_standing",
        (
            "tests/unit/bundle/test_gate_result.py",
            "tests/attacks/test_retirements.py",
        ),
    ),
)


@dataclass(frozen=True)
class Mutant:
    """One statement of one step."""

    step: str
    node: ast.stmt

    def apply(self, source: str) -> str:
        """Return the source without the statement."""
        lines = source.splitlines(keepends=True)
        first, last = self.node.lineno - 1, self.node.end_lineno
        indent = " " * self.node.col_offset
        return "".join([*lines[:first], f"{indent}pass\n", *lines[last:]])


@dataclass(frozen=True)
class Red:
    """The test that a mutant turned red.

    Attributes:
        test: Its id; none if the mutant survived.
        code: The refusal that the test asked for.
        got: What came instead.
    """

    test: str | None
    code: str = ""
    got: str = ""


def find_mutants(source: str, function: str) -> Iterator[Mutant]:
    """Yield every statement of every step of a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            for block in ast.walk(node):
                if isinstance(block, ast.With) and (step := _step_id(block)):
                    yield from _mutants_of(step, block)


def _mutants_of(step: str, block: ast.With) -> Iterator[Mutant]:
    checks = [statement for statement in block.body if not _is_note(statement)]
    for number, statement in enumerate(checks, 1):
        yield Mutant(step if len(checks) == 1 else f"{step}, {number}", statement)


def _step_id(block: ast.With) -> str | None:
    call = block.items[0].context_expr
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "steps"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ):
        return str(call.args[0].value)
    return None


def _is_note(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func).split(".")[0] == "note"
    )


def copy_tree(to: Path) -> None:
    """Copy what the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, to / name)


def run_tests(tree: Path, tests: tuple[str, ...]) -> str | None:
    """Run the tests until the first that is red; return its line of the summary."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=no"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly", *tests]
    # No bytecode: two mutants of one size in one second would share it.
    environment = os.environ | {"COLUMNS": "1000", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command,
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    if done.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    return found[1] if found else f"pytest exited {done.returncode}"


def read_red(line: str | None) -> Red:
    """Read test, code and outcome from a line of pytest's summary."""
    if line is None:
        return Red(None)
    test, _, why = line.partition("] - ") if "] - " in line else line.partition(" - ")
    test += "]" if "[" in test and not test.endswith("]") else ""
    said = re.search(r"-> ([a-z0-9-]+)\]", test)
    compared = re.search(r"assert (None|'[a-z0-9-]+') == (None|'[a-z0-9-]+')", why)
    if compared:
        got = "accepted" if compared[1] == "None" else compared[1].strip("'")
        return Red(test, said[1] if said else compared[2].strip("'"), got)
    return Red(test, said[1] if said else "", why.split(":")[0].strip() or "red")


def judge(target: Target, mutant: Mutant) -> Red:
    """Run the tests on one mutant, in a tree of its own."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        path = Path(name) / target.file
        copy_tree(Path(name))
        path.write_text(mutant.apply(path.read_text()))
        return read_red(run_tests(Path(name), target.tests))


def print_table(target: Target, pool: Executor) -> int:
    """Print one table; return how many mutants survived."""
    print(f"\n`{target.function}` in `{target.file}`\n")
    print("| step | deleted at | test that went red | its code | instead |")
    print("|---|---|---|---|---|", flush=True)
    source = (ROOT / target.file).read_text()
    mutants = list(find_mutants(source, target.function))
    reds = pool.map(partial(judge, target), mutants)
    survivors = int(not mutants)  # a function without a step proves nothing
    for mutant, red in zip(mutants, reds, strict=True):
        survivors += not red.test
        test = f"`{red.test.split('/')[-1]}`" if red.test else "**none: it survives**"
        line = mutant.node.lineno
        print(
            f"| {mutant.step} | {line} | {test} | {red.code} | {red.got} |", flush=True
        )
    return survivors


def red_before(targets: Sequence[Target]) -> str | None:
    """Return a test that is red without any mutant."""
    tests = dict.fromkeys(test for target in targets for test in target.tests)
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        copy_tree(Path(name))
        return run_tests(Path(name), tuple(tests))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", help="the module, such as signer/verify.py")
    parser.add_argument("--function", help="the function in it")
    parser.add_argument("--tests", nargs="+", help="the tests that must go red")
    given = parser.parse_args()
    chosen = (given.file, given.function, given.tests)
    if any(chosen) and not all(chosen):
        parser.error("--file, --function and --tests go together")
    targets = TARGETS
    if given.file:
        targets = (Target(given.file, given.function, tuple(given.tests)),)
    if red := red_before(targets):
        print(f"red without a mutant: {red}", file=sys.stderr)
        return 3
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        survivors = sum(print_table(target, pool) for target in targets)
    print(f"\n{survivors or 'No'} mutant{'s' * (survivors > 1)} survived.")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
