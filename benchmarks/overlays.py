# SPDX-License-Identifier: Apache-2.0
"""Overlays to measure with: as many rules as are asked for, from the templates."""

from pathlib import Path

from bundle.rego.templates import render

ROOT = Path(__file__).parents[1]
LAYERS = [
    f"--constitution={ROOT / 'examples/constitution'}",
    f"--pack={ROOT / 'examples/packs/change-control'}",
]
TEMPLATES = ("change-calendar", "deploy-window", "approver")


def write_rule(overlay: Path, rule_id: str, template: str = TEMPLATES[0]) -> Path:
    """Write a rule and its tests; return the overlay's repository."""
    rule, test = render(template, rule_id)
    home = overlay / "overlay/rules" / rule_id
    home.mkdir(parents=True)
    (home / f"{rule_id}.rego").write_text(rule)
    (home / f"{rule_id}_test.rego").write_text(test)
    return overlay


def write_overlay(overlay: Path, count: int) -> Path:
    """Write ``count`` rules, each with an authority of its own to cite."""
    for number in range(count):
        rule_id = f"acme.rule_{number:05}"
        write_rule(overlay, rule_id, TEMPLATES[number % len(TEMPLATES)])
        path = overlay / "overlay/rules" / rule_id / f"{rule_id}.rego"
        text = path.read_text().replace("-REQUIRED-001", f"-REQUIRED-{number:05}")
        path.write_text(text)
    return overlay
