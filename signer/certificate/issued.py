# SPDX-License-Identifier: Apache-2.0
"""Which certificate authority of the trusted root issued a signer's certificate."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.clock import format_instant
from signer.certificate.errors import (
    AuthorityWindowError,
    CertificateUntrustedError,
    CertificateWindowError,
)
from signer.certificate.leaf import Leaf, parse_leaf
from signer.certificate.path import (
    extension,
    load_certificate,
    require_issued,
    require_links,
    require_valid,
)
from signer.limits import MAX_LEAVES, MAX_TRUSTED_PARTS
from signer.trusted_parts import CertificateAuthority


@dataclass(frozen=True, slots=True)
class OpenAuthority:
    """An authority's chain, parsed and checked.

    Attributes:
        certificates: Its own first.
        name: Its own name, DER.
        key_hash: SHA-256 of its SPKI, as logs of certificates name it.
        begin: From when all are valid.
        end: Until when all are valid, inclusive.
    """

    certificates: tuple[x509.Certificate, ...]
    name: bytes
    key_hash: bytes
    begin: datetime
    end: datetime


_REFUSAL: Final = CertificateUntrustedError
_PURPOSES: Final = frozenset(
    {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)


def issuers_of(
    leaf: Leaf, authorities: Iterable[CertificateAuthority]
) -> tuple[CertificateAuthority, ...]:
    """Return the authorities whose key issued a certificate.

    More than one only if one key has several certificates; each was in use at times of
    its own.

    Raises:
        CertificateUntrustedError: None did.

    Source: RFC 5280 §6.1; the chains are those of the trusted root, and nothing that a
    signature brings along is used.
    """
    found = tuple(ca for ca in authorities if _issued(leaf, ca.chain))
    if not found:
        raise CertificateUntrustedError(
            "expected a certificate by a trusted authority, got one by "
            f"{leaf.certificate.issuer.rfc4514_string()!r}"
        )
    return found


def require_authority_in_use(
    leaf: Leaf,
    authorities: Sequence[CertificateAuthority],
    instants: Iterable[datetime],
) -> None:
    """Refuse an instant at which no issuer of the certificate was in use.

    Raises:
        AuthorityWindowError: There is one; also if a certificate of its chain was not
            valid then.
    """
    for instant in instants:
        if not any(_in_use(ca, instant) for ca in authorities):
            raise AuthorityWindowError(
                f"expected a certificate authority in use at {format_instant(instant)},"
                f" got {leaf.certificate.issuer.rfc4514_string()!r}"
            )


def require_leaf_valid(leaf: Leaf, instants: Iterable[datetime]) -> None:
    """Refuse an instant at which the certificate was not valid.

    Raises:
        CertificateWindowError: There is one.
    """
    for instant in instants:
        if not leaf.not_before <= instant <= leaf.not_after:
            require_valid([leaf.certificate], instant, refusal=CertificateWindowError)


def _in_use(authority: CertificateAuthority, instant: datetime) -> bool:
    if not authority.covers(instant):
        return False
    opened = open_authority(authority.chain)
    return opened.begin <= instant <= opened.end


def _issued(leaf: Leaf, chain: tuple[bytes, ...]) -> bool:
    try:
        # RFC 5280 §6.1.3 (a)(4); said first, because most authorities have other names.
        return open_authority(chain).name == leaf.issued_by and _checked(
            leaf.der, chain
        )
    except CertificateUntrustedError:
        return False


@lru_cache(MAX_LEAVES)
def _checked(der: bytes, chain: tuple[bytes, ...]) -> bool:
    issuing = open_authority(chain).certificates[0]
    require_issued(parse_leaf(der).certificate, issuing, refusal=_REFUSAL)
    return True


@lru_cache(MAX_TRUSTED_PARTS)
def open_authority(chain: tuple[bytes, ...]) -> OpenAuthority:
    """Parse an authority's chain and check that it holds and is for signing code.

    Raises:
        CertificateUntrustedError: It does not, or is not.
    """
    certificates = tuple(load_certificate(der, refusal=_REFUSAL) for der in chain)
    require_links(certificates, from_leaf=False, refusal=_REFUSAL)
    for certificate in certificates:
        purposes = extension(certificate, x509.ExtendedKeyUsage)
        if purposes is not None and not _PURPOSES.intersection(purposes.value):
            raise _REFUSAL("expected a CA for signing code, got one for other purposes")
    own = certificates[0]
    spki = own.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return OpenAuthority(
        certificates=certificates,
        name=own.subject.public_bytes(),
        key_hash=hashlib.sha256(spki).digest(),
        begin=max(one.not_valid_before_utc for one in certificates),
        end=min(one.not_valid_after_utc for one in certificates),
    )
