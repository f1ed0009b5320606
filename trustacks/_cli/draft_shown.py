# SPDX-License-Identifier: Apache-2.0
"""A draft as people and programs see it: text of a stranger, fenced line by line."""

import difflib
from collections.abc import Iterator
from typing import Any

from bundle.overlay import RuleFiles
from bundle.ratchet.verdict import Change
from trustacks._cli.output import one_line
from trustacks.drafting.answer import Draft
from trustacks.drafting.conversation import Outcome
from trustacks.drafting.judge import Judge, Judged


def told(number: int, most: int, judged: Judged) -> str:
    """Return one line on an answer."""
    errors = sum(finding.severity == "error" for finding in judged.findings)
    if judged.passed:
        said = "passes"
    elif judged.draft is None:
        said = "cannot be read as a draft"
    else:
        said = f"does not pass, {errors} error{'s' if errors > 1 else ''}"
    return f"answer {number} of at most {most}: {said}"


def draft_text(draft: Draft, judge: Judge, model: str) -> str:
    """Return a draft as it is shown before it is written."""
    if judge.existing is not None:
        lines = list(diff_of(judge.existing, draft)) or ["no difference"]
    else:
        files = judge.files(draft)
        lines = [f"{files.rule_path}:", *draft.rule.splitlines()]
        lines += ["", f"{files.test_path}:", *draft.test.splitlines()]
    head = f"draft of {draft.rule_id} by {model}, citing {draft.citation['id']}:"
    return "\n".join([one_line(head), *(f"  | {line}" for line in lines)])


def diff_of(before: RuleFiles, draft: Draft) -> Iterator[str]:
    """Yield the unified diff of rule and tests."""
    for path, old, new in (
        (before.rule_path, before.rule, draft.rule),
        (before.test_path, before.test, draft.test),
    ):
        lines = old.decode("utf-8", "replace").split("\n"), new.split("\n")
        yield from difflib.unified_diff(*lines, str(path), f"{path} draft", lineterm="")


def change_of(judged: Judged) -> Change | None:
    """Return how a draft compares with the version before, if it was compared."""
    return judged.lint.change if judged.lint is not None else None


def found_text(judged: Judged) -> str:
    """Return the findings of a draft, each with its fix."""
    lines = []
    for found in judged.findings:
        lines.append(one_line(f"{found.severity}: {found}"))
        lines.append(f"  fix: {one_line(found.fix)}")
    return "\n".join(lines)


def outcome_json(
    outcome: Outcome,
    judged: Judged,
    judge: Judge,
    written: tuple[str, RuleFiles] | None,
    model: str,
) -> dict[str, Any]:
    """Return the outcome as ``--json`` shows it."""
    change = change_of(judged)
    draft, files = judged.draft, written[1] if written is not None else None
    diff = list(diff_of(judge.existing, draft)) if draft and judge.existing else None
    return {
        "passed": outcome.judged.passed,
        "rule_id": draft.rule_id if draft else None,
        "model": model,
        "requests": outcome.requests,
        "branch": written[0] if written is not None else None,
        "files": [str(files.rule_path), str(files.test_path)] if files else [],
        "rule": draft.rule if draft else None,
        "test": draft.test if draft else None,
        "citation": draft.citation if draft else None,
        "diff": "\n".join(diff) if diff is not None else None,
        "change": change.shown() if change is not None else None,
        "findings": [finding.to_json() for finding in judged.findings],
    }
