# SPDX-License-Identifier: Apache-2.0
"""The move of a workspace from embedded to sovereign."""

from typing import Self

from pydantic import Field

from control_plane.api.schemas.base import (
    Answer,
    Base64,
    DigestText,
    Request,
    decoded,
)
from control_plane.api.schemas.proposals import (
    MAX_FILES,
    MAX_SIGNATURES,
    NewSignature,
)
from control_plane.workflows.make_sovereign import NextKeys, Signed


class NewMove(Request):
    """What admins bring to make an embedded workspace sovereign."""

    root: Base64 = Field(description="N.root.json, signed by its own threshold")
    proposal: Base64
    signatures: list[NewSignature] = Field(min_length=1, max_length=MAX_SIGNATURES)
    files: list[Base64] = Field(max_length=MAX_FILES)


class HandedOver(Answer):
    """The embedded key's signature of the targets."""

    key: DigestText
    signature: str = Field(description="in base64")


class FinishedMove(Request):
    """What admins bring to finish a move."""

    root: Base64 = Field(description="N.root.json, as it was handed over")
    signatures: list[NewSignature] = Field(min_length=1, max_length=MAX_SIGNATURES)
    event: Base64 = Field(description="trust-change/v1, timestamped, not logged")

    def signed(self) -> Signed:
        """Return it as the workflow takes it.

        Raises:
            FormatError: A part is not what it is sent as.
        """
        return Signed(
            root=decoded(self.root),
            signatures=[one.read() for one in self.signatures],
            event=decoded(self.event),
        )


class MoveKeys(Answer):
    """The online keys that the next root is to name."""

    release: str
    snapshot: str
    timestamp: str
    checkpoint: str

    @classmethod
    def of(cls, keys: NextKeys) -> Self:
        """Describe the keys."""
        return cls(
            release=keys.release.pem,
            snapshot=keys.snapshot.pem,
            timestamp=keys.timestamp.pem,
            checkpoint=keys.checkpoint.decode(),
        )
