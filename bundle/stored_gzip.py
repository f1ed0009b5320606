# SPDX-License-Identifier: Apache-2.0
"""Gzip with a fixed header and stored blocks: equal bytes on any machine and any zlib.

What deflate produces differs between zlib builds, so a digest of it proves nothing
about its content. Stored blocks have one form for each content, and reading them runs
no decompressor: what comes out is never larger than what went in.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from bundle.errors import ArchiveFormatError
from keys.errors import LimitExceededError

# RFC 1952 §2.3.1: deflate, no flags, no time, no extra flags, unknown system.
_HEADER: Final = bytes.fromhex("1f8b08000000000000ff")
# RFC 1951 §3.2.4: a stored block holds at most 65,535 bytes.
_STORED_MAX: Final = 65_535
_BLOCK_HEADER: Final = 5
_TRAILER: Final = 8


def gzip_stored(data: bytes) -> bytes:
    """Frame bytes: header, full stored blocks and a last one, CRC-32, length."""
    parts = [_HEADER]
    for start in range(0, max(len(data), 1), _STORED_MAX):
        chunk = data[start : start + _STORED_MAX]
        final = start + _STORED_MAX >= len(data)
        parts += [struct.pack("<BHH", final, len(chunk), len(chunk) ^ 0xFFFF), chunk]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)


def open_gzip(archive: bytes, *, max_bytes: int) -> bytes:
    """Return the bytes that ``gzip_stored`` framed.

    Args:
        archive: The whole file.
        max_bytes: Bound on what is inside, bytes.

    Raises:
        ArchiveFormatError: Not exactly what ``gzip_stored`` writes for its content:
            compressed, another header, a second member, trailing or missing bytes,
            or another checksum.
        LimitExceededError: More than ``max_bytes``.
    """
    if len(archive) > max_bytes + framing(max_bytes):
        raise LimitExceededError(
            f"expected at most {max_bytes} bytes in gzip, got more"
        )
    if not archive.startswith(_HEADER):
        raise ArchiveFormatError("expected gzip with the fixed header, got other bytes")
    data = b"".join(_chunks(archive))
    if gzip_stored(data) != archive:
        raise ArchiveFormatError(
            "expected full stored blocks, their checksum and the end, got other bytes"
        )
    return data


def framing(size: int) -> int:
    """Return how many bytes ``gzip_stored`` adds to ``size`` bytes."""
    blocks = max(1, -(-size // _STORED_MAX))
    return len(_HEADER) + _BLOCK_HEADER * blocks + _TRAILER


def _chunks(archive: bytes) -> Iterator[bytes]:
    """Yield what the blocks hold; whether they are well formed is seen afterwards."""
    at, final = len(_HEADER), 0
    while not final:
        header = archive[at : at + _BLOCK_HEADER]
        if len(header) != _BLOCK_HEADER:
            raise ArchiveFormatError("expected a last block, got the end of the file")
        final, size, _ = struct.unpack("<BHH", header)
        if final > 1:
            raise ArchiveFormatError("expected stored blocks, got compressed ones")
        at += _BLOCK_HEADER
        yield archive[at : at + size]
        at += size
