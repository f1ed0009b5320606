# SPDX-License-Identifier: Apache-2.0
"""The authority's side of RFC 3161: one request in, one response out, never an error.

A request that cannot be granted gets a rejection with its reason; the caller chooses
time and serial number, so this function is as pure as its key.
"""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from keys.errors import FormatError
from keys.signing import SigningKey
from signer.timestamp.algorithms import ECDSA_SHA256, SHA256, digest, hash_of
from signer.timestamp.asn1 import (
    CONTENT_TYPE,
    GRANTED,
    MESSAGE_DIGEST,
    REJECTION,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
    AlgorithmIdentifier,
    Attribute,
    ContentInfo,
    EncapsulatedContentInfo,
    ESSCertIDv2,
    IssuerAndSerialNumber,
    Oid,
    PKIStatusInfo,
    SignatureAlgorithm,
    SignedData,
    SignerInfo,
    SigningCertificateV2,
    TimeStampReq,
    TimeStampResp,
    TSTInfo,
    decode,
    encode,
)
from signer.timestamp.errors import TimestampAlgorithmError
from signer.timestamp.limits import MAX_REQUEST_BYTES

# RFC 3161 §2.4.2, PKIFailureInfo: the numbers of its bits.
BAD_ALGORITHM: Final = 0
BAD_REQUEST: Final = 2
BAD_DATA_FORMAT: Final = 5
TIME_NOT_AVAILABLE: Final = 14
UNACCEPTED_POLICY: Final = 15
UNACCEPTED_EXTENSION: Final = 16

_SHA256: Final = AlgorithmIdentifier(algorithm=SHA256)
_ECDSA: Final = SignatureAlgorithm(algorithm=ECDSA_SHA256)


class _RejectedError(Exception):
    """Carries a reason from a check to the response."""

    def __init__(self, failure: int, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


def issue_token(
    request: bytes,
    *,
    key: SigningKey,
    certificate: bytes,
    at: datetime,
    serial: int,
    policy: str,
) -> bytes:
    """Answer a timestamp request.

    Args:
        request: DER of a ``TimeStampReq``, untrusted.
        key: The authority's key, ECDSA P-256.
        certificate: Its leaf certificate, DER.
        at: The time to stamp.
        serial: Of the token; never used twice.
        policy: The dotted OID under which tokens are issued.

    Returns:
        DER of a ``TimeStampResp``, granted or rejected.

    Raises:
        KeyProviderError: The key cannot be used now.
    """
    leaf = x509.load_der_x509_certificate(certificate)
    try:
        asked = _check_request(request, policy=Oid(policy))
        _check_time(leaf, at)
    except _RejectedError as rejected:
        return reject(rejected.failure, rejected.reason)
    info = TSTInfo(
        version=1,
        policy=Oid(policy),
        message_imprint=asked.message_imprint,
        serial_number=serial,
        gen_time=asn1.GeneralizedTime(at.replace(microsecond=0)),
        accuracy=None,
        ordering=False,
        nonce=asked.nonce,
        tsa=None,
        extensions=None,
    )
    return _respond(encode(info), key=key, leaf=leaf, embed=asked.cert_req)


def reject(failure: int, reason: str) -> bytes:
    """Return the DER of a rejection.

    Args:
        failure: The number of a bit of PKIFailureInfo.
        reason: For people.
    """
    # X.690 §11.2.2: a named bit list ends with its last one bit.
    bits = bytes(failure // 8) + bytes([0x80 >> failure % 8])
    status = PKIStatusInfo(
        status=REJECTION,
        status_string=[reason],
        fail_info=asn1.BitString(bits, 7 - failure % 8),
    )
    return encode(TimeStampResp(status=status, token=None))


def _check_request(request: bytes, *, policy: Oid) -> TimeStampReq:
    try:
        asked = decode(
            TimeStampReq, request, max_bytes=MAX_REQUEST_BYTES, what="timestamp request"
        )
    except FormatError as error:
        raise _RejectedError(BAD_DATA_FORMAT, error.message) from error
    if asked.version != 1:
        raise _RejectedError(BAD_REQUEST, "expected version 1, got another")
    imprint = asked.message_imprint
    try:
        algorithm = hash_of(imprint.hash_algorithm)
    except TimestampAlgorithmError as error:
        raise _RejectedError(BAD_ALGORITHM, error.message) from error
    if len(imprint.hashed_message) != algorithm.digest_size:
        raise _RejectedError(
            BAD_DATA_FORMAT, f"expected a hash of {algorithm.digest_size} bytes"
        )
    if asked.policy not in (None, policy):
        raise _RejectedError(
            UNACCEPTED_POLICY, f"expected policy {policy.dotted_string} or none"
        )
    if asked.extensions:
        raise _RejectedError(UNACCEPTED_EXTENSION, "expected no extensions")
    return asked


def _check_time(leaf: x509.Certificate, at: datetime) -> None:
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        raise _RejectedError(TIME_NOT_AVAILABLE, "the authority is not valid now")


def _respond(
    content: bytes, *, key: SigningKey, leaf: x509.Certificate, embed: bool
) -> bytes:
    der = leaf.public_bytes(Encoding.DER)
    attributes = encode(_attributes(content, der))
    signer = SignerInfo(
        version=1,
        sid=IssuerAndSerialNumber(
            issuer=_element(leaf.issuer.public_bytes()),
            serial_number=leaf.serial_number,
        ),
        digest_algorithm=_SHA256,
        # RFC 5652 §5.4: signed as a SET OF (0x31), sent as [0].
        signed_attributes=_element(b"\xa0" + attributes[1:]),
        signature_algorithm=_ECDSA,
        signature=key.sign(attributes),
        unsigned_attributes=None,
    )
    signed = SignedData(
        version=3,
        digest_algorithms=asn1.SetOf([_SHA256]),
        content_info=EncapsulatedContentInfo(content_type=TST_INFO, content=content),
        # RFC 3161 §2.4.1: with certReq absent or false, no certificates.
        certificates=[_element(der)] if embed else None,
        crls=None,
        signer_infos=asn1.SetOf([signer]),
    )
    token = ContentInfo(content_type=SIGNED_DATA, content=_element(encode(signed)))
    status = PKIStatusInfo(status=GRANTED, status_string=None, fail_info=None)
    return encode(TimeStampResp(status=status, token=token))


def _attributes(content: bytes, certificate: bytes) -> asn1.SetOf[Attribute]:
    named = ESSCertIDv2(
        hash_algorithm=None,
        cert_hash=digest(hashes.SHA256(), certificate),
        issuer_serial=None,
    )
    values = {
        CONTENT_TYPE: encode(TST_INFO),
        MESSAGE_DIGEST: encode(digest(hashes.SHA256(), content)),
        SIGNING_CERTIFICATE_V2: encode(
            SigningCertificateV2(certs=[named], policies=None)
        ),
    }
    return asn1.SetOf(
        [
            Attribute(type=kind, values=asn1.SetOf([_element(der)]))
            for kind, der in values.items()
        ]
    )


def _element(der: bytes) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, der)
