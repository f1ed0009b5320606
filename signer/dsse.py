# SPDX-License-Identifier: Apache-2.0
"""DSSE v1: the envelope, and the bytes that its signature is over.

The payload is opaque here; nobody reads it before its signature held. An envelope has
exactly one signature: m of n counts attestations, not signatures (ADR 0003).
"""

from dataclasses import dataclass
from typing import Any, Final

from keys.digest import Digest
from keys.errors import LimitExceededError
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64decode, b64encode
from signer.errors import EnvelopeFormatError
from signer.limits import MAX_SIGNATURE_BYTES, MAX_STATEMENT_BYTES

IN_TOTO: Final = "application/vnd.in-toto+json"

# Characters. Media types are short (RFC 6838 §4.2: two names of at most 127).
_MAX_TYPE_CHARS: Final = 255


def pae(payload_type: str, payload: bytes) -> bytes:
    """Encode what is signed: type and payload, each with its length in bytes.

    Source: DSSE 1.0.2 protocol.md, "Signature Definition".
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope; parsed, not verified.

    Attributes:
        payload_type: Authenticated, as part of the PAE.
        payload: The bytes that are signed, and the only ones to parse.
        keyid: Unauthenticated, a hint; may be empty.
        signature: Of the PAE.
    """

    payload_type: str
    payload: bytes
    keyid: str
    signature: bytes

    @property
    def pae(self) -> bytes:
        """The bytes that the signature is over."""
        return pae(self.payload_type, self.payload)

    @property
    def digest(self) -> Digest:
        """SHA-256 of the PAE: how logs and chains name this statement."""
        return Digest.of(self.pae)

    def require_signed_by(self, key: PublicKey) -> None:
        """Refuse an envelope that the key did not sign.

        Raises:
            SignatureInvalidError: The signature of the PAE does not verify.
        """
        key.verify(self.signature, self.pae)

    def to_json(self) -> dict[str, Any]:
        """Return the envelope as JSON carries it."""
        return {
            "payload": b64encode(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": b64encode(self.signature), "keyid": self.keyid}],
        }


def parse_envelope(fields: Fields) -> Envelope:
    """Parse a DSSE envelope with one signature.

    Stricter than DSSE envelope.md, which lets a consumer ignore unknown fields and
    read URL-safe base64: two readers must not see two envelopes.

    Raises:
        FormatError: Another shape, a second signature, or base64 out of form.
        LimitExceededError: A signature or payload larger than any of ours.
    """
    signatures = fields.objects("signatures")
    if len(signatures) != 1:
        raise EnvelopeFormatError(
            f"{fields.where}: expected exactly 1 signature, got {len(signatures)}"
        )
    (one,) = signatures
    keyid = one.text("keyid", max_chars=_MAX_TYPE_CHARS, empty=True)
    envelope = Envelope(
        payload_type=fields.text("payloadType", max_chars=_MAX_TYPE_CHARS),
        payload=_bytes(fields, "payload", MAX_STATEMENT_BYTES),
        keyid=keyid,
        signature=_bytes(one, "sig", MAX_SIGNATURE_BYTES),
    )
    one.done()
    fields.done()
    return envelope


def _bytes(fields: Fields, name: str, max_bytes: int) -> bytes:
    where = f"{fields.where}.{name}"
    # Base64 makes four characters of three bytes.
    text = fields.text(name, max_chars=4 * max_bytes)
    data = b64decode(text, what=where)
    if len(data) > max_bytes:
        raise LimitExceededError(
            f"{where}: expected at most {max_bytes} bytes, got {len(data)}"
        )
    return data
