# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule retire``: takes a rule out of force, by a signed statement.

Order of writes: the retirement first, then the rule's files are removed, its Rego last.
After a crash between them the rule is still there and in force, and the same command
finishes the work: a retirement of the released version is not signed again.
"""

from pathlib import Path
from typing import Any

import click

from bundle.overlay import RuleFiles, find_rule, overlay_root
from bundle.overlay_retired import MAX_RETIREMENT_BYTES, retired_path
from keys.durable import read_file, write_file
from keys.errors import NotFoundError, TrustacksError, UsageError
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.overlay_files import overlay_option
from trustacks._cli.seconds import open_second
from trustacks._cli.session import Session
from trustacks.retiring import Retirer
from trustacks.signing import said_in, statement_digest


@command("retire")
@click.argument("rule")
@click.option("--reason", metavar="TEXT", required=True, help="Why, in words.")
@signer_options("The key of whoever may retire.")
@overlay_option
@workspace_option
def retire(
    session: Session,
    /,
    *,
    rule: str,
    reason: str,
    overlay: Path | None,
    workspace: str | None,
    **given: Any,
) -> None:
    """Retire RULE, an id or a path: sign its end, and remove its files.

    It stays in force until a release lists the retirement, which needs the approval of
    a second principal: trustacks rule approve.
    """
    if not reason.strip():
        raise UsageError("expected a reason in words, got a blank one")
    files = _find(overlay, rule)
    rule_id = files.rule_id if files else rule
    retirer = open_second(session, Retirer, asked(given), workspace)
    path = retired_path(overlay_root(overlay or Path()), rule_id)
    raw = _finished(path, retirer, rule_id) if files else None
    if raw is None:
        raw = retirer.sign(rule_id, reason)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, raw)
    removed = _remove(files) if files else []
    value = {
        "rule_id": rule_id,
        "attestation": str(path),
        "statement": str(statement_digest(raw)),
        "identity": retirer.identity.id,
        "removed": [str(one) for one in removed],
        "predicate": said_in(raw),
    }
    session.output.result(value, lambda: _text(value))
    session.output.hint(f"another person approves it: trustacks rule approve {rule_id}")


def _find(overlay: Path | None, rule: str) -> RuleFiles | None:
    """Return the rule's files; none if they were deleted before it was retired."""
    try:
        return find_rule(overlay or Path(), rule)
    except NotFoundError:
        if "/" in rule or rule.endswith(".rego"):
            raise
        return None


def _finished(path: Path, retirer: Retirer, rule_id: str) -> bytes | None:
    """Return this signer's retirement of the released version, if a crash left it.

    What somebody else put there is neither said to be theirs, nor ends the rule.
    """
    try:
        raw = read_file(path, max_bytes=MAX_RETIREMENT_BYTES)
        retirer.require_own(raw, rule_id)
    except TrustacksError:
        return None
    return raw


def _remove(files: RuleFiles) -> list[Path]:
    """Remove a rule's files, its Rego last."""
    beside = [files.test_path, files.attestation_path, files.cases_path]
    beside += [path for path, _ in (*files.approvals, *files.cosignatures)]
    gone = [path for path in beside if path is not None and path.exists()]
    for path in (*gone, files.rule_path):
        path.unlink()
    return [*gone, files.rule_path]


def _text(value: dict[str, Any]) -> str:
    return (
        f"retired {value['rule_id']} as {value['identity']}: {value['attestation']}\n"
        "it stays in force until a release says so"
    )
