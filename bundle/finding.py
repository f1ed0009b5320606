# SPDX-License-Identifier: Apache-2.0
"""A finding: where, what, why, and how to write it instead."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from keys.errors import RuleError
from keys.record import record
from keys.strict import dumps_json, loads_json

Severity = Literal["error", "warning", "hint"]
Evidence = tuple[tuple[str, str], ...]

# Bytes of one value of evidence: an input has at most 8 MiB.
_MAX_BYTES: Final = 16 * 1024 * 1024


@record
class Finding:
    """One thing that a linter or gate has to say about a file.

    Attributes:
        code: Stable, kebab case; ``docs/rules/<code>.md`` explains it.
        path: The file, as the caller named it.
        line: From 1.
        column: From 1, in characters.
        message: One sentence: expected ..., got ...
        fix: How to write it instead.
        severity: Only an ``error`` refuses.
        evidence: What shows it, as JSON texts by name; see ``evidence_of``.
    """

    code: str
    path: str
    line: int
    column: int
    message: str
    fix: str
    severity: Severity = "error"
    evidence: Evidence = ()

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message} [{self.code}]"

    def to_json(self) -> dict[str, Any]:
        """Return the finding as ``--json`` shows it."""
        return {
            "code": self.code,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "fix": self.fix,
            "severity": self.severity,
            **({"evidence": self.shown()} if self.evidence else {}),
        }

    def shown(self) -> dict[str, Any]:
        """Return the evidence as values."""
        return {
            name: loads_json(
                text.encode(), max_bytes=_MAX_BYTES, what=name, floats=True
            )
            for name, text in self.evidence
        }


def evidence_of(**values: Any) -> Evidence:
    """Return values as evidence: in order, hashable, whatever they are."""
    return tuple((name, dumps_json(value).decode()) for name, value in values.items())


class ConfinementError(RuleError):
    """Rules that could do more than add denies, or are not rules at all.

    Attributes:
        findings: All that is wrong, in the order of the files.
    """

    code = "confinement"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0]
        more = len(self.findings) - 1
        super().__init__(
            f"{first}" + (f" and {more} more" if more else ""),
            hint=first.fix,
            findings=[finding.to_json() for finding in self.findings[:100]],
        )
