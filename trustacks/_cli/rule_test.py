# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule test``: of one rule, or of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bundle.rego.testing import TestReport, run_tests
from trustacks._cli.engine import open_engine
from trustacks._cli.lazy import command
from trustacks._cli.overlay_files import choose_rules, overlay_option
from trustacks._cli.parent_layers import modules_of, parents_options, read_parents
from trustacks._cli.session import Session
from trustacks.errors import NotLoggedInError, RuleTestsFailedError


@command("test")
@click.argument("rule", required=False)
@overlay_option
@parents_options
def test(
    session: Session,
    *,
    rule: str | None,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
) -> None:
    """Run the tests of RULE, an id or a path, or of every rule."""
    rules = choose_rules(overlay, rule)
    try:
        parents = read_parents(session, constitution, packs, workspace)
    except NotLoggedInError:
        parents = ()
    engine = open_engine(session)
    modules = modules_of(parents)
    with session.output.progress("testing") as step:
        reports = []
        for number, one in enumerate(rules, start=1):
            reports.append(run_tests(one, engine=engine, parents=modules))
            step(number, len(rules))
    value = {"rules": [_tested(report) for report in reports]}
    session.output.result(value, lambda: "\n".join(report.text() for report in reports))
    require_tested(reports)


def require_tested(reports: Sequence[TestReport]) -> None:
    """Refuse unless every rule passed its tests.

    Raises:
        RuleTestsFailedError: One did not.
    """
    failed = [report.rule_id for report in reports if not report.passed]
    if failed:
        raise RuleTestsFailedError(
            f"expected every test to pass, got failures in {', '.join(failed)}",
            rules=failed,
        )


def _tested(report: TestReport) -> dict[str, Any]:
    return {
        "rule_id": report.rule_id,
        "passed": report.passed,
        "test": report.to_json(),
        "failed": [case.name for case in report.failed],
        "findings": [finding.to_json() for finding in report.findings],
    }
