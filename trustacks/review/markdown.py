# SPDX-License-Identifier: Apache-2.0
"""A review as Markdown, for a pull request's summary.

Ids, paths, messages and inputs come from the pull request itself, so none of them is
ever Markdown or HTML here: it stands in a code span with ends of its own length, in a
``<code>`` of character references, or as JSON in a fence. So it makes no link, image,
mention, row or heading, closes no block, and hides nothing behind a control character.
"""

import html
import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from bundle.finding import Finding
from trustacks.review.judge import Reviewed
from trustacks.review.review import Review

# Of one quoted text: what a reader takes in (characters).
_MAX_TEXT: Final = 240
# Of one input: a step's summary has room for 1 MiB (characters).
_MAX_INPUT: Final = 8_000
# More rows than these are counted, not shown; SARIF and --json have them.
_MAX_RULES: Final = 100
_MAX_FINDINGS: Final = 50
_MAX_INPUTS: Final = 20
# What ends no cell of a table, inside a code span or out of one.
_HARMLESS: Final = re.compile(r"[^|\\]+")
_TICKS: Final = re.compile(r"`+")


def to_markdown(review: Review) -> str:
    """Return the summary of a review."""
    parts = [_head(review)]
    if review.rules:
        parts.append("\n".join(_table(review.rules)))
    waiting = [one for one in review.rules if one.needs_approval]
    if waiting:
        parts.append("\n".join(_waiting(waiting)))
    shown = [one for one in waiting if one.compared.witness is not None]
    parts += [_input(one) for one in shown[:_MAX_INPUTS]]
    if review.findings:
        parts.append("\n".join(_findings(review.findings)))
    return "\n\n".join(parts) + "\n"


def quoted(text: str) -> str:
    """Return a text of others so that it is nothing but text, in one line."""
    line = "".join(_visible(c) for c in " ".join(text.split()))
    if len(line) > _MAX_TEXT:
        line = f"{line[:_MAX_TEXT]}..."
    if not line:
        return "none"
    if _HARMLESS.fullmatch(line):
        return _span(line)
    return f"<code>{''.join(map(_reference, line))}</code>"


def _span(line: str) -> str:
    """Return a code span whose ends are longer than any run of backticks in it."""
    longest = max(map(len, _TICKS.findall(line)), default=0)
    ends, space = "`" * (longest + 1), " " if longest else ""
    return f"{ends}{space}{line}{space}{ends}"


def _visible(character: str) -> str:
    return character if character.isprintable() else f"\\x{ord(character):02x}"


def _reference(character: str) -> str:
    plain = character.isalnum() or character == " " or not character.isascii()
    return character if plain else f"&#{ord(character)};"


def _head(review: Review) -> str:
    word = "passed" if review.passed else "refused"
    title = f"## Policy overlay: {word}"
    count = len(review.rules)
    said = f"{count} {'rule' if count == 1 else 'rules'} changed since"
    return f"{title}\n\n{said} {quoted(review.base[:12])}."


def _table(rules: Sequence[Reviewed]) -> Iterator[str]:
    yield "| rule | change | verdict | tests | lint | attestation | approval |"
    yield "|---|---|---|---|---|---|---|"
    for one in rules[:_MAX_RULES]:
        cells = (
            quoted(one.changed.rule_id),
            one.changed.kind,
            f"**{one.compared.verdict}**",
            _tests(one),
            _lint(one),
            one.attestation,
            _approval(one),
        )
        yield f"| {' | '.join(cells)} |"
    if len(rules) > _MAX_RULES:
        yield f"\nand {len(rules) - _MAX_RULES} rules more"


def _approval(one: Reviewed) -> str:
    if not one.needs_approval:
        return "none"
    return f"a second principal (so far: {one.approvals})"


def _tests(one: Reviewed) -> str:
    if one.test is None:
        return "none"
    cases = len(one.test.cases)
    return f"{cases - len(one.test.failed)} of {cases}"


def _lint(one: Reviewed) -> str:
    if one.lint is None:
        return "none"
    severities = [finding.severity for finding in one.lint.findings]
    return (
        f"errors: {severities.count('error')}, warnings: {severities.count('warning')}"
    )


def _waiting(rules: Sequence[Reviewed]) -> Iterator[str]:
    yield "### Needs approval by a second principal"
    yield ""
    for one in rules[:_MAX_RULES]:
        said = f"**{one.compared.verdict}**, {quoted(one.compared.reason)}"
        yield f"- {quoted(one.changed.rule_id)}: {said}"


def _input(one: Reviewed) -> str:
    name = html.escape("".join(map(_visible, one.changed.rule_id[:_MAX_TEXT])))
    said = "an input that was denied, and is allowed now"
    return (
        f"<details><summary><code>{name}</code>: {said}</summary>\n\n"
        f"{_fenced(one.compared.witness)}\n\n</details>"
    )


def _fenced(value: Any) -> str:
    # No line of JSON begins with a backtick, so none ends the fence.
    text = json.dumps(value, indent=2, ensure_ascii=True)
    if len(text) > _MAX_INPUT:
        text = f"{text[:_MAX_INPUT]}\n... ({len(text)} characters; --json has all)"
    return f"```json\n{text}\n```"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    yield "### Findings"
    yield ""
    yield "| severity | place | code | what | instead |"
    yield "|---|---|---|---|---|"
    for one in islice(findings, _MAX_FINDINGS):
        place = f"{one.path}:{one.line}:{one.column}"
        texts = (place, one.code, one.message, one.fix)
        yield f"| {one.severity} | {' | '.join(map(quoted, texts))} |"
    if len(findings) > _MAX_FINDINGS:
        yield f"\nand {len(findings) - _MAX_FINDINGS} findings more"
