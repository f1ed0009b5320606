# SPDX-License-Identifier: Apache-2.0
"""RFC 3161 and the part of CMS (RFC 5652) that it uses, declared; strict DER both ways.

The decoder is cryptography's, in Rust: it refuses indefinite and long lengths, unsorted
sets, encoded defaults and trailing bytes, so decoding and encoding again gives the same
bytes. Where a signature covers an element it is kept as a ``TLV``, bytes as they came.
What is never read (embedded certificates, unsigned attributes) is declared, no more.
"""

from typing import Annotated, Any, Final, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1

from keys.errors import LimitExceededError
from signer.timestamp.errors import TimestampFormatError

Oid = x509.ObjectIdentifier
T = TypeVar("T")

SIGNED_DATA: Final = Oid("1.2.840.113549.1.7.2")  # RFC 5652 §5.1
TST_INFO: Final = Oid("1.2.840.113549.1.9.16.1.4")  # RFC 3161 §2.4.2
CONTENT_TYPE: Final = Oid("1.2.840.113549.1.9.3")  # RFC 5652 §11.1
MESSAGE_DIGEST: Final = Oid("1.2.840.113549.1.9.4")  # RFC 5652 §11.2
SIGNING_CERTIFICATE: Final = Oid("1.2.840.113549.1.9.16.2.12")  # RFC 2634 §5.4
SIGNING_CERTIFICATE_V2: Final = Oid("1.2.840.113549.1.9.16.2.47")  # RFC 5035 §3

# RFC 3161 §2.4.2, PKIStatus and PKIFailureInfo (bit numbers).
GRANTED: Final = 0
REJECTION: Final = 2


@asn1.sequence
class AlgorithmIdentifier:
    """RFC 5280 §4.1.1.2; the hashes that we read have no parameters, or NULL."""

    algorithm: Oid
    parameters: asn1.Null | None = None


@asn1.sequence
class MaskAlgorithm:
    """RFC 8017 A.2.3: the mask generation function, and its hash."""

    algorithm: Oid
    parameters: AlgorithmIdentifier


@asn1.sequence
class PssParameters:
    """RFC 8017 A.2.3; what is left out is SHA-1."""

    hash_algorithm: Annotated[AlgorithmIdentifier | None, asn1.Explicit(0)]
    mask_algorithm: Annotated[MaskAlgorithm | None, asn1.Explicit(1)]
    salt_length: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class SignatureAlgorithm:
    """The same for signatures, of which RSASSA-PSS has parameters."""

    algorithm: Oid
    parameters: asn1.Null | PssParameters | None = None


@asn1.sequence
class MessageImprint:
    """RFC 3161 §2.4.1: what was stamped, hashed."""

    hash_algorithm: AlgorithmIdentifier
    hashed_message: bytes


@asn1.sequence
class Extension:
    """RFC 5280 §4.1."""

    oid: Oid
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class TimeStampReq:
    """RFC 3161 §2.4.1."""

    version: int
    message_imprint: MessageImprint
    policy: Oid | None
    nonce: int | None
    cert_req: Annotated[bool, asn1.Default(value=False)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(0)]


@asn1.sequence
class Accuracy:
    """RFC 3161 §2.4.2."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class TSTInfo:
    """RFC 3161 §2.4.2: what the authority says.

    ``tsa`` is an explicitly tagged GeneralName; declared as a set of one element, which
    has the same encoding, because it is not read.
    """

    version: int
    policy: Oid
    message_imprint: MessageImprint
    serial_number: int
    gen_time: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: Annotated[bool, asn1.Default(value=False)]
    nonce: int | None
    tsa: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    extensions: Annotated[list[Extension] | None, asn1.Implicit(1)]


@asn1.sequence
class Attribute:
    """RFC 5652 §5.3."""

    type: Oid
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class SignedAttributes:
    """Holds the attributes of a ``SignerInfo``, to read them one by one."""

    attributes: Annotated[asn1.SetOf[Attribute], asn1.Implicit(0)]


@asn1.sequence
class Held:
    """Holds any one element."""

    element: asn1.TLV


@asn1.sequence
class IssuerAndSerialNumber:
    """RFC 5652 §10.2.4. The name stays DER: reading one warns of what it holds."""

    issuer: asn1.TLV
    serial_number: int


@asn1.sequence
class SignerInfo:
    """RFC 5652 §5.3, with the signed attributes that RFC 3161 makes obligatory."""

    version: int
    sid: IssuerAndSerialNumber
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: asn1.TLV
    signature_algorithm: SignatureAlgorithm
    signature: bytes
    unsigned_attributes: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class EncapsulatedContentInfo:
    """RFC 5652 §5.2; ``content`` is the DER of a ``TSTInfo``."""

    content_type: Oid
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """RFC 5652 §5.1; some authorities send certificates unsorted.

    DER is demanded of what is signed, and under a tag a list has a set's encoding.
    """

    version: int
    digest_algorithms: asn1.SetOf[AlgorithmIdentifier]
    content_info: EncapsulatedContentInfo
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    crls: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signer_infos: asn1.SetOf[SignerInfo]


@asn1.sequence
class ContentInfo:
    """RFC 5652 §3."""

    content_type: Oid
    content: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class PKIStatusInfo:
    """RFC 3161 §2.4.2."""

    status: int
    status_string: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class TimeStampResp:
    """RFC 3161 §2.4.2: what Sigstore's bundles carry as ``signedTimestamp``."""

    status: PKIStatusInfo
    token: ContentInfo | None


@asn1.sequence
class IssuerSerial:
    """RFC 5035 §5; not read."""

    issuer: list[asn1.TLV]
    serial_number: int


@asn1.sequence
class ESSCertID:
    """RFC 2634 §5.4.1: the hash is SHA-1."""

    cert_hash: bytes
    issuer_serial: IssuerSerial | None


@asn1.sequence
class SigningCertificate:
    """RFC 2634 §5.4."""

    certs: list[ESSCertID]
    policies: list[asn1.TLV] | None


@asn1.sequence
class ESSCertIDv2:
    """RFC 5035 §4; no algorithm means SHA-256. The hash binds issuer and serial too."""

    hash_algorithm: AlgorithmIdentifier | None
    cert_hash: bytes
    issuer_serial: IssuerSerial | None


@asn1.sequence
class SigningCertificateV2:
    """RFC 5035 §3."""

    certs: list[ESSCertIDv2]
    policies: list[asn1.TLV] | None


def decode(kind: type[T], der: bytes, *, max_bytes: int, what: str) -> T:
    """Decode strict DER.

    Raises:
        LimitExceededError: More than ``max_bytes``.
        TimestampFormatError: Not DER of that type.
    """
    if len(der) > max_bytes:
        raise LimitExceededError(
            f"{what}: expected at most {max_bytes} bytes, got {len(der)}"
        )
    try:
        return asn1.decode_der(kind, der)
    except (ValueError, TypeError, OverflowError) as error:
        raise TimestampFormatError(f"{what}: expected DER, got {error}") from error


def parse(kind: type[T], element: asn1.TLV, *, what: str) -> T:
    """Decode an element that was decoded as any.

    Raises:
        TimestampFormatError: Not of that type.
    """
    try:
        found: T = element.parse(kind)
    except (ValueError, TypeError, OverflowError) as error:
        raise TimestampFormatError(f"{what}: expected DER, got {error}") from error
    return found


def encode(value: Any) -> bytes:
    """Encode DER."""
    return asn1.encode_der(value)
