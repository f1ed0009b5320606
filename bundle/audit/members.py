# SPDX-License-Identifier: Apache-2.0
"""The container of an evidence pack: a tar file that can be written in one way only.

Reading compares every 512-byte header with the one that we would have written for the
same name and size. So whatever a tar file can say besides (links, devices, owners,
times, extensions, another order of padding) is refused without being enumerated, and
two different files never hold the same pack. Contents are views, never copies.

Source: POSIX.1-2017 pax, "ustar Interchange Format".
"""

import re
import tarfile
from collections.abc import Iterable, Iterator
from typing import Final

from bundle.audit.errors import NotAPackError, PackMemberError, PackTruncatedError
from keys.errors import LimitExceededError

BLOCK_BYTES: Final = 512
_END: Final = bytes(2 * BLOCK_BYTES)
# One path segment; a segment of dots only is refused beside it.
_NAME: Final = re.compile(r"(?!\.+(/|$))[A-Za-z0-9._-]+(/(?!\.+(/|$))[A-Za-z0-9._-]+)*")


def write_members(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Write members, in the order given.

    Raises:
        PackMemberError: A name that the format does not allow.
    """
    parts = []
    for name, content in members:
        parts += [_header(name, len(content)), content, _padding(len(content))]
    return b"".join([*parts, _END])


def read_members(
    data: memoryview, *, max_members: int, max_member_bytes: int
) -> Iterator[tuple[str, memoryview]]:
    """Read members one by one.

    Args:
        data: The whole file.
        max_members: The bound on the number of members.
        max_member_bytes: The bound on one member's content, bytes.

    Raises:
        NotAPackError: The file does not begin as a tar file of ours does.
        PackTruncatedError: It ends before its end.
        PackMemberError: A header that ``write_members`` would not have written, or
            bytes after the end.
        LimitExceededError: Too many members, or one that is too large.
    """
    offset = count = 0
    while True:
        header = bytes(data[offset : offset + BLOCK_BYTES])
        if len(header) < BLOCK_BYTES:
            raise _short(offset, "a header", empty=not count)
        if not any(header):
            break
        count += 1
        if count > max_members:
            raise LimitExceededError(f"expected at most {max_members} members")
        name, size = _parse_header(header, offset)
        if size > max_member_bytes:
            raise LimitExceededError(
                f"{name}: expected at most {max_member_bytes} bytes, got {size}"
            )
        start = offset + BLOCK_BYTES
        offset = start + size + len(_padding(size))
        if len(data) < offset:
            raise _short(start, f"{size} bytes of {name}", empty=False)
        if any(data[start + size : offset]):
            raise PackMemberError(f"{name}: expected zeros as padding, got other bytes")
        yield name, data[start : start + size]
    _require_end(data, offset)


def _require_end(data: memoryview, offset: int) -> None:
    end = bytes(data[offset : offset + len(_END) + 1])
    if end == _END:
        return
    if _END.startswith(end):
        raise _short(offset, "two blocks of zeros", empty=False)
    raise PackMemberError(f"expected the end at byte {offset}, got more bytes")


def _short(offset: int, wanted: str, *, empty: bool) -> Exception:
    if empty:
        return NotAPackError("expected an evidence pack, got less than one header")
    return PackTruncatedError(
        f"expected {wanted} at byte {offset}, got the end of the file", offset=offset
    )


def _parse_header(block: bytes, offset: int) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        written_again = _header(info.name, info.size)
    except (tarfile.HeaderError, UnicodeDecodeError, PackMemberError) as error:
        raise _no_header(offset, str(error)) from error
    if written_again != block:
        raise _no_header(offset, "not a plain file as we write it")
    return info.name, info.size


def _no_header(offset: int, reason: str) -> Exception:
    # What is wrong from the first byte on was never a pack.
    error = PackMemberError if offset else NotAPackError
    return error(f"expected a member's header at byte {offset}: {reason}")


def _header(name: str, size: int) -> bytes:
    if not _NAME.fullmatch(name):
        raise PackMemberError(f"expected a plain relative name, got {name[:80]!r}")
    info = tarfile.TarInfo(name)
    info.size = size
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError as error:
        raise PackMemberError(f"{name[:80]}: {error}") from error


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK_BYTES)
