# SPDX-License-Identifier: Apache-2.0
"""How the new text of a rule compares with the old one.

The linter proves it. Whatever it did not look at is ``unknown``: a verdict never says
less than it could be.
"""

from dataclasses import dataclass
from typing import Any, Final

from bundle.lint.report import LintReport
from trustacks.review.changes import Changed

_NOT_COMPARED: Final = "a version that the linter refuses is not compared"


@dataclass(frozen=True, slots=True)
class Compared:
    """A verdict about two versions of a rule.

    Attributes:
        verdict: ``added``, ``removed``, ``equal``, ``stricter``, ``looser``,
            ``incomparable`` or ``unknown``.
        reason: One line.
        witness: An input that the old version denies and the new one allows.
        solver_version: None where no solver was needed, or none answered.
    """

    verdict: str
    reason: str
    witness: dict[str, Any] | None = None
    solver_version: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` shows of it."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "witness_looser": self.witness,
            "solver_version": self.solver_version,
        }


def compared(changed: Changed, lint: LintReport) -> Compared:
    """Return what the linter says of the two versions of a rule that is there.

    Args:
        changed: The rule before and now.
        lint: Of the rule now, against the one before.
    """
    if changed.old is None:
        return Compared("added", "there was no such rule")
    if changed.new is None or changed.old.rule == changed.new.rule:
        return Compared("equal", "the same text")
    if lint.change is None:
        return Compared("unknown", _NOT_COMPARED)
    said = lint.change
    version = said.solver_version or None
    return Compared(said.verdict, said.reason, said.witness_looser, version)
