# SPDX-License-Identifier: Apache-2.0
"""C2SP signed notes: text, a blank line, and signatures by named keys.

The text means nothing until ``verify_note`` has returned. Signatures of unknown keys
are carried and ignored: that is how a witness's cosignature travels in a checkpoint.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from keys.errors import LimitExceededError, SignatureInvalidError, TrustacksError
from keys.public import ED25519, PublicKey
from keys.signing import SigningKey
from keys.strict import b64decode, b64encode
from signer.tlog.errors import CheckpointSignatureError, NoteFormatError
from signer.tlog.limits import MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES

_KEY_HASH_BYTES: Final = 4
_ED25519_TYPE: Final = b"\x01"
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f]")
_SIGNATURE_LINE: Final = re.compile("\N{EM DASH} ([^ ]+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: The key's name.
        key_hash: 4 bytes that, with the name, say which key.
        signature: The signature itself.
    """

    name: str
    key_hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A parsed note, not yet trusted.

    Attributes:
        text: What was signed, its last newline included.
        signatures: At least one.
    """

    text: str
    signatures: tuple[NoteSignature, ...]


def full_key_hash(name: str, key: PublicKey) -> bytes:
    """Return the 32 bytes whose first four are the key's id in a note.

    Sigstore's ``logId.keyId`` is this value, whole.

    Source: C2SP signed-note, "Signature types": Ed25519 hashes name and key; for
    ECDSA "the key ID [...] is the truncated SHA-256 hash of the DER encoded public
    key in SPKI format".
    """
    if key.details != ED25519:
        return hashlib.sha256(key.spki).digest()
    return hashlib.sha256(name.encode() + b"\n" + _ED25519_TYPE + key.raw).digest()


def parse_note(raw: bytes) -> SignedNote:
    """Parse a signed note.

    Raises:
        NoteFormatError: Not a note.
        LimitExceededError: More than 131,072 bytes or 32 signatures.

    Source: C2SP signed-note, "Format".
    """
    if len(raw) > MAX_NOTE_BYTES:
        raise LimitExceededError(
            f"note: expected at most {MAX_NOTE_BYTES} bytes, got {len(raw)}"
        )
    try:
        note = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteFormatError(
            f"note: expected UTF-8, got byte {error.start}"
        ) from error
    if found := _CONTROL.search(note):
        raise NoteFormatError(
            f"note: expected no control characters, got {found.group()!r}"
        )
    # "the text is separated from the signatures by the last empty line in the note"
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise NoteFormatError("note: expected text, a blank line and signature lines")
    signatures = lines[:-1].split("\n")
    if len(signatures) > MAX_NOTE_SIGNATURES:
        raise LimitExceededError(
            f"note: expected at most {MAX_NOTE_SIGNATURES} signatures,"
            f" got {len(signatures)}"
        )
    return SignedNote(f"{text}\n", tuple(_parse_signature(line) for line in signatures))


def verify_note(note: SignedNote, name: str, key: PublicKey) -> None:
    """Check that ``key``, under ``name``, signed the note.

    Raises:
        CheckpointSignatureError: It did not, or one of its signatures is not valid.

    Source: C2SP signed-note, "Signatures": "If a signature from a known key fails to
    verify, clients SHOULD reject the whole note."
    """
    key_hash = full_key_hash(name, key)[:_KEY_HASH_BYTES]
    ours = [s for s in note.signatures if (s.name, s.key_hash) == (name, key_hash)]
    if not ours:
        raise CheckpointSignatureError(
            f"expected a signature by {name!r} with key id {key_hash.hex()}, got none",
            name=name,
            names=sorted({s.name for s in note.signatures}),
        )
    for found in ours:
        try:
            key.verify(found.signature, note.text.encode())
        except SignatureInvalidError as error:
            raise CheckpointSignatureError(
                f"the note's signature by {name!r} does not verify", name=name
            ) from error


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """Sign ``text`` as ``name``.

    Raises:
        NoteFormatError: The text or the name cannot be in a note.
    """
    key_hash = full_key_hash(name, key.public_key)[:_KEY_HASH_BYTES]
    signature = b64encode(key_hash + key.sign(text.encode()))
    raw = f"{text}\n\N{EM DASH} {name} {signature}\n".encode()
    # A name or text that a reader would refuse must not leave.
    if not text.endswith("\n") or parse_note(raw).text != text:
        raise NoteFormatError("note: expected text that ends with one newline")
    return raw


def _parse_signature(line: str) -> NoteSignature:
    found = _SIGNATURE_LINE.fullmatch(line)
    if not found:
        raise NoteFormatError(f"note: expected a signature line, got {line[:80]!r}")
    name, encoded = found.groups()
    if "+" in name or any(c.isspace() for c in name):
        raise NoteFormatError(f"note: expected a key name, got {name[:80]!r}")
    try:
        data = b64decode(encoded, what="note signature")
    except TrustacksError as error:
        raise NoteFormatError(error.message) from error
    if len(data) <= _KEY_HASH_BYTES:
        raise NoteFormatError(
            f"note: expected a key id and a signature, got {len(data)} bytes"
        )
    return NoteSignature(name, data[:_KEY_HASH_BYTES], data[_KEY_HASH_BYTES:])
