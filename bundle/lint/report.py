# SPDX-License-Identifier: Apache-2.0
"""What the linter found, as values, as JSON and as text for people."""

from pathlib import Path
from typing import Any, Final

from bundle.finding import Finding
from bundle.ratchet.verdict import Change
from bundle.rego.engine import EngineId
from keys.record import record
from keys.strict import dumps_json

# Raised when a check is added or decides otherwise; every attestation carries it.
LINTER_VERSION: Final = "1.1.0"
# As many warnings as an attestation may list.
_MAX_WARNINGS: Final = 256
# How a verdict reads before "the version before", if not as a comparative does.
_COMPARED: Final = {
    "equal": "equal to",
    "incomparable": "incomparable with",
    "unknown": "unknown against",
}


@record
class LintReport:
    """A lint run of one rule.

    Attributes:
        engine: Its name.
        engine_version: Its version.
        checks: The ids of what was checked, in order.
        findings: Errors, warnings and hints, in the order of the files.
        second_opinion: The engine that was asked too and agreed (``opinion``).
        change: What the rule is to the version that it replaces, if there is one.
    """

    rule_id: str
    engine: str
    engine_version: str
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]
    second_opinion: EngineId | None = None
    change: Change | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def passed(self) -> bool:
        """Whether nothing refuses."""
        return not self.errors

    def to_json(self) -> dict[str, Any]:
        """Return the ``lint`` object of a rule attestation."""
        said = (f for f in self.findings if f.severity == "warning")
        warnings = sorted({f"{f.code}: {f.message} (line {f.line})" for f in said})
        return {
            "engine": self.engine,
            "engine_version": self.engine_version,
            "linter_version": LINTER_VERSION,
            "verdict": "passed" if self.passed else "failed",
            "checks": list(self.checks),
            "warnings": warnings[:_MAX_WARNINGS],
            "second_opinion": self.second_opinion and self.second_opinion.to_json(),
            "change": self.change and self.change.to_json(),
        }

    def text(self, sources: dict[str, str] | None = None) -> str:
        """Return the report for people.

        Args:
            sources: Text of the files by path; a finding then shows its line.
        """
        parts = [_shown(finding, sources or {}) for finding in self.findings]
        word = "passed" if self.passed else "failed"
        warned = sum(finding.severity == "warning" for finding in self.findings)
        parts.append(
            f"{self.rule_id}: {word}, {len(self.checks)} checks, "
            f"{_counted(len(self.errors), 'error')}, "
            f"{_counted(warned, 'warning')}{self._compared}"
        )
        return "\n".join(parts)

    @property
    def _compared(self) -> str:
        if self.change is None:
            return ""
        verdict = self.change.verdict
        return f", {_COMPARED.get(verdict, f'{verdict} than')} the version before"


def _shown(finding: Finding, sources: dict[str, str]) -> str:
    lines = [f"{finding.severity}: {finding}"]
    source = sources.get(finding.path, "").split("\n")
    if finding.line <= len(source) and source[finding.line - 1]:
        line = source[finding.line - 1]
        margin = "".join("\t" if c == "\t" else " " for c in line[: finding.column - 1])
        lines += [f"  | {line}", f"  | {margin}^"]
    lines.append(f"  fix: {finding.fix}")
    return "\n".join([*lines, *_cases(finding)])


def _cases(finding: Finding) -> list[str]:
    """Return what shows a finding as lines of a case file."""
    lines = []
    file = Path(finding.path).name.removesuffix(".rego") + ".cases.yaml"
    for name, document in finding.shown().items():
        said = f'"name": "{finding.code} {name}", "polarity": "negative"'
        text = f'{{{said}, "input": {dumps_json(document).decode()}}}'
        lines += [f"  {name}, as a case of {file}:", f"    - {text}"]
    return lines


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
