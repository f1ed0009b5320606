# SPDX-License-Identifier: Apache-2.0
"""Overlay-signing identities, as requests and as the trust policy has them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from control_plane import limits
from control_plane.api.schemas.base import (
    Answer,
    Base64,
    DigestText,
    Name,
    Request,
)
from control_plane.workflows.challenges import Challenge as Given
from control_plane.workflows.identities import Registered
from keys.clock import format_instant
from keys.digest import Digest
from keys.fields import Fields
from keys.strict import b64encode
from signer.credential import Credential, OidcCredential
from signer.identity import IdentityTerms
from signer.limits import MAX_CHECKPOINT_CHARS, MAX_NAMED_RELEASES
from signer.revocation import Revocation, Survivors

PermissionName = Literal[
    "admin", "approve", "author", "lint", "release", "report", "retire", "waive"
]


class Terms(Request):
    """What an identity asks to be registered as."""

    id: Name = Field(examples=["jane"])
    principal: Name = Field(examples=["jane@example.com"])
    custody: Literal["external", "control-plane"] = Field(
        description="who can cause its signatures"
    )
    permissions: list[PermissionName] = Field(min_length=1, examples=[["author"]])
    namespaces: list[str] = Field(min_length=1, max_length=64, examples=[["acme"]])
    not_before: str = Field(examples=["2026-01-31T09:00:00Z"])
    not_after: str = Field(examples=["2027-01-31T09:00:00Z"])

    def terms(self) -> IdentityTerms:
        """Return the terms as the workflow takes them.

        Raises:
            FormatError: An instant that is not one, or an entry twice.
            UnsafeTrustPolicyError: Terms that nobody can mean.
        """
        return IdentityTerms.parse(Fields(self.model_dump(), "identity"))


class NewChallenge(Request):
    """A key, and the terms that it asks for."""

    identity: Terms
    public_key: str = Field(description="PEM, ECDSA P-256")


class Challenge(Answer):
    """What the proof of possession must repeat."""

    challenge: str = Field(description="32 bytes in base64")
    expires: str
    workspace: str

    @classmethod
    def of(cls, given: Given) -> Self:
        """Show a challenge."""
        return cls(
            challenge=b64encode(given.challenge),
            expires=format_instant(given.expires),
            workspace=str(given.workspace),
        )


class OidcSubject(Request):
    """Who is certified by which Sigstore instance, in whose name."""

    instance: str = Field(examples=["public-good"])
    issuer: str = Field(examples=["https://token.actions.githubusercontent.com"])
    subject: str | None = Field(default=None, description="exactly this one")
    subject_pattern: str | None = Field(
        default=None,
        description="or every one of this pattern",
        examples=[
            r"^https://github\.com/acme/overlay/\.github/x\.yml@refs/tags/v[0-9]+$"
        ],
    )

    def credential(self) -> OidcCredential:
        """Return it as the workflow takes it.

        Raises:
            FormatError: Neither subject nor pattern, or both.
            UnsafeTrustPolicyError: One that nobody can mean.
        """
        given = self.model_dump(exclude_none=True)
        return OidcCredential.parse(Fields(given, "oidc"))


class Surviving(Request):
    """What of an ended identity stays valid."""

    attestations: list[DigestText] = Field(
        default=[], max_length=10_000, description="digests of single attestations"
    )
    releases: list[DigestText] = Field(
        default=[],
        max_length=MAX_NAMED_RELEASES,
        description="digests of releases, which keep all that they list",
    )
    checkpoint: str | None = Field(
        default=None,
        max_length=MAX_CHECKPOINT_CHARS,
        description="a signed note of the log, which keeps what is proved to be in it",
    )

    def read(self) -> Survivors:
        """Return what is to stay valid.

        Raises:
            NoteFormatError: The checkpoint is none.
        """
        return Survivors(
            attestations=frozenset(map(Digest.parse, self.attestations)),
            releases=frozenset(map(Digest.parse, self.releases)),
            checkpoint=self.checkpoint,
        )


class NewIdentity(Request):
    """An identity to register: by proof, with a key made here, or an OIDC subject."""

    proof: Base64 | None = Field(
        default=None, description="identity-proof/v1, timestamped, without a log entry"
    )
    public_key: str | None = Field(default=None, description="PEM, ECDSA P-256")
    custodial: bool = False
    identity: Terms | None = None
    oidc: OidcSubject | None = None
    replaces: Name | None = Field(
        default=None, description="with oidc: the id that ends in the same change"
    )
    survivors: Surviving | None = Field(
        default=None, description="what of that one stays valid"
    )

    @model_validator(mode="after")
    def _either_or(self) -> Self:
        given = {name for name in _FORMS_OF if getattr(self, name)}
        further = given & {"replaces", "survivors"} if "oidc" in given else set()
        if given - further not in _FORMS:
            raise ValueError(
                "expected proof and public_key alone, custodial with identity alone, "
                "or identity with oidc"
            )
        return self


_FORMS = ({"proof", "public_key"}, {"custodial", "identity"}, {"identity", "oidc"})
_FORMS_OF = (*set().union(*_FORMS), "replaces", "survivors")


class Revoke(Request):
    """The end of an identity."""

    reason: str = Field(
        min_length=1, max_length=limits.MAX_REASON_CHARS, examples=["key lost"]
    )
    survivors: Surviving = Surviving()


class RevocationInfo(Answer):
    """How an identity ended."""

    revoked_at: str
    reason: str
    survivors: Surviving
    final: bool = Field(description="false while it is a suspension")

    @classmethod
    def of(cls, end: Revocation) -> Self:
        """Describe a revocation."""
        return cls(
            revoked_at=format_instant(end.revoked_at),
            reason=end.reason,
            survivors=Surviving(**end.survivors.to_json()),
            final=end.final,
        )


class OidcInfo(Answer):
    """The OIDC subject that an identity is recognised by."""

    instance: str
    issuer: str
    subject: str | None = Field(description="exactly this one")
    subject_pattern: str | None = Field(description="or every one of this pattern")

    @classmethod
    def of(cls, credential: Credential) -> Self | None:
        """Describe an OIDC subject; none of a key."""
        if not isinstance(credential, OidcCredential):
            return None
        subject = credential.subject
        return cls(
            instance=credential.instance,
            issuer=credential.issuer,
            subject=None if subject.is_pattern else subject.text,
            subject_pattern=subject.text if subject.is_pattern else None,
        )


class IdentityInfo(Answer):
    """An identity of the trust policy."""

    id: str
    principal: str
    public_key: str | None = Field(description="none if it has an OIDC subject")
    key_id: str | None
    oidc: OidcInfo | None = Field(description="none if it has a key")
    custody: str = Field(description="its own, as admins signed it")
    effective_custody: str = Field(
        description="who can cause its signatures, through CA or issuer too"
    )
    permissions: list[str]
    namespaces: list[str]
    not_before: str
    not_after: str
    revoked: RevocationInfo | None
    trust_policy_version: int

    @classmethod
    def of(cls, found: Registered) -> Self:
        """Describe an identity."""
        identity, end = found.identity, found.revocation
        key = identity.public_key
        return cls(
            id=identity.id,
            principal=identity.principal,
            public_key=None if key is None else key.pem,
            key_id=None if key is None else key.key_id,
            oidc=OidcInfo.of(identity.credential),
            custody=identity.custody.value,
            effective_custody=found.custody.value,
            permissions=sorted(identity.permissions),
            namespaces=sorted(identity.namespaces),
            not_before=format_instant(identity.not_before),
            not_after=format_instant(identity.not_after),
            revoked=None if end is None else RevocationInfo.of(end),
            trust_policy_version=found.trust_policy_version,
        )


class IdentityList(Answer):
    """The identities of a workspace."""

    items: list[IdentityInfo]
