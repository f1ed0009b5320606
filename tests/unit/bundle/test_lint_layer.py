# SPDX-License-Identifier: Apache-2.0
"""A parent keeps to itself, or the ratchet does not hold."""

from pathlib import Path

import pytest

from bundle.layers import Layer, build_layer, read_layer
from bundle.lint import lint_layer
from bundle.rego.engine import Module
from keys.digest import Digest
from tests.simulators.rego import shared_engine

EXAMPLES = Path(__file__).parents[3] / "examples"


def layer(kind, text, name="change-control"):
    module = Module("a.rego", text)
    return Layer(kind, name, "1.0.0", (module,), b"", Digest.of(b""))


def codes(kind, text):
    return [f.code for f in lint_layer(layer(kind, text), engine=shared_engine())]


@pytest.mark.parametrize("name", ["constitution", "packs/change-control"])
def test_the_examples_are_sound_parents(name):
    found = lint_layer(read_layer(build_layer(EXAMPLES / name)), engine=shared_engine())
    assert found == ()


CONSTITUTION = {
    "another package": ("package other\np := 1", ["layer-package"]),
    "an overlay's package": ("package overlay.x\np := 1", ["layer-package"]),
    "the library": (
        "package overlay_lib\ntarget_tier := input.context.target.tier",
        [],
    ),
    "an own rule": ("package proposal\np := data.proposal.q\nq := 1", []),
    "an aggregator": (
        "package proposal\nimport rego.v1\ndeny contains e if {\n\tsome n\n\tsome e in data.overlay[n].deny\n}",
        [],
    ),
    "an exemption that an overlay could give": (
        "package proposal\nimport rego.v1\ndeny contains 1 if {\n\tsome n\n\tnot data.overlay[n].exempt\n}",
        ["layer-reference"],
    ),
    "a condition beside the aggregation": (
        "package proposal\nimport rego.v1\ndeny contains e if {\n\tsome e in data.overlay.x.deny\n\te.y == 1\n}",
        ["layer-reference"],
    ),
    "a helper that reads an overlay": (
        "package proposal\nimport rego.v1\nhelper if data.overlay.x.deny",
        ["layer-reference"],
    ),
    "all of data": ("package proposal\np := data", ["layer-reference"]),
    "data by a computed step": (
        "package proposal\np := data[input.x]",
        ["layer-reference"],
    ),
    "an import of data": (
        "package proposal\nimport data.overlay_lib.target_tier\np := target_tier",
        ["layer-import"],
    ),
    "an import of an overlay": (
        "package proposal\nimport data.overlay.x as y\np := y.z",
        ["layer-import", "layer-reference"],
    ),
    "no Rego": ("hello", ["rego-parse"]),
}
PACK = {
    "its own package": (
        "package pack.change_control\np := data.overlay_lib.target_tier",
        [],
    ),
    "another pack's": ("package pack.other\np := 1", ["layer-package"]),
    "the constitution's": ("package proposal\np := 1", ["layer-package"]),
    "the library's": ("package overlay_lib\np := 1", ["layer-package"]),
    "a reference to another pack": (
        "package pack.change_control\np := data.pack.x.q",
        ["layer-reference"],
    ),
    "a reference to the constitution": (
        "package pack.change_control\np := data.proposal.deny",
        ["layer-reference"],
    ),
    "an aggregator": (
        "package pack.change_control\nimport rego.v1\ndeny contains e if {\n\tsome n\n\tsome e in data.overlay[n].deny\n}",
        ["layer-reference"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONSTITUTION.values(), ids=CONSTITUTION)
def test_a_constitution_keeps_to_itself(text, expected):
    assert codes("constitution", text) == expected


@pytest.mark.parametrize(("text", "expected"), PACK.values(), ids=PACK)
def test_a_pack_keeps_to_itself(text, expected):
    assert codes("pack", text) == expected
