# SPDX-License-Identifier: Apache-2.0
"""The layers of ``examples/``, overlay rules above them, and proposals for all."""

import os
from functools import cache
from pathlib import Path

from bundle.layers import build_layer, read_layer
from bundle.rego.engine import Module
from bundle.rego.templates import NAMES, render
from tests.simulators.proposals import Proposals

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# One call answers for all of them, so 1,000 are no more than a few seconds.
PROPOSALS = int(os.environ.get("TRUSTACKS_PROPOSALS", "1000"))
SEED = 20261122
VERDICT = "data.proposal.deny"
PACK = "data.pack.change_control.deny"


@cache
def parents() -> tuple[Module, ...]:
    """Return constitution and pack."""
    folders = (EXAMPLES / "constitution", EXAMPLES / "packs/change-control")
    layers = (read_layer(build_layer(folder)) for folder in folders)
    return tuple(module for layer in layers for module in layer.modules)


@cache
def templates() -> dict[str, Module]:
    """Return a rule of each template, by the path of its denies."""
    rules = {}
    for name in NAMES:
        leaf = f"acme_{name.replace('-', '_')}"
        rule, _ = render(name, leaf.replace("_", ".", 1))
        rules[f"data.overlay.{leaf}.deny"] = Module(f"{leaf}.rego", rule)
    return rules


def proposals(*modules: Module, count: int = PROPOSALS) -> list[dict]:
    """Return proposals that hit the constants of the layers and of more modules."""
    sources = tuple(module.source for module in (*parents(), *modules))
    return Proposals(SEED, sources).documents(count)


def pairs(modules) -> list[list[str]]:
    """Return modules as the oracle takes them."""
    return [[module.path, module.source] for module in modules]
