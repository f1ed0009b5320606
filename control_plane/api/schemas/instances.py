# SPDX-License-Identifier: Apache-2.0
"""Sigstore instances, as requests and as the trust policy has them."""

from typing import Literal, Self

from pydantic import Field

from bundle.trust_instances import Custodies
from control_plane.api.schemas.base import Answer, Base64, DigestText, Request
from keys.strict import b64encode
from signer.form import Custody
from signer.instances import SigstoreInstance
from signer.limits import MAX_TRUSTED_PARTS

CustodyName = Literal["external", "control-plane"]


class NewInstance(Request):
    """An instance to pin, as its TrustedRoot document has it."""

    name: str = Field(examples=["public-good"])
    trusted_root: Base64 = Field(description="Sigstore's TrustedRoot, JSON")
    issuers: dict[str, CustodyName] = Field(
        min_length=1,
        max_length=MAX_TRUSTED_PARTS,
        description="the issuers that it may speak for, and who can cause their word",
        examples=[{"https://token.actions.githubusercontent.com": "external"}],
    )
    ca_custody: CustodyName = Field(description="who can cause a certificate")
    ct_custody: CustodyName = Field(description="who can cause the CT logs' word")
    tsa_custody: CustodyName | None = Field(
        default=None,
        description="who can cause the word of its timestamp authorities, which are "
        "then trusted, too; they are not without",
    )

    def custodies(self) -> Custodies:
        """Return the custodies as the workflow takes them."""
        return Custodies(
            certificate_authorities=Custody(self.ca_custody),
            ct_logs=Custody(self.ct_custody),
            issuers={name: Custody(custody) for name, custody in self.issuers.items()},
        )


class InstanceInfo(Answer):
    """A pinned instance."""

    name: str
    certificate_authorities: list[DigestText] = Field(
        description="SHA-256 of each CA's certificate"
    )
    ct_logs: list[str] = Field(description="log ids, base64")
    issuers: list[str]

    @classmethod
    def of(cls, name: str, instance: SigstoreInstance) -> Self:
        """Describe an instance."""
        return cls(
            name=name,
            certificate_authorities=sorted(map(str, instance.certificate_authorities)),
            ct_logs=sorted(map(b64encode, instance.ct_logs)),
            issuers=sorted(instance.issuers),
        )


class InstanceList(Answer):
    """The pinned instances of a workspace."""

    items: list[InstanceInfo]
