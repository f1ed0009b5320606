# SPDX-License-Identifier: Apache-2.0
"""The certificates of a timestamp authority, from its leaf to its root.

The chain comes from the trusted root, which admins signed; a token's own certificates
are never used. So this is a check of form and time, not a search for a path.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from signer.timestamp.errors import AuthorityCertificateError, TimestampWindowError
from signer.timestamp.limits import MAX_CHAIN

E = TypeVar("E", bound=x509.ExtensionType)


def parse_chain(chain: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    """Parse a chain of DER certificates, leaf first.

    Raises:
        AuthorityCertificateError: None, more than 8, or not certificates.
    """
    if not 1 <= len(chain) <= MAX_CHAIN:
        raise AuthorityCertificateError(
            f"expected 1 to {MAX_CHAIN} certificates, got {len(chain)}"
        )
    try:
        return tuple(x509.load_der_x509_certificate(der) for der in chain)
    except ValueError as error:
        raise AuthorityCertificateError(f"expected certificates: {error}") from error


def check_chain(chain: Sequence[x509.Certificate]) -> None:
    """Check that each certificate is issued by the next, and the leaf for timestamps.

    Raises:
        AuthorityCertificateError: A link does not hold, an issuer is not a CA, or the
            leaf may do anything but timestamps.
    """
    _check_leaf(chain[0])
    for issued, issuer in pairwise(chain):
        _check_link(issued, issuer)


def check_chain_time(chain: Sequence[x509.Certificate], at: datetime) -> None:
    """Check that every certificate was valid at ``at``, both ends included.

    Raises:
        TimestampWindowError: One was not (RFC 5280 §4.1.2.5).
    """
    for certificate in chain:
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not begin <= at <= end:
            raise TimestampWindowError(
                f"expected a time from {begin} to {end}"
                f" of {certificate.subject.rfc4514_string()!r}, got {at}",
                at=at.isoformat(),
            )


def _check_leaf(leaf: x509.Certificate) -> None:
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    # RFC 3161 §2.3: "This extension MUST be critical", with that one purpose only.
    if (
        usage is None
        or not usage.critical
        or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]
    ):
        raise AuthorityCertificateError(
            "expected a leaf with one critical extended key usage, timeStamping"
        )
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise AuthorityCertificateError("expected a leaf that is no CA, got a CA")
    key_usage = _extension(leaf, x509.KeyUsage)
    if key_usage is not None and not key_usage.value.digital_signature:
        raise AuthorityCertificateError("expected a leaf that may sign, got another")


def _check_link(issued: x509.Certificate, issuer: x509.Certificate) -> None:
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.value.ca:
        raise AuthorityCertificateError(
            f"expected a CA, got {issuer.subject.rfc4514_string()!r}"
        )
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise AuthorityCertificateError(
            f"expected {issued.subject.rfc4514_string()!r} to be issued by"
            f" {issuer.subject.rfc4514_string()!r}, got another issuer"
        ) from error


def _extension(
    certificate: x509.Certificate, kind: type[E]
) -> x509.Extension[E] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension) as error:
        raise AuthorityCertificateError(
            f"expected X.509 extensions: {error}"
        ) from error
