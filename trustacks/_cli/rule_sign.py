# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule sign``: refuses until test and lint pass, then attests.

The attestation is written beside the rule, whole or not at all; one for other bytes is
replaced, because the release keeps the history. A rule whose attestation holds already
is left alone unless ``--again`` says otherwise.

A version that may deny less than the one in the newest release is signed only if
``--mark`` names what it is: who approves it then knows that its author knew.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from bundle.confine import examine_rule
from bundle.layers import read_layer
from bundle.lint import LintReport, lint_rule
from bundle.lint.linter import Against
from bundle.overlay import RuleFiles
from bundle.rego.confirm import confirmed_together
from bundle.rego.engine import Engine
from bundle.rego.testing import TestReport, run_tests
from keys.durable import write_file
from signer.predicates.parts import Source
from trustacks._cli.connect import open_client, open_pinned
from trustacks._cli.engine import engine_option, open_engine
from trustacks._cli.git import source_of
from trustacks._cli.lazy import command, workspace_option
from trustacks._cli.oidc_options import asked, signer_options
from trustacks._cli.overlay_files import choose_rules, overlay_option
from trustacks._cli.overlay_profile import profile_of
from trustacks._cli.rule_lint import (
    against_of,
    linted_text,
    previous_of,
    read_others,
    require_linted,
)
from trustacks._cli.rule_test import require_tested
from trustacks._cli.session import Session
from trustacks._cli.shown import statement_text
from trustacks._cli.signatory import open_signatory
from trustacks.errors import ChangeNotMarkedError, RuleLintFailedError
from trustacks.keeping import keep_released
from trustacks.signing import Passed, RuleSigner, said_in, statement_digest

# What must be said by whoever signs it.
MARKED: Final = ("looser", "incomparable", "unknown")


@command("sign")
@click.argument("rule", required=False)
@signer_options("The author's key, if not the default one.")
@click.option("--again", is_flag=True, help="Sign what is signed already, too.")
@click.option(
    "--mark",
    type=click.Choice(MARKED),
    help="Sign a version that is looser, incomparable or unknown to the released one.",
)
@overlay_option
@workspace_option
@engine_option
def sign(
    session: Session,
    /,
    *,
    rule: str | None,
    again: bool,
    mark: str | None,
    overlay: Path | None,
    workspace: str | None,
    engine_choice: str | None,
    **given: Any,
) -> None:
    """Test, lint, then attest RULE, an id or a path, or every rule."""
    rules = choose_rules(overlay, rule)
    login, at = session.login(workspace), session.clock()
    store = open_pinned(session, login)
    pinned = store.refresh(at=at)
    head = pinned.head(at=at)
    keep_released(store, pinned, head)
    source = source_of(rules[0].rule_path.parent)
    parents = pinned.parents()
    signer = RuleSigner(
        pinned=pinned,
        parents=parents,
        head=head,
        signatory=open_signatory(session, asked(given), login, pinned),
        api=open_client(session, login).workspace(login.workspace),
        clock=session.clock,
        source=Source(commit=source.commit, branch=source.branch),
        show=lambda statement: session.output.say(statement_text(statement)),
    )
    signer.identity  # noqa: B018 - refuses who is not registered before any work
    wanted = [one for one in rules if again or not signer.holds(one)]
    engine = open_engine(session, engine_choice)
    layers = tuple(map(read_layer, parents.archives))
    against = against_of(layers, read_others(overlay, rule), engine)
    against = replace(against, profile=profile_of(overlay))
    work = [(one, previous_of(session, one, None, workspace)) for one in wanted]
    passed = require_passed(session, engine, work, against)
    require_marked([one.lint for one in passed], mark)
    signed = []
    for one in passed:
        raw = signer.sign(one)
        write_file(one.files.attestation_path, raw)
        signed.append(
            {
                "rule_id": one.files.rule_id,
                "attestation": str(one.files.attestation_path),
                "statement": str(statement_digest(raw)),
                "identity": signer.identity.id,
                "predicate": said_in(raw),
            }
        )
    kept = [one.rule_id for one in rules if one not in wanted]
    value = {"signed": signed, "kept": kept}
    session.output.result(value, lambda: _text(value))


def require_passed(
    session: Session,
    engine: Engine,
    rules: Sequence[tuple[RuleFiles, RuleFiles | None]],
    against: Against,
) -> list[Passed]:
    """Test and lint rules, each against the version before; all pass, or none does."""
    files = [one for one, _ in rules]
    parents = against.parents
    tests = [run_tests(one, engine=engine, parents=parents) for one in files]
    _require_tests(session, tests)
    lints = [
        lint_rule(one, engine=engine, against=replace(against, previous=previous))
        for one, previous in rules
    ]
    _require_lints(session, lints, files)
    # The second opinion on all that was asked, of rules that are good without it.
    tests, lints = confirmed_together(engine, tests, lints)
    _require_tests(session, tests)
    _require_lints(session, lints, files)
    return [_passed(*found, engine) for found in zip(files, tests, lints, strict=True)]


def _require_tests(session: Session, tests: Sequence[TestReport]) -> None:
    for report in tests:
        if not report.passed:
            session.output.say(report.text())
    require_tested(tests)


def _require_lints(
    session: Session, lints: Sequence[LintReport], files: Sequence[RuleFiles]
) -> None:
    refused = [report for report in lints if not report.passed]
    if refused:
        session.output.say(linted_text(refused, files))
    require_linted(lints)


def require_marked(reports: Sequence[LintReport], mark: str | None) -> None:
    """Refuse a version that may deny less than the one before, unless that is said.

    Raises:
        ChangeNotMarkedError: ``mark`` does not name what the version is.
    """
    for report in reports:
        verdict = report.change.verdict if report.change else None
        if verdict in MARKED and verdict != mark:
            raise ChangeNotMarkedError(
                f"{report.rule_id}: expected --mark {verdict}, which it is to the "
                f"released version, got {mark or 'no mark'}",
                hint="`trustacks rule lint` shows why; a second principal must approve",
                rule_id=report.rule_id,
                change=report.change.shown() if report.change else None,
            )


def _passed(files: RuleFiles, test: Any, lint: Any, engine: Engine) -> Passed:
    module = examine_rule(str(files.rule_path), files.rule, parse=engine.parse).rule
    if module is None:
        raise RuleLintFailedError(f"{files.rule_path}: expected a rule, got none")
    return Passed(files, module, test, lint)


def _text(value: dict[str, Any]) -> str:
    lines = [f"kept {rule_id}: signed already" for rule_id in value["kept"]]
    lines += [
        f"signed {one['rule_id']} as {one['identity']}: {one['attestation']}"
        for one in value["signed"]
    ]
    return "\n".join(lines)
