# SPDX-License-Identifier: Apache-2.0
"""OPA's ``.manifest`` of an overlay bundle: its revision, and the data that it owns.

``roots`` is what makes stock OPA refuse a bundle that would define anything outside
``data.overlay``, and lets it be loaded beside the constitution's.

Source: Open Policy Agent documentation, "Bundles", bundle file format.
"""

import re
from dataclasses import dataclass
from typing import Final

from bundle.errors import ManifestFormatError
from bundle.limits import MAX_MANIFEST_BYTES
from keys.errors import UsageError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

MANIFEST_PATH: Final = ".manifest"
ROOTS: Final = ("overlay",)
# Rego v1: `if` and `contains` are keywords.
REGO_VERSION: Final = 1

# A revision is an integer that every JSON reader holds exactly.
_REVISION: Final = re.compile(r"[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of an overlay bundle.

    Attributes:
        revision: The release's revision, from 1 to 15 digits.
    """

    revision: int

    def __post_init__(self) -> None:
        if not _REVISION.fullmatch(str(self.revision)):
            raise UsageError(f"expected a revision from 1, got {self.revision}")

    def to_bytes(self) -> bytes:
        """Return the file."""
        return dumps_json(
            {
                "rego_version": REGO_VERSION,
                "revision": str(self.revision),
                "roots": list(ROOTS),
            }
        )


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest, which must be exactly what ``to_bytes`` writes.

    Raises:
        ManifestFormatError: Other fields, roots, Rego version or spelling.
        FormatError: Not strict JSON, or too large.
    """
    value = loads_json(data, max_bytes=MAX_MANIFEST_BYTES, what=MANIFEST_PATH)
    revision = Fields(value, MANIFEST_PATH).text("revision")
    if not _REVISION.fullmatch(revision):
        raise ManifestFormatError(f"expected a revision, got {revision[:40]!r}")
    manifest = Manifest(int(revision))
    if manifest.to_bytes() != data:
        raise ManifestFormatError(
            f"expected roots {list(ROOTS)}, Rego {REGO_VERSION} and nothing more,"
            f" got {data[:200]!r}"
        )
    return manifest
