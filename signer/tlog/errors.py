# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a log's evidence."""

from keys.errors import FormatError, VerificationError


class NoteFormatError(FormatError):
    """Not a C2SP signed note, or not a checkpoint inside one."""

    code = "note-format"


class TileFormatError(FormatError):
    """A tile or entry bundle of the wrong width, or not of this log."""

    code = "tile-format"


class LogEntryFormatError(FormatError):
    """A log entry of a kind, version or shape that is not accepted."""

    code = "log-entry-format"


class InclusionProofMissingError(FormatError):
    """A log entry without an inclusion proof under a checkpoint."""

    code = "inclusion-proof-missing"


class PromiseInvalidError(VerificationError):
    """The log's key did not sign this promise to include the entry at that time."""

    code = "promise-invalid"


class NotIncludedError(VerificationError):
    """The inclusion proof does not lead to the tree's root."""

    code = "not-included"


class InconsistentError(VerificationError):
    """Two checkpoints that are not one history: the log forked or was rewritten."""

    code = "log-inconsistent"


class CheckpointSignatureError(VerificationError):
    """No valid signature of the log's key on the checkpoint."""

    code = "checkpoint-signature"


class WrongLogError(VerificationError):
    """A checkpoint or entry of another log than the one asked for."""

    code = "wrong-log"


class LogEntryMismatchError(VerificationError):
    """The log entry speaks of another signature than the attestation carries."""

    code = "log-entry-mismatch"
