# SPDX-License-Identifier: Apache-2.0
"""Rules to start from, each with its tests and its citation.

They are complete: they pass ``rule test`` and ``rule lint`` as they are, and an author
changes what differs. ``empty`` has one condition of each kind, to be replaced. Here
too is the platform's library, for rules that are tested before any constitution is at
hand; a constitution brings its own.
"""

from pathlib import Path
from typing import Final

from bundle.finding import ConfinementError, Finding
from bundle.rego.engine import Module
from bundle.rule import rule_id_problem
from keys.errors import NotFoundError

# What a rule starts from that is like none of the others.
EMPTY: Final = "empty"
NAMES: Final = ("change-calendar", "deploy-window", "approver", EMPTY)


def render(template: str, rule_id: str) -> tuple[str, str]:
    """Return the text of a rule and of its tests.

    Args:
        template: One of ``NAMES``.
        rule_id: ``<namespace>.<name>``; the package is made of it.

    Raises:
        NotFoundError: No such template.
        ConfinementError: The id cannot be a rule's.
    """
    if template not in NAMES:
        raise NotFoundError(
            f"expected a template {', '.join(NAMES)}, got {template!r}",
            hint=f"use --from {NAMES[0]}",
        )
    if problem := rule_id_problem(rule_id):
        code, reason = problem
        fix = "use <namespace>.<name>, lower case, with your workspace's namespace"
        raise ConfinementError([Finding(code, "rule id", 1, 1, reason, fix)])
    rule, test = _read(f"{template}.rego"), _read(f"{template}_test.rego")
    return _fill(rule, rule_id), _fill(test, rule_id)


def library() -> Module:
    """Return the platform's library, ``package overlay_lib``."""
    return Module("overlay_lib.rego", _read("overlay_lib.rego"))


def _fill(text: str, rule_id: str) -> str:
    leaf = rule_id.replace(".", "_")
    return text.replace("__LEAF__", leaf).replace("__RULE_ID__", rule_id)


def _read(name: str) -> str:
    # not importlib.resources: 5 ms of imports, of which every `rule lint` is one
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
