# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with TUF metadata, for the reader, the client and the publisher."""

from keys.errors import (
    ConflictError,
    FormatError,
    StateError,
    UnsafeConfigurationError,
    VerificationError,
)


class TufFormatError(FormatError):
    """Not TUF metadata of the role that was expected."""

    code = "tuf-format"


class TufSignatureError(VerificationError):
    """Fewer distinct keys of the role signed than its threshold asks for."""

    code = "tuf-signature"


class TufExpiredError(VerificationError):
    """Metadata past its expiry, or with a longer life than is allowed."""

    code = "tuf-expired"


class TufRollbackError(VerificationError):
    """A version that is lower than one seen before, or not the one announced."""

    code = "tuf-rollback"


class TufRootChainError(VerificationError):
    """Roots that do not follow one another from the pinned one, step by step."""

    code = "tuf-root-chain"


class TufKeyError(VerificationError):
    """A key that is too weak, of an unknown kind, or there for two purposes."""

    code = "tuf-key"


class TufCustodyError(VerificationError):
    """A sovereign workspace in which the Control Plane would count among admins."""

    code = "tuf-custody"


class TufThresholdError(VerificationError):
    """A sovereign workspace in which one admin alone would be enough."""

    code = "tuf-threshold"


class TufDelegationError(VerificationError):
    """A delegation of another shape than the one that overlays need."""

    code = "tuf-delegation"


class TufTargetError(VerificationError):
    """A target that its role may not list, or that lists itself wrongly."""

    code = "tuf-target"


class TufLengthError(VerificationError):
    """A file that is longer than announced, or than is allowed."""

    code = "tuf-length"


class TufHashError(VerificationError):
    """A file whose bytes are not the ones announced."""

    code = "tuf-hash"


class TufMissingError(VerificationError):
    """A file that the repository announces and does not have."""

    code = "tuf-missing"


class UnsafeRoleKeysError(UnsafeConfigurationError):
    """Keys from which a repository would be unsafe; nothing was written."""

    code = "tuf-unsafe-keys"


class StaleStageError(ConflictError):
    """The role that was prepared has moved on; prepare again from the new state."""

    code = "tuf-stale-stage"


class TrustProposalStaleError(ConflictError):
    """A trust proposal made on other targets than those in force."""

    code = "trust-proposal-stale"


class TrustProposalMismatchError(VerificationError):
    """A trust proposal, proof or event that does not fit the workspace or another."""

    code = "trust-proposal-mismatch"


class AlreadySovereignError(ConflictError):
    """A workspace whose admin keys are not the Control Plane's: nothing to move."""

    code = "already-sovereign"


class SurvivorNotReleasedError(VerificationError):
    """Something that would survive a move, and that no release in force rests on."""

    code = "survivor-not-released"


class RootOrphansTargetsError(ConflictError):
    """A root under which the targets in force would hold no longer."""

    code = "root-orphans-targets"


class RevisionTakenError(ConflictError):
    """A revision that is listed with other files, or is below one that is."""

    code = "tuf-revision-taken"


class NothingPublishedError(StateError):
    """The repository has no committed state yet."""

    code = "tuf-nothing-published"
