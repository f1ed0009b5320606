# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a waiver before it is signed or released."""

from keys.errors import RuleError, UsageError


class UnknownPackRuleError(UsageError):
    """A rule of which it is not clear what pack has it, or that its pack has not."""

    code = "unknown-pack-rule"


class WaiverExpiredError(RuleError):
    """A waiver whose time is over."""

    code = "waiver-expired"
