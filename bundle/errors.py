# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with an archive, a manifest or a bundle as such.

The rooms inside have leaves of their own: ``bundle.rego.errors``,
``bundle.tuf.errors``, ``bundle.runner.errors``, ``bundle.audit.errors``.
"""

from keys.errors import FormatError, RuleError, UsageError


class ArchiveFormatError(FormatError):
    """Not the one encoding that this project writes for these files."""

    code = "archive-format"


class ArchiveMemberError(ArchiveFormatError):
    """A member that is not a plain file: a link, device, directory or extension."""

    code = "archive-member"


class ArchivePathError(ArchiveFormatError):
    """A name that could escape, collide, or be read in two ways."""

    code = "archive-path"


class ManifestFormatError(FormatError):
    """Not the ``.manifest`` of an overlay bundle."""

    code = "manifest-format"


class InventoryMismatchError(FormatError):
    """The inventory is not the one that the bundle's rules make."""

    code = "inventory-mismatch"


class InputFormatError(FormatError):
    """A proposal that the published input schema does not describe."""

    code = "input-format"


class EvaluatedAtRefusedError(UsageError):
    """The caller set the instant of the decision, which is the Runner's to set."""

    code = "evaluated-at-refused"


class LayerFormatError(FormatError):
    """Not the archive of a constitution or pack."""

    code = "layer-format"


class LayoutFormatError(FormatError):
    """An in-toto layout that cannot be made, or is not of the trust in force."""

    code = "layout-mismatch"


class OverlayFormatError(FormatError):
    """A folder that is not an overlay: empty, or with a link or a foreign file."""

    code = "overlay-format"


class CaseFileError(FormatError):
    """A case file that is not what its format says.

    Attributes:
        line: Where, from 1.
    """

    code = "case-file-format"

    def __init__(self, message: str, *, hint: str | None = None, line: int = 1) -> None:
        super().__init__(message, hint=hint, line=line)
        self.line = line


class ProfileFormatError(FormatError):
    """An Environment Profile that is not what its format says.

    Attributes:
        line: Where, from 1.
    """

    code = "profile-invalid"

    def __init__(self, message: str, *, hint: str | None = None, line: int = 1) -> None:
        super().__init__(message, hint=hint, line=line)
        self.line = line


class NoAnswerError(RuleError):
    """A layer or rule that does not answer a proposal about nothing."""

    code = "no-answer"
