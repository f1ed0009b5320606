# SPDX-License-Identifier: Apache-2.0
"""A signer's certificate as a CA writes it: the other half of ``leaf`` and ``sct``.

Order: what a log of certificates sees is the certificate without its timestamp
(``before_log``); with it in, as the last extension, it is signed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.public import PublicKey
from keys.signing import SigningKey
from signer.certificate.issue import elliptic, issue, key_usage, to_be_signed
from signer.certificate.leaf import ISSUER, ISSUER_V2
from signer.certificate.sct_form import SCT_LIST, sct_list


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafTerms:
    """What a signer's certificate says.

    Attributes:
        key: The signer's, ECDSA P-256.
        mailbox: Whom it speaks of: a verified address.
        issuer: Of the OIDC token that it is given for.
        not_before: From when it is valid.
        not_after: Until when.
        serial: Its number, positive, of 20 octets at most.
    """

    key: PublicKey
    mailbox: str
    issuer: str
    not_before: datetime
    not_after: datetime
    serial: int


def build_leaf(terms: LeafTerms, issuing: x509.Certificate) -> x509.CertificateBuilder:
    """Describe a certificate, its timestamp not yet in it.

    Args:
        terms: What it says.
        issuing: The CA's own certificate.

    Source: fulcio certificate-specification, "Issued Certificate": empty subject,
    critical subject alternative name, code signing; fulcio oid-info: the issuer as
    text in 1.1 and as UTF8String in 1.8.
    """
    public = elliptic(terms.key)
    named = x509.SubjectAlternativeName([x509.RFC822Name(terms.mailbox)])
    extensions: Final[tuple[tuple[x509.ExtensionType, bool], ...]] = (
        (key_usage(sign=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (_authority(issuing), False),
        (named, True),
        (x509.UnrecognizedExtension(ISSUER, terms.issuer.encode()), False),
        (x509.UnrecognizedExtension(ISSUER_V2, asn1.encode_der(terms.issuer)), False),
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuing.subject)
        .public_key(public)
        .serial_number(terms.serial)
        .not_valid_before(terms.not_before)
        .not_valid_after(terms.not_after)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder


def before_log(builder: x509.CertificateBuilder) -> bytes:
    """Return what a log of certificates is shown.

    Source: RFC 6962 §3.2: the "TBSCertificate [...] without the SCT extension".
    """
    return to_be_signed(builder)


def issue_leaf(
    builder: x509.CertificateBuilder, sct: bytes, ca_key: SigningKey
) -> bytes:
    """Put a log's timestamp in and sign; return the certificate, DER.

    Args:
        builder: As the log was shown it.
        sct: The ``SignedCertificateTimestamp`` over that.
        ca_key: The issuing CA's.

    Raises:
        KeyProviderError: The key cannot be used now.
    """
    listed = x509.UnrecognizedExtension(SCT_LIST, asn1.encode_der(sct_list(sct)))
    return issue(builder.add_extension(listed, critical=False), ca_key)


def _authority(issuing: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)
