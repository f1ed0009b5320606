# SPDX-License-Identifier: Apache-2.0
"""Releases that wait for further signatures."""

from typing import Self

from pydantic import Field

from control_plane.api.schemas.base import Answer, Base64, Request
from control_plane.workflows.pending_ground import Waiting
from keys.clock import format_instant
from keys.strict import b64encode


class NewPending(Request):
    """A release to keep for others to sign."""

    bundle: Base64 = Field(description="bundle.tar.gz")
    attestations: Base64 = Field(
        description="as they will be published, the release's among them, one per line"
    )


class PendingInfo(Answer):
    """A release that waits."""

    digest: str = Field(description="SHA-256 of the PAE that everybody signs")
    revision: int
    predecessor: str | None
    identity: str = Field(description="whom the statement names")
    expires: str
    signers: list[str] = Field(description="identities whose signatures hold now")
    threshold: int = Field(description="how many principals must sign")
    status: str = Field(examples=["open", "signed", "published", "stale"])

    @classmethod
    def of(cls, one: Waiting) -> Self:
        """Describe a release that waits."""
        said = one.pending.link.release
        return cls(
            digest=str(one.pending.digest),
            revision=said.revision,
            predecessor=str(said.predecessor) if said.predecessor else None,
            identity=said.identity,
            expires=format_instant(said.expires),
            signers=[signer.id for signer in one.signers],
            threshold=one.threshold,
            status=one.status,
        )


class PendingDetail(PendingInfo):
    """A release that waits, with everything that it consists of."""

    bundle: str = Field(description="bundle.tar.gz, in base64")
    attestations: str = Field(description="one per line, all signatures, in base64")

    @classmethod
    def whole(cls, one: Waiting) -> Self:
        """Describe a release and show it."""
        return cls(
            **PendingInfo.of(one).model_dump(),
            bundle=b64encode(one.pending.bundle),
            attestations=b64encode(one.pending.lines),
        )


class PendingList(Answer):
    """Releases that were kept."""

    items: list[PendingInfo]
