# SPDX-License-Identifier: Apache-2.0
"""What the client and the command line refuse, beyond what the rooms below do."""

from typing import Any

from keys.errors import (
    AccessError,
    ConfigurationError,
    ConflictError,
    KeyProviderError,
    RuleError,
    StateError,
    StorageError,
    TrustacksError,
    UnavailableError,
    UsageError,
    VerificationError,
)


class InternalError(TrustacksError):
    """A fault of ours; shown as one line, in full with TRUSTACKS_DEBUG=1."""

    code = "internal"
    exit_code = 3


class CommandInterruptedError(TrustacksError):
    """Ctrl-C: nothing half-written stays, and the next run starts afresh."""

    code = "interrupted"
    exit_code = 3


class OperatingSystemError(StorageError):
    """A file, pipe or socket that failed outside the durable writer."""

    code = "operating-system"


class NotLoggedInError(ConfigurationError):
    """A command that needs a workspace, before ``trustacks login``."""

    code = "not-logged-in"


class AmbiguousKeyError(ConfigurationError):
    """Several keys are here, and none was named."""

    code = "ambiguous-key"


class PassphraseMissingError(KeyProviderError):
    """No passphrase file, and no terminal to ask on."""

    code = "passphrase-missing"


class FileMissingError(UsageError):
    """A file that a command was given, and that is not there."""

    code = "file-missing"


class TokenMissingError(UsageError):
    """No token file, and no terminal to ask on."""

    code = "token-missing"


class KeyExistsError(ConflictError):
    """A key of that name is here already; keys are never replaced."""

    code = "key-exists"


class FileExistsRefusedError(ConflictError):
    """The output file is there already; outputs are never overwritten."""

    code = "file-exists"


class PinChangedError(VerificationError):
    """Another root than the one that is pinned, or one that may not replace it."""

    code = "pin-changed"


class GitError(UnavailableError):
    """Git is missing, or refused."""

    code = "git"


class NotARepositoryError(GitError):
    """The folder is in no git repository."""

    code = "not-a-repository"


class GitIdentityError(GitError):
    """The repository has no identity of its own; a global one is never read."""

    code = "git-identity"


class McpUnavailableError(UnavailableError):
    """The MCP SDK is not installed."""

    code = "mcp-unavailable"


class ToolArgumentsError(UsageError):
    """Other arguments than an agent's tool takes."""

    code = "tool-arguments"


class UnknownCodeError(UsageError):
    """A code that no finding has."""

    code = "unknown-code"


class BaseRefError(UsageError):
    """A commit to compare with that git does not know, or that is not named as one."""

    code = "base-ref"


class BranchExistsError(ConflictError):
    """The branch for the new rule is there already."""

    code = "branch-exists"


class UnexpectedAnswerError(UnavailableError):
    """An answer that is not of the Control Plane's API."""

    code = "unexpected-answer"


class RuleTestsFailedError(RuleError):
    """A case of a rule's tests fails, or a polarity has no case."""

    code = "rule-tests-failed"


class RuleCoverageLowError(RuleError):
    """The cases of a rule reach fewer of its lines than was asked for."""

    code = "rule-coverage-low"


class RuleLintFailedError(RuleError):
    """The linter refuses a rule."""

    code = "rule-lint-failed"


class RuleFormatFailedError(RuleError):
    """A file that the formatter cannot read, or must not touch."""

    code = "rule-format-failed"


class RuleNotFormattedError(RuleError):
    """A file that the formatter would change."""

    code = "rule-not-formatted"


class WorkerLostError(UnavailableError):
    """A process that shared the work ended in the middle of it."""

    code = "worker-lost"


class RuleCheckFailedError(RuleError):
    """A change of the overlay has errors."""

    code = "rule-check-failed"


class RuleUnsignedError(RuleError):
    """A rule without an attestation cannot be released."""

    code = "rule-unsigned"


class RuleChangedError(RuleError):
    """A rule or its tests changed after they were signed."""

    code = "rule-changed"


class ChangeNotMarkedError(RuleError):
    """A version that may deny less than the one before, signed as if it did not."""

    code = "change-not-marked"


class ChangeNotProvedError(RuleError):
    """A change that is proved neither equal nor stricter, for a lint identity."""

    code = "change-not-proved"


class NothingToApproveError(RuleError):
    """An approval of what replaces nothing."""

    code = "nothing-to-approve"


class KeyNotRegisteredError(AccessError):
    """The local key belongs to no identity of the workspace."""

    code = "key-not-registered"


class ReleaseContendedError(StateError):
    """Every try lost the race for the next revision."""

    code = "release-contended"


class NotEnrolledError(ConfigurationError):
    """A folder without an enrolled Runner."""

    code = "not-enrolled"


class CosignerNotDistinctError(VerificationError):
    """A further signature by the principal who signed first."""

    code = "cosigner-not-distinct"


class StatementMismatchError(VerificationError):
    """A further signature of another statement than the author's newest."""

    code = "statement-mismatch"


class DecisionDeniedError(RuleError):
    """The proposal is denied."""

    code = "denied"


class PassedOnError(TrustacksError):
    """A refusal that was made elsewhere, shown under the code that it has there.

    Args:
        message: One line.
        passed_code: The code that it has there.
        exit_code: How the command exits.
        hint: What the reader can do next, or nothing.
        evidence: JSON-serialisable values.
    """

    code = "passed-on"

    def __init__(
        self,
        message: str,
        *,
        passed_code: str,
        exit_code: int = 1,
        hint: str | None = None,
        **evidence: Any,
    ) -> None:
        super().__init__(message, hint=hint, **evidence)
        self.passed_code = passed_code
        self.passed_exit_code = exit_code

    def to_json(self) -> dict[str, Any]:
        """Return the error under the code that it has there."""
        return super().to_json() | {"code": self.passed_code}


class ControlPlaneRefusalError(PassedOnError):
    """The Control Plane refused."""

    code = "control-plane-refusal"


class ReplayRefusedError(PassedOnError):
    """The evidence does not bear out what it says."""

    code = "replay-refused"


class RunnerHeldError(PassedOnError):
    """The Runner kept its last known good, or denies."""

    code = "runner-held"
