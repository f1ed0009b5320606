# SPDX-License-Identifier: Apache-2.0
"""The check that a log includes an entry, and that the entry is about a signature.

The proof's copies of size, root and index must equal what the log's key signed. Only
what is in a ``LoggedEntry`` may be shown as the log's word.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from keys.errors import SignatureInvalidError
from keys.public import PublicKey
from keys.strict import b64encode
from signer.signed import Signed, Verifier
from signer.tlog.bodies import require_about
from signer.tlog.checkpoint import (
    Checkpoint,
    open_checkpoint,
    open_rekor_v1_checkpoint,
)
from signer.tlog.entry import LogEntry
from signer.tlog.errors import NotIncludedError, PromiseInvalidError, WrongLogError
from signer.tlog.merkle import leaf_hash, verify_inclusion


class Log(Protocol):
    """What must be known of a log to trust its word; a ``TransparencyLog`` is one."""

    @property
    def origin(self) -> str:
        """The name in the log's checkpoints."""

    @property
    def names(self) -> tuple[str, ...]:
        """The same, and others that its checkpoints may have."""

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
        index: The entry's place in the tree.
        size: The size of the tree that it was proved in, from the signed checkpoint.
        root: That tree's root, 32 bytes.
        origin: The log's name, from the signed checkpoint.
        log_id: 32 bytes; one log may have trees of several names.
    """

    index: int
    size: int
    root: bytes
    origin: str
    log_id: bytes


def verify_log_entry(
    entry: LogEntry, *, log: Log, signed: Signed, verifier: Verifier
) -> LoggedEntry:
    """Check that ``log`` includes exactly this signature.

    Raises:
        WrongLogError: The entry names another log, or its checkpoint is another's.
        CheckpointSignatureError: The checkpoint is not signed by the log's key.
        NotIncludedError: The proof disagrees with the checkpoint or does not hold.
        LogEntryMismatchError: The entry is about something else (CVE-2022-36056).
        ArtifactNeededError: As ``require_about``.
        FormatError: The checkpoint is not one.

    Source: Sigstore client specification, "Transparency Log Entry"; size and root are
    taken from the checkpoint that was verified, the proof's copies must be equal.
    """
    if entry.log_id != log.log_id:
        raise WrongLogError(
            f"expected an entry of log {b64encode(log.log_id)},"
            f" got one of {b64encode(entry.log_id)}"
        )
    head = _head(entry, log)
    if (entry.tree_size, entry.root) != (head.size, head.root):
        raise NotIncludedError(
            f"expected the proof of the checkpoint's tree of {head.size} leaves,"
            f" got another tree of {entry.tree_size}"
        )
    verify_inclusion(
        leaf=leaf_hash(entry.body),
        index=entry.leaf_index,
        size=head.size,
        proof=entry.proof,
        root=head.root,
    )
    require_about(entry, signed, verifier)
    return LoggedEntry(entry.leaf_index, head.size, head.root, head.origin, log.log_id)


def verify_promise(entry: LogEntry, *, log: Log) -> datetime:
    """Return when the log says that it took the entry.

    Raises:
        PromiseInvalidError: There is no promise, or the log's key did not sign it.

    Source: Sigstore client specification, "Transparency Service Timestamp"; the promise
    is over the canonical JSON (RFC 8785) of body, time, log id and index.
    """
    promise = entry.promise
    if promise is None:
        raise PromiseInvalidError(f"expected a promise of log {log.origin}, got none")
    # RFC 8785: names in order, no blanks; nothing in the values has to be escaped.
    said = b'{"body":"%b","integratedTime":%d,"logID":"%b","logIndex":%d}' % (
        b64encode(entry.body).encode(),
        promise.integrated,
        entry.log_id.hex().encode(),
        entry.index,
    )
    try:
        log.key.verify(promise.signature, said)
    except SignatureInvalidError as error:
        raise PromiseInvalidError(
            f"the promise of log {log.origin} does not verify with its key"
        ) from error
    return datetime.fromtimestamp(promise.integrated, UTC)


def _head(entry: LogEntry, log: Log) -> Checkpoint:
    raw, said = entry.checkpoint.encode(), entry.checkpoint.partition("\n")[0]
    if entry.is_v2:
        return open_checkpoint(raw, origin=_name(said, log), key=log.key)
    host = _name(said.partition(" - ")[0], log)
    return open_rekor_v1_checkpoint(raw, host=host, key=log.key)


def _name(said: str, log: Log) -> str:
    """Return the name that is said if it is the log's; the note is not opened yet."""
    return said if said in log.names else log.origin
