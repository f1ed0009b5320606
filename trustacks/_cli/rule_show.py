# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule list`` and ``trustacks rule show``: what an overlay holds.

The state of a signature is told without a network: ``signed`` means that an attestation
about these very bytes lies beside the rule. ``show`` also verifies it against the pin.
"""

from pathlib import Path
from typing import Any

import click

from bundle.confine import examine_rule
from bundle.overlay import RuleFiles, find_rule
from bundle.rule import RuleModule
from keys.digest import Digest
from keys.errors import NotFoundError
from signer.result import VerificationResult
from signer.verify import verify_attestation
from trustacks._cli.engine import open_engine
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.output import columns, pairs, printable
from trustacks._cli.overlay_files import overlay_option, read_rules
from trustacks._cli.pin import open_pinned
from trustacks._cli.session import Session
from trustacks.errors import NotLoggedInError
from trustacks.expected import expected_of
from trustacks.review.evidence import state_of


@command("list")
@overlay_option
def list_(session: Session, *, overlay: Path | None) -> None:
    """List the rules of the overlay: id, citation, state, description."""
    rules = read_rules(overlay)
    engine = open_engine(session)
    found = [
        _described(
            one, examine_rule(str(one.rule_path), one.rule, parse=engine.parse).rule
        )
        for one in rules
    ]
    names = ("rule_id", "citation", "state", "description")
    rows = [[str(one[name] or "") for name in names] for one in found]
    heads = ("RULE", "CITATION", "STATE", "DESCRIPTION")
    session.output.result({"rules": found}, lambda: columns([heads, *rows]))


@command("show")
@click.argument("rule")
@overlay_option
@workspace_option
def show(
    session: Session, *, rule: str, overlay: Path | None, workspace: str | None
) -> None:
    """Show RULE, an id or a path: its text, citation, tests and signature."""
    files = find_rule(overlay or Path(), rule)
    engine = open_engine(session)
    module = examine_rule(str(files.rule_path), files.rule, parse=engine.parse).rule
    value = _described(files, module)
    result = _verified(session, files, workspace)
    # A refused result is false; only a missing one is None.
    value["verification"] = None if result is None else result.to_json()
    value["source"] = files.rule.decode("utf-8", "replace")
    color = session.output.color
    session.output.result(
        value,
        lambda: _text(value, None if result is None else result.text(color=color)),
    )


def _described(files: RuleFiles, module: RuleModule | None) -> dict[str, Any]:
    citation = module.metadata.citation.to_json() if module else None
    return {
        "rule_id": files.rule_id,
        "path": str(files.rule_path),
        "tests": str(files.test_path),
        "package": module.package if module else None,
        "description": module.metadata.description if module else None,
        "citation": citation["id"] if citation else None,
        "source_link": citation["source"] if citation else None,
        "state": state_of(files),
        "rule": str(Digest.of(files.rule)),
        "test": str(Digest.of(files.test)),
    }


def _verified(
    session: Session, files: RuleFiles, workspace: str | None
) -> VerificationResult | None:
    """Verify the attestation offline, if there is one and something is pinned."""
    if files.attestation is None:
        return None
    at = session.clock()
    try:
        pinned = open_pinned(session, session.login(workspace)).cached(at=at)
    except (NotLoggedInError, NotFoundError):
        return None
    return verify_attestation(
        files.attestation, trust=pinned.trust, expected=expected_of(files), at=at
    ).result


def _text(value: dict[str, Any], verification: str | None) -> str:
    names = ("rule_id", "path", "tests", "package", "description", "citation")
    rows = [(name.replace("_", " "), str(value[name] or "none")) for name in names]
    rows += [("authority", value["source_link"] or "none"), ("state", value["state"])]
    parts = [pairs(rows)] + ([verification] if verification else [])
    source = printable(value["source"].replace("\t", "    "))
    return "\n\n".join([*parts, source])
