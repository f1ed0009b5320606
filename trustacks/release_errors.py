# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with what a release takes along, or with who signs it."""

from keys.errors import RuleError, UsageError, VerificationError


class PendingChoiceError(UsageError):
    """Not one release that waits for signatures and could be meant."""

    code = "pending-choice"


class NothingReleasedError(VerificationError):
    """A release to renew, before there is one."""

    code = "nothing-released"


class PendingStaleError(VerificationError):
    """A release that waits on top of one that is not the newest."""

    code = "pending-stale"


class ReleaseNotRebuiltError(VerificationError):
    """A release that the overlay at its commit does not give."""

    code = "release-not-rebuilt"


class NothingToRetireError(RuleError):
    """A rule to retire that the newest release does not have."""

    code = "nothing-to-retire"


class RetirementMissingError(RuleError):
    """A released rule that is gone from the overlay without its retirement."""

    code = "retirement-missing"


class RetirementStaleError(RuleError):
    """A retirement of another version than the one that is released."""

    code = "retirement-stale"
