# SPDX-License-Identifier: Apache-2.0
"""Workspaces and layers."""

from typing import Self

from pydantic import Field

from control_plane import limits
from control_plane.api.schemas.base import Answer, Base64, Request, decoded
from control_plane.registry.models import ReleaseRow
from control_plane.workflows.layer_checks import LayerFiles
from control_plane.workflows.workspaces import Described
from control_plane.workspaces import property_note
from keys.clock import format_instant
from keys.public import PublicKey
from keys.strict import b64encode


class Constitution(Request):
    """The constitution, signed by its publisher."""

    archive: Base64 = Field(description="the layer's .tar.gz")
    attestation: Base64 = Field(description="the publisher's layer/v1 attestation")
    publisher: str = Field(description="PEM", examples=["-----BEGIN PUBLIC KEY-----"])

    def layer(self, name: str | None = None) -> LayerFiles:
        """Return it as the workflow takes it.

        Raises:
            KeyFormatError: ``publisher`` is not a key.
        """
        return LayerFiles(
            name=name,
            archive=decoded(self.archive),
            attestation=decoded(self.attestation),
            publisher=PublicKey.from_pem(self.publisher),
        )


class Pack(Constitution):
    """A pack, signed by its publisher."""

    name: str = Field(min_length=1, max_length=64, examples=["change-control"])


class NewWorkspace(Request):
    """A workspace to make."""

    name: str = Field(
        min_length=1, max_length=limits.MAX_WORKSPACE_CHARS, examples=["acme"]
    )
    constitution: Constitution
    packs: list[Pack] = Field(default=[], max_length=limits.MAX_PACKS)


class LogInfo(Answer):
    """The transparency log of a workspace."""

    origin: str = Field(examples=["acme.log.localhost"])
    public_key: str = Field(description="PEM, Ed25519")


class Head(Answer):
    """The newest published release."""

    revision: int
    digest: str = Field(description="SHA-256 of the release attestation's PAE")
    expires: str

    @classmethod
    def of(cls, row: ReleaseRow) -> Self:
        """Describe a release."""
        return cls(revision=row.revision, digest=row.digest, expires=row.expires_at)


class RoleInfo(Answer):
    """A TUF role."""

    version: int
    expires: str


class WorkspaceInfo(Answer):
    """A workspace; nothing in it is for a Runner to believe but what it pinned."""

    name: str
    workspace: str = Field(description="SHA-256 of the genesis root")
    form: str = Field(examples=["embedded"])
    property_note: str
    root: str = Field(description="the root that Runners pin, in base64")
    log: LogInfo
    trust_policy_version: int
    targets_version: int
    release: Head | None
    roles: dict[str, RoleInfo]

    @classmethod
    def of(cls, found: Described) -> Self:
        """Describe a workspace."""
        head = found.head
        trust = found.published.trust
        return cls(
            name=found.workspace.name,
            workspace=str(trust.workspace),
            form=trust.form.value,
            property_note=property_note(trust.form),
            root=b64encode(found.workspace.pin),
            log=LogInfo(
                origin=found.workspace.log.origin,
                public_key=found.workspace.log.key.pem,
            ),
            trust_policy_version=trust.policy.version,
            targets_version=found.published.committed.top.version,
            release=None if head is None else Head.of(head),
            roles={
                role: RoleInfo(
                    version=status.version, expires=format_instant(status.expires)
                )
                for role, status in found.roles.items()
            },
        )


class WorkspaceName(Answer):
    """A workspace in a list."""

    name: str
    workspace: str


class WorkspaceList(Answer):
    """The workspaces that the token may see."""

    items: list[WorkspaceName]
