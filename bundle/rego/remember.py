# SPDX-License-Identifier: Apache-2.0
"""An engine that answers from memory what it was asked a moment ago.

Linter, tests and proof each take a rule as text and stand alone, so each parses it and
loads it with its parents. Behind this engine that happens once a rule. It only
remembers what cannot change: the same text has the same tree, and the same modules
without data are the same policy. Decisions are never remembered.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from bundle.rego.engine import Engine, LineCoverage, Module, Policy, Undefined
from bundle.rego.errors import EvaluationError

T = TypeVar("T")

# A rule, its tests, the rule before and a parent's; the largest tree is 50 MB.
_TREES: Final = 4
# Rule, tests and the rule before, with and without parents; they are the child's.
_POLICIES: Final = 8


class RememberingEngine:
    """An ``Engine`` around another one. Safe for threads.

    What it returns is shared: nobody changes a tree, and closing a policy does nothing,
    since somebody else may have the same one. The engine's own ``close`` ends them all.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._trees: _Memory[dict[str, Any]] = _Memory(_TREES)
        self._policies: _Memory[Policy] = _Memory(_POLICIES)

    @property
    def name(self) -> str:
        """The name of the engine behind this one."""
        return self._engine.name

    @property
    def version(self) -> str:
        """Its version."""
        return self._engine.version

    @property
    def second(self) -> Any:
        """The engine that must agree, if there is one."""
        return getattr(self._engine, "second", None)

    def parse(self, module: Module) -> dict[str, Any]:
        """Return the tree of a module (``Engine.parse``)."""
        return self._trees.get(module, lambda: self._engine.parse(module))

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        base: Sequence[Module] = (),
        coverage: bool = False,
    ) -> Policy:
        """Load modules (``Engine.load``); with data or coverage, always anew."""
        if data or coverage:
            return self._engine.load(modules, data, base=base, coverage=coverage)
        key = (tuple(base), tuple(modules))
        return self._policies.get(
            key, lambda: _Shared(self._engine.load(modules, base=base))
        )

    def close(self) -> None:
        """End the engine behind this one."""
        self._engine.close()


class _Memory(Generic[T]):
    """The newest few of what was made."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        value = make()  # not under the lock: it may take seconds
        with self._lock:
            self._made[key] = value
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return value


class _Shared:
    """A policy that several have."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def evaluate(self, path: str, document: Any) -> Any:
        """Return the value of a path (``Policy.evaluate``)."""
        return self._policy.evaluate(path, document)

    def evaluate_many(
        self, paths: Sequence[str], document: Any
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate several paths (``Policy.evaluate_many``)."""
        return self._policy.evaluate_many(paths, document)

    def evaluate_each(
        self, path: str, documents: Sequence[Any]
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate a path for several inputs (``Policy.evaluate_each``)."""
        return self._policy.evaluate_each(path, documents)

    def coverage(self) -> tuple[LineCoverage, ...]:
        """Return the lines reached (``Policy.coverage``)."""
        return self._policy.coverage()

    def close(self) -> None:
        """Do nothing: another may still ask."""
