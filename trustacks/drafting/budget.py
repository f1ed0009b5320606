# SPDX-License-Identifier: Apache-2.0
"""An engine whose time runs out: a draft cannot keep it busy, case after case.

Each request to an engine is bounded anyway; this bounds all of them together.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bundle.rego.engine import (
    Engine,
    EngineId,
    LineCoverage,
    Module,
    Policy,
    Undefined,
)
from bundle.rego.errors import EvaluationError, EvaluationTimeoutError


class BoundedEngine:
    """Another engine, for so many seconds from now.

    Args:
        engine: Who answers.
        seconds: After which no request begins.
    """

    def __init__(self, engine: Engine, *, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    @property
    def name(self) -> str:
        """The other engine's name."""
        return self._engine.name

    @property
    def version(self) -> str:
        """The other engine's version."""
        return self._engine.version

    @property
    def second(self) -> EngineId | None:
        """The other engine's second opinion."""
        return self._engine.second

    def require_time(self) -> None:
        """Refuse when the time is over.

        Raises:
            EvaluationTimeoutError: It is.
        """
        if time.monotonic() >= self._until:
            raise EvaluationTimeoutError(
                f"expected rule and tests to be done in {self._seconds:g} s, got more"
            )

    def parse(self, module: Module) -> dict[str, Any]:
        """Parse, if there is time."""
        self.require_time()
        return self._engine.parse(module)

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        base: Sequence[Module] = (),
        coverage: bool = False,
    ) -> Policy:
        """Load, if there is time."""
        self.require_time()
        policy = self._engine.load(modules, data, base=base, coverage=coverage)
        return _BoundedPolicy(policy, self)

    def close(self) -> None:
        """Leave the other engine open: it is not ours."""


@dataclass(frozen=True, slots=True)
class _BoundedPolicy:
    policy: Policy
    engine: BoundedEngine

    def evaluate(self, path: str, document: Any) -> Any:
        self.engine.require_time()
        return self.policy.evaluate(path, document)

    def evaluate_many(
        self, paths: Sequence[str], document: Any
    ) -> list[Any | Undefined | EvaluationError]:
        self.engine.require_time()
        return self.policy.evaluate_many(paths, document)

    def evaluate_each(
        self, path: str, documents: Sequence[Any]
    ) -> list[Any | Undefined | EvaluationError]:
        self.engine.require_time()
        return self.policy.evaluate_each(path, documents)

    def coverage(self) -> tuple[LineCoverage, ...]:
        self.engine.require_time()
        return self.policy.coverage()

    def close(self) -> None:
        self.policy.close()
