# SPDX-License-Identifier: Apache-2.0
"""What the service refuses, and the one table from errors to HTTP statuses.

The table is by class: the nearest ancestor decides, so a new leaf of another room has
a status without a change here. Errors about our own disk and keys (exit code 3) are
logged with their text and answered without it, because their text names paths.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keys.errors import (
    AccessError,
    ActivationError,
    BusyError,
    ConflictError,
    FormatError,
    JsonFormatError,
    KeyProviderError,
    LimitExceededError,
    NotFoundError,
    RuleError,
    StateError,
    StorageError,
    TrustacksError,
    UnavailableError,
    UsageError,
    VerificationError,
)
from signer.errors import UnknownSignerError


class NotAuthenticatedError(AccessError):
    """No token, or not one of ours."""

    code = "not-authenticated"


class TokenExpiredError(NotAuthenticatedError):
    """The token was good once."""

    code = "token-expired"


class NotPermittedError(AccessError):
    """The role or the scope of the token does not allow this call."""

    code = "not-permitted"


class SigningNotAllowedError(AccessError):
    """The service does not sign this, or not for this caller."""

    code = "signing-not-allowed"


class AttestationNotAcceptedError(AccessError):
    """A statement that does not come in by this door."""

    code = "attestation-not-accepted"


class RequestInvalidError(FormatError):
    """A request that does not have the documented shape."""

    code = "request-invalid"


class BodyTooLargeError(LimitExceededError):
    """A request body beyond the bound of the service."""

    code = "body-too-large"


class MethodNotAllowedError(UsageError):
    """The path exists; the method does not."""

    code = "method-not-allowed"


class WorkspaceExistsError(ConflictError):
    """A workspace of that name is there already."""

    code = "workspace-exists"


class LayerMismatchError(VerificationError):
    """A layer that is not the kind or name that it is handed in as."""

    code = "layer-mismatch"


class LayerUnsafeError(RuleError):
    """A constitution or pack that could not be a parent of overlays."""

    code = "layer-unsafe"


class NotEmbeddedError(AccessError):
    """This server does not hold the admin keys of the workspace."""

    code = "not-embedded"


class NotSovereignError(ConflictError):
    """This server holds the admin keys of the workspace: nobody proposes."""

    code = "not-sovereign"


class MoveDecidedError(ConflictError):
    """A workspace that is being made sovereign: nothing else changes before it is."""

    code = "move-decided"


class IdentityExistsError(ConflictError):
    """An identity of that id, or with that key, is there already."""

    code = "identity-exists"


class IdentityRevokedError(ConflictError):
    """The identity has been revoked already."""

    code = "identity-already-revoked"


class SurvivorUnknownError(VerificationError):
    """A release or checkpoint to be kept that is not this workspace's."""

    code = "survivor-unknown"


class IdentityNotSuspendedError(ConflictError):
    """Only a suspension can be lifted."""

    code = "identity-not-suspended"


class LastAdminError(ConflictError):
    """The change would leave nobody who may change the trust policy."""

    code = "last-admin"


class ChallengeError(VerificationError):
    """The proof answers no open challenge of this workspace."""

    code = "challenge-unknown"


class ChallengeExpiredError(ChallengeError):
    """The proof answers a challenge that has run out."""

    code = "challenge-expired"


class TooManyChallengesError(ConflictError):
    """More open challenges than a workspace may have."""

    code = "too-many-challenges"


class ReleaseStaleError(ConflictError):
    """The release names a predecessor that is no longer the head."""

    code = "release-predecessor-stale"


class PendingMismatchError(VerificationError):
    """A signature of another statement than that of the release which waits."""

    code = "pending-mismatch"


class TooManyPendingError(ConflictError):
    """More releases that wait for signatures than a workspace may have."""

    code = "too-many-pending"


class ReportSequenceError(ConflictError):
    """The report does not follow the Runner's last one."""

    code = "report-sequence"


class WorkspaceDamagedError(StorageError):
    """What a workspace's storage holds is not what this server put there."""

    code = "workspace-damaged"


class PortInUseError(UnavailableError):
    """Another program listens there."""

    code = "port-in-use"


class NotReadyError(UnavailableError):
    """The service cannot do its work now."""

    code = "not-ready"


class ServiceDefectError(TrustacksError):
    """A defect of the service; the log has it under the request id."""

    code = "service-defect"
    exit_code = 3


STATUS: Final[Mapping[type, int]] = MappingProxyType(
    {
        TrustacksError: 500,
        UsageError: 400,
        MethodNotAllowedError: 405,
        FormatError: 422,
        JsonFormatError: 400,
        BodyTooLargeError: 413,
        VerificationError: 422,
        UnknownSignerError: 403,
        RuleError: 422,
        ActivationError: 422,
        AccessError: 403,
        NotAuthenticatedError: 401,
        StateError: 409,
        NotFoundError: 404,
        StorageError: 503,
        BusyError: 503,
        KeyProviderError: 503,
        UnavailableError: 503,
    }
)


def status_of(error: TrustacksError) -> int:
    """Return the HTTP status of an error: its nearest ancestor in ``STATUS``."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
