# SPDX-License-Identifier: Apache-2.0
"""Certificates of the embedded authorities: how they begin, and where they are."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from keys.durable import create_file, read_file
from keys.errors import KeyProviderError, NotFoundError
from keys.public import PublicKey
from signer.certificate.issue import elliptic

# Years. The embedded form is for evaluation; production brings authorities.
_YEARS: Final = 10
# Bytes. Two P-256 certificates in PEM are under 2 KiB.
_MAX_CHAIN_BYTES: Final = 16 * 1024


def describe(
    subject: x509.Name,
    issuer: x509.Name,
    *,
    key: PublicKey,
    issuer_key: PublicKey,
    at: datetime,
) -> x509.CertificateBuilder:
    """Describe what all of them have in common.

    Args:
        subject: Whose certificate.
        issuer: Who signs it.
        key: The subject's.
        issuer_key: The issuer's.
        at: The begin of its validity.
    """
    public, issuing = elliptic(key), elliptic(issuer_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + timedelta(days=365 * _YEARS))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing), critical=False
        )
    )


def name_of(organisation: str, common: str) -> x509.Name:
    """Return the name of an authority."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def open_chain(
    path: Path, key: PublicKey, create: Callable[[], Sequence[bytes]]
) -> tuple[x509.Certificate, ...]:
    """Read an authority's certificates; they are made at the first start.

    Args:
        path: PEM, the authority's own first.
        key: The key of that one.
        create: Makes them, DER.

    Raises:
        KeyProviderError: They are not of that key.
        StorageError: They cannot be read or written.
    """
    try:
        pem = read_file(path, max_bytes=_MAX_CHAIN_BYTES)
    except NotFoundError:
        pem = pem_of(create())
        create_file(path, pem)
    certificates = tuple(x509.load_pem_x509_certificates(pem))
    if spki_of(certificates[0]) != key.spki:
        raise KeyProviderError(
            f"expected certificates of the key of {path}, got others"
        )
    return certificates


def pem_of(chain: Sequence[bytes]) -> bytes:
    """Return certificates in PEM, one behind the other."""
    found = map(x509.load_der_x509_certificate, chain)
    return b"".join(one.public_bytes(Encoding.PEM) for one in found)


def spki_of(certificate: x509.Certificate) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate, DER."""
    key = certificate.public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
