# SPDX-License-Identifier: Apache-2.0
"""How long a comparison of two versions of a rule takes, beside a bare Python."""

import statistics
import sys
from collections.abc import Iterator

from benchmarks.measure import Row, Taken, least, once, process
from benchmarks.overlays import TEMPLATES
from bundle.ratchet.child import Prover
from bundle.ratchet.compare import compare
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.templates import library, render

PAIRS = 40
# Seconds: of a random pair, and for each of the two directions.
MEDIAN = 0.200
DIRECTION = 3.0
_CHANGES = {
    "change-calendar": (
        'target_tier == "prod"',
        'target_tier == "prod"\n\tinput.context.change_kind != "hotfix"',
    ),
    "deploy-window": ("hour >= 22", "hour >= 21"),
    "approver": ('"security" in approval.groups', "approval.groups"),
}


def rows() -> Iterator[Row]:
    bare = process(sys.executable, "-c", "pass")
    with EmbeddedEngine() as engine, Prover() as prover:
        for name in TEMPLATES:
            old = Module("old.rego", render(name, "acme.rule")[0])
            new = Module("new.rego", old.source.replace(*_CHANGES[name]))

            def work(old: Module = old, new: Module = new) -> object:
                parents = [library()]
                return compare(old, new, engine=engine, prover=prover, library=parents)

            taken, base = least(work, bare, times=7)
            yield Row(f"compare two versions: {name}", taken, base)
        taken = sorted(_random(engine, prover), key=lambda one: one.wall)
    median = statistics.median(one.wall for one in taken)
    middle = taken[len(taken) // 2]
    name = f"compare random pairs, median of {PAIRS}"
    yield Row(name, Taken(median, middle.cpu), None, "under", MEDIAN)
    name = f"compare random pairs, slowest of {PAIRS}"
    yield Row(name, taken[-1], None, "two directions under", 2 * DIRECTION)


def _random(engine: EmbeddedEngine, prover: Prover) -> Iterator[Taken]:
    """Yield the time of each pair that the fuzz would compare."""
    from tests.ratchet.generator import Generator  # noqa: PLC0415 - of the tests

    generator = Generator(1)
    for _ in range(PAIRS):
        old = generator.rule()
        new = generator.mutation(old)
        sides = (Module("old.rego", old.source), Module("new.rego", new.source))
        yield once(lambda s=sides: compare(*s, engine=engine, prover=prover))
