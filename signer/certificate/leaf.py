# SPDX-License-Identifier: Apache-2.0
"""A signer's certificate: its profile, its key, and whom it speaks of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import SignedCertificateTimestamp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from keys.errors import KeyFormatError, LimitExceededError
from keys.foreign import foreign_key
from keys.public import PublicKey
from signer.certificate.errors import CertificateFormatError, CertificateProfileError
from signer.certificate.path import (
    extension,
    load_certificate,
    require_understood,
)
from signer.limits import MAX_CERTIFICATE_BYTES, MAX_LEAVES
from signer.signed import Verifier

# Sigstore's own arc: the OIDC issuer as text, as a DER UTF8String, and a user's name.
ISSUER: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
ISSUER_V2: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_USERNAME: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")

_UNDERSTOOD: Final = (
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
)
_REFUSAL: Final = CertificateProfileError
# The id of a log of certificates, and when it says that it saw one.
SeenBy = tuple[bytes, datetime]


@dataclass(frozen=True)
class Leaf:
    """A certificate for signing; well formed, and nothing more is known of it.

    Attributes:
        der: Its bytes.
        certificate: The same, parsed.
        key: Whose private half signed.
        issuer: The issuer of the OIDC token that it was given for.
        subject: Whom it speaks of: its one subject alternative name.
        issued_by: The name of the CA, DER.
    """

    der: bytes
    certificate: x509.Certificate
    key: PublicKey
    issuer: str
    subject: str
    issued_by: bytes

    @cached_property
    def verifier(self) -> Verifier:
        """The key, as logs name it: by the certificate."""
        return Verifier(self.key, self.der)

    @cached_property
    def timestamps(self) -> tuple[tuple[SignedCertificateTimestamp, SeenBy], ...]:
        """The certificate timestamps that are in it, and of whom; not verified."""
        kind = x509.PrecertificateSignedCertificateTimestamps
        found = extension(self.certificate, kind)
        scts = tuple(found.value) if found else ()
        return tuple(
            (one, (one.log_id, one.timestamp.replace(tzinfo=UTC))) for one in scts
        )

    @cached_property
    def not_before(self) -> datetime:
        """From when it is valid, inclusive."""
        return self.certificate.not_valid_before_utc

    @cached_property
    def not_after(self) -> datetime:
        """Until when it is valid, inclusive (RFC 5280 §4.1.2.5)."""
        return self.certificate.not_valid_after_utc


@lru_cache(MAX_LEAVES)
def parse_leaf(der: bytes) -> Leaf:
    """Parse a signer's certificate and check its profile.

    Raises:
        CertificateFormatError: Not a certificate, or of a key that is not accepted.
        CertificateProfileError: A CA, no digital signature, not for code signing alone,
            not exactly one subject alternative name, or one that reads as another kind,
            no OIDC issuer or two that differ, or a critical extension that is not
            understood.
        LimitExceededError: Larger than any.

    Source: fulcio certificate-specification, "Issued Certificate"; fulcio oid-info; RFC
    5280 §4.2.1.
    """
    certificate = _load(der)
    require_understood(certificate, _UNDERSTOOD, refusal=_REFUSAL)
    _require_signing(certificate)
    return Leaf(
        der=der,
        certificate=certificate,
        key=_key(certificate),
        issuer=_issuer(certificate),
        subject=_subject(certificate),
        issued_by=certificate.issuer.public_bytes(),
    )


def _load(der: bytes) -> x509.Certificate:
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise LimitExceededError(
            f"certificate: expected at most {MAX_CERTIFICATE_BYTES} bytes, "
            f"got {len(der)}"
        )
    certificate = load_certificate(der, refusal=CertificateFormatError)
    if certificate.version is not x509.Version.v3:
        raise CertificateFormatError("expected a certificate of version 3, got another")
    return certificate


def _key(certificate: x509.Certificate) -> PublicKey:
    public = certificate.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        return foreign_key(spki)
    except KeyFormatError as error:
        raise CertificateFormatError(f"certificate: {error.message}") from error


def _require_signing(certificate: x509.Certificate) -> None:
    constraints = extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise _REFUSAL("expected a leaf, got the certificate of a CA")
    usage = extension(certificate, x509.KeyUsage)
    if usage is None or not usage.value.digital_signature or usage.value.key_cert_sign:
        raise _REFUSAL("expected key usage digitalSignature and not keyCertSign")
    # Fulcio's is not critical; what it says holds all the same (RFC 5280 §4.2.1.12).
    purposes = extension(certificate, x509.ExtendedKeyUsage)
    if purposes is None or list(purposes.value) != [ExtendedKeyUsageOID.CODE_SIGNING]:
        raise _REFUSAL("expected extended key usage codeSigning, got others or none")


def _issuer(certificate: x509.Certificate) -> str:
    """Read the OIDC issuer: said in one extension, or alike in two."""
    raw, text = _other(certificate, ISSUER), _other(certificate, ISSUER_V2)
    found = {_utf8(raw)} if raw is not None else set()
    if text is not None:
        found.add(_utf8_string(text))
    if len(found) != 1 or not all(found):
        raise _REFUSAL(f"expected one OIDC issuer, got {len(found)}")
    return found.pop()


def _subject(certificate: x509.Certificate) -> str:
    names = extension(certificate, x509.SubjectAlternativeName)
    found = list(names.value) if names else []
    if len(found) != 1:
        raise _REFUSAL(
            f"expected exactly one subject alternative name, got {len(found)}"
        )
    (name,) = found
    kind = type(name)
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        subject = name.value
    elif isinstance(name, x509.OtherName) and name.type_id == _USERNAME:
        subject = _utf8_string(name.value)
    else:
        raise _REFUSAL(
            "expected an address, URI or user name as subject alternative name, "
            f"got {kind.__name__}"
        )
    if not _is_clear(subject, kind):
        raise _REFUSAL(
            f"expected a subject that reads as its kind, {kind.__name__}, "
            f"got {subject[:256]!r}"
        )
    return subject


def _is_clear(subject: str, kind: type[x509.GeneralName]) -> bool:
    """Return whether no other kind of name is spelled so.

    Whom a certificate speaks of is compared as text: a user who calls himself by
    somebody's address, or an address that reads as a workflow's, is nobody.
    """
    is_uri = "://" in subject
    if kind is x509.UniformResourceIdentifier:
        return is_uri
    return not is_uri and ("@" in subject) == (kind is x509.RFC822Name)


def _other(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes | None:
    try:
        value = certificate.extensions.get_extension_for_oid(oid).value
    except x509.ExtensionNotFound:
        return None
    return value.public_bytes()


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _REFUSAL("expected an OIDC issuer in UTF-8, got other bytes") from error


def _utf8_string(der: bytes) -> str:
    try:
        return asn1.decode_der(str, der)
    except ValueError as error:
        raise _REFUSAL(f"expected a DER UTF8String: {error}") from error
