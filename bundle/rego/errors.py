# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a Rego module, and with asking an engine about it.

An ``EvaluationError`` means that there is no verdict. Whoever decides on a proposal
turns it into a deny with its code; nobody may read it as "nothing was denied".
"""

from collections.abc import Sequence

from keys.errors import RuleError


class RegoParseError(RuleError):
    """Text that is not a Rego module, or that no parser should be given.

    Attributes:
        path: The module's path, as the caller named it.
        line: From 1.
        column: From 1.
        reason: One line.
    """

    code = "rego-parse"

    def __init__(self, path: str, line: int, column: int, reason: str) -> None:
        super().__init__(
            f"{path}:{line}:{column}: {reason}", path=path, line=line, column=column
        )
        self.path = path
        self.line = line
        self.column = column
        self.reason = reason


class RegoCompileError(RegoParseError):
    """Modules that parse one by one, and make no sense together."""

    code = "rego-compile"


class OpaRefusedError(RegoCompileError):
    """Modules that OPA does not accept.

    Attributes:
        problems: All that it said: module path, line, column, reason.
    """

    code = "opa-refused"

    def __init__(self, problems: Sequence[tuple[str, int, int, str]]) -> None:
        super().__init__(*problems[0])
        self.problems = tuple(problems)


class EvaluationError(RuleError):
    """The engine gave no answer: there is no verdict, and no verdict is a deny."""

    code = "evaluation-error"


class EvaluationTimeoutError(EvaluationError):
    """The engine needed more time than it may have."""

    code = "evaluation-timeout"


class EvaluationMemoryError(EvaluationError):
    """The engine needed more memory, or answered with more bytes, than it may."""

    code = "evaluation-memory"


class EvaluationCrashError(EvaluationError):
    """The engine's process died: a stack overflow, or a fault of the engine."""

    code = "evaluation-crash"


class EngineUnavailableError(EvaluationError):
    """The engine's process does not start."""

    code = "engine-unavailable"
    exit_code = 3


class OpaUnsuitableError(EngineUnavailableError):
    """There is no ``opa`` on PATH, or not one that may be asked."""

    code = "opa-unsuitable"


class EngineDisagreementError(EvaluationError):
    """Two engines gave different answers: nobody knows what the rule says.

    Its evidence has each question with both answers.
    """

    code = "engines-disagree"
