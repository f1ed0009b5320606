# SPDX-License-Identifier: Apache-2.0
"""Log entries as others write them: of Rekor v1 and v2, in protobuf's JSON.

protobuf leaves out what is empty or zero, and some writers say null instead: absent,
null and empty are the same here. What this project writes has one form, and
``LogEntry.parse`` reads no other.
"""

from typing import Final

from keys.fields import Fields
from signer.tlog.entry import (
    V2_KINDS,
    LogEntry,
    Promise,
    read_body,
    read_hash,
    read_hashes,
    read_integer,
)
from signer.tlog.errors import InclusionProofMissingError, LogEntryFormatError
from signer.tlog.limits import (
    MAX_INTEGRATED_S,
    MAX_NOTE_BYTES,
    MAX_PROMISE_BYTES,
    MAX_TREE_SIZE,
)

# Of Rekor v1, as far as the body names the signature.
V1_KINDS: Final = (("dsse", "0.0.1"), ("hashedrekord", "0.0.1"), ("intoto", "0.0.2"))


def has_value(fields: Fields, name: str) -> bool:
    """Return whether a field is there and not null."""
    return fields.has(name) and not fields.is_null(name)


def parse_foreign_entry(fields: Fields) -> LogEntry:
    """Parse one element of anybody's ``tlogEntries``.

    Raises:
        InclusionProofMissingError: It has no proof with a checkpoint.
        FormatError: Another kind or version, a field out of form, two indices of one
            leaf, or a promise or time in an entry of Rekor v2.

    Source: sigstore protobuf-specs, sigstore_rekor.proto.
    """
    log_id, kind = fields.object("logId"), _kind(fields.object("kindVersion"))
    index, body = _integer(fields, "logIndex"), read_body(fields)
    promise = _promise(fields, is_v2=kind in V2_KINDS)
    proof, checkpoint = _proof(fields)
    place = _integer(proof, "logIndex")
    entry = LogEntry(
        index=index,
        log_id=read_hash(log_id.text("keyId"), f"{log_id.where}.keyId"),
        body=body,
        proof=read_hashes(proof) if has_value(proof, "hashes") else (),
        tree_size=_integer(proof, "treeSize"),
        root=read_hash(proof.text("rootHash"), f"{proof.where}.rootHash"),
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


def _kind(fields: Fields) -> tuple[str, str]:
    found = fields.text("kind"), fields.text("version")
    fields.done()
    if found not in (*V1_KINDS, *V2_KINDS):
        raise LogEntryFormatError(
            f"{fields.where}: expected a kind that names the signature, "
            f"got {' '.join(found)[:80]!r}"
        )
    return found


def _proof(fields: Fields) -> tuple[Fields, Fields]:
    if has_value(fields, "inclusionProof"):
        proof = fields.object("inclusionProof")
        if has_value(proof, "checkpoint"):
            return proof, proof.object("checkpoint")
    raise InclusionProofMissingError(
        f"{fields.where}: expected an inclusion proof with a checkpoint, got none",
        hint="a promise to include is no proof",
    )


def _promise(fields: Fields, *, is_v2: bool) -> Promise | None:
    """Read the promise; a time without one is nobody's word, and not kept."""
    integrated = _integer(fields, "integratedTime", most=MAX_INTEGRATED_S)
    promised = has_value(fields, "inclusionPromise")
    if is_v2 and (promised or integrated):
        raise LogEntryFormatError(
            f"{fields.where}: expected neither promise nor time of Rekor v2, got one"
        )
    if not promised:
        return None
    promise = fields.object("inclusionPromise")
    data = promise.base64("signedEntryTimestamp", max_bytes=MAX_PROMISE_BYTES)
    promise.done()
    return Promise(integrated, data)


def _integer(fields: Fields, name: str, *, most: int = MAX_TREE_SIZE) -> int:
    return read_integer(fields, name, most=most) if has_value(fields, name) else 0
