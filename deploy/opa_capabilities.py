# SPDX-License-Identifier: Apache-2.0
"""Writes ``bundle/rego/opa_capabilities.json``: what our builtins are to stock OPA.

Usage: ``opa capabilities --current | python deploy/opa_capabilities.py``
Names and types only; the portable list says which.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bundle.rego.builtins import ALLOWED

TARGET = Path(__file__).parents[1] / "bundle/rego/opa_capabilities.json"
# What operators and `in` are called inside.
INTERNAL = {"internal.member_2", "internal.member_3"}


def reduced(capabilities: dict[str, Any]) -> str:
    """Return the capabilities that a rule may need, as text."""
    builtins = [
        {"name": one["name"], "decl": _types(one["decl"])}
        | ({"infix": one["infix"]} if "infix" in one else {})
        for one in capabilities["builtins"]
        if one["name"] in ALLOWED | INTERNAL or "infix" in one or one["name"] == "eq"
    ]
    document = {
        "builtins": sorted(builtins, key=lambda one: one["name"]),
        "future_keywords": ["contains", "every", "if", "in"],
        "features": ["rego_v1"],
        "allow_net": [],
    }
    lines = json.dumps(document["builtins"], sort_keys=True).replace(
        '}, {"decl": {"args"', '},\n{"decl": {"args"'
    )
    rest = {name: value for name, value in document.items() if name != "builtins"}
    return '{"builtins": ' + lines + ",\n" + json.dumps(rest)[1:] + "\n"


def _types(value: Any) -> Any:
    """Return a declaration without its prose."""
    if isinstance(value, dict):
        return {
            k: _types(v) for k, v in value.items() if k not in ("description", "name")
        }
    return [_types(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    TARGET.write_text(reduced(json.load(sys.stdin)), encoding="utf-8")
