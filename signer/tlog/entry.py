# SPDX-License-Identifier: Apache-2.0
"""Log entries as Sigstore carries them, and the check that one is about a signature.

The proof's copies of size, root and index must equal what the log's key signed; the
body is compared whole with the one that follows from the attestation.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from keys.digest import Digest
from keys.errors import TrustacksError
from keys.fields import Fields
from keys.public import PublicKey
from keys.strict import b64decode, b64encode
from signer.tlog.checkpoint import open_checkpoint
from signer.tlog.errors import (
    LogEntryFormatError,
    LogEntryMismatchError,
    NotIncludedError,
    WrongLogError,
)
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
from signer.tlog.merkle import leaf_hash, verify_inclusion

__all__ = [
    "HashedRekord",
    "Log",
    "LogEntry",
    "LoggedEntry",
    "hashedrekord_body",
    "pae_digest_of",
    "parse_hashedrekord",
    "verify_log_entry",
]

_HASH_BYTES: Final = 32
# Base64 makes four characters of three bytes.
_MAX_BODY_CHARS: Final = -(-MAX_ENTRY_BYTES // 3) * 4


class Log(Protocol):
    """What must be known of a log to trust its word; a ``TransparencyLog`` is one."""

    @property
    def origin(self) -> str:
        """The name in the log's checkpoints."""

    @property
    def key(self) -> PublicKey:
        """The log's key."""

    @property
    def log_id(self) -> bytes:
        """The 32 bytes that entries name the log by."""


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """What a verified entry proves.

    Attributes:
        index: The entry's place in the log.
        size: The size of the tree that it was proved in, from the signed checkpoint.
        root: That tree's root, 32 bytes.
        origin: The log's name.
    """

    index: int
    size: int
    root: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A ``TransparencyLogEntry`` of a Sigstore bundle v0.3; parsed, not trusted.

    Attributes:
        index: The entry's place in the log.
        log_id: 32 bytes.
        body: The leaf's bytes.
        proof: Sibling hashes from the leaf up.
        tree_size: The proof's copy of the checkpoint's size.
        root: The proof's copy of the checkpoint's root.
        checkpoint: The signed note.
    """

    index: int
    log_id: bytes
    body: bytes
    proof: tuple[bytes, ...]
    tree_size: int
    root: bytes
    checkpoint: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse one element of ``tlogEntries``.

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
            index=_integer(fields, "logIndex"),
            log_id=_hash(log_id.text("keyId"), f"{log_id.where}.keyId"),
            body=_body(fields),
            proof=_hashes(proof),
            tree_size=_integer(proof, "treeSize"),
            root=_hash(proof.text("rootHash"), f"{proof.where}.rootHash"),
            checkpoint=checkpoint.text("envelope", max_chars=MAX_NOTE_BYTES),
        )
        # The index is said twice; two readers must not read two.
        if _integer(proof, "logIndex") != entry.index:
            raise LogEntryFormatError(
                f"{proof.where}.logIndex: expected {entry.index}, got another index"
            )
        for part in (log_id, kind, checkpoint, proof, fields):
            part.done()
        return entry

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a Sigstore bundle carries it (int64 as strings)."""
        return {
            "logIndex": str(self.index),
            "logId": {"keyId": b64encode(self.log_id)},
            "kindVersion": {"kind": KIND, "version": VERSION},
            "inclusionProof": {
                "logIndex": str(self.index),
                "rootHash": b64encode(self.root),
                "treeSize": str(self.tree_size),
                "hashes": [b64encode(h) for h in self.proof],
                "checkpoint": {"envelope": self.checkpoint},
            },
            "canonicalizedBody": b64encode(self.body),
        }


def verify_log_entry(
    entry: LogEntry, *, log: Log, pae_digest: Digest, signature: bytes, key: PublicKey
) -> LoggedEntry:
    """Check that ``log`` includes exactly this signature.

    Raises:
        WrongLogError: The entry names another log, or its checkpoint is another's.
        CheckpointSignatureError: The checkpoint is not signed by the log's key.
        NotIncludedError: The proof disagrees with the checkpoint or does not hold.
        LogEntryMismatchError: The entry is about something else (CVE-2022-36056).
        FormatError: The checkpoint is not one.

    Source: Sigstore client specification, "Verify the log entry"; size and root are
    taken from the checkpoint that was verified, the proof's copies must be equal.
    """
    if entry.log_id != log.log_id:
        raise WrongLogError(
            f"expected an entry of log {b64encode(log.log_id)},"
            f" got one of {b64encode(entry.log_id)}"
        )
    raw = entry.checkpoint.encode()
    head = open_checkpoint(raw, origin=log.origin, key=log.key)
    if (entry.tree_size, entry.root) != (head.size, head.root):
        raise NotIncludedError(
            f"expected the proof of the checkpoint's tree of {head.size} leaves,"
            f" got another tree of {entry.tree_size}"
        )
    verify_inclusion(
        leaf=leaf_hash(entry.body),
        index=entry.index,
        size=head.size,
        proof=entry.proof,
        root=head.root,
    )
    if entry.body != hashedrekord_body(digest=pae_digest, signature=signature, key=key):
        raise LogEntryMismatchError(
            "expected a log entry about this signature, got one about another",
            index=entry.index,
        )
    return LoggedEntry(entry.index, head.size, head.root, head.origin)


def _integer(fields: Fields, name: str) -> int:
    """Read an int64 as protobuf's JSON writes it: a string of digits."""
    text = fields.text(name)
    canonical = text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")
    # 19 digits hold 2**63 - 1; int() on a long text is quadratic.
    if not canonical or len(text) > len(str(MAX_TREE_SIZE)):
        raise LogEntryFormatError(
            f"{fields.where}.{name}: expected an integer as text, got {text[:24]!r}"
        )
    if int(text) > MAX_TREE_SIZE:
        raise LogEntryFormatError(
            f"{fields.where}.{name}: expected at most {MAX_TREE_SIZE}, got {text}"
        )
    return int(text)


def _body(fields: Fields) -> bytes:
    text = fields.text("canonicalizedBody", max_chars=_MAX_BODY_CHARS)
    return b64decode(text, what=f"{fields.where}.canonicalizedBody")


def _hashes(proof: Fields) -> tuple[bytes, ...]:
    where = f"{proof.where}.hashes"
    values = proof.items("hashes", max_items=MAX_PROOF_HASHES)
    return tuple(_hash(value, where) for value in values)


def _hash(value: Any, where: str) -> bytes:
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
