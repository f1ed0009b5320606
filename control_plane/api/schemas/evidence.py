# SPDX-License-Identifier: Apache-2.0
"""Attestations, signatures, verification, and what an auditor reads."""

from typing import Any, Self

from pydantic import Field, model_validator

from control_plane import limits
from control_plane.api.schemas.base import Answer, Base64, DigestText, Name, Request
from control_plane.workflows.attestations import Logged
from control_plane.workflows.audit import Leaf
from control_plane.workflows.ledger import Recorded
from keys.strict import b64encode


class NewAttestation(Request):
    """An attestation to log: timestamped, without a log entry."""

    attestation: Base64


class Completed(Answer):
    """A logged attestation."""

    attestation: str = Field(description="with its log entry, in base64")
    digest: str = Field(description="SHA-256 of its PAE")
    index: int = Field(description="its place in the log")

    @classmethod
    def of(cls, recorded: Recorded) -> Self:
        """Show a logged attestation."""
        return cls(
            attestation=b64encode(recorded.raw),
            digest=str(recorded.digest),
            index=recorded.index,
        )


class AttestationInfo(Completed):
    """A logged attestation, described."""

    predicate_type: str
    identity: str | None

    @classmethod
    def describe(cls, found: Logged) -> Self:
        """Describe a logged attestation."""
        return cls(
            **Completed.of(found.recorded).model_dump(),
            predicate_type=found.predicate_type,
            identity=found.identity,
        )


class AttestationQuery(Request):
    """Which attestations: about one subject, or signed by one identity."""

    subject: DigestText | None = Field(None, description="SHA-256 of a subject")
    identity: Name | None = Field(None, description="who signed")
    predicate_type: str | None = Field(
        None,
        max_length=limits.MAX_NAME_CHARS,
        description="of this type only; with `identity`",
    )
    start: int = Field(
        0, strict=False, ge=0, le=2**31 - 1, description="the first to return"
    )
    limit: int = Field(64, strict=False, ge=1, le=limits.MAX_PAGE_ITEMS)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        """Refuse neither, both, and a type where it is of no use."""
        if (self.subject is None) == (self.identity is None):
            raise ValueError("expected a subject or an identity")
        if self.predicate_type is not None and self.identity is None:
            raise ValueError("expected a predicate_type with an identity only")
        return self


class AttestationList(Answer):
    """Attestations about one subject, or of one identity, oldest first."""

    items: list[AttestationInfo]
    next: int | None = Field(description="`start` of the next page")


class SubjectRef(Request):
    """Bytes that a statement is about."""

    name: Name = Field(examples=["bundle.tar.gz"])
    digest: DigestText


class SignRequest(Request):
    """What a custodial identity is to sign: never bytes, only digests."""

    identity: Name = Field(examples=["release-bot"])
    predicate_type: str = Field(
        max_length=limits.MAX_NAME_CHARS,
        examples=["https://trustacks.com/attestations/artifact/v1"],
    )
    subjects: list[SubjectRef] = Field(min_length=1, max_length=limits.MAX_PAGE_ITEMS)


class VerifyRequest(Request):
    """An attestation, and what it is asked to be."""

    attestation: Base64
    predicate_type: str = Field(max_length=limits.MAX_NAME_CHARS)
    subject: DigestText


class Verification(Answer):
    """A verification result (docs/formats/verification-result.md)."""

    format: str
    subject: str
    at: str | None
    accepted: bool
    code: str | None
    checks: list[dict[str, Any]]
    facts: dict[str, Any]


class LeafInfo(Answer):
    """One leaf of the log."""

    index: int
    body: str = Field(description="hashedrekord 0.0.2, in base64")
    digest: str = Field(description="SHA-256 of the PAE that was signed")
    predicate_type: str | None
    identity: str | None

    @classmethod
    def of(cls, leaf: Leaf) -> Self:
        """Show a leaf."""
        return cls(
            index=leaf.index,
            body=b64encode(leaf.body),
            digest=str(leaf.digest),
            predicate_type=leaf.predicate_type,
            identity=leaf.identity,
        )


class LeafList(Answer):
    """Leaves of the log, in order."""

    items: list[LeafInfo]
    next: int | None = Field(description="`start` of the next page")


class Proof(Answer):
    """A leaf and its inclusion proof, as Sigstore bundles carry them."""

    entry: dict[str, Any]
