# SPDX-License-Identifier: Apache-2.0
"""What can be wrong when admins decide on trust."""

from keys.errors import StateError, UsageError, VerificationError


class CeremonyStepError(StateError):
    """A step of a ceremony whose ground is not there yet, or that is done already."""

    code = "ceremony-step"


class CarriedFolderError(StateError):
    """A folder that was to hold a proposal, and does not hold all of it."""

    code = "carried-folder"


class NotSuspendedError(StateError):
    """Only a suspension can be lifted."""

    code = "not-suspended"


class RotationMismatchError(VerificationError):
    """A successor that is somebody else."""

    code = "rotation-mismatch"


class RootPublishError(VerificationError):
    """The root that was published is not the newest one afterwards."""

    code = "root-not-published"


class EmbeddedTrustError(StateError):
    """Nobody proposes trust where the Control Plane holds the admin keys."""

    code = "embedded-trust"


class ProposalChoiceError(UsageError):
    """Not one trust proposal that could be meant."""

    code = "proposal-choice"


class PropertyLackingError(VerificationError):
    """The property of the design does not hold in this workspace."""

    code = "property-lacking"


class SurvivorError(VerificationError):
    """Something to keep beyond an identity's end that is not there."""

    code = "survivor-missing"


class SigningConfigUntrustedError(VerificationError):
    """A SigningConfig that leads elsewhere than the pinned trust says."""

    code = "signing-config-untrusted"
