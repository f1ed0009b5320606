# SPDX-License-Identifier: Apache-2.0
"""The manifest of an evidence pack: which version, whose, and every file's digest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from bundle.audit.errors import NotAPackError, PackMemberError, PackVersionError
from bundle.audit.limits import MAX_MANIFEST_BYTES
from keys.clock import format_instant
from keys.digest import Digest
from keys.errors import FormatError, LimitExceededError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

FORMAT_FAMILY: Final = "https://trustacks.com/formats/evidence-pack/"
FORMAT: Final = f"{FORMAT_FAMILY}v1"
NAME: Final = "manifest.json"
# The folders of a pack; anything else in one is refused.
FOLDERS: Final = ("attestations/", "chain/", "log/", "metadata/", "targets/")


@dataclass(frozen=True, slots=True)
class PackManifest:
    """What a pack says of itself.

    Attributes:
        name: The workspace's name, for people.
        workspace: The SHA-256 of the workspace's first root metadata.
        exported_at: What the exporter's clock said; nothing depends on it.
        files: Digests by name, every name in one of ``FOLDERS``.
    """

    name: str
    workspace: Digest
    exported_at: datetime
    files: Mapping[str, Digest] = field(repr=False)

    def __post_init__(self) -> None:
        for name in self.files:
            if not name.startswith(FOLDERS):
                raise PackMemberError(
                    f"expected a name in {', '.join(FOLDERS)}, got {name[:80]!r}"
                )

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Parse ``manifest.json``.

        Raises:
            NotAPackError: It is some other document.
            PackVersionError: It is of a version that this program does not know.
            PackMemberError: It names a file outside ``FOLDERS``.
            FieldFormatError: It has another field, or one of another type.
            LimitExceededError: It is too large.
        """
        fields = _open(raw)
        manifest = cls(
            name=fields.text("name"),
            workspace=fields.digest("workspace"),
            exported_at=fields.instant("exported_at"),
            files=_parse_digests(fields.any("files")),
        )
        fields.done()
        return manifest

    def to_bytes(self) -> bytes:
        """Write the manifest; equal manifests give equal bytes."""
        return dumps_json(
            {
                "format": FORMAT,
                "name": self.name,
                "workspace": str(self.workspace),
                "exported_at": format_instant(self.exported_at),
                "files": {name: str(digest) for name, digest in self.files.items()},
            }
        )


def _open(raw: bytes) -> Fields:
    """Read the version before anything else: a later one may differ in all the rest."""
    try:
        value = loads_json(raw, max_bytes=MAX_MANIFEST_BYTES, what=NAME)
        fields = Fields(value, NAME)
        version = fields.text("format")
    except LimitExceededError:
        raise
    except FormatError as error:
        raise NotAPackError(error.message) from error
    if version == FORMAT:
        return fields
    message = f"{NAME}: expected format {FORMAT}, got {version!r}"
    if version.startswith(FORMAT_FAMILY):
        raise PackVersionError(message, hint="read it with a newer trustacks")
    raise NotAPackError(message)


def _parse_digests(listed: Any) -> dict[str, Digest]:
    fields = Fields(listed, f"{NAME}.files")
    return {name: fields.digest(name) for name in listed}
