# SPDX-License-Identifier: Apache-2.0
"""Verify an RFC 3161 token against one trusted authority; the steps are numbered.

Not checked, because nothing here depends on it: the serial number's uniqueness, the
accuracy, the policy OID, the nonce (the client compared it when it asked), and the
certificates and unsigned attributes that the token carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes

from signer.timestamp.algorithms import SHA256, digest, hash_of
from signer.timestamp.asn1 import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
    AlgorithmIdentifier,
    Held,
    Oid,
    SignedAttributes,
    SignedData,
    SignerInfo,
    SigningCertificate,
    SigningCertificateV2,
    T,
    TSTInfo,
    decode,
    encode,
    parse,
)
from signer.timestamp.chain import (
    Chain,
    open_chain,
    require_chain,
)
from signer.timestamp.errors import (
    TimestampContentError,
    TimestampFormatError,
    TimestampMismatchError,
    TimestampWindowError,
    WrongAuthorityError,
)
from signer.timestamp.limits import MAX_RESPONSE_BYTES
from signer.timestamp.request import open_response
from signer.timestamp.schemes import require_signed

_SET_OF_TAG = b"\x31"
# RFC 5035 §4: "hashAlgorithm AlgorithmIdentifier DEFAULT {algorithm id-sha256}".
_DEFAULT_HASH = AlgorithmIdentifier(algorithm=SHA256)
# RFC 2634 §5.4.1 has no other. It says which certificate is meant; what verifies the
# signature is the trusted root's, so a collision would give an attacker nothing.
_SHA1 = hashes.SHA1()  # noqa: S303


@dataclass(frozen=True, slots=True)
class Token:
    """A token as parsed; nothing is verified.

    Attributes:
        signer: Who signed, and how.
        issuer: The name of who issued the signer's certificate, DER.
        attributes: What was signed.
        content: The ``TSTInfo``, DER.
        info: The same, parsed.
        embedded: The certificates that it carries, DER; nobody uses them.
    """

    signer: SignerInfo
    issuer: bytes
    attributes: dict[Oid, asn1.TLV]
    content: bytes
    info: TSTInfo
    embedded: tuple[bytes, ...]


class Authority(Protocol):
    """What must be known of an authority; a ``TimestampAuthority`` is one."""

    @property
    def chain(self) -> Sequence[bytes]:
        """Its certificates, DER, leaf first and root last."""

    def covers(self, at: datetime) -> bool:
        """Whether ``at`` is in its window, both ends included."""


def read_token(token: bytes) -> Token:
    """Parse a token, to ask of several authorities whose it is.

    Args:
        token: DER of a ``TimeStampResp``, as Sigstore's bundles carry it.

    Raises:
        TimestampFormatError: Not a token, or not of one signer.
        TimestampRejectedError: A refusal instead of a token.
        LimitExceededError: Longer than any.
    """
    # 1. granted, SignedData, TSTInfo; each of the one version there is
    signed, info = open_response(token)
    # 2. RFC 3161 §2.4.2: "MUST NOT contain any signatures other than [...] the TSA's"
    signer = _one_signer(signed)
    content = signed.content_info.content
    issuer = encode(signer.sid.issuer)
    embedded = tuple([encode(one) for one in signed.certificates or []])
    attributes = _read_attributes(signer)
    return Token(signer, issuer, attributes, content, info, embedded)


def verify_token(
    token: bytes | Token, *, message: bytes, authority: Authority
) -> datetime:
    """Check that ``authority`` stamped ``message``, and return when.

    Args:
        token: The token, or its bytes as ``read_token`` takes them.
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
        TimestampAlgorithmError: Not SHA-2, or neither ECDSA nor RSA.

    Source: RFC 3161 §2.4.2, RFC 5652 §5.4 and §5.6, RFC 5816 §2.2.1.
    """
    found = token if isinstance(token, Token) else read_token(token)
    chain = open_chain(tuple(authority.chain))
    # 3. the signer is the authority's leaf, by name and by the hash it signed
    _check_signer(found, chain)
    _check_signing_certificate(found.attributes, chain.leaf)
    # 4. the attributes are about this content
    _check_content(found)
    # 5. the leaf's key signed the attributes; RFC 5652 §5.4: signed as a SET OF, sent
    # as [0], and only the tag differs
    signed = _SET_OF_TAG + encode(found.signer.signed_attributes)[1:]
    require_signed(found.signer, signed, chain.key)
    # 6. the leaf may stamp times, and its chain holds
    require_chain(tuple(authority.chain))
    # 7. the stamp is of this message
    _check_imprint(found.info, message)
    _check_extensions(found.info)
    # 8. the authority, and each certificate, was valid then
    at = found.info.gen_time.as_datetime()
    _check_window(authority, at)
    chain.require_valid(at)
    return at


def _one_signer(signed: SignedData) -> SignerInfo:
    signers = signed.signer_infos.as_list()
    if len(signers) != 1 or signers[0].version != 1:
        raise TimestampFormatError(
            f"expected one signer of version 1, got {len(signers)} signers"
        )
    return signers[0]


def _check_signer(token: Token, chain: Chain) -> None:
    serial = token.signer.sid.serial_number
    if (token.issuer, serial) != (chain.issuer, chain.serial):
        leaf = chain.certificates[0]
        raise WrongAuthorityError(
            f"expected a token by certificate {leaf.serial_number:x} of"
            f" {leaf.issuer.rfc4514_string()!r}, got one by"
            f" {serial:x} or of another issuer"
        )


def _read_attributes(signer: SignerInfo) -> dict[Oid, asn1.TLV]:
    held = encode(Held(element=signer.signed_attributes))
    attributes = decode(
        SignedAttributes, held, max_bytes=MAX_RESPONSE_BYTES, what="signed attributes"
    ).attributes
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
    """Compare the hash of the certificate, in the newer form, the older one, or both.

    Source: RFC 5816 §2.2.1: ESSCertIDv2 "MUST be used" for hashes other than SHA-1, and
    RFC 3161 §2.4.2 wants an ESSCertID, in which SHA-1 is fixed. RFC 5035 §3: "The first
    certificate identified [...] MUST be the certificate used to verify the signature."
    """
    said = []
    if SIGNING_CERTIFICATE_V2 in attributes:
        newer = _attribute(attributes, SIGNING_CERTIFICATE_V2, SigningCertificateV2)
        for named in newer.certs[:1]:
            algorithm = hash_of(named.hash_algorithm or _DEFAULT_HASH)
            said.append(named.cert_hash == digest(algorithm, leaf))
    if SIGNING_CERTIFICATE in attributes or not said:
        older = _attribute(attributes, SIGNING_CERTIFICATE, SigningCertificate)
        said += [one.cert_hash == digest(_SHA1, leaf) for one in older.certs[:1]]
    if not said:
        raise TimestampFormatError("expected a signing certificate, got none")
    if not all(said):
        raise WrongAuthorityError(
            "expected the hash of the authority's certificate, got another hash"
        )


def _check_content(token: Token) -> None:
    attributes = token.attributes
    if _attribute(attributes, CONTENT_TYPE, Oid) != TST_INFO:
        raise TimestampContentError("expected the content type TSTInfo, got another")
    expected = digest(hash_of(token.signer.digest_algorithm), token.content)
    if _attribute(attributes, MESSAGE_DIGEST, bytes) != expected:
        raise TimestampContentError("expected the digest of the TSTInfo, got another")


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
    return parse(type_, attributes[kind], what=f"attribute {kind.dotted_string}")
