# SPDX-License-Identifier: Apache-2.0
"""Reports of rules, with what a second engine says of them.

A report whose rule two engines read differently has an error more, so it fails; the
others name the engine that agreed. What was not asked is not said to agree.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath
from typing import Any, TypeVar

from bundle.finding import Finding
from bundle.rego.both import BothEngines
from bundle.rego.engine import Engine
from bundle.rego.opinion import Disagreement, Opinion, second_opinion

_MAX_FINDINGS = 3


# A test or lint report: rule_id, findings and second_opinion are read of it.
R = TypeVar("R", bound=Any)
S = TypeVar("S", bound=Any)


def confirmed(engine: Engine, reports: Iterable[R]) -> list[R]:
    """Return reports with the second opinion on their rules, if one is to be asked.

    Args:
        engine: What the reports were made with; it has a second one or not.
        reports: Test and lint reports of rules.

    Raises:
        OpaUnsuitableError: ``opa`` is needed, and is too old.
    """
    if not isinstance(engine, BothEngines):
        return list(reports)
    return with_opinion(reports, second_opinion(engine))


def confirmed_together(
    engine: Engine, tests: Iterable[R], lints: Iterable[S]
) -> tuple[list[R], list[S]]:
    """Return two kinds of reports on the same rules with one second opinion.

    Raises:
        OpaUnsuitableError: ``opa`` is needed, and is too old.
    """
    if not isinstance(engine, BothEngines):
        return list(tests), list(lints)
    opinion = second_opinion(engine)
    return with_opinion(tests, opinion), with_opinion(lints, opinion)


def with_opinion(reports: Iterable[R], opinion: Opinion) -> list[R]:
    """Return the reports with the opinion on their rules.

    A disagreement about a file that is no report's rule is everybody's: it is in a
    layer below all of them.
    """
    reports = list(reports)
    own = {report.rule_id for report in reports}
    return [_with(report, own, opinion) for report in reports]


def _with(report: R, own: set[str], opinion: Opinion) -> R:
    found = [d for d in opinion.disagreements if _rule(d.file) == report.rule_id]
    found += [d for d in opinion.disagreements if _rule(d.file) not in own]
    if found:
        more = [_finding(one, opinion) for one in found[:_MAX_FINDINGS]]
        return replace(report, findings=(*report.findings, *more))
    if any(_rule(file) == report.rule_id for file in opinion.files):
        return replace(report, second_opinion=opinion.second)
    return report


def _rule(file: str) -> str:
    """Return the id of the rule that a file is, by its name."""
    return PurePath(file).name.removesuffix(".rego")


def _finding(one: Disagreement, opinion: Opinion) -> Finding:
    return Finding(
        "engines-disagree",
        one.file,
        one.line,
        one.column,
        one.text(opinion.engines),
        "write it in the portable subset; see docs/rules/engines-disagree.md",
    )
