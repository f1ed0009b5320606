# SPDX-License-Identifier: Apache-2.0
"""The one function that says what an overlay may carry.

The author's linter, the signer, the publisher and every Runner call it on the same
bytes. What it lets through can only add denies to what the parents deny
(``bundle.rego.conditions``); what it cannot decide it refuses. It reads nothing, runs
nothing but the parser that it is given, and keeps nothing.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from bundle.finding import ConfinementError, Finding
from bundle.limits import MAX_RULES
from bundle.rego.ast import Syntax
from bundle.rego.conditions import broken_conditions
from bundle.rego.engine import Module
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationError,
    RegoParseError,
)
from bundle.rego.lexer import decode_module
from bundle.rego.reader import read_syntax
from bundle.rule import RuleModule, rule_of
from keys.errors import LimitExceededError
from keys.record import record

_RULE_PATH: Final = re.compile(r"rules/(?P<folder>[^/]+)/(?P<name>[^/]+)\.rego")

_UNIQUE: Final = (("rule-id-duplicate", "rule_id"), ("package-duplicate", "package"))

Parse = Callable[[Module], dict[str, Any]]
Parameters = Collection[tuple[str, ...]]


@record
class Examined:
    """What one file turned out to be.

    Attributes:
        syntax: Its typed syntax, if it has one.
        rule: The rule, if its metadata could be read.
        findings: What is wrong with it; all are errors.
    """

    path: str
    syntax: Syntax | None
    rule: RuleModule | None
    findings: tuple[Finding, ...]


def check_confined(
    files: Mapping[str, bytes], *, parse: Parse, parameters: Parameters = ()
) -> tuple[RuleModule, ...]:
    """Return the rules of an overlay, if all of them can only add denies.

    Args:
        files: Content by path in the bundle; every one ``rules/<id>/<id>.rego``.
        parse: ``Engine.parse``.
        parameters: Paths of parameters that a parent declares.

    Returns:
        One rule for each file, in the order of their paths.

    Raises:
        ConfinementError: A file that is no rule, or could do more; all findings.
        LimitExceededError: More than 10,000 files.
        EngineUnavailableError: The parser does not start.
    """
    if len(files) > MAX_RULES:
        raise LimitExceededError(
            f"expected at most {MAX_RULES} rules, got {len(files)}"
        )
    examined = [
        examine_rule(path, files[path], parse=parse, parameters=parameters)
        for path in sorted(files)
    ]
    findings = [finding for item in examined for finding in _in_bundle(item)]
    rules = [item.rule for item in examined if item.rule is not None]
    findings += duplicate_findings(rules)
    if findings:
        raise ConfinementError(findings)
    return tuple(rules)


def examine_rule(
    path: str, data: bytes, *, parse: Parse, parameters: Parameters = ()
) -> Examined:
    """Examine one file as a rule, wherever it lies.

    Raises:
        EngineUnavailableError: The parser does not start.
    """
    try:
        module = decode_module(path, data)
        syntax = read_syntax(module, parse(module))
    except RegoParseError as error:
        return Examined(path, None, None, (_unparsed(path, error),))
    except EngineUnavailableError:
        raise
    except EvaluationError as error:
        fix = "make the file smaller and its expressions less nested"
        finding = Finding(error.code, path, 1, 1, error.message, fix)
        return Examined(path, None, None, (finding,))
    try:
        rule = rule_of(module, syntax)
    except RegoParseError as error:
        return Examined(path, syntax, None, (_unparsed(path, error),))
    except ConfinementError as error:
        findings = (*error.findings, *_without_id(syntax, parameters))
        return Examined(path, syntax, None, findings)
    broken = broken_conditions(syntax, rule_id=rule.rule_id, parameters=parameters)
    return Examined(path, syntax, rule, tuple(broken))


def duplicate_findings(rules: Collection[RuleModule]) -> list[Finding]:
    """Return a finding for every rule whose id or package another one has."""
    findings = []
    for code, name in (
        ("rule-id-duplicate", "rule_id"),
        ("package-duplicate", "package"),
    ):
        first: dict[str, str] = {}
        for rule in rules:
            value = getattr(rule, name)
            if (other := first.setdefault(value, rule.path)) != rule.path:
                message = f"expected a {name} of its own, got {value}, as in {other}"
                fix = "give each rule an id and a package that no other has"
                findings.append(Finding(code, rule.path, 1, 1, message, fix))
    return findings


def _unparsed(path: str, error: RegoParseError) -> Finding:
    fix = f"correct the file; see `trustacks rule explain {error.code}`"
    return Finding(error.code, path, error.line, error.column, error.reason, fix)


def _in_bundle(item: Examined) -> list[Finding]:
    """Return the findings of a file, and whether it lies where a rule lies."""
    match = _RULE_PATH.fullmatch(item.path)
    if match is None or match["folder"] != match["name"]:
        message = f"expected rules/<rule_id>/<rule_id>.rego, got {item.path}"
        fix = "carry nothing but rules: no data files, no tests, no other folders"
        return [Finding("rule-path", item.path, 1, 1, message, fix), *item.findings]
    if item.rule is not None and item.rule.rule_id != match["name"]:
        message = f"expected rule {match['name']}, got {item.rule.rule_id}"
        fix = f"move the file to rules/{item.rule.rule_id}/{item.rule.rule_id}.rego"
        return [Finding("rule-path", item.path, 1, 1, message, fix), *item.findings]
    return list(item.findings)


def _without_id(syntax: Syntax, parameters: Parameters) -> list[Finding]:
    """Return what is wrong besides the id, so that an author sees it in one go."""
    found = broken_conditions(syntax, rule_id="", parameters=parameters)
    about_id = ("deny-rule-id", "deny-missing", "head-not-allowed", "metadata-form")
    return [finding for finding in found if finding.code not in about_id]
