# SPDX-License-Identifier: Apache-2.0
"""The client's side of RFC 3161: what is asked, and whether it was answered.

Nothing is verified here but that the answer belongs to the question; the token stands
or falls with ``signer.timestamp.token.verify_token``.
"""

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes

from signer.timestamp.algorithms import SHA256, digest
from signer.timestamp.asn1 import (
    GRANTED,
    SIGNED_DATA,
    TST_INFO,
    AlgorithmIdentifier,
    MessageImprint,
    SignedData,
    T,
    TimeStampReq,
    TimeStampResp,
    TSTInfo,
    decode,
    encode,
    parse,
)
from signer.timestamp.errors import (
    TimestampFormatError,
    TimestampNonceError,
    TimestampRejectedError,
)
from signer.timestamp.limits import MAX_RESPONSE_BYTES

_SIGNED_DATA_VERSION = 3  # RFC 5652 §5.1: content other than id-data
_TST_VERSION = 1
_STATUSES = range(6)  # RFC 3161 §2.4.2, PKIStatus


def build_request(message: bytes, *, nonce: int) -> bytes:
    """Ask for a timestamp of ``message``, with the authority's certificate.

    Args:
        message: The bytes, hashed here; for attestations the signature.
        nonce: Random, 64 bits; the answer must repeat it.
    """
    imprint = MessageImprint(
        hash_algorithm=AlgorithmIdentifier(algorithm=SHA256, parameters=asn1.Null()),
        hashed_message=digest(hashes.SHA256(), message),
    )
    return encode(
        TimeStampReq(
            version=1,
            message_imprint=imprint,
            policy=None,
            nonce=nonce,
            cert_req=True,
            extensions=None,
        )
    )


def parse_response(response: bytes, *, nonce: int) -> bytes:
    """Return the response, which is what an attestation carries, if it is an answer.

    Raises:
        FormatError: Not a response, or too long.
        TimestampRejectedError: The authority refused.
        TimestampNonceError: The answer to another request.
    """
    _, info = open_response(response)
    if info.nonce != nonce:
        raise TimestampNonceError(f"expected nonce {nonce:x}, got another or none")
    return response


def open_response(response: bytes) -> tuple[SignedData, TSTInfo]:
    """Parse down to the ``TSTInfo``; nothing is verified.

    Raises:
        FormatError: Not a response, or too long.
        TimestampRejectedError: The authority refused.
    """
    parsed = _decode(TimeStampResp, response, "timestamp response")
    status = parsed.status
    if status.status not in _STATUSES:
        raise TimestampFormatError("timestamp response: expected a status from 0 to 5")
    # RFC 3161 §2.4.2 allows 1, granted with modifications; we ask for none to be made.
    if status.status != GRANTED or parsed.token is None:
        said = ", ".join(status.status_string or [])
        raise TimestampRejectedError(
            f"expected a granted timestamp, got status {status.status} {said[:200]!r}",
            status=status.status,
        )
    _expect(parsed.token.content_type, SIGNED_DATA, "content type")
    signed = parse(SignedData, parsed.token.content, what="timestamp token")
    _expect(signed.version, _SIGNED_DATA_VERSION, "SignedData version")
    _expect(signed.content_info.content_type, TST_INFO, "encapsulated content type")
    info = _decode(TSTInfo, signed.content_info.content, "TSTInfo")
    _expect(info.version, _TST_VERSION, "TSTInfo version")
    return signed, info


def _decode(kind: type[T], der: bytes, what: str) -> T:
    return decode(kind, der, max_bytes=MAX_RESPONSE_BYTES, what=what)


def _expect(got: object, expected: object, what: str) -> None:
    if got != expected:
        # Not shown: an integer of DER can be too long for Python to write.
        raise TimestampFormatError(f"{what}: expected {expected}, got another")
