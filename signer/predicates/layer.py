# SPDX-License-Identifier: Apache-2.0
"""``layer/v1``: a publisher vouches for the archive of a constitution or pack.

Bound to no workspace: a publisher signs once for everybody, and admins pin the digest.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from keys.fields import Fields
from signer.predicates.base import LAYER
from signer.predicates.parts import require_pack_name, version_text

CONSTITUTION: Final = "constitution"
PACK: Final = "pack"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPredicate:
    """A publisher's word for a layer.

    Attributes:
        layer: ``constitution`` or ``pack``.
        name: The layer's name.
        version: The layer's version.
    """

    type: ClassVar[str] = LAYER
    layer: str
    name: str
    version: str

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "layer")
        parsed = cls(
            layer=fields.one_of("layer", (CONSTITUTION, PACK)),
            name=require_pack_name(fields.text("name")),
            version=version_text(fields, "version"),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {"layer": self.layer, "name": self.name, "version": self.version}
