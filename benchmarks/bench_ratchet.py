# SPDX-License-Identifier: Apache-2.0
"""How long a comparison of two versions of a rule takes, beside a bare Python."""

import statistics
import sys
import time

from benchmarks.measure import Ratio, least, process
from bundle.ratchet.child import Prover
from bundle.ratchet.compare import compare
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.templates import NAMES, library, render

_CHANGES = {
    "change-calendar": (
        'target_tier == "prod"',
        'target_tier == "prod"\n\tinput.context.change_kind != "hotfix"',
    ),
    "deploy-window": ("hour >= 22", "hour >= 21"),
    "approver": ('"security" in approval.groups', "approval.groups"),
}


def rows() -> list[Ratio]:
    bare = process(sys.executable, "-c", "pass")
    found = []
    with EmbeddedEngine() as engine, Prover() as prover:
        for name in NAMES:
            old = Module("old.rego", render(name, "acme.rule")[0])
            new = Module("new.rego", old.source.replace(*_CHANGES[name]))

            def once(old: Module = old, new: Module = new) -> object:
                parents = [library()]
                return compare(old, new, engine=engine, prover=prover, library=parents)

            seconds, base = least(once, bare, times=7)
            found.append(Ratio(f"compare two versions: {name}", seconds, base))
        median = _median(engine, prover)
    found.append(Ratio("SMT median of random pairs, against 200 ms", median, 0.2, 1.0))
    return found


def _median(engine: EmbeddedEngine, prover: Prover) -> float:
    """Return the median over the pairs that the fuzz compares."""
    from tests.ratchet.generator import Generator  # noqa: PLC0415 - of the tests

    generator, seconds = Generator(1), []
    for _ in range(40):
        old = generator.rule()
        new = generator.mutation(old)
        start = time.perf_counter()
        sides = (Module("old.rego", old.source), Module("new.rego", new.source))
        compare(*sides, engine=engine, prover=prover)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
