# SPDX-License-Identifier: Apache-2.0
"""Trust proposals, and the ceremony that begins a sovereign workspace."""

from typing import Self

from pydantic import Field

from bundle.tuf.proposal import ProposalSignature, TrustProposal
from control_plane import limits
from control_plane.api.schemas.base import (
    Answer,
    Base64,
    DigestText,
    Request,
    decoded,
)
from control_plane.workflows.create_sovereign import Genesis
from control_plane.workflows.create_sovereign import OnlineKeys as Keys
from control_plane.workflows.proposals import Proposed
from keys.digest import Digest
from keys.fields import Fields
from keys.strict import b64encode

MAX_FILES = 2 * limits.MAX_PACKS + 8
MAX_SIGNATURES = 64


class NewSignature(Request):
    """One admin's signature of a proposal."""

    key: DigestText = Field(description="the key's id in the root")
    signature: Base64

    def read(self) -> ProposalSignature:
        """Return it as the workflow takes it."""
        return ProposalSignature.parse(Fields(self.model_dump(), "signature"))


class Proof(Request):
    """Possession of the key that a proposal registers."""

    proof: Base64 = Field(description="identity-proof/v1, timestamped, not logged")
    public_key: str = Field(description="PEM, ECDSA P-256")


class NewProposal(Request):
    """A trust proposal and the files that are not in force already."""

    proposal: Base64
    files: list[Base64] = Field(default=[], max_length=MAX_FILES)
    possession: Proof | None = None


class Publication(Request):
    """The admin's event that puts a signed proposal in force."""

    event: Base64 = Field(description="trust-change/v1, timestamped, not logged")


class NewSovereign(Request):
    """What admins bring to make a sovereign workspace."""

    root: Base64 = Field(description="1.root.json, signed by its threshold")
    proposal: Base64
    signatures: list[NewSignature] = Field(max_length=MAX_SIGNATURES)
    files: list[Base64] = Field(max_length=MAX_FILES)
    event: Base64

    def genesis(self) -> Genesis:
        """Return it as the workflow takes it.

        Raises:
            FormatError: A part is not what it is sent as.
        """
        return Genesis(
            root=decoded(self.root),
            proposal=TrustProposal.parse(decoded(self.proposal)),
            signatures=[one.read() for one in self.signatures],
            files=by_digest(self.files),
            event=decoded(self.event),
        )


class NewOnlineKey(Request):
    """An online key to make."""

    role: str = Field(max_length=32, examples=["timestamp"])


class OnlineKey(Answer):
    """An online key that metadata may name."""

    role: str
    public_key: str = Field(description="PEM")


class NewRoot(Request):
    """The next root, and an admin's event about it."""

    root: Base64 = Field(description="N.root.json, signed by both thresholds")
    event: Base64 = Field(description="root-change/v1, timestamped, not logged")


class RootInfo(Answer):
    """The newest root."""

    version: int


class OnlineKeys(Answer):
    """What of a workspace to be is this server's."""

    release: str
    snapshot: str
    timestamp: str
    log: str
    origin: str
    checkpoint: str
    trusted_root: str = Field(description="in base64")

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Describe the keys."""
        return cls(
            release=keys.release.pem,
            snapshot=keys.snapshot.pem,
            timestamp=keys.timestamp.pem,
            log=keys.log.pem,
            origin=keys.origin,
            checkpoint=keys.checkpoint.decode(),
            trusted_root=b64encode(keys.trusted_root),
        )


class ProposalInfo(Answer):
    """A proposal and how far it is; admins compute for themselves what it means."""

    id: str
    status: str = Field(examples=["open", "signed", "in-force", "stale"])
    version: int
    base_version: int | None
    kind: str
    identity: str | None
    signed: int
    threshold: int

    @classmethod
    def of(cls, found: Proposed) -> Self:
        """Describe a proposal."""
        proposal = found.proposal
        return cls(
            id=str(proposal.id),
            status=found.status,
            version=proposal.version,
            base_version=None if proposal.base is None else proposal.base.version,
            kind=proposal.change.kind,
            identity=proposal.change.identity,
            signed=len(found.signatures),
            threshold=found.threshold,
        )


class ProposalDetail(ProposalInfo):
    """A proposal with its bytes and signatures."""

    proposal: str = Field(description="in base64")
    signatures: list[dict[str, str]]

    @classmethod
    def whole(cls, found: Proposed) -> Self:
        """Show all of a proposal but its files."""
        held = sorted(found.signatures.values(), key=lambda one: one.key_id)
        return cls(
            **ProposalInfo.of(found).model_dump(),
            proposal=b64encode(found.proposal.to_bytes()),
            signatures=[one.to_json() for one in held],
        )


class ProposalList(Answer):
    """The proposals of a workspace."""

    items: list[ProposalInfo]


class ProposalFile(Answer):
    """A file that a proposal lists."""

    content: str = Field(description="in base64")


def by_digest(files: list[str]) -> dict[Digest, bytes]:
    """Return files by the digest of their bytes."""
    return {Digest.of(data): data for data in map(decoded, files)}
