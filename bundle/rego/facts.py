# SPDX-License-Identifier: Apache-2.0
"""What a test run knows beyond verdicts: conditions, kills, lines; values only."""

from typing import Any, Literal

from bundle.rego.engine import UNDEFINED
from keys.record import record

State = Literal["held", "did not hold", "not reached", "no answer"]


@record
class Step:
    """One statement of a body, and what it was for one input.

    Attributes:
        line: From 1.
        text: Its source, on one line.
        state: ``held`` with all before it; ``not reached`` behind one that did not.
        reason: Why there is no answer.
        values: Of what the statement reads from input and platform, if it decided:
            name and value, or ``UNDEFINED``.
    """

    line: int
    text: str
    state: State
    reason: str | None = None
    values: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it; what is undefined has no value."""
        read = [
            {"name": name} | ({} if value is UNDEFINED else {"value": value})
            for name, value in self.values
        ]
        return {"line": self.line, "text": self.text, "state": self.state} | {
            "reason": self.reason,
            "values": read,
        }


@record
class Conditions:
    """One body of a rule, statement by statement, for one input.

    Attributes:
        name: The rule, such as ``deny`` or ``has_ticket``.
        line: Where it begins, from 1.
    """

    name: str
    path: str
    line: int
    steps: tuple[Step, ...]

    @property
    def decided(self) -> Step | None:
        """The first statement that did not hold, or nothing if all held."""
        return next((step for step in self.steps if step.state != "held"), None)

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        return {"name": self.name, "path": self.path, "line": self.line} | {
            "held": self.decided is None,
            "statements": [step.to_json() for step in self.steps],
        }


@record
class Kill:
    """What the tests notice.

    Attributes:
        idle: Negative tests that pass without the rule's denies.
        bodies: The line of each deny, and a case or test that notices its loss.
        witness: A negative case that the parents alone allow.
    """

    idle: tuple[str, ...]
    bodies: tuple[tuple[int, str | None], ...]
    witness: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        bodies = [{"line": line, "killed_by": by} for line, by in self.bodies]
        return {"not_killed": list(self.idle), "denies": bodies} | {
            "strictness_witness": self.witness
        }


@record
class Reached:
    """The lines of one rule.

    Attributes:
        path: The rule's file.
        covered: Lines that a case reached.
        missed: Lines that none did, with their text.
    """

    path: str
    covered: tuple[int, ...]
    missed: tuple[tuple[int, str], ...]

    @property
    def percent(self) -> int:
        """The reached lines of all, in whole percent, rounded down."""
        total = len(self.covered) + len(self.missed)
        return 100 * len(self.covered) // total if total else 100

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` shows it."""
        missed = [{"line": line, "text": text} for line, text in self.missed]
        return {"path": self.path, "percent": self.percent} | {
            "covered": list(self.covered),
            "missed": missed,
        }
