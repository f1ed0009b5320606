# SPDX-License-Identifier: Apache-2.0
"""Options and sentences about identities that are OIDC subjects.

There is nothing to prove before they sign: a subject has no key of its own. What is
registered is the admins' word for instance, issuer and subject, and every command that
makes such an identity says so (ADR 0037).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import click

from keys.errors import UsageError
from signer.credential import Credential, OidcCredential
from signer.identity import Identity
from signer.subject_pattern import SubjectPattern
from trustacks._cli.output import pairs

NOT_PROVED: Final = (
    "nobody proved anything: from now on whoever the issuer names so may sign, "
    "on the admins' word alone"
)

_OPTIONS: Final = (
    click.option(
        "--instance", metavar="NAME", help="The Sigstore instance that certifies it."
    ),
    click.option(
        "--oidc-issuer", metavar="URL", help="Who names it, instead of a key."
    ),
    click.option("--oidc-subject", metavar="TEXT", help="Exactly this subject."),
    click.option(
        "--oidc-subject-pattern",
        metavar="PATTERN",
        help="Every subject of a pattern from ^ to $.",
    ),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What was said on the command line of an OIDC subject.

    Attributes:
        instance: The Sigstore instance.
        issuer: The issuer.
        subject: One subject, or a pattern; none if neither was said.
    """

    instance: str | None
    issuer: str | None
    subject: SubjectPattern | None

    @property
    def said(self) -> bool:
        """Whether anything was."""
        return bool(self.instance or self.issuer or self.subject)

    def credential(self) -> OidcCredential:
        """Return the credential of a new identity.

        Raises:
            UsageError: A part is missing.
            UnsafeTrustPolicyError: A part that nobody can mean.
        """
        if not (self.instance and self.issuer and self.subject):
            raise UsageError(
                "expected --instance, --oidc-issuer and --oidc-subject or "
                "--oidc-subject-pattern together"
            )
        return OidcCredential(self.instance, self.issuer, self.subject)

    def over(self, old: Credential) -> OidcCredential:
        """Return the credential of a successor: what was not said stays as it was.

        Raises:
            UsageError: A part is missing, and the old one has a key.
            UnsafeTrustPolicyError: A part that nobody can mean.
        """
        if not isinstance(old, OidcCredential):
            return self.credential()
        return OidcCredential(
            self.instance or old.instance,
            self.issuer or old.issuer,
            self.subject or old.subject,
        )


def claim_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name an OIDC subject."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_claim(
    *,
    instance: str | None,
    oidc_issuer: str | None,
    oidc_subject: str | None,
    oidc_subject_pattern: str | None,
) -> Claim:
    """Read what the options say.

    Raises:
        UsageError: A subject and a pattern.
        UnsafeSubjectError: One that could be somebody else's too.
    """
    if oidc_subject is not None and oidc_subject_pattern is not None:
        raise UsageError("expected --oidc-subject or --oidc-subject-pattern, got both")
    subject = None
    if oidc_subject is not None:
        subject = SubjectPattern.exactly(oidc_subject)
    if oidc_subject_pattern is not None:
        subject = SubjectPattern.anchored(oidc_subject_pattern)
    return Claim(instance, oidc_issuer, subject)


def claim_request(identity: Identity) -> dict[str, Any]:
    """Return an identity with an OIDC subject as the API takes it."""
    return {"identity": identity.terms.to_json(), **identity.credential.to_json()}


def claim_text(identity: Identity) -> str:
    """Return what is about to be registered, for people."""
    credential = identity.credential
    rows = [("identity", identity.id), ("principal", identity.principal)]
    if isinstance(credential, OidcCredential):
        kind = "every subject" if credential.subject.is_pattern else "subject"
        rows += [
            ("instance", credential.instance),
            ("issuer", credential.issuer),
            (kind, credential.subject.text),
        ]
    rows += [
        ("permissions", ", ".join(sorted(identity.permissions))),
        ("namespaces", ", ".join(sorted(identity.namespaces))),
    ]
    return pairs(rows)
