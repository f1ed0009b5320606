# SPDX-License-Identifier: Apache-2.0
"""A rule to vary, and one engine for all tests that need no engine of their own."""

from functools import cache
from pathlib import Path

from bundle.overlay import RuleFiles
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.templates import render

RULE_ID = "acme.requires_ticket"
LEAF = "acme_requires_ticket"
BUNDLE_PATH = f"rules/{RULE_ID}/{RULE_ID}.rego"

METADATA = f"""rule_metadata["{RULE_ID}"] := {{
	"description": "A production change names a ticket.",
	"required_tooling_categories": ["ticketing_change_mgmt"],
	"practice_dimensions": [],
	"tier_scope": ["prod"],
	"citation": {{
		"id": "CM-TICKET-REQUIRED-001",
		"description": "Changes are recorded.",
		"category": "change-management",
		"source": "https://example.com/change-management#4",
	}},
}}
"""
DENY = f"""deny contains {{"rule_id": "{RULE_ID}", "message": "no ticket"}} if {{
	target_tier == "prod"
	not has_ticket
}}

has_ticket if startswith(input.context.pull_request.branch, "CM-")
"""
RULE = f"""package overlay.{LEAF}

import rego.v1

import data.overlay_lib.target_tier

{METADATA}
{DENY}"""
TEST = f"""package overlay.{LEAF}_test

import rego.v1

import data.overlay.{LEAF}

change(branch) := {{"context": {{
	"target": {{"name": "eu-1", "tier": "prod"}},
	"pull_request": {{"branch": branch}},
}}}}

test_allows_ticket if count({LEAF}.deny) == 0 with input as change("CM-1")

test_denies_no_ticket if count({LEAF}.deny) == 1 with input as change("main")
"""


@cache
def shared_engine() -> EmbeddedEngine:
    """Return one engine for the whole run."""
    return EmbeddedEngine()


def rule_with(text: str) -> str:
    """Return the rule with something more at its end."""
    return f"{RULE}\n{text}\n"


def rule_files(
    rule: str = RULE, test: str = TEST, *, cases: str | None = None
) -> RuleFiles:
    """Return the files of a rule that lie nowhere."""
    folder = Path("overlay/rules") / RULE_ID
    return RuleFiles(
        rule_id=RULE_ID,
        rule_path=folder / f"{RULE_ID}.rego",
        test_path=folder / f"{RULE_ID}_test.rego",
        attestation_path=folder / f"{RULE_ID}.sigstore.json",
        rule=rule.encode(),
        test=test.encode(),
        attestation=None,
        cases_path=folder / f"{RULE_ID}.cases.yaml" if cases is not None else None,
        cases=cases.encode() if cases is not None else None,
    )


def write_rule(root: Path, rule_id: str, template: str = "change-calendar") -> Path:
    """Write a rule of a template into an overlay folder; return the rule's path."""
    folder = root / "rules" / rule_id
    folder.mkdir(parents=True)
    rule, test = render(template, rule_id)
    path = folder / f"{rule_id}.rego"
    path.write_text(rule)
    path.with_name(f"{rule_id}_test.rego").write_text(test)
    return path
