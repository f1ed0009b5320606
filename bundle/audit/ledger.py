# SPDX-License-Identifier: Apache-2.0
"""The log of a pack: its leaves make the tree that was signed, each with its evidence.

Established here: the auditor's key signed the checkpoint; the entries are exactly the
leaves of that tree; every leaf's attestation is in the pack and is the one that the
leaf is about; nothing else is. Not established here: that anybody was allowed to say
what an attestation says (``bundle.audit.statements``). The log grants nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bundle.audit.copies import report_unlogged
from bundle.audit.errors import (
    EntryAlteredError,
    EntryDuplicatedError,
    EvidenceWithheldError,
    LogAlteredError,
    LogForkedError,
    LogTruncatedError,
    PackMemberError,
)
from bundle.audit.findings import Findings
from bundle.audit.pack import Pack
from bundle.audit.source import CHECKPOINT, attestation_name
from bundle.audit.tree import LogTree
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.public import PublicKey
from signer.attestation import Attestation, parse_attestation
from signer.statement import Statement, parse_statement
from signer.timestamp.request import open_response
from signer.tlog.checkpoint import Checkpoint, open_checkpoint
from signer.tlog.entry import HashedRekord, parse_hashedrekord
from signer.tlog.note import parse_note
from signer.tlog.tiles import (
    TILE_WIDTH,
    entries_path,
    read_entries,
    tile_path,
    tile_width,
)

_Record = tuple[int, HashedRekord]


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf with its attestation, not yet verified.

    Attributes:
        index: Its place in the log.
        record: What the leaf says.
        statement: What the attestation says.
        time: What its timestamp token says, unverified; none without a token.
        name: Of the member that has the attestation.
        cosigned: Whether another key signed this very statement before.
    """

    index: int
    record: HashedRekord
    statement: Statement
    time: datetime | None
    name: str
    cosigned: bool

    @property
    def digest(self) -> Digest:
        """SHA-256 of the PAE: the attestation's name."""
        return self.record.digest

    @property
    def place(self) -> str:
        """The place, for findings."""
        return f"log entry {self.index}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The log of a pack.

    Attributes:
        head: The checkpoint that the auditor's key signed.
        key: The auditor's key.
        tree: The tree of the entries in the pack.
        entries: Those whose evidence is complete, in order.
    """

    head: Checkpoint
    key: PublicKey
    tree: LogTree = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)

    def open_anchor(self, note: str | bytes) -> int:
        """Verify a checkpoint from elsewhere, and that it is of this history.

        Returns:
            How many leaves it covers.

        Raises:
            LogTruncatedError: It is of a larger log.
            LogForkedError: It is of another tree.
            TrustacksError: It is not a checkpoint, or not by the log's key.
        """
        raw = note.encode() if isinstance(note, str) else note
        found = open_checkpoint(raw, origin=self.head.origin, key=self.key)
        self.require_prefix(found.size, found.root)
        return found.size

    def require_prefix(self, size: int, root: bytes) -> None:
        """Refuse a tree head that is not of the first ``size`` leaves.

        Raises:
            LogTruncatedError: There are fewer leaves.
            LogForkedError: They make another tree.
        """
        if size > len(self.tree):
            raise LogTruncatedError(
                f"expected a log of at least {size} entries, got {len(self.tree)}",
                size=size,
            )
        own = self.tree.root(size)
        if own != root:
            raise LogForkedError(
                f"expected tree hash {root.hex()} at size {size}, got {own.hex()}",
                size=size,
                expected=root.hex(),
                got=own.hex(),
            )


def open_ledger(pack: Pack, log_key: PublicKey, findings: Findings) -> Ledger:
    """Read the log of a pack; what is wrong with single leaves becomes findings.

    Raises:
        TrustacksError: Without a checkpoint of that key, or with tiles missing, there
            is no log to speak of.
    """
    raw = pack.get(CHECKPOINT)
    # The origin is part of what the key signs: a lie about it does not verify.
    origin = parse_note(raw).text.partition("\n")[0]
    head = open_checkpoint(raw, origin=origin, key=log_key)
    tree = LogTree()
    bodies = []
    for body in _bodies(pack, head.size):
        tree.append(body)
        bodies.append(body)
    with findings.at("log"):
        _require_tree(tree, head)
    with findings.at("log"):
        _require_tiles(pack, tree)
    records = list(_records(bodies, findings))
    entries = tuple(_entries(pack, records, findings))
    names = {_name_of(pack, record) for _, record in records}
    leaves = {(record.digest, record.key.hint) for _, record in records}
    report_unlogged(pack, names, leaves, findings)
    return Ledger(head, log_key, tree, entries)


def _bodies(pack: Pack, size: int) -> Iterator[bytes]:
    for index in range(-(-size // TILE_WIDTH)):
        width = tile_width(0, index, size)
        yield from read_entries(lambda path: pack.get(f"log/{path}"), index, width)


def _require_tree(tree: LogTree, head: Checkpoint) -> None:
    found = tree.root(len(tree))
    if found != head.root:
        raise LogAlteredError(
            f"expected entries with tree hash {head.root.hex()}, as the log signed, "
            f"got {found.hex()}"
        )


def _require_tiles(pack: Pack, tree: LogTree) -> None:
    """The hash tiles are for other readers; they must not be told another story."""
    known = {CHECKPOINT, *_entry_bundles(len(tree))}
    for name, content in _hash_tiles(tree):
        known.add(name)
        if pack.get(name) != content:
            raise LogAlteredError(f"{name}: expected the hashes of the entries")
    for name in pack.names("log/"):
        if name not in known:
            raise PackMemberError(f"expected the tiles of the checkpoint, got {name}")


def _entry_bundles(size: int) -> Iterator[str]:
    for index in range(-(-size // TILE_WIDTH)):
        yield f"log/{entries_path(index, tile_width(0, index, size))}"


def _hash_tiles(tree: LogTree) -> Iterator[tuple[str, bytes]]:
    level = 0
    while tile_width(level, 0, len(tree)):
        index = 0
        while width := tile_width(level, index, len(tree)):
            yield (
                f"log/{tile_path(level, index, width)}",
                tree.tile(level, index, width),
            )
            index += 1
        level += 1


def _records(bodies: list[bytes], findings: Findings) -> Iterator[_Record]:
    """Yield (index, leaf) of every leaf that is one, and is there once.

    One statement may have a leaf for each key that signed it.
    """
    first: dict[tuple[Digest, str], int] = {}
    for index, body in enumerate(bodies):
        with findings.at(f"log entry {index}"):
            record = parse_hashedrekord(body)
            earlier = first.setdefault((record.digest, record.key.hint), index)
            if earlier != index:
                raise EntryDuplicatedError(
                    f"expected each attestation once, got {record.digest} at "
                    f"{earlier} and {index}"
                )
            yield index, record


def _entries(pack: Pack, records: list[_Record], findings: Findings) -> Iterator[Entry]:
    seen: set[Digest] = set()
    for index, record in records:
        with findings.at(f"log entry {index}"):
            yield _entry(pack, index, record, cosigned=record.digest in seen)
        seen.add(record.digest)


def _entry(pack: Pack, index: int, record: HashedRekord, *, cosigned: bool) -> Entry:
    name = _name_of(pack, record)
    if name not in pack.files:
        raise EvidenceWithheldError(
            f"expected the attestation {record.digest}, got none",
            digest=str(record.digest),
        )
    attestation = parse_attestation(pack.get(name))
    said = (attestation.digest, attestation.envelope.signature, attestation.hint)
    if said != (record.digest, record.signature, record.key.hint):
        raise EntryAlteredError(
            f"expected attestation {record.digest} with the leaf's signature and key, "
            f"got {attestation.digest}"
        )
    statement = parse_statement(attestation.envelope.payload)
    time = _token_time(attestation)
    return Entry(index, record, statement, time, name, cosigned)


def _name_of(pack: Pack, record: HashedRekord) -> str:
    """Return the member for a leaf: by its key, if there is one of that name."""
    own = attestation_name(record.digest.hex, record.key.key_id)
    return own if own in pack.files else attestation_name(record.digest.hex)


def _token_time(attestation: Attestation) -> datetime | None:
    """Read, unverified, when the token says it was signed.

    Verification needs an instant to decide for, and the token's own is it. That the
    token is genuine is then one of the steps.
    """
    if not attestation.timestamps:
        return None
    try:
        _, info = open_response(attestation.timestamps[0])
    except TrustacksError:
        return None
    return info.gen_time.as_datetime().replace(microsecond=0)
