# SPDX-License-Identifier: Apache-2.0
"""Rules that do nothing, and cases that a careful reviewer would ask about."""

from collections.abc import Iterator
from typing import Any, Final

from bundle.finding import Finding
from bundle.rego.ast import Rule, Syntax
from bundle.rego.report import CaseResult
from bundle.rego.scope import Scope

_ENTRY: Final[tuple[str, ...]] = ("deny", "rule_metadata")
_KINDS: Final = ("hotfix", "rollback", "bot")
# A rule that takes longer to read is two rules.
MAX_RULE_LINES: Final = 400


def unused(syntax: Syntax) -> Iterator[Finding]:
    """Yield a warning for every helper that no deny needs."""
    scope = Scope(syntax)
    reached: set[str] = set()
    ahead = [name for name in _ENTRY if name in scope.rules]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [use for rule in scope.rules[name] for use in scope.uses(rule)]
    for name, rules in scope.rules.items():
        if name not in reached:
            message = f"expected {name} to be used by a deny, got no use"
            fix = "remove it, or call it"
            yield _finding(syntax, "helper-unused", rules[0], message, fix, "warning")


def blind(syntax: Syntax) -> Iterator[Finding]:
    """Yield an error for every deny that does not depend on the input."""
    scope = Scope(syntax)
    seeing = {
        name
        for name, rules in scope.rules.items()
        if any(_sees(scope, rule) for rule in rules)
    }
    for rule in scope.rules.get("deny", ()):
        if not _sees(scope, rule) and not _reach(scope, rule) & seeing:
            yield _finding(
                syntax,
                "deny-without-input",
                rule,
                "expected the deny to depend on the input, got the same for all",
                "name what the rule is about: input.proposal.files, input.context",
                "error",
            )


def long(syntax: Syntax, source: str) -> Iterator[Finding]:
    """Yield a warning for a file that nobody will review."""
    lines = source.count("\n")
    if lines > MAX_RULE_LINES:
        message = f"expected at most {MAX_RULE_LINES} lines, got {lines}"
        fix = "make two rules of it"
        yield Finding("rule-long", syntax.path, 1, 1, message, fix, "warning")


def kinds_of_change(path: str, cases: tuple[CaseResult, ...]) -> Iterator[Finding]:
    """Yield a hint for every kind of change that no case has."""
    seen = {_kind(case.input) for case in cases}
    for kind in _KINDS:
        if kind not in seen:
            message = f"expected a case with change_kind {kind}, got none"
            fix = f'say what holds for it: "change_kind": "{kind}"'
            yield Finding("case-suggested", path, 1, 1, message, fix, "hint")


def _sees(scope: Scope, rule: Rule) -> bool:
    library = ("data", "overlay_lib")
    return any(
        path[0] == "input" or path[:2] == library
        for _, path in scope.references((rule.key, rule.value, rule.bodies))
    )


def _reach(scope: Scope, rule: Rule) -> set[str]:
    found: set[str] = set()
    ahead = list(scope.uses(rule))
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += [use for other in scope.rules[name] for use in scope.uses(other)]
    return found


def _kind(document: Any) -> str | None:
    context = document.get("context") if isinstance(document, dict) else None
    kind = context.get("change_kind") if isinstance(context, dict) else None
    return kind if isinstance(kind, str) else None


def _finding(  # noqa: PLR0917 - in the order of a finding
    syntax: Syntax, code: str, rule: Rule, message: str, fix: str, severity: Any
) -> Finding:
    place = rule.place
    return Finding(code, syntax.path, place.line, place.column, message, fix, severity)
