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
from bundle.overlay import RuleFiles, find_rule, overlay_root
from bundle.overlay_retired import RetiredFiles, find_retired
from bundle.rule import rule_id_problem
from keys.durable import write_file
from keys.errors import UsageError
from keys.strict import dumps_json
from signer.predicates.approval import RETIRED, RETURNED
from trustacks._cli.engine import confirmed, engine_option, open_engine
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import Asked, asked, signer_options
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
from trustacks.approving import Approver, Second
from trustacks.errors import NothingToApproveError
from trustacks.keeping import released_rules
from trustacks.retiring import EndApprover
from trustacks.signing import said_in, statement_digest


@command("approve")
@click.argument("rule")
@click.option("--justification", metavar="TEXT", required=True, help="Why, in words.")
@signer_options("The approver's key.")
@overlay_option
@engine_option
@workspace_option
def approve(
    session: Session,
    /,
    *,
    rule: str,
    justification: str,
    overlay: Path | None,
    engine_choice: str | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Approve how RULE, an id or a path, differs from the newest release.

    That is a change, a retirement, or the return of a rule that was retired.
    """
    if not justification.strip():
        raise UsageError("expected a justification in words, got a blank one")
    options, ended = asked(given), _ended(overlay, rule)
    if ended is not None:
        _approve_end(session, ended, justification, options, workspace)
        return
    files = find_rule(overlay or Path(), rule)
    approver = open_second(session, Approver, options, workspace)
    if approver.returns(files):
        _approve_return(session, approver, files, justification)
        return
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
    _keep(session, approver, files.rule_path, raw, report.change.shown())


def _ended(overlay: Path | None, rule: str) -> RetiredFiles | None:
    """Return the retirement of a rule that is gone, if that is what is meant."""
    if rule_id_problem(rule) is not None:
        return None
    return find_retired(overlay_root(overlay or Path()), rule)


def _approve_end(
    session: Session,
    files: RetiredFiles,
    justification: str,
    options: Asked,
    workspace: str | None,
) -> None:
    approver = open_second(session, EndApprover, options, workspace)
    said = approver.retirement(files)
    session.output.say(f"{said.identity} retires {said.rule_id}: {said.reason}")
    if approver.head is not None:
        rules = released_rules(approver.pinned, approver.head)
        session.output.say(rules.get(said.rule_id, b"").decode("utf-8", "replace"))
    raw = approver.sign(files, justification=justification)
    rule = files.path.with_name(f"{files.rule_id}.rego")
    _keep(session, approver, rule, raw, {"verdict": RETIRED})


def _approve_return(
    session: Session, approver: Approver, files: RuleFiles, justification: str
) -> None:
    approver.require_second(files)
    session.output.say(files.rule.decode("utf-8", "replace"))
    raw = approver.sign_return(files, justification=justification)
    _keep(session, approver, files.rule_path, raw, {"verdict": RETURNED})


def _keep(
    session: Session, approver: Second, rule: Path, raw: bytes, change: dict[str, Any]
) -> None:
    path = approval_path(rule, approver.identity.id)
    write_file(path, raw)
    value = {
        "rule_id": said_in(raw)["rule_id"],
        "attestation": str(path),
        "statement": str(statement_digest(raw)),
        "identity": approver.identity.id,
        "change": change,
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
