# SPDX-License-Identifier: Apache-2.0
"""What a new version of a rule is to the old one, as reports carry it."""

from typing import Any, Literal

from keys.digest import Digest
from keys.record import record

Verdict = Literal["equal", "stricter", "looser", "incomparable", "unknown"]


@record
class Change:
    """The verdict about two versions of a rule, with its evidence.

    ``equal`` and ``stricter`` are sound: about every input that a Runner may decide on,
    and the old version surely answers all of them.

    Attributes:
        old: SHA-256 of the Rego before.
        witness_looser: An input that the old version denies and the new one allows.
        witness_stricter: An input that the new version denies and the old one allows.
        reason: One line.
        solver_version: Empty if no solver was needed, or none answered.
    """

    verdict: Verdict
    old: Digest
    witness_looser: dict[str, Any] | None
    witness_stricter: dict[str, Any] | None
    reason: str
    solver_version: str
    seconds: float

    @property
    def attestable(self) -> bool:
        """Whether a lint identity may attest it."""
        return self.verdict in ("equal", "stricter")

    def to_json(self) -> dict[str, Any]:
        """Return the object as attestations carry it: no witness, no time."""
        return {
            "verdict": self.verdict,
            "old": str(self.old),
            "solver_version": self.solver_version or None,
        }

    def shown(self) -> dict[str, Any]:
        """Return all of it, as ``rule lint --json`` shows it."""
        return {
            **self.to_json(),
            "witness_looser": self.witness_looser,
            "witness_stricter": self.witness_stricter,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
        }
