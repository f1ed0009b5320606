# SPDX-License-Identifier: Apache-2.0
"""A test run as text for people, in 80 columns where that is ours to choose."""

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final

from bundle.finding import Finding
from bundle.rego.engine import UNDEFINED
from bundle.rego.facts import Conditions, Step
from bundle.rego.report import CaseResult, Style, TestReport

WIDTH: Final = 80
# Lines of one input, and of lines that nobody reached: a screen, not a listing.
MAX_LINES: Final = 40
# Columns of a value that stands alone, such as the content of a file.
_MAX_VALUE: Final = 160
# What one statement reads, of which so much is shown.
_MAX_VALUES: Final = 4
_STYLES: Final = {"held": "good", "did not hold": "bad", "no answer": "bad"}
_STATE_WIDTH: Final = len("did not hold")


def report_text(report: TestReport, style: Style) -> str:
    """Return failures in full, then findings and missed lines, then one line."""
    parts = [f"{case_text(case, style)}\n" for case in report.failed]
    parts += [_finding(finding, style) for finding in report.findings]
    parts += [*_missed(report, style), _summary(report, style)]
    return "\n".join(parts)


def case_text(case: CaseResult, style: Style) -> str:
    """Return what a person needs to see of a failure."""
    lines = [
        f"{style('FAIL', 'bad')} {style(case.name, 'bold')} ({case.path}:{case.line})",
        f"  expected verdict: {case.expected}",
        f"  actual verdict:   {case.actual}",
    ]
    lines += [f"  {case.reason}"] if case.reason else []
    lines += [f"  deny: {message}" for message in case.denies] or ["  deny: none"]
    for conditions in case.conditions:
        lines += _conditions(conditions, style)
    shown = list(_value(case.input, 4, "", ""))
    lines += ["  input:", *shown[:MAX_LINES]]
    if len(shown) > MAX_LINES:
        lines.append(f"    ... {len(shown) - MAX_LINES} more lines: see --json")
    return "\n".join(lines)


def _conditions(one: Conditions, style: Style) -> Iterator[str]:
    word = "fired" if one.name == "deny" else "held"
    silent = "did not fire" if one.name == "deny" else "did not hold"
    said = word if one.decided is None else silent
    yield f"  {one.name} {said} ({PurePath(one.path).name}:{one.line})"
    for step in one.steps:
        yield _step(step, style, decided=step is one.decided)


def _step(step: Step, style: Style, *, decided: bool) -> str:
    mark = ">" if decided else " "
    state = step.state.ljust(_STATE_WIDTH)
    lead = f"  {mark} {step.line:>4}  "
    text = _cut(step.text, WIDTH - len(lead) - len(state) - 2)
    below = [step.reason] if step.reason else []
    for name, value in step.values[:_MAX_VALUES]:
        undefined = value is UNDEFINED
        shown = "undefined" if undefined else json.dumps(value, ensure_ascii=False)
        below.append(f"{name} is {shown}")
    margin = " " * (len(lead) + len(state) + 2)
    lines = [f"{lead}{style(state, _STYLES.get(step.state, 'dim'))}  {text}"]
    lines += [margin + _cut(line, WIDTH - len(margin)) for line in below]
    return "\n".join(lines)


def _finding(finding: Finding, style: Style) -> str:
    name = "bad" if finding.severity == "error" else "bold"
    severity = style(finding.severity, name)
    return f"{severity}: {finding}\n  fix: {finding.fix}"


def _missed(report: TestReport, style: Style) -> Iterator[str]:
    if report.reached is None or not report.reached.missed:
        return
    missed = report.reached.missed
    yield f"{style('no case reaches', 'bold')} these lines of {report.reached.path}"
    for line, text in missed[:MAX_LINES]:
        yield f"  {line:>6}  {_cut(text, WIDTH - 10)}"
    if len(missed) > MAX_LINES:
        yield f"  ... {len(missed) - MAX_LINES} more lines: see --json"


def _summary(report: TestReport, style: Style) -> str:
    passed = len(report.cases) - len(report.failed)
    word = style("passed", "good") if report.passed else style("failed", "bad")
    text = f"{report.rule_id}: {word}, {passed} of {len(report.cases)} cases"
    if report.reached is None:
        return text
    lines = len(report.reached.covered) + len(report.reached.missed)
    return f"{text}, {report.reached.percent} % of {lines} lines"


def _value(value: Any, margin: int, lead: str, end: str) -> Iterator[str]:
    """Yield JSON that breaks only what is too long for a line."""
    flat = lead + json.dumps(value, ensure_ascii=False) + end
    blank = " " * margin
    if margin + len(flat) <= WIDTH or not value or not isinstance(value, dict | list):
        yield blank + _cut(flat, _MAX_VALUE)
        return
    if isinstance(value, dict):
        opening, closing = "{", "}"
        items = [
            (f"{json.dumps(k, ensure_ascii=False)}: ", v) for k, v in value.items()
        ]
    else:
        opening, closing = "[", "]"
        items = [("", item) for item in value]
    yield f"{blank}{lead}{opening}"
    for number, (name, item) in enumerate(items, start=1):
        yield from _value(item, margin + 2, name, "," if number < len(items) else "")
    yield f"{blank}{closing}{end}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
