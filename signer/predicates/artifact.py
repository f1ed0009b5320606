# SPDX-License-Identifier: Apache-2.0
"""``artifact/v1``: an identity vouches for bytes, and says nothing more."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from signer.predicates.base import ARTIFACT


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactPredicate:
    """An identity vouches for the subjects.

    Attributes:
        workspace: SHA-256 of the genesis root.
        identity: Who signs.
        signed_at: When, as the signer says; not a trusted time.
    """

    type: ClassVar[str] = ARTIFACT
    workspace: Digest
    identity: str
    signed_at: datetime

    @property
    def signer(self) -> str:
        """The id that signs."""
        return self.identity

    @property
    def namespaces(self) -> frozenset[str]:
        """None: it decides about no rule."""
        return frozenset()

    @classmethod
    def parse(cls, predicate: dict[str, Any]) -> Self:
        """Parse the predicate.

        Raises:
            FormatError: Another shape.
        """
        fields = Fields(predicate, "artifact")
        parsed = cls(
            workspace=fields.digest("workspace"),
            identity=fields.text("identity"),
            signed_at=fields.instant("signed_at"),
        )
        fields.done()
        return parsed

    def to_json(self) -> dict[str, Any]:
        """Return the predicate as a document."""
        return {
            "workspace": str(self.workspace),
            "identity": self.identity,
            "signed_at": format_instant(self.signed_at),
        }
