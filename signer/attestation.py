# SPDX-License-Identifier: Apache-2.0
"""An attestation: one signature and its material, as a Sigstore bundle v0.3.

Keyed: the material names the key by a hint, the SHA-256 of its SubjectPublicKeyInfo.
Keyless: it carries the certificate of a key that lived for minutes.
Parsing promises nothing; ``signer.verify`` does. The bytes as they came are kept, so
that what was verified is what is stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from keys.digest import Digest
from keys.errors import LimitExceededError
from keys.fields import Fields
from keys.public import ECDSA_P256, PublicKey
from keys.strict import b64decode, b64encode, dumps_json, loads_json
from signer.certificate.leaf import Leaf, parse_leaf
from signer.dsse import Envelope, parse_envelope
from signer.errors import AttestationFormatError
from signer.limits import (
    MAX_ATTESTATION_BYTES,
    MAX_ATTESTATIONS,
    MAX_JSONL_BYTES,
    MAX_LOG_ENTRIES,
    MAX_TIMESTAMPS,
    MAX_TOKEN_BYTES,
)
from signer.material import read_certificate
from signer.signed import Signed
from signer.tlog.entry import LogEntry

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
_HINT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Attestation:
    """A parsed attestation, not verified.

    Attributes:
        raw: The bytes that were parsed.
        envelope: Statement and signature.
        hint: Base64 of SHA-256 of the signer's SPKI: selects a key, never supplies one;
            keyless, of the certificate's.
        timestamps: RFC 3161 responses over the signature, DER.
        entries: Log entries.
        leaf: The signer's certificate, if a certificate came and not a hint.
    """

    raw: bytes
    envelope: Envelope
    hint: str
    timestamps: tuple[bytes, ...]
    entries: tuple[LogEntry, ...]
    leaf: Leaf | None = None

    @property
    def digest(self) -> Digest:
        """SHA-256 of the PAE: how logs and chains name it."""
        return self.envelope.digest

    @property
    def signed(self) -> Signed:
        """The signature and what it is over."""
        message = self.envelope.pae
        return Signed(
            self.envelope.signature,
            Digest.of(message),
            message,
            self.envelope.payload,
        )

    @property
    def key_id(self) -> str:
        """The hint as 64 hex digits."""
        return b64decode(self.hint, what="hint").hex()


def parse_attestation(raw: bytes) -> Attestation:
    """Parse a Sigstore bundle v0.3 over a statement.

    Raises:
        FormatError: Another media type or shape, a key and a certificate, a certificate
            that is none or of a key other than ECDSA P-256, more than one signature,
            unknown fields, or a ``keyid`` that contradicts the hint.
        CertificateProfileError: A certificate that must not sign.
        LimitExceededError: Larger or more than a bound.

    Source: sigstore protobuf-specs, sigstore_bundle.proto, bundle v0.3.
    """
    value = loads_json(raw, max_bytes=MAX_ATTESTATION_BYTES, what="attestation")
    fields = Fields(value, "attestation")
    fields.constant("mediaType", MEDIA_TYPE)
    material = fields.object("verificationMaterial")
    leaf = _leaf(material) if material.has("certificate") else None
    hint = leaf.key.hint if leaf else _hint(material.object("publicKey"))
    timestamps = _timestamps(material)
    entries = _entries(material)
    material.done()
    # Sigstore's clients name no key beside a certificate.
    envelope = parse_envelope(fields.object("dsseEnvelope"), names_key=leaf is None)
    fields.done()
    # Two names for one key are one name, or two readers pick two keys.
    if envelope.keyid not in ("", hint):
        raise AttestationFormatError(
            f"attestation: expected keyid {hint}, got {envelope.keyid[:64]!r}"
        )
    return Attestation(raw, envelope, hint, timestamps, entries, leaf)


def build_attestation(
    *,
    envelope: Envelope,
    key: PublicKey,
    timestamps: Sequence[bytes] = (),
    entries: Sequence[LogEntry] = (),
    certificate: bytes | None = None,
) -> bytes:
    """Build an attestation; one and the same input gives one and the same bytes.

    Args:
        envelope: The signed statement.
        key: Who signed.
        timestamps: RFC 3161 responses over the signature, DER.
        entries: Log entries.
        certificate: The certificate that carries the key, DER, if it is keyless.
    """
    signer: dict[str, Any] = {"publicKey": {"hint": key.hint}}
    if certificate is not None:
        signer = {"certificate": {"rawBytes": b64encode(certificate)}}
    tokens = [{"signedTimestamp": b64encode(token)} for token in timestamps]
    material = {
        **signer,
        "tlogEntries": [entry.to_json() for entry in entries],
        "timestampVerificationData": {"rfc3161Timestamps": tokens},
    }
    return dumps_json(
        {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": envelope.to_json(),
        }
    )


def with_entry(attestation: Attestation, entry: LogEntry) -> bytes:
    """Return the attestation with its log entry, which it had none of.

    Raises:
        AttestationFormatError: It has one already.
    """
    if attestation.entries:
        raise AttestationFormatError("attestation: expected no log entry yet, got one")
    value = loads_json(attestation.raw, max_bytes=MAX_ATTESTATION_BYTES)
    value["verificationMaterial"]["tlogEntries"] = [entry.to_json()]
    return dumps_json(value)


def without_entries(attestation: Attestation) -> bytes:
    """Return the attestation as it was before it was logged."""
    value = loads_json(attestation.raw, max_bytes=MAX_ATTESTATION_BYTES)
    value["verificationMaterial"]["tlogEntries"] = []
    return dumps_json(value)


def parse_jsonl(data: bytes) -> tuple[bytes, ...]:
    """Split an attestations file into attestations, unparsed.

    Raises:
        LimitExceededError: Too large, or too many lines.
        AttestationFormatError: An empty line, or no newline at the end.
    """
    if len(data) > MAX_JSONL_BYTES or data.count(b"\n") > MAX_ATTESTATIONS:
        raise LimitExceededError(
            f"attestations: expected at most {MAX_ATTESTATIONS} lines in "
            f"{MAX_JSONL_BYTES} bytes, got more"
        )
    if not data:
        return ()
    *lines, rest = data.split(b"\n")
    if rest or not all(lines):
        raise AttestationFormatError(
            "attestations: expected full lines, each ended by a newline, got another"
        )
    return tuple(lines)


def join_jsonl(attestations: Iterable[bytes]) -> bytes:
    """Join attestations into one file, one per line.

    Raises:
        AttestationFormatError: One holds a newline, or nothing.
    """
    lines = tuple(attestations)
    if not all(line and b"\n" not in line for line in lines):
        raise AttestationFormatError(
            "attestations: expected each on one line, got a newline or nothing"
        )
    return b"".join(line + b"\n" for line in lines)


def _leaf(material: Fields) -> Leaf:
    if material.has("publicKey"):
        raise AttestationFormatError(
            "attestation: expected a key or a certificate, got both"
        )
    leaf = parse_leaf(read_certificate(material.object("certificate")))
    if leaf.key.details != ECDSA_P256:
        raise AttestationFormatError(
            f"attestation: expected a certificate of an ECDSA P-256 key, "
            f"got one of {leaf.key.details}"
        )
    return leaf


def _hint(key: Fields) -> str:
    hint = key.base64("hint", max_bytes=_HINT_BYTES)
    key.done()
    if len(hint) != _HINT_BYTES:
        raise AttestationFormatError(
            f"attestation: expected a hint of {_HINT_BYTES} bytes, got {len(hint)}"
        )
    return b64encode(hint)


# protobuf's JSON leaves out what is empty: absent and empty are the same list.


def _timestamps(material: Fields) -> tuple[bytes, ...]:
    if not material.has("timestampVerificationData"):
        return ()
    data = material.object("timestampVerificationData")
    found: list[Fields] = []
    if data.has("rfc3161Timestamps"):
        found = data.objects("rfc3161Timestamps", max_items=MAX_TIMESTAMPS)
    data.done()
    return tuple(_token(one) for one in found)


def _token(fields: Fields) -> bytes:
    token = fields.base64("signedTimestamp", max_bytes=MAX_TOKEN_BYTES)
    fields.done()
    return token


def _entries(material: Fields) -> tuple[LogEntry, ...]:
    if not material.has("tlogEntries"):
        return ()
    found: list[Any] = material.objects("tlogEntries", max_items=MAX_LOG_ENTRIES)
    return tuple(LogEntry.parse(entry) for entry in found)
