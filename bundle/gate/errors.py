# SPDX-License-Identifier: Apache-2.0
"""Why the gate refuses a release. Codes are stable; see docs/threat-model.md.

Refusals of a single attestation are the signer's (``signer.errors``), of metadata
TUF's (``bundle.tuf.errors``), of Rego the engine's (``bundle.rego.errors``).
"""

from keys.errors import VerificationError


class ClockBehindError(VerificationError):
    """The clock is before the last accepted time, by more than the skew."""

    code = "clock-behind"


class RootRollbackError(VerificationError):
    """A TUF root older than one that was accepted."""

    code = "root-rollback"


class TargetsRollbackError(VerificationError):
    """TUF targets older than some that were accepted."""

    code = "targets-rollback"


class VersionReusedError(VerificationError):
    """Other bytes under a TUF version that was accepted."""

    code = "version-reused"


class RevisionRollbackError(VerificationError):
    """A release older than one that was accepted."""

    code = "revision-rollback"


class RevisionForkedError(VerificationError):
    """Another release at a revision whose release is known."""

    code = "revision-forked"


class LogRollbackError(VerificationError):
    """A checkpoint of a smaller log than one that was accepted."""

    code = "log-rollback"


class MarksForeignError(VerificationError):
    """Marks of another workspace."""

    code = "marks-foreign"


class PinnedRootError(VerificationError):
    """Metadata that does not begin with the pinned root."""

    code = "pinned-root"


class TargetMismatchError(VerificationError):
    """A file that is not the one that the metadata names."""

    code = "target-mismatch"


class LayerPinError(VerificationError):
    """A constitution or pack other than the one that the admins pinned."""

    code = "layer-pin"


class OverlayMissingError(VerificationError):
    """No release is listed, or a file of it is missing."""

    code = "overlay-missing"


class NotHighestRevisionError(VerificationError):
    """A release that is not the highest one listed."""

    code = "not-highest-revision"


class AttestationSetError(VerificationError):
    """Attestations that are missing, twice there, or of nothing in the release."""

    code = "attestation-set"


class ReleaseRevisionError(VerificationError):
    """The release attestation names another revision."""

    code = "release-revision"


class ParentsNotCurrentError(VerificationError):
    """A release made for other targets, layers or trust than the current ones."""

    code = "parents-not-current"


class FloorMissingError(VerificationError):
    """A Runner without state, a sovereign root, and no floor to start from."""

    code = "floor-missing"


class BelowFloorError(VerificationError):
    """A release below the floor."""

    code = "below-floor"


class ReleaseChainError(VerificationError):
    """Releases that do not lead, without a gap, to one that is known."""

    code = "release-chain"


class ReleaseExpiredError(VerificationError):
    """Past the instant until which the release identity vouched."""

    code = "release-expired"


class ReleaseLifetimeError(VerificationError):
    """A release that claims to be good for longer than is allowed, or is not begun."""

    code = "release-lifetime"


class CheckpointMissingError(VerificationError):
    """A release or targets without a checkpoint of the workspace's log."""

    code = "checkpoint-missing"


class BundleDigestError(VerificationError):
    """An archive other than the one that was released."""

    code = "bundle-digest"


class ManifestRevisionError(VerificationError):
    """A bundle whose manifest names another revision."""

    code = "manifest-revision"


class InventoryNotReleasedError(VerificationError):
    """The archive and the released inventory do not hold the same rules."""

    code = "inventory-not-released"


class RuleMismatchError(VerificationError):
    """A rule attestation that speaks of another rule, package or citation."""

    code = "rule-mismatch"


class RuleParentsError(VerificationError):
    """A rule that was linted against other parents than the current ones."""

    code = "rule-parents"


class RuleChainError(VerificationError):
    """A rule that does not supersede the one before it."""

    code = "rule-chain"


class RuleChangeUnapprovedError(VerificationError):
    """An existing rule changed without a second principal's approval."""

    code = "change-not-approved"


class ApprovalMismatchError(VerificationError):
    """An approval or lint attestation of another change than the release makes."""

    code = "approval-mismatch"


class ApprovalNotSecondError(VerificationError):
    """A change that was approved, or linted, by the principal who made it."""

    code = "approval-not-second"


class ApprovalListError(VerificationError):
    """Approvals listed where no Rego changed, or lost where it stayed."""

    code = "approval-unlisted"


class RuleDroppedError(VerificationError):
    """A rule that is gone without a retirement."""

    code = "rule-dropped"


class RetirementError(VerificationError):
    """A retirement of what was not there, or one that was forgotten."""

    code = "retirement"


class WaiverUnapprovedError(VerificationError):
    """A waiver that only one principal signed."""

    code = "waiver-not-approved"


class WaiverPackError(VerificationError):
    """A waiver of a pack that is not pinned, or of other bytes than are."""

    code = "waiver-pack"


class WaiverNotAllowedError(VerificationError):
    """A waiver of a constitution's rule, or of one that its pack keeps."""

    code = "waiver-not-allowed"


class WaiverWithdrawnError(VerificationError):
    """A waiver that the admins withdrew."""

    code = "waiver-withdrawn"


class ThresholdNotMetError(VerificationError):
    """A rule or release that fewer distinct principals signed than admins ask for."""

    code = "threshold-not-met"
