# SPDX-License-Identifier: Apache-2.0
"""Five roles, the calls there are, and one table of grants.

A role grants calls of this service. It never grants a signing right: those are
permissions of registered identities, in a policy that admins sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from control_plane.errors import NotPermittedError


class Role(Enum):
    """What a token's holder is to the service."""

    ADMIN = "admin"
    AUTHOR = "author"
    RELEASE = "release"
    RUNNER = "runner"
    AUDITOR = "auditor"


class Permission(Enum):
    """A kind of call."""

    WORKSPACE_CREATE = "workspace-create"
    WORKSPACE_READ = "workspace-read"
    TOKEN_MANAGE = "token-manage"  # noqa: S105  (the name of a permission)
    IDENTITY_PROVE = "identity-prove"
    IDENTITY_MANAGE = "identity-manage"
    ATTESTATION_SUBMIT = "attestation-submit"
    SIGN = "sign"
    VERIFY = "verify"
    RELEASE_PUBLISH = "release-publish"
    REPORT_SUBMIT = "report-submit"
    AUDIT_EXPORT = "audit-export"
    METRICS_READ = "metrics-read"


_EVERYONE: Final = frozenset({Permission.WORKSPACE_READ, Permission.VERIFY})

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Permission),
        Role.AUTHOR: _EVERYONE
        | {
            Permission.IDENTITY_PROVE,
            Permission.ATTESTATION_SUBMIT,
            Permission.SIGN,
        },
        Role.RELEASE: _EVERYONE
        | {
            Permission.IDENTITY_PROVE,
            Permission.ATTESTATION_SUBMIT,
            Permission.SIGN,
            Permission.RELEASE_PUBLISH,
        },
        Role.RUNNER: _EVERYONE | {Permission.IDENTITY_PROVE, Permission.REPORT_SUBMIT},
        Role.AUDITOR: _EVERYONE | {Permission.AUDIT_EXPORT},
    }
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        token_id: The token's name, for the journal.
        subject: The person or program that the token was made for.
        role: What they are to the service.
        workspace: The only workspace they may touch, or ``None`` for all.
    """

    token_id: str
    subject: str
    role: Role
    workspace: str | None

    def may(self, permission: Permission, workspace: str | None = None) -> bool:
        """Return whether the call is theirs.

        Args:
            permission: The kind of call.
            workspace: The workspace it touches; ``None`` for the whole server, which
                a token of one workspace never may.
        """
        in_scope = self.workspace is None or self.workspace == workspace
        return in_scope and permission in GRANTS[self.role]

    def require(self, permission: Permission, workspace: str | None = None) -> None:
        """Refuse the call unless it is theirs.

        Raises:
            NotPermittedError: The role or the scope does not allow it.
        """
        if not self.may(permission, workspace):
            wanted, scope = (w or "all workspaces" for w in (workspace, self.workspace))
            raise NotPermittedError(
                f"expected permission {permission.value} in {wanted}, "
                f"got role {self.role.value} in {scope}",
                hint="use a token with another role, or ask an admin for one",
                permission=permission.value,
            )
