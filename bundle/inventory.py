# SPDX-License-Identifier: Apache-2.0
"""``rule_inventory.json``: what a bundle's rules say of themselves, for other readers.

The shape is the vendor's, an object because it is loaded as OPA data. It is derived
from the rules and nothing else: the gate makes it again and compares bytes, so it
cannot say what the rules do not. Nothing here decides; verdicts come from the Rego.
"""

from collections.abc import Iterable
from typing import Any, Final

from bundle.rule import RuleModule
from keys.strict import dumps_json

INVENTORY_PATH: Final = "rule_inventory.json"
LABEL: Final = "overlay"

_BEHAVIOR: Final = "behavior"
_STRUCTURAL: Final = "structural"


def build_inventory(rules: Iterable[RuleModule]) -> bytes:
    """Return the inventory of an overlay's rules, sorted by rule id."""
    entries = [_entry(rule) for rule in rules]
    entries.sort(key=lambda entry: entry["rule_id"])
    return dumps_json({f"{LABEL}_inventory": entries})


def _entry(rule: RuleModule) -> dict[str, Any]:
    said = rule.metadata
    return {
        "rule_id": rule.rule_id,
        "package": rule.package,
        "description": said.description,
        "required_tooling_categories": list(said.required_tooling_categories),
        "practice_dimensions": list(said.practice_dimensions),
        "tier_scope": list(said.tier_scope),
        "kind": _BEHAVIOR if said.practice_dimensions else _STRUCTURAL,
        "rego_body": rule.source.decode("utf-8"),
        "source": LABEL,
    }
