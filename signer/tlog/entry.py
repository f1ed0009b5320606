# SPDX-License-Identifier: Apache-2.0
"""Log entries as Sigstore carries them, of Rekor v1 and v2; parsed, not trusted.

An entry of v2 is a leaf with a proof. One of v1 may carry a promise besides: the log's
signature over body, index and time, which is the only thing that vouches for the time.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from keys.errors import Base64FormatError, TrustacksError
from keys.fields import Fields
from keys.strict import b64decode, b64encode
from signer.tlog.errors import LogEntryFormatError
from signer.tlog.hashedrekord import (
    KIND,
    VERSION,
    HashedRekord,
    hashedrekord_body,
    pae_digest_of,
    parse_hashedrekord,
)
from signer.tlog.limits import (
    MAX_ENTRY_BYTES,
    MAX_NOTE_BYTES,
    MAX_PROOF_HASHES,
    MAX_TREE_SIZE,
)

__all__ = [
    "HashedRekord",
    "LogEntry",
    "Promise",
    "hashedrekord_body",
    "pae_digest_of",
    "parse_hashedrekord",
]

# Kinds and versions of Rekor v2.
V2_KINDS: Final = (("dsse", "0.0.2"), (KIND, VERSION))

_HASH_BYTES: Final = 32
# Base64 makes four characters of three bytes.
_MAX_BODY_CHARS: Final = -(-MAX_ENTRY_BYTES // 3) * 4


@dataclass(frozen=True, slots=True)
class Promise:
    """A *signed entry timestamp* of Rekor v1.

    Attributes:
        integrated: When the log took the entry, seconds since 1970.
        signature: The log's, over body, index and time.
    """

    integrated: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A ``TransparencyLogEntry`` of a Sigstore bundle.

    Attributes:
        index: The entry's place in the log; of Rekor v1, over all its trees.
        log_id: 32 bytes.
        body: The leaf's bytes.
        proof: Sibling hashes from the leaf up.
        tree_size: The proof's copy of the checkpoint's size.
        root: The proof's copy of the checkpoint's root.
        checkpoint: The signed note.
        kind: What the body is, and in which version.
        place: The entry's place in the proof's tree, if that is not ``index``.
        promise: Of Rekor v1, if there is one.
    """

    index: int
    log_id: bytes
    body: bytes
    proof: tuple[bytes, ...]
    tree_size: int
    root: bytes
    checkpoint: str
    kind: tuple[str, str] = (KIND, VERSION)
    place: int | None = None
    promise: Promise | None = None

    @property
    def is_v2(self) -> bool:
        """Whether it is of Rekor v2: one index, no promise."""
        return self.kind in V2_KINDS

    @property
    def leaf_index(self) -> int:
        """Its place in the proof's tree."""
        return self.index if self.place is None else self.place

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse one element of ``tlogEntries`` as this project writes it.

        Raises:
            FormatError: Another kind or version, or a field out of form; inclusion
                promises and integrated times (Rekor v1) are among what is refused.
        """
        log_id = fields.object("logId")
        kind = fields.object("kindVersion")
        proof = fields.object("inclusionProof")
        checkpoint = proof.object("checkpoint")
        kind.constant("kind", KIND)
        kind.constant("version", VERSION)
        entry = cls(
            index=read_integer(fields, "logIndex"),
            log_id=read_hash(log_id.text("keyId"), f"{log_id.where}.keyId"),
            body=read_body(fields),
            proof=read_hashes(proof),
            tree_size=read_integer(proof, "treeSize"),
            root=read_hash(proof.text("rootHash"), f"{proof.where}.rootHash"),
            checkpoint=checkpoint.text("envelope", max_chars=MAX_NOTE_BYTES),
        )
        # The index is said twice; two readers must not read two.
        if read_integer(proof, "logIndex") != entry.index:
            raise LogEntryFormatError(
                f"{proof.where}.logIndex: expected {entry.index}, got another index"
            )
        for part in (log_id, kind, checkpoint, proof, fields):
            part.done()
        return entry

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a Sigstore bundle carries it (int64 as strings)."""
        kind, version = self.kind
        value = {
            "logIndex": str(self.index),
            "logId": {"keyId": b64encode(self.log_id)},
            "kindVersion": {"kind": kind, "version": version},
            "inclusionProof": {
                "logIndex": str(self.leaf_index),
                "rootHash": b64encode(self.root),
                "treeSize": str(self.tree_size),
                "hashes": [b64encode(h) for h in self.proof],
                "checkpoint": {"envelope": self.checkpoint},
            },
            "canonicalizedBody": b64encode(self.body),
        }
        if self.promise is not None:
            signature = b64encode(self.promise.signature)
            value["integratedTime"] = str(self.promise.integrated)
            value["inclusionPromise"] = {"signedEntryTimestamp": signature}
        return value


def read_integer(fields: Fields, name: str, *, most: int = MAX_TREE_SIZE) -> int:
    """Read an int64 as protobuf's JSON writes it: a string of digits.

    Raises:
        FormatError: Anything else, or more than ``most``.
    """
    text = fields.text(name)
    canonical = text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")
    # 19 digits hold 2**63 - 1; int() on a long text is quadratic.
    if not canonical or len(text) > len(str(MAX_TREE_SIZE)):
        raise LogEntryFormatError(
            f"{fields.where}.{name}: expected an integer as text, got {text[:24]!r}"
        )
    if int(text) > most:
        raise LogEntryFormatError(
            f"{fields.where}.{name}: expected at most {most}, got {text}"
        )
    return int(text)


def read_body(fields: Fields) -> bytes:
    """Read the leaf's bytes.

    Raises:
        FormatError: Not base64, or larger than a leaf may be.
    """
    text = fields.text("canonicalizedBody", max_chars=_MAX_BODY_CHARS)
    return b64decode(text, what=f"{fields.where}.canonicalizedBody")


def read_hashes(proof: Fields) -> tuple[bytes, ...]:
    """Read the sibling hashes of a proof.

    Raises:
        FormatError: Not hashes, or more than any proof has.
    """
    values = proof.items("hashes", max_items=MAX_PROOF_HASHES)
    try:
        found = tuple([b64decode(value) for value in values])
    except (TypeError, Base64FormatError):
        found = ()
    if len(found) == len(values) and {_HASH_BYTES}.issuperset(map(len, found)):
        return found
    where = f"{proof.where}.hashes"  # what is wrong, and where
    return tuple(read_hash(value, where) for value in values)


def read_hash(value: Any, where: str) -> bytes:
    """Read 32 bytes.

    Raises:
        LogEntryFormatError: Not base64 of so many.
    """
    if not isinstance(value, str):
        raise LogEntryFormatError(f"{where}: expected base64 text, got another type")
    try:
        data = b64decode(value, what=where)
    except TrustacksError as error:
        raise LogEntryFormatError(error.message) from error
    if len(data) != _HASH_BYTES:
        raise LogEntryFormatError(
            f"{where}: expected {_HASH_BYTES} bytes, got {len(data)}"
        )
    return data
