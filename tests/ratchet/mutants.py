# SPDX-License-Identifier: Apache-2.0
"""Encoders with one line wrong each. The absolute check has to catch every one."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """One line of one module, changed."""

    name: str
    module: str
    line: str
    instead: str


MUTANTS = (
    Mutant(
        "false counts as true",
        "bundle.ratchet.statements",
        "(Atom(self.term(b) != literal(value=False)), then(e))",
        "(Atom(self.term(b) != literal(value=None)), then(e))",
    ),
    Mutant(
        "not is dropped",
        "bundle.ratchet.statements",
        "return All((Not(inner), then(env)))",
        "return All((inner, then(env)))",
    ),
    Mutant(
        "every means some",
        "bundle.ratchet.statements",
        "return Not(self.query(node.body, inner, lambda _: TRUE))",
        "return self.query(node.body, inner, lambda _: TRUE)",
    ),
    Mutant(
        "a helper needs all of its clauses",
        "bundle.ratchet.clauses",
        "parts.append(All((Some(held), then(literal(value=True)))))",
        "parts.append(All((All(held), then(literal(value=True)))))",
    ),
    Mutant(
        "less than is less or equal",
        "bundle.ratchet.operators",
        "return less(left, right)",
        "return z3.Not(less(right, left))",
    ),
    Mutant(
        "numbers come before booleans",
        "bundle.ratchet.values",
        'ORDER: Final = ("null", "boolean", "number", "text"',
        'ORDER: Final = ("null", "number", "boolean", "text"',
    ),
    Mutant(
        "startswith is contains",
        "bundle.ratchet.calls",
        '"startswith": lambda text, part: z3.PrefixOf(part, text),',
        '"startswith": lambda text, part: z3.Contains(text, part),',
    ),
    Mutant(
        "a missing key has a value",
        "bundle.ratchet.terms",
        "return z3.And(is_defined(found), z3.Or(is_object, in_set))",
        "return z3.Or(is_object, in_set)",
    ),
    Mutant(
        "minus is plus",
        "bundle.ratchet.operators",
        '"-": lambda a, b: a - b,',
        '"-": lambda a, b: a + b,',
    ),
)


def check(mutant, scratch: Path, *, seeds: range, pairs: int) -> dict:
    """Run the absolute check over a copy of the rooms with one line changed.

    Args:
        mutant: The change.
        scratch: An empty folder for the copy.
        seeds: Of the parts of the check.
        pairs: In each part.

    Returns:
        The counts of the check, which ends at the first wrong pair.
    """
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(_REPOSITORY / "bundle", scratch / "bundle", ignore=skip)
    for room in ("keys", "signer", "tests"):
        (scratch / room).symlink_to(_REPOSITORY / room)
    path = scratch / (mutant.module.replace(".", "/") + ".py")
    text = path.read_text()
    assert text.count(mutant.line) == 1, f"{mutant.name}: the line is gone"
    path.write_text(text.replace(mutant.line, mutant.instead))
    arguments = [str(n) for n in (seeds.start, seeds.stop, pairs)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.ratchet.mutants", *arguments],
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _main() -> None:
    from bundle.ratchet import values  # noqa: PLC0415 - of the copy
    from bundle.rego.embedded import EmbeddedEngine  # noqa: PLC0415
    from tests.ratchet.absolute import Check  # noqa: PLC0415
    from tests.simulators.opa_oracle import Oracle, library  # noqa: PLC0415

    assert Path(values.__file__).is_relative_to(Path.cwd()), "the real room"
    engine, oracle = EmbeddedEngine(), Oracle(library())
    found = Check(engine, oracle)
    first, end, pairs = (int(argument) for argument in sys.argv[1:])
    for part, seed in enumerate(range(first, end), start=1):
        if not found.wrong:
            found.run(seed, part * pairs, stop=True)
    oracle.close()
    engine.close()
    sys.stdout.write(json.dumps(found.count))


if __name__ == "__main__":
    _main()
