# SPDX-License-Identifier: Apache-2.0
"""What an identity is recognised by: a key of its own, or an OIDC subject."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

from keys.fields import Fields
from keys.loopback import is_loopback
from keys.public import ECDSA_P256, PublicKey
from signer.errors import UnsafeIssuerError, UnsafeTrustPolicyError
from signer.limits import MAX_ISSUER_CHARS, MAX_SUBJECT_CHARS
from signer.subject_pattern import SubjectPattern

INSTANCE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A key.

    Attributes:
        public_key: ECDSA P-256; no other identity has it.

    Raises:
        UnsafeTrustPolicyError: Another kind of key.
    """

    public_key: PublicKey

    def __post_init__(self) -> None:
        if self.public_key.details != ECDSA_P256:
            raise UnsafeTrustPolicyError(
                f"identity: expected an ECDSA P-256 key, got {self.public_key.details}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return it as the fields of its identity."""
        return {"public_key": self.public_key.pem}


@dataclass(frozen=True, slots=True)
class OidcCredential:
    """A subject of an OIDC issuer, certified by one Sigstore instance (DESIGN T2).

    Attributes:
        instance: The instance's name in the trust policy.
        issuer: The issuer's address, as in its tokens.
        subject: Exactly one subject, or an anchored pattern of subjects.

    Raises:
        UnsafeTrustPolicyError: Not the name of an instance.
        UnsafeIssuerError: Not an https address, or one that holds more.
    """

    instance: str
    issuer: str
    subject: SubjectPattern

    def __post_init__(self) -> None:
        require_instance_name(self.instance)
        require_issuer(self.issuer)

    def matches(self, issuer: str, subjects: Sequence[str]) -> bool:
        """Return whether a certificate of the instance speaks for this identity.

        Args:
            issuer: As the certificate names it.
            subjects: Every subject alternative name; one only can be meant.
        """
        alone = len(subjects) == 1
        return alone and issuer == self.issuer and self.subject.matches(subjects[0])

    def overlaps(self, other: "OidcCredential") -> bool:
        """Return whether one certificate could speak for both."""
        same = (self.instance, self.issuer) == (other.instance, other.issuer)
        return same and self.subject.overlaps(other.subject)

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse an OIDC subject.

        Raises:
            FormatError: Another shape.
            UnsafeTrustPolicyError: A subject, issuer or name that nobody can mean.
        """
        name = "subject_pattern" if fields.has("subject_pattern") else "subject"
        text = fields.text(name, max_chars=MAX_SUBJECT_CHARS)
        credential = cls(
            instance=fields.text("instance"),
            issuer=fields.text("issuer", max_chars=MAX_ISSUER_CHARS),
            subject=SubjectPattern(text, is_pattern=name == "subject_pattern"),
        )
        fields.done()
        return credential

    def to_json(self) -> dict[str, Any]:
        """Return it as the fields of its identity."""
        name = "subject_pattern" if self.subject.is_pattern else "subject"
        return {
            "oidc": {
                "instance": self.instance,
                "issuer": self.issuer,
                name: self.subject.text,
            }
        }


Credential = KeyCredential | OidcCredential


def read_credential(fields: Fields) -> Credential:
    """Read the credential of an identity; the caller says when ``fields`` are done.

    Raises:
        FormatError: Another shape.
        UnsafeTrustPolicyError: What nobody can mean.
    """
    if fields.has("oidc"):
        return OidcCredential.parse(fields.object("oidc"))
    return KeyCredential(PublicKey.from_pem(fields.text("public_key")))


def require_instance_name(name: str) -> str:
    """Return the name of a Sigstore instance.

    Raises:
        UnsafeTrustPolicyError: Not one.
    """
    if not INSTANCE_NAME.fullmatch(name):
        raise UnsafeTrustPolicyError(
            f"instance: expected a name like public-good, got {name!r}"
        )
    return name


def require_issuer(issuer: str) -> str:
    """Return the address of an OIDC issuer.

    Raises:
        UnsafeIssuerError: Not https (http on this machine only), or with user, query
            or fragment (OpenID Connect Core 1.0 §2, "iss").
    """
    printable = issuer.isascii() and issuer.isprintable() and " " not in issuer
    if not printable or not 0 < len(issuer) <= MAX_ISSUER_CHARS:
        raise _unsafe(issuer)
    try:
        url = urlsplit(issuer)
        secure = url.scheme == "https" or (
            url.scheme == "http" and is_loopback(url.hostname or "")
        )
    except ValueError as error:
        raise _unsafe(issuer) from error
    if not secure or not url.hostname or _holds_more(url, issuer):
        raise _unsafe(issuer)
    return issuer


def _holds_more(url: SplitResult, issuer: str) -> bool:
    # An empty query or fragment is not in the parts, only in the text.
    return "@" in url.netloc or "?" in issuer or "#" in issuer


def _unsafe(issuer: str) -> UnsafeIssuerError:
    return UnsafeIssuerError(
        f"issuer: expected an https address without user, query or fragment, "
        f"got {issuer[:MAX_ISSUER_CHARS]!r}",
        hint="http is for this machine only",
    )
