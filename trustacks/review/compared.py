# SPDX-License-Identifier: Apache-2.0
"""How the new text of a rule compares with the old one.

Whatever is not proved is ``unknown``: a verdict never says less than it could be. Only
a rule that is confined is asked about, and only in the engine's child process.
"""

from dataclasses import dataclass
from typing import Any, Final

from bundle.confine import examine_rule
from bundle.lint.linter import Against
from bundle.overlay import RuleFiles
from bundle.ratchet.change import change_of
from bundle.ratchet.child import Prover
from bundle.ratchet.errors import ProverUnavailableError
from bundle.rego.engine import Engine
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationError,
    RegoParseError,
)
from bundle.rule import RuleModule
from trustacks.review.changes import Changed

_NO_SOLVER: Final = "the solver is not installed: pip install 'trustacks[prove]'"
_NO_RULE: Final = "a version that the linter refuses is not compared"


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


def compared(
    changed: Changed,
    *,
    engine: Engine,
    against: Against,
    prover: Prover | None = None,
) -> Compared:
    """Compare the two versions of a rule that is there.

    Args:
        changed: The rule before and now.
        engine: Parses, and replays every witness.
        against: Parents, and the parameters that they declare.
        prover: A warm one, or None to start one where one is needed.

    Raises:
        EngineUnavailableError: The engine does not start.
    """
    if changed.old is None:
        return Compared("added", "there was no such rule")
    if changed.new is None or changed.old.rule == changed.new.rule:
        return Compared("equal", "the same text")
    old = _rule(changed.old, engine, against)
    new = _rule(changed.new, engine, against)
    if old is None or new is None:
        return Compared("unknown", _NO_RULE)
    try:
        found = change_of(
            old, new, engine=engine, library=against.parents, prover=prover
        )
    except ProverUnavailableError:
        return Compared("unknown", _NO_SOLVER)
    except EngineUnavailableError:
        raise
    except (EvaluationError, RegoParseError) as error:
        return Compared("unknown", error.message)
    version = found.solver_version or None
    return Compared(found.verdict, found.reason, found.witness_looser, version)


def _rule(files: RuleFiles, engine: Engine, against: Against) -> RuleModule | None:
    found = examine_rule(
        str(files.rule_path),
        files.rule,
        parse=engine.parse,
        parameters=against.parameters,
    )
    return None if found.findings else found.rule
