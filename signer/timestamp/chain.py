# SPDX-License-Identifier: Apache-2.0
"""The certificates of a timestamp authority, from its leaf to its root.

The chain comes from the trusted root, which admins signed; a token's own certificates
are never used. So this is a check of form and time, not a search for a path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signer.certificate.path import (
    extension,
    load_certificate,
    require_links,
    require_valid,
)
from signer.timestamp.errors import AuthorityCertificateError, TimestampWindowError
from signer.timestamp.limits import MAX_CHAIN, MAX_KEPT_CHAINS

_REFUSAL: Final = AuthorityCertificateError


def parse_chain(chain: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    """Parse a chain of DER certificates, leaf first.

    Raises:
        AuthorityCertificateError: None, more than 8, or not certificates.
    """
    if not 1 <= len(chain) <= MAX_CHAIN:
        raise AuthorityCertificateError(
            f"expected 1 to {MAX_CHAIN} certificates, got {len(chain)}"
        )
    return tuple(load_certificate(der, refusal=_REFUSAL) for der in chain)


def check_chain(chain: Sequence[x509.Certificate]) -> None:
    """Check that each certificate is issued by the next, and the leaf for timestamps.

    Raises:
        AuthorityCertificateError: A link does not hold, an issuer is not a CA, or the
            leaf may do anything but timestamps.
    """
    _check_leaf(chain[0])
    require_links(chain, from_leaf=True, refusal=_REFUSAL)


@dataclass(frozen=True, slots=True)
class Chain:
    """An authority's chain, parsed.

    Attributes:
        certificates: Leaf first.
        leaf: The leaf's bytes.
        issuer: The name of who issued the leaf, DER.
        serial: The leaf's serial number.
        key: The leaf's public key.
        begin: From when all are valid.
        end: Until when all are valid, inclusive.
    """

    certificates: tuple[x509.Certificate, ...]
    leaf: bytes
    issuer: bytes
    serial: int
    key: object
    begin: datetime
    end: datetime

    def require_valid(self, at: datetime) -> None:
        """Check that every certificate was valid at ``at``, both ends included.

        Raises:
            TimestampWindowError: One was not (RFC 5280 §4.1.2.5).
        """
        if not self.begin <= at <= self.end:
            require_valid(self.certificates, at, refusal=TimestampWindowError)


@lru_cache(MAX_KEPT_CHAINS)
def open_chain(chain: tuple[bytes, ...]) -> Chain:
    """Parse a chain, of equal bytes once.

    Raises:
        AuthorityCertificateError: As ``parse_chain``.
    """
    certificates = parse_chain(chain)
    leaf = certificates[0]
    return Chain(
        certificates=certificates,
        leaf=chain[0],
        issuer=leaf.issuer.public_bytes(),
        serial=leaf.serial_number,
        key=leaf.public_key(),
        begin=max(one.not_valid_before_utc for one in certificates),
        end=min(one.not_valid_after_utc for one in certificates),
    )


@lru_cache(MAX_KEPT_CHAINS)
def require_chain(chain: tuple[bytes, ...]) -> None:
    """Check a chain, of equal bytes once; what is refused is checked again.

    Raises:
        AuthorityCertificateError: As ``parse_chain`` and ``check_chain``.
    """
    check_chain(open_chain(chain).certificates)


def _check_leaf(leaf: x509.Certificate) -> None:
    usage = extension(leaf, x509.ExtendedKeyUsage)
    # RFC 3161 §2.3: "This extension MUST be critical", with that one purpose only.
    if (
        usage is None
        or not usage.critical
        or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]
    ):
        raise AuthorityCertificateError(
            "expected a leaf with one critical extended key usage, timeStamping"
        )
    constraints = extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise AuthorityCertificateError("expected a leaf that is no CA, got a CA")
    key_usage = extension(leaf, x509.KeyUsage)
    if key_usage is not None and not key_usage.value.digital_signature:
        raise AuthorityCertificateError("expected a leaf that may sign, got another")
