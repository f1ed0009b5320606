# SPDX-License-Identifier: Apache-2.0
"""A whole change of an overlay: what git says it was, and what lies here now.

What is read now is the work tree, so that an author sees before a commit what CI sees
after it. An overlay that cannot be read is one finding, and no rule of it is judged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundle.finding import Finding
from bundle.lint.linter import Against
from bundle.overlay import RuleFiles, overlay_root, read_overlay
from bundle.rego.engine import Engine
from keys.errors import FormatError
from trustacks._cli.git import find_repository
from trustacks._cli.git_tree import merge_base
from trustacks.previous import name_in
from trustacks.review.base import read_base
from trustacks.review.changes import Changed, by_id, changes
from trustacks.review.judge import Reviewed, judge, removed

Step = Callable[[int, int], None]
ReadAgainst = Callable[[Sequence[RuleFiles]], Against]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between a commit and the work tree.

    Attributes:
        root: The overlay folder, as the caller names it.
        base: The commit.
        changed: The rules that differ.
        against: Parents, the names of all rules that are here, a prover.
        broken: Why the overlay here cannot be read; then nothing is ``changed``.
    """

    root: Path
    base: str
    changed: tuple[Changed, ...]
    against: Against
    broken: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be said about a change.

    Attributes:
        base: The commit that it is a change of.
        rules: Those that differ, by id.
        findings: All of them, of the overlay and of its rules.
    """

    base: str
    rules: tuple[Reviewed, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing refuses."""
        errors = any(finding.severity == "error" for finding in self.findings)
        return not errors and all(one.passed for one in self.rules)

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows."""
        return {
            "base": self.base,
            "passed": self.passed,
            "needs_approval": [
                one.changed.rule_id for one in self.rules if one.needs_approval
            ],
            "rules": [one.to_json() for one in self.rules],
            "findings": [finding.to_json() for finding in self.findings],
        }


def read_change(directory: Path, ref: str, *, read: ReadAgainst) -> Change:
    """Read what changed since HEAD and ``ref`` parted.

    Args:
        directory: The overlay folder, or the repository that has it.
        ref: A branch, tag or commit.
        read: Returns what the rules that are here are linted against.

    Raises:
        BaseRefError: There is no such commit.
        GitError: No git, no repository, or no history in common.
        OverlayFormatError: No overlay folder, or a link in it in that commit.
    """
    root = overlay_root(directory)
    repository = find_repository(root)
    base = merge_base(repository, ref)
    old = read_base(repository, base, name_in(repository, root), root)
    try:
        rules = read_overlay(root).rules
    except FormatError as error:
        fix = error.hint or "bring the overlay into the form of docs/formats/rule.md"
        found = Finding("overlay-format", str(root), 1, 1, error.message, fix)
        return Change(root, base, (), Against(), (found,))
    differ = changes(old, by_id(rules))
    return Change(root, base, differ, read(rules))


def review(change: Change, *, engine: Engine, step: Step) -> Review:
    """Test, lint and classify every changed rule.

    Args:
        change: What changed.
        engine: Parses and evaluates.
        step: Called with how many are done, and of how many.

    Raises:
        EngineUnavailableError: The engine does not start.
    """
    judged: list[Reviewed] = []
    for number, one in enumerate(change.changed, start=1):
        if one.new is None and one.old is not None:
            judged.append(removed(one, one.old, change.root))
        else:
            judged.append(judge(one, engine=engine, against=change.against))
        step(number, len(change.changed))
    findings = [*change.broken, *(f for one in judged for f in one.findings)]
    return Review(change.base, tuple(judged), _distinct(findings))


def _distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings once each, in order: two rules may have one in common."""
    return tuple(dict.fromkeys(findings))
