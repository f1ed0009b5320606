# SPDX-License-Identifier: Apache-2.0
"""What an auditor can find: the leaves of the error tree that replay raises.

A pack that cannot be read is refused at once, with one of the first group. Everything
else is collected: replay goes on after a finding, so that one report names them all.
"""

from keys.errors import FormatError, VerificationError

# ------------------------------------------------------------ the file itself


class NotAPackError(FormatError):
    """Bytes that are no evidence pack at all."""

    code = "not-a-pack"


class PackVersionError(FormatError):
    """A pack of a format version that this program does not know."""

    code = "pack-version"


class PackTruncatedError(FormatError):
    """A pack that ends before its end."""

    code = "pack-truncated"


class PackMemberError(FormatError):
    """A member that this format does not have, or has elsewhere or once only."""

    code = "pack-member"


class PackDigestError(VerificationError):
    """A member whose bytes are not those that the manifest names."""

    code = "pack-digest"


# ------------------------------------------------------------ the log


class LogAlteredError(VerificationError):
    """Entries or tiles that are not those of the tree that the log signed."""

    code = "log-altered"


class LogForkedError(VerificationError):
    """A signed checkpoint, and a tree of its size, that differ: two histories."""

    code = "log-forked"


class LogTruncatedError(VerificationError):
    """A signed checkpoint of a tree that is larger than the pack's."""

    code = "log-truncated"


class EntryAlteredError(VerificationError):
    """A leaf and its attestation that do not say the same."""

    code = "entry-altered"


class EntryDuplicatedError(VerificationError):
    """One attestation at two places of the log."""

    code = "entry-duplicated"


class EvidenceWithheldError(VerificationError):
    """A leaf whose attestation is not in the pack."""

    code = "evidence-withheld"


class EvidenceUnloggedError(VerificationError):
    """An attestation in the pack that no leaf names."""

    code = "evidence-unlogged"


class UnanchoredError(VerificationError):
    """A verdict that rests on leaves which no signed checkpoint covers."""

    code = "unanchored"


class UnwitnessedError(VerificationError):
    """Nobody outside the workspace vouches for the log; a warning, not a refusal."""

    code = "unwitnessed"


class BackdatedError(VerificationError):
    """A signature whose trusted time is earlier than what was logged before it."""

    code = "backdated"


# ------------------------------------------------------------ trust


class RootOtherError(VerificationError):
    """The pack's root metadata is not the one that the auditor brought."""

    code = "root-other"


class HistoryMissingError(VerificationError):
    """Metadata or a target that the history needs, and the pack does not hold."""

    code = "history-missing"


class TrustEventMissingError(VerificationError):
    """A root or targets version without its event in the log, or out of order."""

    code = "trust-event-missing"


class TrustEventUntrueError(VerificationError):
    """A trust event that says otherwise than the trust policies do."""

    code = "trust-event-untrue"


class TrustUnpublishedError(VerificationError):
    """Targets in the log or the pack that never were in force, as the pack has it."""

    code = "trust-unpublished"


class BeforePinError(VerificationError):
    """Entries that are older than all that the auditor's root vouches for."""

    code = "before-the-pin"


class ReleaseUnpublishedError(VerificationError):
    """A release in the log that the pack does not show as published."""

    code = "release-unpublished"


# ------------------------------------------------------------ outcomes


class OutcomeDifferentError(VerificationError):
    """A recorded outcome that the evidence does not give."""

    code = "outcome-different"


class ReportGapError(VerificationError):
    """A Runner's reports that leave one out, or tell two histories."""

    code = "report-gap"
