# SPDX-License-Identifier: Apache-2.0
"""The seam to a Rego engine: three questions, and no engine's own types.

Laws for every implementation:
- it never answers with a guess: no answer is an ``EvaluationError``;
- it holds hostile Rego: time, memory and process are bounded outside the engine;
- one engine may be asked from several threads.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal, Protocol

from bundle.rego.errors import EvaluationError
from keys.record import record


class Undefined(Enum):
    """The type of ``UNDEFINED``."""

    UNDEFINED = "undefined"

    def __bool__(self) -> Literal[False]:
        return False


# What a rule is that no body of it makes true. Never the same as False or null.
UNDEFINED: Final = Undefined.UNDEFINED


@record
class Module:
    """One Rego file.

    Attributes:
        path: A name for messages and coverage; nothing is read from it.
        source: Its text.
    """

    path: str
    source: str


@record
class EngineId:
    """An engine, as test and lint attestations name it."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def to_json(self) -> dict[str, str]:
        """Return it as an attestation carries it."""
        return {"engine": self.name, "engine_version": self.version}


@record
class LineCoverage:
    """The lines of one module that an evaluation reached, and those it did not."""

    path: str
    covered: tuple[int, ...]
    missed: tuple[int, ...]


class Policy(Protocol):
    """Modules and data that an engine has loaded."""

    def evaluate(self, path: str, document: Any) -> Any:
        """Return the value of ``data.x.y`` for an input document, or ``UNDEFINED``.

        Sets arrive as sorted lists. A path that no module defines is ``UNDEFINED``
        too: whoever needs the rule to exist must have checked that it does.

        Raises:
            EvaluationError: There is no answer.
        """

    def evaluate_many(
        self, paths: Sequence[str], document: Any
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate several paths for one input; a failed one has its error in place.

        Raises:
            EvaluationError: There is no answer for any of them.
        """

    def evaluate_each(
        self, path: str, documents: Sequence[Any]
    ) -> list[Any | Undefined | EvaluationError]:
        """Evaluate a path for several inputs, each as if it were the only one.

        Raises:
            EvaluationError: There is no answer for any of them; there may be if each
                is asked for alone.
        """

    def coverage(self) -> tuple[LineCoverage, ...]:
        """Return the lines reached since the load, if it asked for coverage.

        Raises:
            EvaluationError: There is no answer.
        """

    def close(self) -> None:
        """Forget the modules."""


class Engine(Protocol):
    """A Rego engine."""

    @property
    def name(self) -> str:
        """The engine's name, as test and lint attestations carry it."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def second(self) -> EngineId | None:
        """The engine that is asked too, before anybody relies on the answers."""

    def parse(self, module: Module) -> dict[str, Any]:
        """Return the syntax tree of one module, in regorus' JSON form, version 1.

        Raises:
            RegoParseError: It is not a module.
            EvaluationError: The parser gave no answer.
        """

    def load(
        self,
        modules: Sequence[Module],
        data: Mapping[str, Any] | None = None,
        *,
        base: Sequence[Module] = (),
        coverage: bool = False,
    ) -> Policy:
        """Load modules and a data document together.

        Args:
            modules: The modules.
            data: The data document; empty by default.
            base: More modules, below them. It changes no answer: an engine may keep
                them parsed, because many rules have the same parents.
            coverage: Count the lines that are reached.

        Raises:
            RegoParseError: A module does not parse.
            RegoCompileError: They do not fit together.
            EvaluationError: The engine gave no answer.
        """

    def close(self) -> None:
        """End the engine; loaded policies end with it."""
