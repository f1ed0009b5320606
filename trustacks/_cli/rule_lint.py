# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule lint``: of one rule, or of all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bundle.errors import OverlayFormatError
from bundle.layers import Layer
from bundle.lint import LintReport, lint_rule
from bundle.lint.linter import Against
from bundle.lint.siblings import Siblings, read_siblings
from bundle.overlay import RuleFiles
from bundle.rego.engine import Engine
from bundle.rego.remember import RememberingEngine
from trustacks._cli.engine import confirmed, engine_option, open_engine
from trustacks._cli.lazy import command
from trustacks._cli.many import reports_of
from trustacks._cli.overlay_files import choose_rules, overlay_option, read_rules
from trustacks._cli.parent_layers import modules_of, parents_options, read_parents
from trustacks._cli.session import Session
from trustacks.errors import RuleLintFailedError


@command("lint")
@click.argument("rule", required=False)
@overlay_option
@parents_options
@engine_option
def lint(
    session: Session,
    *,
    rule: str | None,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
    engine_choice: str | None,
) -> None:
    """Lint RULE, an id or a path, or every rule, against its parents."""
    rules = choose_rules(overlay, rule)
    parents = read_parents(session, constitution, packs, workspace)
    engine = open_engine(session, engine_choice)
    against = Against(
        parents=modules_of(parents), siblings=siblings_of(overlay, rule, engine)
    )
    work = Linting(against, engine_choice)
    reports = reports_of(session, rules, work, doing="linting")
    value = {"rules": [_linted(report) for report in reports]}
    session.output.result(value, lambda: linted_text(reports, rules))
    require_linted(reports)


@dataclass(frozen=True)
class Linting:
    """The work of this command; a worker process is given it too."""

    against: Against
    engine_choice: str | None

    def __call__(
        self, session: Session
    ) -> Callable[[Sequence[RuleFiles]], list[LintReport]]:
        """Return what lints a chunk of rules with the session's engine."""
        engine = open_engine(session, self.engine_choice)
        asked = RememberingEngine(engine)

        def lint_chunk(rules: Sequence[RuleFiles]) -> list[LintReport]:
            return confirmed(
                engine,
                [lint_rule(rule, engine=asked, against=self.against) for rule in rules],
            )

        return lint_chunk


def lint_one(
    rule: RuleFiles,
    engine: Engine,
    parents: Sequence[Layer],
    siblings: Siblings,
) -> LintReport:
    """Lint one rule against its parents and the other rules of the overlay."""
    against = Against(parents=modules_of(parents), siblings=siblings)
    return lint_rule(rule, engine=engine, against=against)


def siblings_of(overlay: Path | None, rule: str | None, engine: Engine) -> Siblings:
    """Return the names of every rule of the overlay.

    A rule that was named by its path need not lie in an overlay.

    Raises:
        OverlayFormatError: The folder is not an overlay.
    """
    try:
        files = read_rules(overlay)
    except OverlayFormatError:
        if rule is None or "/" not in rule:
            raise
        return Siblings()
    return read_siblings(files, parse=engine.parse)


def linted_text(reports: Sequence[LintReport], rules: Sequence[RuleFiles]) -> str:
    """Return reports for people, each finding with its line."""
    sources = {
        str(path): data.decode("utf-8", "replace")
        for one in rules
        for path, data in ((one.rule_path, one.rule), (one.test_path, one.test))
    }
    return "\n".join(report.text(sources) for report in reports)


def require_linted(reports: Sequence[LintReport]) -> None:
    """Refuse unless every rule passed the linter.

    Raises:
        RuleLintFailedError: One did not.
    """
    failed = [report.rule_id for report in reports if not report.passed]
    if failed:
        raise RuleLintFailedError(
            f"expected no errors of the linter, got some in {', '.join(failed)}",
            rules=failed,
        )


def _linted(report: LintReport) -> dict[str, Any]:
    return {
        "rule_id": report.rule_id,
        "passed": report.passed,
        "lint": report.to_json(),
        "findings": [finding.to_json() for finding in report.findings],
    }
