# SPDX-License-Identifier: Apache-2.0
"""What an audit found, collected: one report names everything, not the first thing.

A finding is a value with the code of the refusal behind it. ``Findings`` turns the
errors of the checks into findings and goes on, because the second thing that is wrong
often explains the first.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bundle.audit.limits import MAX_FINDINGS
from keys.errors import TrustacksError


class Severity(StrEnum):
    """What a finding does to the audit's outcome.

    Attributes:
        REFUSED: The audit does not accept.
        WARNING: It may accept; somebody should know.
        NOTE: Worth saying.
    """

    REFUSED = "refused"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        code: Of the refusal, stable.
        severity: What it does to the outcome.
        place: Where: a log entry, a file, a release, a Runner.
        message: In plain words.
    """

    code: str
    severity: Severity
    place: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a document."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "place": self.place,
            "message": self.message,
        }

    def text(self) -> str:
        """Return the finding as one line."""
        return f"{self.severity.value} [{self.code}] {self.place}: {self.message}"


class Findings:
    """Collects findings; beyond ``MAX_FINDINGS`` they are counted.

    What refuses has a bound of its own. So notes, which any loser of a release race
    leaves, never push a refusal out, and never stand in for one.
    """

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._counts = {True: 0, False: 0}
        self.left_out = 0

    def add(
        self,
        error: TrustacksError,
        place: str,
        severity: Severity = Severity.REFUSED,
    ) -> None:
        """Record an error as a finding."""
        self.record(Finding(error.code, severity, place, error.message))

    def record(self, finding: Finding) -> None:
        """Record a finding; beyond the bound it is counted only."""
        refuses = finding.severity is Severity.REFUSED
        if self._counts[refuses] < MAX_FINDINGS:
            self._counts[refuses] += 1
            self._found.append(finding)
        else:
            self.left_out += 1

    @contextlib.contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Turn what is refused inside into a finding, and go on after the block."""
        try:
            yield
        except TrustacksError as error:
            self.add(error, place)

    @property
    def refused(self) -> bool:
        """Whether anything was found that refuses, left out or not."""
        return self._counts[True] > 0

    @property
    def all(self) -> tuple[Finding, ...]:
        """The findings, in the order in which they were found."""
        return tuple(self._found)
