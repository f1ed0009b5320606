# SPDX-License-Identifier: Apache-2.0
"""A registered overlay-signing identity: who, known by what, for what, and when."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from keys.clock import format_instant
from keys.fields import Fields
from keys.public import PublicKey
from signer.credential import Credential, KeyCredential, read_credential
from signer.errors import (
    AdminNeedsKeyError,
    CredentialKindError,
    CustodyError,
    NamespaceError,
    NotPermittedError,
    OutsideWindowError,
    UnsafeTrustPolicyError,
)
from signer.form import Custody, Form
from signer.limits import MAX_NAMESPACES, MAX_PERMISSIONS, MAX_PRINCIPAL_CHARS

# What an identity may sign (DESIGN 8).
PERMISSIONS: Final = frozenset(
    {"admin", "approve", "author", "lint", "release", "report", "retire", "waive"}
)
# DESIGN T1: in the sovereign form the Control Plane can cause no signature of these.
SOVEREIGN_PERMISSIONS: Final = frozenset(
    {"approve", "author", "lint", "release", "retire", "waive"}
)
ANY_NAMESPACE: Final = "*"

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NAMESPACE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTerms:
    """What an identity is registered as; what a proof of possession repeats.

    Attributes:
        id: Unique in the workspace, never reused.
        principal: Who it is; thresholds count distinct principals.
        custody: Who can cause its signatures.
        permissions: What it may sign.
        namespaces: For which rule namespaces; ``*`` is all.
        not_before: From when, inclusive.
        not_after: Until when, inclusive.

    Raises:
        UnsafeTrustPolicyError: Terms that nobody can mean.
    """

    id: str
    principal: str
    custody: Custody
    permissions: frozenset[str]
    namespaces: frozenset[str]
    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        self._must(bool(_ID.fullmatch(self.id)), "an id like jane.doe-1")
        self._must(0 < len(self.principal) <= MAX_PRINCIPAL_CHARS, "a principal")
        self._must(bool(self.permissions), "a permission")
        self._must(self.permissions <= PERMISSIONS, "known permissions")
        self._must(bool(self.namespaces), "a namespace")
        named = self.namespaces - {ANY_NAMESPACE}
        well_formed = all(_NAMESPACE.fullmatch(n) for n in named)
        self._must(well_formed, "namespaces like acme")
        alone = not named or ANY_NAMESPACE not in self.namespaces
        self._must(alone, "either * or namespaces")
        self._must(
            self.not_before < self.not_after, "a window that ends after it began"
        )

    def may(self, permission: str, namespace: str | None = None) -> bool:
        """Return whether it may do this, for this rule namespace if one is given."""
        return permission in self.permissions and (
            namespace is None
            or ANY_NAMESPACE in self.namespaces
            or namespace in self.namespaces
        )

    def require_permission(self, any_of: Iterable[str]) -> None:
        """Refuse unless it holds one of the permissions.

        Raises:
            NotPermittedError: It holds none of them.
        """
        wanted = sorted(any_of)
        if not self.permissions.intersection(wanted):
            raise NotPermittedError(
                f"{self.id}: expected permission {' or '.join(wanted)}, "
                f"got {', '.join(sorted(self.permissions))}",
                hint="an admin grants it: trustacks identity register --permission",
                identity=self.id,
            )

    def require_namespaces(self, namespaces: Iterable[str]) -> None:
        """Refuse unless every rule namespace is among its own.

        Raises:
            NamespaceError: One is not.
        """
        if ANY_NAMESPACE in self.namespaces:
            return
        foreign = sorted(set(namespaces) - self.namespaces)
        if foreign:
            raise NamespaceError(
                f"{self.id}: expected rules of {', '.join(sorted(self.namespaces))}, "
                f"got {', '.join(foreign)}",
                identity=self.id,
                namespaces=foreign,
            )

    def require_custody(self, form: Form, through: Custody | None = None) -> None:
        """Refuse what the Control Plane could have caused, in the sovereign form.

        Args:
            form: Of the pinned root.
            through: The custody that counts, when a CA or issuer could speak for it
                too; else its own does.

        Raises:
            CustodyError: Control-plane custody holds a permission that must not be
                in its reach, whatever the statement at hand.
        """
        held = sorted(self.permissions & SOVEREIGN_PERMISSIONS)
        custody = through or self.custody
        if form is Form.SOVEREIGN and custody is not Custody.EXTERNAL and held:
            raise CustodyError(
                f"{self.id}: expected external custody for {', '.join(held)}, "
                f"got {custody}",
                identity=self.id,
            )

    def require_begun(self, when: datetime) -> None:
        """Refuse an instant before the window.

        Raises:
            OutsideWindowError: It is.
        """
        if when < self.not_before:
            raise self._outside(when)

    def require_not_ended(self, when: datetime) -> None:
        """Refuse an instant after the window.

        Raises:
            OutsideWindowError: It is.
        """
        if when > self.not_after:
            raise self._outside(when)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the terms of an identity.

        Raises:
            FormatError: Another shape.
            UnsafeTrustPolicyError: Terms that nobody can mean.
        """
        terms = cls(**read_terms(fields))
        fields.done()
        return terms

    def to_json(self) -> dict[str, Any]:
        """Return the terms as a document."""
        return {
            "id": self.id,
            "principal": self.principal,
            "custody": self.custody.value,
            "permissions": sorted(self.permissions),
            "namespaces": sorted(self.namespaces),
            "not_before": format_instant(self.not_before),
            "not_after": format_instant(self.not_after),
        }

    def _must(self, holds: bool, expected: str) -> None:  # noqa: FBT001 (private)
        if not holds:
            raise UnsafeTrustPolicyError(
                f"identity {self.id!r}: expected {expected}, got another", id=self.id
            )

    def _outside(self, when: datetime) -> OutsideWindowError:
        return OutsideWindowError(
            f"{self.id}: expected a time from {format_instant(self.not_before)} "
            f"to {format_instant(self.not_after)}, got {format_instant(when)}",
            identity=self.id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(IdentityTerms):
    """An identity as the trust policy lists it.

    Attributes:
        credential: What it is recognised by: a key, or an OIDC subject.

    Raises:
        UnsafeTrustPolicyError: Terms that nobody can mean.
        AdminNeedsKeyError: An admin without a key.
    """

    credential: Credential

    def __post_init__(self) -> None:
        IdentityTerms.__post_init__(self)
        if "admin" in self.permissions and self.public_key is None:
            raise AdminNeedsKeyError(
                f"{self.id}: expected an admin with a key, got an OIDC subject",
                hint="root and targets are signed with keys, and so is what admins say "
                "of them: trustacks identity register --proof",
                identity=self.id,
            )

    @property
    def public_key(self) -> PublicKey | None:
        """Its key; none if it has an OIDC subject, whose keys last minutes."""
        if isinstance(self.credential, KeyCredential):
            return self.credential.public_key
        return None

    def require_key(self) -> PublicKey:
        """Return its key.

        Raises:
            CredentialKindError: It has an OIDC subject instead.
        """
        if self.public_key is None:
            raise CredentialKindError(
                f"{self.id}: expected an identity with a key, got one with an OIDC "
                "subject",
                identity=self.id,
            )
        return self.public_key

    @property
    def terms(self) -> IdentityTerms:
        """What it is registered as, without the key."""
        return IdentityTerms(
            id=self.id,
            principal=self.principal,
            custody=self.custody,
            permissions=self.permissions,
            namespaces=self.namespaces,
            not_before=self.not_before,
            not_after=self.not_after,
        )

    @classmethod
    def of(cls, terms: IdentityTerms, credential: Credential) -> Self:
        """Return the identity that ``terms`` and ``credential`` make."""
        fields = Fields(terms.to_json(), "identity")
        return cls(credential=credential, **read_terms(fields))

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse an identity of a trust policy.

        Raises:
            FormatError: Another shape.
            UnsafeTrustPolicyError: Terms that nobody can mean.
        """
        identity = cls(credential=read_credential(fields), **read_terms(fields))
        fields.done()
        return identity

    def to_json(self) -> dict[str, Any]:
        """Return the identity as a document."""
        return IdentityTerms.to_json(self) | self.credential.to_json()


def read_terms(fields: Fields) -> dict[str, Any]:
    """Read the terms of an identity; the caller says when ``fields`` are done.

    Raises:
        FormatError: A field is missing or of another type.
    """
    permissions = fields.texts("permissions", max_items=MAX_PERMISSIONS)
    namespaces = fields.texts("namespaces", max_items=MAX_NAMESPACES)
    return {
        "id": fields.text("id"),
        "principal": fields.text("principal"),
        "custody": Custody(fields.one_of("custody", tuple(Custody))),
        "permissions": frozenset(permissions),
        "namespaces": frozenset(namespaces),
        "not_before": fields.instant("not_before"),
        "not_after": fields.instant("not_after"),
    }
