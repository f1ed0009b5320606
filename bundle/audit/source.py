# SPDX-License-Identifier: Apache-2.0
"""What goes into an evidence pack, read from a workspace that keeps on working.

The order of reading is the point. A publisher writes attestation, leaf, checkpoint,
target, metadata; we read metadata, targets, checkpoint, leaves, attestations. So what
we find later covers all that we found earlier, whatever is written meanwhile. Tiles
and attestations beyond the checkpoint (an append that crashed, or goes on right now)
stay out.

Not decided here: whether any of it is true. A missing attestation is left out, and
replay says ``evidence-withheld``.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from bundle.audit.limits import MAX_MEMBER_BYTES
from bundle.storage.interface import Storage
from keys.errors import FormatError, NotFoundError
from signer.tlog.checkpoint import parse_checkpoint
from signer.tlog.entry import pae_digest_of, parse_hashedrekord
from signer.tlog.note import parse_note
from signer.tlog.tiles import (
    HASH_BYTES,
    TILE_WIDTH,
    entries_path,
    pack_entries,
    read_entries,
    tile_path,
    tile_width,
)

CHECKPOINT: Final = "log/checkpoint"


def collect(storage: Storage) -> dict[str, bytes]:
    """Read everything that belongs into a pack.

    Raises:
        NotFoundError: There is no checkpoint, or a tile that it covers is missing.
        FormatError: The checkpoint or a tile is not one.
        StorageError: The storage cannot be read.
    """
    files = {}
    for folder in ("metadata/", "targets/", "chain/"):
        for name in storage.names(folder):
            with contextlib.suppress(NotFoundError):  # garbage, collected meanwhile
                files[name] = _get(storage, name)
    files[CHECKPOINT] = _get(storage, CHECKPOINT)
    size = parse_checkpoint(parse_note(files[CHECKPOINT]).text).size
    files.update(_hash_tiles(storage, size))
    for index in range(-(-size // TILE_WIDTH)):
        width = tile_width(0, index, size)
        entries = read_entries(lambda path: _get(storage, f"log/{path}"), index, width)
        files[f"log/{entries_path(index, width)}"] = pack_entries(entries)
        for entry in entries:
            files.update(_attestation(storage, entry))
    return files


def attestation_name(digest_hex: str, key_id: str | None = None) -> str:
    """Return where the attestation with this PAE digest lies.

    Args:
        digest_hex: Of the statement.
        key_id: Of a key that signed it after another had.
    """
    # 16 digits: with all 64 the name would not fit into a tar header.
    further = f".{key_id[:16]}" if key_id else ""
    return f"attestations/{digest_hex}{further}.sigstore.json"


def _attestation(storage: Storage, entry: bytes) -> dict[str, bytes]:
    """Return what a leaf is about: the first signature of it, and its own."""
    found: dict[str, bytes] = {}
    with contextlib.suppress(FormatError, NotFoundError):
        first = attestation_name(pae_digest_of(entry).hex)
        found[first] = _get(storage, first)
        leaf = parse_hashedrekord(entry)
        if leaf.key.hint.encode() not in found[first]:
            own = attestation_name(leaf.digest.hex, leaf.key.key_id)
            found[own] = _get(storage, own)
    return found


def _hash_tiles(storage: Storage, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield the tiles of a tree of exactly ``size`` leaves."""
    level = 0
    while width := tile_width(level, 0, size):
        index = 0
        while width := tile_width(level, index, size):
            tile = _tile(storage, level, index, width)
            yield f"log/{tile_path(level, index, width)}", tile[: width * HASH_BYTES]
            index += 1
        level += 1


def _tile(storage: Storage, level: int, index: int, width: int) -> bytes:
    try:
        return _get(storage, f"log/{tile_path(level, index, width)}")
    except NotFoundError:
        # The tile was filled meanwhile, and its partial form deleted.
        return _get(storage, f"log/{tile_path(level, index)}")


def _get(storage: Storage, name: str) -> bytes:
    return storage.get(name, max_bytes=MAX_MEMBER_BYTES)
