# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule approve``: a second principal approves a change of a rule.

What changes is shown first: the lines, and what this machine can prove about them.
Nothing is asked, so that it works in a script; who approves says why in words.
"""

from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

import click

from bundle.beside import approval_path
from bundle.layers import read_layer
from bundle.lint import LintReport, lint_rule
from bundle.overlay import RuleFiles, find_rule
from keys.durable import write_file
from keys.errors import UsageError
from keys.strict import dumps_json
from trustacks._cli.engine import confirmed, engine_option, open_engine
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.overlay_files import overlay_option
from trustacks._cli.rule_lint import (
    against_of,
    linted_text,
    previous_of,
    read_others,
    require_linted,
)
from trustacks._cli.seconds import open_second
from trustacks._cli.session import Session
from trustacks.approving import Approver
from trustacks.errors import NothingToApproveError
from trustacks.signing import said_in, statement_digest


@command("approve")
@click.argument("rule")
@click.option("--justification", metavar="TEXT", required=True, help="Why, in words.")
@click.option("--key", metavar="NAME", help="The approver's key.")
@overlay_option
@engine_option
@workspace_option
def approve(
    session: Session,
    *,
    rule: str,
    justification: str,
    key: str | None,
    overlay: Path | None,
    engine_choice: str | None,
    workspace: str | None,
) -> None:
    """Approve how RULE, an id or a path, differs from the newest release."""
    if not justification.strip():
        raise UsageError("expected a justification in words, got a blank one")
    files = find_rule(overlay or Path(), rule)
    approver = open_second(session, Approver, key, workspace)
    approver.old(files)
    approver.require_second(files)
    previous = previous_of(session, files, None, workspace)
    engine = open_engine(session, engine_choice)
    layers = tuple(map(read_layer, approver.pinned.parents().archives))
    against = against_of(layers, read_others(overlay, rule), engine)
    against = replace(against, previous=previous)
    (report,) = confirmed(engine, [lint_rule(files, engine=engine, against=against)])
    session.output.say(_shown(files, previous, report))
    require_linted([report])
    if report.change is None:
        raise NothingToApproveError(f"expected a change of {files.rule_id}, got none")
    raw = approver.sign(files, change=report.change, justification=justification)
    path = approval_path(files.rule_path, approver.identity.id)
    write_file(path, raw)
    value = {
        "rule_id": files.rule_id,
        "attestation": str(path),
        "statement": str(statement_digest(raw)),
        "identity": approver.identity.id,
        "change": report.change.shown(),
        "predicate": said_in(raw),
    }
    session.output.result(value, lambda: _text(value))


def _shown(files: RuleFiles, previous: RuleFiles | None, report: LintReport) -> str:
    """Return what the approver has to see: the difference, and what is proved."""
    old = previous.rule.decode("utf-8", "replace") if previous else ""
    new = files.rule.decode("utf-8", "replace")
    lines = unified_diff(
        old.splitlines(),
        new.splitlines(),
        "released",
        str(files.rule_path),
        lineterm="",
    )
    parts = ["\n".join(lines)]
    if not report.passed:
        parts.append(linted_text([report], [files]))
    if report.change is not None:
        parts.append(f"change: {report.change.verdict}: {report.change.reason}")
        shown = report.change.shown()
        parts += [
            f"{name.replace('_', ' ')}: {dumps_json(shown[name]).decode()}"
            for name in ("witness_looser", "witness_stricter")
            if shown[name] is not None
        ]
    return "\n".join(parts)


def _text(value: dict[str, Any]) -> str:
    return (
        f"approved {value['rule_id']} ({value['change']['verdict']}) as "
        f"{value['identity']}: {value['attestation']}"
    )
