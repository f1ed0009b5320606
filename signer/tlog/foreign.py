# SPDX-License-Identifier: Apache-2.0
"""Log entries as others write them: of Rekor v1 and v2, in protobuf's JSON.

protobuf leaves out what is empty or zero, and some writers say null instead: absent,
null and empty are the same here, and an int64 is text or a number. What this project
writes has one form, and ``LogEntry.parse`` reads no other.
"""

import re
from typing import Final

from signer.protojson import ProtoFields
from signer.tlog.entry import (
    V2_KINDS,
    LogEntry,
    Promise,
    read_hashes,
    read_integer,
)
from signer.tlog.errors import InclusionProofMissingError, LogEntryFormatError
from signer.tlog.limits import (
    MAX_ENTRY_BYTES,
    MAX_INTEGRATED_S,
    MAX_NOTE_BYTES,
    MAX_PROMISE_BYTES,
    MAX_TREE_SIZE,
)

_HASH_BYTES: Final = 32
# An int64 has 19 digits at most.
_DIGITS: Final = re.compile("[0-9]{1,19}")

# Of Rekor v1, as far as the body names the signature.
V1_KINDS: Final = (("dsse", "0.0.1"), ("hashedrekord", "0.0.1"), ("intoto", "0.0.2"))


def parse_foreign_entry(fields: ProtoFields) -> LogEntry:
    """Parse one element of anybody's ``tlogEntries``.

    Raises:
        InclusionProofMissingError: It has no proof with a checkpoint.
        FormatError: Another kind or version, a field out of form, two indices of one
            leaf, or a promise in an entry of Rekor v2.

    Source: sigstore protobuf-specs, sigstore_rekor.proto.
    """
    log_id, kind = fields.object("logId"), _kind(fields.object("kindVersion"))
    index = _integer(fields, "logIndex")
    body = fields.base64("canonicalizedBody", max_bytes=MAX_ENTRY_BYTES)
    promise = _promise(fields, is_v2=kind in V2_KINDS)
    proof, checkpoint = _proof(fields)
    place = _integer(proof, "logIndex")
    entry = LogEntry(
        index=index,
        log_id=_hash(log_id, "keyId"),
        body=body,
        proof=read_hashes(proof) if proof.has("hashes") else (),
        tree_size=_integer(proof, "treeSize"),
        root=_hash(proof, "rootHash"),
        checkpoint=checkpoint.text("envelope", max_chars=MAX_NOTE_BYTES),
        kind=kind,
        place=None if place == index else place,
        promise=promise,
    )
    # Rekor v1 counts over all its trees; v2 has one, and says its index twice.
    if entry.is_v2 and entry.place is not None:
        raise LogEntryFormatError(
            f"{proof.where}.logIndex: expected {entry.index}, got another index"
        )
    for part in (log_id, checkpoint, proof, fields):
        part.done()
    return entry


def _kind(fields: ProtoFields) -> tuple[str, str]:
    found = fields.text("kind"), fields.text("version")
    fields.done()
    if found not in (*V1_KINDS, *V2_KINDS):
        raise LogEntryFormatError(
            f"{fields.where}: expected a kind that names the signature, "
            f"got {' '.join(found)[:80]!r}"
        )
    return found


def _proof(fields: ProtoFields) -> tuple[ProtoFields, ProtoFields]:
    if fields.has("inclusionProof"):
        proof = fields.object("inclusionProof")
        if proof.has("checkpoint"):
            return proof, proof.object("checkpoint")
    raise InclusionProofMissingError(
        f"{fields.where}: expected an inclusion proof with a checkpoint, got none",
        hint="a promise to include is no proof",
    )


def _promise(fields: ProtoFields, *, is_v2: bool) -> Promise | None:
    """Read the promise; a time without one is nobody's word, and not kept."""
    integrated = _integer(fields, "integratedTime", most=MAX_INTEGRATED_S)
    if not fields.has("inclusionPromise"):
        return None
    if is_v2:
        raise LogEntryFormatError(
            f"{fields.where}: expected no promise of Rekor v2, got one"
        )
    promise = fields.object("inclusionPromise")
    data = promise.base64("signedEntryTimestamp", max_bytes=MAX_PROMISE_BYTES)
    promise.done()
    return Promise(integrated, data)


def _integer(fields: ProtoFields, name: str, *, most: int = MAX_TREE_SIZE) -> int:
    if not fields.has(name):
        return 0
    value = fields.any(name)
    # The usual text; another is read below, which says what is wrong.
    if type(value) is str and value[:1] not in {"", "0"} and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is int and 0 <= value <= most:
        return value
    return read_integer(fields, name, most=most)


def _hash(fields: ProtoFields, name: str) -> bytes:
    data = fields.base64(name, max_bytes=_HASH_BYTES)
    if len(data) != _HASH_BYTES:
        raise LogEntryFormatError(
            f"{fields.where}.{name}: expected {_HASH_BYTES} bytes, got {len(data)}"
        )
    return data
