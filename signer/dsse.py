# SPDX-License-Identifier: Apache-2.0
"""DSSE v1: the envelope, and the bytes that its signature is over.

The payload is opaque here; nobody reads it before its signature held. An envelope has
exactly one signature: m of n counts attestations, not signatures (ADR 0003).
"""

from dataclasses import dataclass
from typing import Any, Final

from keys.digest import Digest
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64encode
from signer.errors import EnvelopeFormatError
from signer.limits import (
    MAX_PAYLOAD_TYPE_CHARS,
    MAX_SIGNATURE_BYTES,
    MAX_STATEMENT_BYTES,
)

IN_TOTO: Final = "application/vnd.in-toto+json"


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


def parse_envelope(fields: Fields, *, names_key: bool = True) -> Envelope:
    """Parse a DSSE envelope with one signature.

    Args:
        fields: The envelope.
        names_key: Whether it must have a ``keyid``, if only an empty one.

    Stricter than DSSE envelope.md, which lets a consumer ignore unknown fields and
    read URL-safe base64: two readers must not see two envelopes.

    Raises:
        FormatError: Another shape, a second signature, base64 out of form, or a
            signature or payload larger than any of ours.
    """
    signatures = fields.objects("signatures")
    if len(signatures) != 1:
        raise EnvelopeFormatError(
            f"{fields.where}: expected exactly 1 signature, got {len(signatures)}"
        )
    (one,) = signatures
    keyid = ""
    if names_key or (one.has("keyid") and not one.is_null("keyid")):
        keyid = one.text("keyid", max_chars=MAX_PAYLOAD_TYPE_CHARS, empty=True)
    envelope = Envelope(
        payload_type=fields.text("payloadType", max_chars=MAX_PAYLOAD_TYPE_CHARS),
        payload=fields.base64("payload", max_bytes=MAX_STATEMENT_BYTES),
        keyid=keyid,
        signature=one.base64("sig", max_bytes=MAX_SIGNATURE_BYTES),
    )
    one.done()
    fields.done()
    return envelope
