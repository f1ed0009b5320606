# SPDX-License-Identifier: Apache-2.0
"""Refusals of the Runner itself; what the gate refuses is in ``bundle.gate.errors``."""

from keys.errors import ActivationError, StateError, UnavailableError, UsageError


class RunnerStateDamagedError(StateError):
    """The state cannot be read, or part of it is missing: deny, never fresh."""

    code = "runner-state-damaged"


class RunnerStateForeignError(StateError):
    """The state belongs to another workspace or another Runner."""

    code = "runner-state-foreign"


class ProbeFailedError(ActivationError):
    """The engine did not answer the canary with the new release."""

    code = "probe-failed"


class RunnerClosedError(UsageError):
    """The Runner was closed."""

    code = "runner-closed"


class ReportRefusedError(UnavailableError):
    """The Control Plane did not take a report."""

    code = "report-refused"


class RunnerIdError(UsageError):
    """An id that no registered identity could have."""

    code = "runner-id"


class HeadCommitError(UsageError):
    """A head commit that is none."""

    code = "head-commit"
