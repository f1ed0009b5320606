# SPDX-License-Identifier: Apache-2.0
"""What one step of a Runner came to: a value for logs, reports and the command line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from keys.clock import format_instant
from keys.errors import TrustacksError
from signer.predicates.runner_report import ACTIVATED, HELD, UNCHANGED
from signer.result import VerificationResult

INTERNAL: Final = "internal-error"

__all__ = ["ACTIVATED", "HELD", "INTERNAL", "UNCHANGED", "Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """The outcome of ``Runner.step``.

    Attributes:
        at: The instant of the step.
        outcome: ``activated``, ``unchanged`` or ``held``.
        revision: The release that is active now, or ``None``.
        code: Why it was held.
        message: The same for people, one line.
        hint: What to try.
        result: The gate's checks, if it came to the gate.
        fresh: There was no state: nothing could have been rolled back from.
        report_code: Why the report did not reach the Control Plane.
    """

    at: datetime
    outcome: str
    revision: int | None
    code: str | None = None
    message: str | None = None
    hint: str | None = None
    result: VerificationResult | None = None
    fresh: bool = False
    report_code: str | None = None

    @classmethod
    def held(
        cls,
        error: Exception,
        *,
        at: datetime,
        revision: int | None,
        result: VerificationResult | None = None,
    ) -> "Event":
        """Return the event of an error; one without a code is a defect of ours."""
        if isinstance(error, TrustacksError):
            code, message, hint = error.code, error.message, error.hint
        else:
            code, message = INTERNAL, f"{type(error).__name__}: {error}"
            hint = "this is a defect: please report it"
        return cls(
            at=at,
            outcome=HELD,
            revision=revision,
            code=code,
            message=message,
            hint=hint,
            result=result,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the event as ``--json`` shows it."""
        return {
            "at": format_instant(self.at),
            "outcome": self.outcome,
            "revision": self.revision,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "fresh": self.fresh,
            "report_code": self.report_code,
            "result": None if self.result is None else self.result.to_json(),
        }
