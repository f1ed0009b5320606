# SPDX-License-Identifier: Apache-2.0
"""What can be wrong when several release identities sign one release."""

from keys.errors import UsageError, VerificationError


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
