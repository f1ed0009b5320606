# SPDX-License-Identifier: Apache-2.0
"""Test and lint a draft where it would lie, before it lies anywhere."""

from dataclasses import dataclass, replace
from pathlib import Path

from bundle.finding import ConfinementError, Finding
from bundle.lint import LintReport, lint_rule
from bundle.lint.linter import Against
from bundle.overlay import RuleFiles
from bundle.rego.engine import Engine
from bundle.rego.errors import EvaluationError, RegoParseError
from bundle.rego.format import format_file
from bundle.rego.lexer import decode_module
from bundle.rego.report import TestReport
from bundle.rego.testing import report_tests
from bundle.rule import read_rule
from keys.strict import dumps_json
from trustacks.drafting.answer import Draft, Wanted, parse_answer
from trustacks.drafting.budget import BoundedEngine
from trustacks.drafting.limits import (
    JUDGE_SECONDS,
    MAX_FAILURE_CHARS,
    MAX_FAILURES,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft, and what the tools say of it.

    Attributes:
        draft: What was answered; none if it could not be read.
        findings: Errors, warnings and hints.
        test: The test run, if there was one.
        lint: The lint run, if there was one.
    """

    draft: Draft | None
    findings: tuple[Finding, ...]
    test: TestReport | None = None
    lint: LintReport | None = None

    @property
    def passed(self) -> bool:
        """Whether every test passed and nothing refuses; what did not run did not."""
        if self.test is None or self.lint is None:
            return False
        clean = not any(finding.severity == "error" for finding in self.findings)
        return clean and self.test.passed and self.lint.passed

    def failures(self) -> list[str]:
        """Return the first failed cases in full: input, verdicts, denies."""
        failed = self.test.failed if self.test is not None else ()
        shown = (dumps_json(case.details()).decode() for case in failed[:MAX_FAILURES])
        return [text[:MAX_FAILURE_CHARS] for text in shown]


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges answers.

    Attributes:
        engine: Parses and evaluates.
        against: Parents, siblings, and the version before.
        folder: The overlay, where a new rule would lie.
        wanted: What the answer has to be about.
        existing: The rule that is revised.
    """

    engine: Engine
    against: Against
    folder: Path
    wanted: Wanted
    existing: RuleFiles | None = None

    def __call__(self, text: str) -> Judged:
        """Judge one answer.

        Raises:
            EngineUnavailableError: The engine does not start.
        """
        draft = parse_answer(text, self.wanted)
        if isinstance(draft, Finding):
            return Judged(None, (draft,))
        engine = BoundedEngine(self.engine, seconds=JUDGE_SECONDS)
        draft = replace(
            draft,
            rule=_laid_out("rule.rego", draft.rule, engine),
            test=_laid_out("test.rego", draft.test, engine),
        )
        files = self.files(draft)
        lint = lint_rule(files, engine=engine, against=self.against)
        parents = self.against.parents
        test = report_tests(files, engine=engine, parents=parents, coverage=False)
        found = [*_citation(draft, files, self.engine), *lint.findings, *test.findings]
        # What test and lint both say, in words of their own for the fix, is said once.
        said = {(f.code, f.path, f.line, f.column, f.message): f for f in found[::-1]}
        return Judged(draft, tuple(said.values())[::-1], test, lint)

    def files(self, draft: Draft) -> RuleFiles:
        """Return the draft as the files that it would be."""
        rule, test = draft.rule.encode(), draft.test.encode()
        if self.existing is not None:
            return replace(self.existing, rule=rule, test=test, attestation=None)
        folder = self.folder / "rules" / draft.rule_id
        return RuleFiles(
            rule_id=draft.rule_id,
            rule_path=folder / f"{draft.rule_id}.rego",
            test_path=folder / f"{draft.rule_id}_test.rego",
            attestation_path=folder / f"{draft.rule_id}.sigstore.json",
            rule=rule,
            test=test,
            attestation=None,
        )


def _laid_out(path: str, text: str, engine: Engine) -> str:
    """Format a text, so that a diff of it shows meaning; one that cannot be stays."""
    try:
        return format_file(path, text.encode(), engine=engine).after.decode()
    except EvaluationError:
        return text  # the linter says it


def _citation(draft: Draft, files: RuleFiles, engine: Engine) -> list[Finding]:
    """Find a citation that the rule does not have: people read one, files keep it."""
    path = str(files.rule_path)
    try:
        module = decode_module(path, files.rule)
        said = read_rule(module, engine.parse(module)).metadata.citation.to_json()
    except (RegoParseError, ConfinementError):
        return []  # the linter says it
    if said == draft.citation:
        return []
    differs = ", ".join(name for name in said if said[name] != draft.citation[name])
    message = (
        f"expected the citation of rule_metadata in the answer, got other {differs}"
    )
    fix = "repeat the citation of the rule's metadata word for word"
    return [Finding("draft-citation", path, 1, 1, message, fix)]
