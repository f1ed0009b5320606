# SPDX-License-Identifier: Apache-2.0
"""Releases, rules and Runners."""

from typing import Self

from pydantic import Field

from control_plane.api.schemas.base import Answer, Base64, Request
from control_plane.registry.models import ReleaseRow, ReportRow
from control_plane.workflows.rules import Rules
from keys.clock import format_instant
from keys.strict import b64encode
from signer.predicates.release import InventoryItem
from signer.predicates.rule import RulePredicate


class NewRelease(Request):
    """A release to publish."""

    bundle: Base64 = Field(description="bundle.tar.gz")
    attestations: Base64 = Field(description="the rules' attestations, one per line")
    release: Base64 = Field(description="the release attestation, logged")


class ReleaseInfo(Answer):
    """A published release."""

    revision: int
    digest: str = Field(description="SHA-256 of the release attestation's PAE")
    predecessor: str | None
    archive: str = Field(description="SHA-256 of bundle.tar.gz")
    content: str = Field(description="SHA-256 of the tar inside")
    identity: str
    issued_at: str
    expires: str

    @classmethod
    def of(cls, row: ReleaseRow) -> Self:
        """Describe a release."""
        return cls(
            revision=row.revision,
            digest=row.digest,
            predecessor=row.predecessor,
            archive=row.archive,
            content=row.content,
            identity=row.identity,
            issued_at=row.issued_at,
            expires=row.expires_at,
        )


class ReleaseDetail(ReleaseInfo):
    """A published release with its attestation."""

    attestation: str = Field(description="the release attestation, in base64")

    @classmethod
    def with_attestation(cls, row: ReleaseRow, raw: bytes) -> Self:
        """Describe a release and show its attestation."""
        return cls(**ReleaseInfo.of(row).model_dump(), attestation=b64encode(raw))


class ReleaseList(Answer):
    """Published releases, oldest first."""

    items: list[ReleaseInfo]
    next: int | None = Field(description="`start` of the next page")


class RuleInfo(Answer):
    """A rule in force."""

    rule_id: str = Field(examples=["acme.requires_change_ticket"])
    package: str
    identity: str = Field(description="the author who signed it")
    signed_at: str
    citation: dict[str, str]
    rule: str
    test: str
    head: str = Field(description="SHA-256 of the PAE of its rule attestation")

    @classmethod
    def of(cls, item: InventoryItem, said: RulePredicate) -> Self:
        """Describe a rule."""
        return cls(
            rule_id=item.rule_id,
            package=said.package,
            identity=said.identity,
            signed_at=format_instant(said.signed_at),
            citation=said.citation.to_json(),
            rule=str(item.rule),
            test=str(item.test),
            head=str(item.head),
        )


class RetiredInfo(Answer):
    """A rule id that is no longer in force."""

    rule_id: str
    rule: str
    head: str
    approvals: list[str]


class RuleList(Answer):
    """The rules of the newest release."""

    revision: int | None
    items: list[RuleInfo]
    retired: list[RetiredInfo]

    @classmethod
    def of(cls, rules: Rules) -> Self:
        """Describe the rules in force."""
        return cls(
            revision=rules.revision,
            items=[RuleInfo.of(item, said) for item, said in rules.in_force],
            retired=[
                RetiredInfo.model_validate(one.to_json()) for one in rules.retired
            ],
        )


class RunnerInfo(Answer):
    """A Runner, by its newest report."""

    runner: str
    sequence: int
    digest: str
    outcome: str = Field(examples=["activated"])
    code: str | None
    revision: int | None
    at: str

    @classmethod
    def of(cls, row: ReportRow) -> Self:
        """Describe a Runner."""
        return cls(
            runner=row.runner,
            sequence=row.sequence,
            digest=row.digest,
            outcome=row.outcome,
            code=row.code,
            revision=row.revision,
            at=row.at,
        )


class RunnerList(Answer):
    """The Runners that have reported."""

    items: list[RunnerInfo]
