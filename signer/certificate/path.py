# SPDX-License-Identifier: Apache-2.0
"""One link of a chain of certificates, and what both kinds of chain ask of it.

Chains come whole from the trusted root, so nobody searches for a path here; the caller
says with which error a link that does not hold is refused.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from keys.errors import TrustacksError

E = TypeVar("E", bound=x509.ExtensionType)
Refusal = type[TrustacksError]

_READ_IN_A_CA = (
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
)


def load_certificate(der: bytes, *, refusal: Refusal) -> x509.Certificate:
    """Parse a certificate with all of its parts, which are otherwise parsed when asked.

    Raises:
        TrustacksError: Of the class ``refusal``: not a certificate, or a part of it
            that cannot be read in one way.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = (
            certificate.version,
            certificate.subject,
            certificate.issuer,
            certificate.extensions,
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            certificate.public_key(),
        )
    except (
        ValueError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise refusal(f"expected a certificate: {error}") from error
    return certificate


def extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E] | None:
    """Return an extension, or none if the certificate has none of that kind."""
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def require_understood(
    certificate: x509.Certificate,
    understood: Collection[x509.ObjectIdentifier],
    *,
    refusal: Refusal,
) -> None:
    """Refuse a critical extension that nobody here reads.

    Source: RFC 5280 §4.2: a certificate-using system "MUST reject the certificate if
    it encounters a critical extension it does not recognize".
    """
    for one in certificate.extensions:
        if one.critical and one.oid not in understood:
            raise refusal(
                "expected critical extensions that are understood, "
                f"got {one.oid.dotted_string}"
            )


def require_issued(
    issued: x509.Certificate, issuer: x509.Certificate, *, refusal: Refusal
) -> None:
    """Refuse unless a certificate authority issued a certificate.

    Source: RFC 5280 §6.1.3 (a)(1) and (a)(4), §6.1.4 (k) and (n).
    """
    constraints = extension(issuer, x509.BasicConstraints)
    usage = extension(issuer, x509.KeyUsage)
    if (
        constraints is None
        or not constraints.value.ca
        or (usage is not None and not usage.value.key_cert_sign)
    ):
        raise refusal(f"expected a CA, got {_name(issuer)}")
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise refusal(
            f"expected {_name(issued)} to be issued by {_name(issuer)}, "
            "got another issuer"
        ) from error


def require_links(
    chain: Sequence[x509.Certificate], *, from_leaf: bool, refusal: Refusal
) -> None:
    """Refuse unless each certificate after the first issued the one before it.

    Args:
        chain: Certificates, the root last.
        from_leaf: Whether the first is no CA.
        refusal: How it is refused.

    Source: RFC 5280 §4.2.1.9: pathLenConstraint "gives the maximum number of
    non-self-issued intermediate certificates that may follow".
    """
    for issued, issuer in pairwise(chain):
        require_issued(issued, issuer, refusal=refusal)
    for below, certificate in enumerate(chain[from_leaf:]):
        require_understood(certificate, _READ_IN_A_CA, refusal=refusal)
        constraints = extension(certificate, x509.BasicConstraints)
        most = constraints.value.path_length if constraints else None
        if most is not None and below > most:
            raise refusal(
                f"expected at most {most} CAs below {_name(certificate)}, got {below}"
            )


def require_valid(
    chain: Sequence[x509.Certificate], at: datetime, *, refusal: Refusal
) -> None:
    """Refuse unless every certificate was valid at ``at``, both ends included."""
    for certificate in chain:
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not begin <= at <= end:
            raise refusal(
                f"expected a time from {begin} to {end} of {_name(certificate)}, "
                f"got {at}",
                at=at.isoformat(),
            )


def _name(certificate: x509.Certificate) -> str:
    return repr(certificate.subject.rfc4514_string())
