# SPDX-License-Identifier: Apache-2.0
"""Verify an RFC 3161 token against one trusted authority; the steps are numbered.

Not checked, because nothing here depends on it: the serial number's uniqueness, the
accuracy, the policy OID, the nonce (the client compared it when it asked), and the
certificates and unsigned attributes that the token carries.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec

from signer.timestamp.algorithms import SHA256, digest, hash_of, signature_hash_of
from signer.timestamp.asn1 import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
    AlgorithmIdentifier,
    Held,
    Oid,
    SignedAttributes,
    SignedData,
    SignerInfo,
    SigningCertificateV2,
    T,
    TSTInfo,
    decode,
    encode,
)
from signer.timestamp.chain import (
    Chain,
    check_chain_time,
    open_chain,
    require_chain,
)
from signer.timestamp.errors import (
    TimestampAlgorithmError,
    TimestampContentError,
    TimestampFormatError,
    TimestampMismatchError,
    TimestampSignatureError,
    TimestampWindowError,
    WrongAuthorityError,
)
from signer.timestamp.limits import MAX_RESPONSE_BYTES
from signer.timestamp.request import open_response

_SET_OF_TAG = b"\x31"
# RFC 5035 §4: "hashAlgorithm AlgorithmIdentifier DEFAULT {algorithm id-sha256}".
_DEFAULT_HASH = AlgorithmIdentifier(algorithm=SHA256)


class Authority(Protocol):
    """What must be known of an authority; a ``TimestampAuthority`` is one."""

    @property
    def chain(self) -> Sequence[bytes]:
        """Its certificates, DER, leaf first and root last."""

    def covers(self, at: datetime) -> bool:
        """Whether ``at`` is in its window, both ends included."""


def verify_token(token: bytes, *, message: bytes, authority: Authority) -> datetime:
    """Check that ``authority`` stamped ``message``, and return when.

    Args:
        token: DER of a ``TimeStampResp``, as Sigstore's bundles carry it.
        message: The bytes stamped: an attestation's signature.
        authority: The one authority whose word is asked for.

    Returns:
        The token's time, UTC.

    Raises:
        TimestampFormatError: Not a token, or not of one signer.
        TimestampRejectedError: A refusal instead of a token.
        AuthorityCertificateError: The authority's chain must not issue timestamps.
        WrongAuthorityError: Signed by another certificate.
        TimestampContentError: Attributes and content disagree.
        TimestampSignatureError: The signature does not hold.
        TimestampMismatchError: A token of other bytes.
        TimestampWindowError: The authority was not valid at that time.
        TimestampAlgorithmError: Not SHA-2, or not ECDSA.

    Source: RFC 3161 §2.4.2, RFC 5652 §5.4 and §5.6, RFC 5816 §2.2.1.
    """
    chain = open_chain(tuple(authority.chain))
    # 1. granted, SignedData, TSTInfo; each of the one version there is
    signed, info = open_response(token)
    # 2. RFC 3161 §2.4.2: "MUST NOT contain any signatures other than [...] the TSA's"
    signer = _one_signer(signed)
    # 3. the signer is the authority's leaf, by name and by the hash it signed
    _check_signer(signer, chain)
    attributes = _read_attributes(signer)
    _check_signing_certificate(attributes, chain.leaf)
    # 4. the attributes are about this content
    _check_content(attributes, signer, signed.content_info.content)
    # 5. the leaf's key signed the attributes
    _check_signature(signer, chain.certificates[0])
    # 6. the leaf may stamp times, and its chain holds
    require_chain(tuple(authority.chain))
    # 7. the stamp is of this message
    _check_imprint(info, message)
    _check_extensions(info)
    # 8. the authority, and each certificate, was valid then
    at = info.gen_time.as_datetime()
    _check_window(authority, at)
    check_chain_time(chain.certificates, at)
    return at


def _one_signer(signed: SignedData) -> SignerInfo:
    signers = signed.signer_infos.as_list()
    if len(signers) != 1 or signers[0].version != 1:
        raise TimestampFormatError(
            f"expected one signer of version 1, got {len(signers)} signers"
        )
    return signers[0]


def _check_signer(signer: SignerInfo, chain: Chain) -> None:
    got = (encode(signer.sid.issuer), signer.sid.serial_number)
    if got != (chain.issuer, chain.serial):
        leaf = chain.certificates[0]
        raise WrongAuthorityError(
            f"expected a token by certificate {leaf.serial_number:x} of"
            f" {leaf.issuer.rfc4514_string()!r}, got one by"
            f" {signer.sid.serial_number:x} or of another issuer"
        )


def _read_attributes(signer: SignerInfo) -> dict[Oid, asn1.TLV]:
    held = encode(Held(element=signer.signed_attributes))
    attributes = _decode(SignedAttributes, held, "signed attributes").attributes
    found: dict[Oid, asn1.TLV] = {}
    for attribute in attributes.as_list():
        values = attribute.values.as_list()
        # RFC 5652 §5.3: "MUST NOT include multiple instances"; one value each.
        if attribute.type in found or len(values) != 1:
            raise TimestampFormatError(
                f"expected {attribute.type.dotted_string} once, with one value"
            )
        found[attribute.type] = values[0]
    return found


def _check_signing_certificate(attributes: dict[Oid, asn1.TLV], leaf: bytes) -> None:
    value = _attribute(attributes, SIGNING_CERTIFICATE_V2, SigningCertificateV2)
    if not value.certs:
        raise TimestampFormatError("expected a signing certificate, got none")
    # RFC 5035 §3: "The first certificate identified [...] MUST be the certificate used
    # to verify the signature."
    named = value.certs[0]
    algorithm = hash_of(named.hash_algorithm or _DEFAULT_HASH)
    if named.cert_hash != digest(algorithm, leaf):
        raise WrongAuthorityError(
            "expected the hash of the authority's certificate, got another hash"
        )


def _check_content(
    attributes: dict[Oid, asn1.TLV], signer: SignerInfo, content: bytes
) -> None:
    if _attribute(attributes, CONTENT_TYPE, Oid) != TST_INFO:
        raise TimestampContentError("expected the content type TSTInfo, got another")
    expected = digest(hash_of(signer.digest_algorithm), content)
    if _attribute(attributes, MESSAGE_DIGEST, bytes) != expected:
        raise TimestampContentError("expected the digest of the TSTInfo, got another")


def _check_signature(signer: SignerInfo, leaf: x509.Certificate) -> None:
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TimestampAlgorithmError(
            f"expected an authority with an ECDSA key, got {type(key).__name__}"
        )
    # RFC 5652 §5.4: signed as a SET OF, sent as [0]; only the tag differs.
    signed = _SET_OF_TAG + encode(signer.signed_attributes)[1:]
    algorithm = signature_hash_of(signer.signature_algorithm)
    try:
        key.verify(signer.signature, signed, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise TimestampSignatureError(
            "the timestamp's signature does not verify with the authority's key"
        ) from None


def _check_imprint(info: TSTInfo, message: bytes) -> None:
    imprint = info.message_imprint
    if imprint.hashed_message != digest(hash_of(imprint.hash_algorithm), message):
        raise TimestampMismatchError(
            "expected a timestamp of this signature, got one of other bytes"
        )


def _check_extensions(info: TSTInfo) -> None:
    critical = [e.oid.dotted_string for e in info.extensions or [] if e.critical]
    if critical:
        raise TimestampFormatError(
            f"expected no critical extension, got {', '.join(critical)}"
        )


def _check_window(authority: Authority, at: datetime) -> None:
    if not authority.covers(at):
        raise TimestampWindowError(
            f"expected a time in the authority's window, got {at}", at=at.isoformat()
        )


def _attribute(attributes: dict[Oid, asn1.TLV], kind: Oid, type_: type[T]) -> T:
    if kind not in attributes:
        raise TimestampFormatError(f"expected attribute {kind.dotted_string}, got none")
    return _decode(type_, encode(attributes[kind]), f"attribute {kind.dotted_string}")


def _decode(kind: type[T], der: bytes, what: str) -> T:
    return decode(kind, der, max_bytes=MAX_RESPONSE_BYTES, what=what)
