# SPDX-License-Identifier: Apache-2.0
"""What is sent to a provider: ``prompt.md`` filled in, the request, the findings.

All of it is in this repository; nothing else of a workspace leaves the machine but the
ids of the rules in force, and a rule that is to be revised.
"""

import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final

from bundle.finding import Finding
from bundle.overlay import RuleFiles
from bundle.rego.builtins import ALLOWED
from bundle.rego.engine import Module
from bundle.rego.schema import input_schema
from bundle.rego.templates import library, render
from bundle.rule_metadata import PRACTICES, TOOLING_CATEGORIES
from keys.strict import dumps_json
from trustacks.drafting.limits import MAX_FINDINGS, MAX_PARENT_IDS

_ID: Final = re.compile(r'^rule_metadata\["([a-z0-9_.]{1,64})"\]', re.MULTILINE)
_SLOT: Final = re.compile(r"\{\{(\w+)\}\}")
_EXAMPLE: Final = "acme.requires_change_ticket"


def instructions(parents: Sequence[Module]) -> str:
    """Return the system prompt.

    Args:
        parents: Modules of constitution and packs; only their rule ids are named.
    """
    rule, test = render("change-calendar", _EXAMPLE)
    slots = {
        "builtins": " ".join(sorted(ALLOWED)),
        "tooling": ", ".join(TOOLING_CATEGORIES),
        "practices": ", ".join(PRACTICES),
        "library": library().source.strip(),
        "schema": dumps_json(input_schema()).decode(),
        "parents": "\n".join(f"- {name}" for name in _ids(parents)) or "- none known",
        "rule": rule.strip(),
        "test": test.strip(),
    }
    # One pass: what is filled in is never filled in again.
    return _SLOT.sub(lambda slot: slots[slot[1]], prompt())


def prompt() -> str:
    """Return ``prompt.md`` as it stands."""
    path = files("trustacks.drafting") / "prompt.md"
    return path.read_text(encoding="utf-8")


def request(words: str, rule_id: str | None, taken: Iterable[str] = ()) -> str:
    """Return the message that asks for a new rule."""
    lines = ["Write a rule for this wish of a policy author:", "", words, ""]
    if rule_id is not None:
        return "\n".join([*lines, f"Its rule_id is {rule_id}."])
    used = ", ".join(sorted(taken)[:MAX_PARENT_IDS])
    lines.append("Choose a rule_id <namespace>.<name> that no rule has yet.")
    lines += [f"The overlay has: {used}. Use their namespace."] if used else []
    return "\n".join(lines)


def revision(words: str, rule: RuleFiles) -> str:
    """Return the message that asks for another version of a rule."""
    return "\n".join(
        [
            f"Revise the rule {rule.rule_id} as this wish of a policy author says:",
            *(
                "",
                words,
                "",
                "Keep rule_id, package and whatever the wish leaves alone.",
            ),
            *("", "The rule:", "```rego", rule.rule.decode("utf-8", "replace"), "```"),
            *("Its tests:", "```rego", rule.test.decode("utf-8", "replace"), "```"),
        ]
    )


def feedback(findings: Sequence[Finding], failures: Sequence[str]) -> str:
    """Return the message that says what is wrong with an answer."""
    said = (found for found in findings if found.severity != "hint")
    serious = sorted(said, key=lambda found: found.severity != "error")
    lines = ["The answer does not pass. Correct this, and answer with the whole again:"]
    for found in serious[:MAX_FINDINGS]:
        lines.append(f"- {found.severity}: {found}")
        lines.append(f"  instead: {found.fix}")
    if failures:
        lines += ["", "Failed cases:", *failures]
    return "\n".join(lines)


def _ids(parents: Sequence[Module]) -> list[str]:
    found = (name for module in parents for name in _ID.findall(module.source))
    return sorted(set(found))[:MAX_PARENT_IDS]
