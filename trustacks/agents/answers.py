# SPDX-License-Identifier: Apache-2.0
"""The answers to an agent, each of a bounded size.

An answer is read by a model that pays for every word, and whose host may give up on a
long one: lists come in pages, texts are cut, and both say so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bundle.confine import examine_rule
from bundle.lint.linter import lint_rule
from bundle.overlay import RuleFiles
from bundle.rego.report import CaseResult
from bundle.rego.testing import report_tests
from keys.digest import Digest
from keys.strict import dumps_json
from trustacks._cli.overlay_profile import profile_of
from trustacks._cli.parent_layers import modules_of
from trustacks._cli.rule_explain import find_page
from trustacks._cli.rule_lint import against_of
from trustacks.agents.bench import Bench, ParentRule
from trustacks.review.evidence import state_of

# Rules in one page of a list: 300 bytes each.
PAGE: Final = 100
# Of one text (characters); a rule of 400 lines is 16,000.
MAX_TEXT: Final = 32_000
# Findings in one answer, and failing cases with all that is known of them.
MAX_FINDINGS: Final = 50
MAX_FAILED: Final = 20
# Of one failing case, as JSON (bytes); a larger one comes without its input.
_MAX_CASE: Final = 16_000
# Of one description (characters).
_MAX_DESCRIPTION: Final = 500


def list_rules(bench: Bench, offset: int = 0) -> dict[str, Any]:
    """Return the rules of parents and overlay, a page at a time."""
    released = bench.released_digests()
    own = {files.rule_id: files for files in bench.rules()}
    rules: list[ParentRule | RuleFiles | str] = [*bench.parent_rules()]
    rules += own.values()
    rules += sorted(released.keys() - own.keys())
    shown = [_listed(bench, one, released) for one in rules[offset : offset + PAGE]]
    end = offset + len(shown)
    return {
        "rules": shown,
        "total": len(rules),
        "next_offset": end if end < len(rules) else None,
        "parents_known": bool(bench.known_layers()),
    }


def explain_rule(bench: Bench, rule_id: str) -> dict[str, Any]:
    """Return what a rule says of itself, its text, and its tests.

    Raises:
        NotFoundError: Neither the overlay nor a parent has it.
    """
    for rule in bench.parent_rules():
        if rule.rule_id == rule_id:
            return _parents(rule) | {"rego": _cut(rule.module.source)}
    files = bench.rule(rule_id)
    return _own(bench, files, bench.released_digests()) | {
        "rego": _cut(files.rule.decode("utf-8", "replace")),
        "tests": _cut(files.test.decode("utf-8", "replace")),
    }


def explain_code(_bench: Bench, code: str) -> dict[str, Any]:
    """Return the page of a finding's code.

    Raises:
        UnknownCodeError: No finding has it.
    """
    return find_page(code).to_json()


def test_rule(bench: Bench, rule_id: str) -> dict[str, Any]:
    """Run the tests of a rule; failures come with input, verdicts and denies."""
    files = bench.rule(rule_id)
    parents = modules_of(bench.known_layers())
    report = report_tests(files, engine=bench.engine, parents=parents, coverage=False)
    return {
        "rule_id": files.rule_id,
        "passed": report.passed,
        "cases": [{"name": c.name, "passed": c.passed} for c in report.cases[:PAGE]],
        "total": len(report.cases),
        "failed": [_failed(case) for case in report.failed[:MAX_FAILED]],
        "findings": [f.to_json() for f in report.findings[:MAX_FINDINGS]],
        "engine": report.engine,
        "engine_version": report.engine_version,
    }


def lint_one(bench: Bench, rule_id: str) -> dict[str, Any]:
    """Lint a rule against its parents and the other rules.

    Raises:
        NotLoggedInError: No parents are known.
    """
    files = bench.rule(rule_id)
    against = replace(
        against_of(bench.layers(), bench.rules(), bench.engine),
        previous=_previous(bench, files),
        profile=profile_of(bench.directory),
        prover=bench.prover,
    )
    report = lint_rule(files, engine=bench.engine, against=against)
    return {
        "rule_id": files.rule_id,
        "passed": report.passed,
        "change": report.change.to_json() if report.change else None,
        "checks": list(report.checks),
        "findings": [f.to_json() for f in report.findings[:MAX_FINDINGS]],
        "total": len(report.findings),
    }


def _previous(bench: Bench, files: RuleFiles) -> RuleFiles | None:
    """Return the rule as the newest release that was seen has it."""
    old = bench.released(files.rule_id)
    if old is None:
        return None
    return replace(
        files, rule=old, test=b"", attestation=None, cases=None, cases_path=None
    )


def _listed(
    bench: Bench, one: ParentRule | RuleFiles | str, released: Mapping[str, Digest]
) -> dict[str, Any]:
    match one:
        case ParentRule():
            return _parents(one)
        case RuleFiles():
            return _own(bench, one, released)
        case str():
            # It is enforced, and its text is not in this folder.
            nothing = dict.fromkeys(("description", "citation", "attestation"))
            said = {"rule_id": one, "layer": "overlay", "in_force": "released"}
            return said | nothing


def _own(
    bench: Bench, files: RuleFiles, released: Mapping[str, Digest]
) -> dict[str, Any]:
    found = examine_rule(str(files.rule_path), files.rule, parse=bench.engine.parse)
    said = found.rule.metadata if found.rule else None
    return {
        "rule_id": files.rule_id,
        "layer": "overlay",
        "in_force": _standing(files, released.get(files.rule_id)),
        "description": _short(said.description) if said else None,
        "citation": said.citation.to_json() if said else None,
        "attestation": state_of(files),
    }


def _standing(files: RuleFiles, released: Digest | None) -> str:
    """Return what of a rule the newest release that was seen has."""
    if released is None:
        return "not-released"
    return "as-written" if released == Digest.of(files.rule) else "another-version"


def _parents(rule: ParentRule) -> dict[str, Any]:
    description, citation = rule.said.get("description"), rule.said.get("citation")
    return {
        "rule_id": rule.rule_id,
        "layer": rule.layer,
        "in_force": "pinned",
        "description": _short(description) if isinstance(description, str) else None,
        "citation": citation if isinstance(citation, dict) else None,
        "attestation": None,
    }


def _failed(case: CaseResult) -> dict[str, Any]:
    shown = case.details()
    if len(dumps_json(shown)) <= _MAX_CASE:
        return shown
    kept = ("name", "path", "line", "expected", "actual")
    return {name: shown[name] for name in kept} | {"input": None, "truncated": True}


def _cut(text: str) -> dict[str, Any]:
    return {"text": text[:MAX_TEXT], "truncated": len(text) > MAX_TEXT}


def _short(text: str) -> str:
    return text if len(text) <= _MAX_DESCRIPTION else f"{text[:_MAX_DESCRIPTION]}..."
