# SPDX-License-Identifier: Apache-2.0
"""``trustacks rule test``: of some rules, or of all; once, or after every change.

There is no ``--update``: what a case expects is written by a person.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from bundle.layers import Layer
from bundle.overlay import RuleFiles, overlay_root
from bundle.rego.engine import Module
from bundle.rego.remember import RememberingEngine
from bundle.rego.testing import TestReport, report_tests
from keys.record import record
from trustacks._cli.engine import REGORUS, confirmed, engine_option, open_engine
from trustacks._cli.lazy import command
from trustacks._cli.many import reports_of
from trustacks._cli.overlay_files import choose_rules, overlay_option
from trustacks._cli.parent_layers import modules_of, parents_options, read_parents
from trustacks._cli.session import Session
from trustacks.errors import (
    NotLoggedInError,
    RuleCoverageLowError,
    RuleTestsFailedError,
)


@command("test")
@click.argument("rules", nargs=-1, metavar="[ID|PATH]...")
@click.option("--watch", "watching", is_flag=True, help="Run again on every change.")
@click.option(
    "--min-coverage",
    type=click.IntRange(0, 100),
    metavar="PERCENT",
    help="Refuse a rule of which the cases reach fewer lines.",
)
@overlay_option
@parents_options
@engine_option
def test(
    session: Session,
    *,
    rules: tuple[str, ...],
    watching: bool,
    min_coverage: int | None,
    overlay: Path | None,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
    engine_choice: str | None,
) -> None:
    """Run the tests of rules, named by id or path, or of every rule."""
    work_of = partial(Testing, engine_choice=engine_choice or REGORUS)

    def once() -> None:
        chosen = choose_rules(overlay, rules)
        parents = _parents(session, constitution, packs, workspace)
        work = work_of(modules_of(parents))
        reports = reports_of(session, chosen, work, doing="testing")
        value = {"rules": [report.details() for report in reports]}
        layers = [_layer(parent) for parent in parents]
        session.output.result(
            {**value, "parents": layers}, lambda: _text(session, reports)
        )
        require_tested(reports)
        _require_covered(reports, min_coverage)

    if not watching:
        once()
        return
    from trustacks._cli.watch import watch  # noqa: PLC0415 - only where it is asked for

    named = (overlay, constitution, *packs)
    watch(session, _folders(rules, *named), once)


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


def _require_covered(reports: Sequence[TestReport], least: int | None) -> None:
    low = {
        report.rule_id: report.reached.percent
        for report in reports
        if report.reached and report.reached.percent < (least or 0)
    }
    if low:
        said = ", ".join(f"{percent} % in {rule}" for rule, percent in low.items())
        raise RuleCoverageLowError(
            f"expected cases that reach {least} % of a rule's lines, got {said}",
            hint="add a case for each line that no case reaches",
            rules=low,
        )


def _parents(
    session: Session,
    constitution: Path | None,
    packs: tuple[Path, ...],
    workspace: str | None,
) -> tuple[Layer, ...]:
    """Return the layers that are named or pinned; none for who never logged in."""
    try:
        return read_parents(session, constitution, packs, workspace)
    except NotLoggedInError:
        if workspace is not None:
            raise
        return ()


@record
class Testing:
    """The work of this command; a worker process is given it too."""

    parents: Sequence[Module]
    engine_choice: str

    def __call__(
        self, session: Session
    ) -> Callable[[Sequence[RuleFiles]], list[TestReport]]:
        """Return what tests a chunk of rules with the session's engine."""
        engine = open_engine(session, self.engine_choice)
        asked = RememberingEngine(engine)

        def test_chunk(rules: Sequence[RuleFiles]) -> list[TestReport]:
            reports = [
                report_tests(files, engine=asked, parents=self.parents, coverage=True)
                for files in rules
            ]
            return confirmed(engine, reports)

        return test_chunk


def _text(session: Session, reports: Sequence[TestReport]) -> str:
    parts = [report.text(session.output.style) for report in reports]
    if len(reports) > 1:
        failed = sum(not report.passed for report in reports)
        cases = sum(len(report.cases) for report in reports)
        passed = len(reports) - failed
        parts.append(
            f"{len(reports)} rules: {passed} passed, {failed} failed, {cases} cases"
        )
    return "\n".join(parts)


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "kind": layer.kind,
        "name": layer.name,
        "version": layer.version,
        "archive": str(layer.digest),
    }


def _folders(rules: Sequence[str], *named: Path | None) -> Iterator[Path]:
    """Yield what to watch: the overlay, the layers, rules that lie elsewhere.

    Raises:
        OverlayFormatError: No overlay, and no rule that is named by its path.
    """
    overlay, *layers = named
    paths = [Path(r).parent for r in rules if "/" in r or r.endswith(".rego")]
    if len(paths) < len(rules) or not rules:
        yield overlay_root(overlay or Path())
    yield from paths
    yield from (layer for layer in layers if layer is not None)
