# SPDX-License-Identifier: Apache-2.0
"""Deterministic archives: one set of files has one encoding, and only it is read.

Laws:

- ``pack_tar`` writes POSIX ustar: members sorted by name, plain files only, mode
  0644, owner 0, time 0, two zero blocks at the end; ``bundle.stored_gzip`` frames it.
- The readers accept exactly those bytes. They refuse, never repair; nothing touches a
  disk here, and no decompressor runs, so there is nothing to expand.
- Names are ASCII segments of letters, digits, ``.``, ``_``, ``-``. With that alphabet
  there is no absolute path, backslash, control character or Unicode form to check for.

Deliberately not here: any reader of archives that others made. A layer that arrives
in another form is unpacked by its publisher and packed again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bundle.errors import ArchiveFormatError, ArchiveMemberError, ArchivePathError
from bundle.limits import BUNDLE_BOUNDS, ArchiveBounds
from bundle.stored_gzip import gzip_stored, open_gzip
from keys.digest import Digest
from keys.errors import LimitExceededError

__all__ = ["content_digest", "gzip_stored", "pack_tar", "unpack", "unpack_tar"]

_BLOCK: Final = 512
_END: Final = bytes(2 * _BLOCK)
_NAME_BYTES: Final = 100
_PREFIX_BYTES: Final = 155
_REGULAR: Final = b"0"
# What the type flag says, for messages.
_KINDS: Final = {
    b"\0": "an old-style member",
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"5": "a directory",
    b"6": "a named pipe",
    b"S": "a sparse file",
    b"g": "a pax global header",
    b"x": "a pax header",
    b"K": "a GNU long link",
    b"L": "a GNU long name",
}
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]+")


def pack_tar(
    files: Mapping[str, bytes], *, bounds: ArchiveBounds = BUNDLE_BOUNDS
) -> bytes:
    """Write files as a tar.

    Args:
        files: Content by name, such as ``rules/a.b/a.b.rego``.
        bounds: What the archive may hold.

    Raises:
        ArchivePathError: A name that ``unpack_tar`` would refuse.
        LimitExceededError: More or larger than ``bounds`` allows.
    """
    names = sorted(files)
    _check_names(names, bounds)
    _check_bytes(_tar_size(files), bounds)
    parts = []
    for name in names:
        data = files[name]
        parts += [_header(name, len(data)), data, bytes(-len(data) % _BLOCK)]
    return b"".join([*parts, _END])


def unpack_tar(
    tar: bytes, *, bounds: ArchiveBounds = BUNDLE_BOUNDS
) -> dict[str, bytes]:
    """Read a tar that ``pack_tar`` wrote, and nothing else.

    Returns:
        Content by name, in the order of the archive.

    Raises:
        ArchiveMemberError: A link, device, directory or extension.
        ArchivePathError: A name that is unsafe, twice there, colliding or out of order.
        ArchiveFormatError: Any other difference from what ``pack_tar`` writes.
        LimitExceededError: More or larger than ``bounds`` allows.
    """
    _check_bytes(len(tar), bounds)
    members: list[tuple[str, bytes]] = []
    for member in _members(tar):
        members.append(member)
        if len(members) > bounds.max_members:
            break
    names = [name for name, _ in members]
    _check_names(names, bounds)
    if names != sorted(names):
        raise ArchivePathError("expected members sorted by name, got another order")
    return dict(members)


def unpack(
    archive: bytes, *, bounds: ArchiveBounds = BUNDLE_BOUNDS
) -> dict[str, bytes]:
    """Read a ``.tar.gz`` that this project wrote; see ``open_gzip``, ``unpack_tar``."""
    return unpack_tar(open_gzip(archive, max_bytes=bounds.max_bytes), bounds=bounds)


def content_digest(archive: bytes, *, bounds: ArchiveBounds = BUNDLE_BOUNDS) -> Digest:
    """Return the digest of the tar inside a ``.tar.gz``; see ``open_gzip``."""
    return Digest.of(open_gzip(archive, max_bytes=bounds.max_bytes))


def _members(tar: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while tar[at : at + len(_END)] != _END:
        header = tar[at : at + _BLOCK]
        name, size = _read_header(header)
        start, end = at + _BLOCK, at + _BLOCK + size
        at = end + -size % _BLOCK
        data = tar[start:end]
        if len(data) != size or any(tar[end:at]):
            raise ArchiveFormatError(
                f"{name}: expected {size} bytes and then zeros, got others"
            )
        yield name, data
    if at + len(_END) != len(tar):
        raise ArchiveFormatError(
            f"expected the end of the tar at byte {at + len(_END)}, got {len(tar)}"
        )


def _read_header(header: bytes) -> tuple[str, int]:
    """Return name and size, if the header is the one that we would write for them."""
    if len(header) != _BLOCK or header == bytes(_BLOCK):
        raise ArchiveFormatError("expected a member or two zero blocks, got neither")
    kind = header[156:157]
    if kind != _REGULAR:
        said = _KINDS.get(kind, f"type {kind!r}")
        raise ArchiveMemberError(f"expected a plain file, got {said}")
    name = _text(header[0:_NAME_BYTES])
    prefix = _text(header[345 : 345 + _PREFIX_BYTES])
    path = f"{prefix}/{name}" if prefix else name
    _check_path(path)
    digits = header[124:135]
    if not re.fullmatch(rb"[0-7]{11}", digits):
        raise ArchiveFormatError(f"{path}: expected a size in octal, got {digits!r}")
    size = int(digits, 8)
    if header != _header(path, size):
        raise ArchiveFormatError(
            f"{path}: expected mode 0644, owner 0, time 0, got another header"
        )
    return path, size


def _header(path: str, size: int) -> bytes:
    """POSIX.1-1988 ustar, as tarfile and every other writer of it encodes it."""
    prefix, name = _split(path)
    header = b"".join(
        [
            name.encode("ascii").ljust(_NAME_BYTES, b"\0"),
            b"0000644\0" + b"0000000\0" * 2,
            b"%011o\0" % size,
            b"00000000000\0",
            b"        ",
            _REGULAR.ljust(101, b"\0"),
            b"ustar\x0000".ljust(72, b"\0"),
            b"0000000\0" * 2,
            prefix.encode("ascii").ljust(_PREFIX_BYTES + 12, b"\0"),
        ]
    )
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def _split(path: str) -> tuple[str, str]:
    """Divide a path into ustar's prefix (the shortest that does) and name."""
    if len(path) <= _NAME_BYTES:
        return "", path
    segments = path.split("/")
    for i in range(1, len(segments)):
        prefix, name = "/".join(segments[:i]), "/".join(segments[i:])
        if len(name) <= _NAME_BYTES and len(prefix) <= _PREFIX_BYTES:
            return prefix, name
    raise ArchivePathError(f"expected a path that ustar can divide, got {path!r}")


def _check_names(names: list[str], bounds: ArchiveBounds) -> None:
    """Refuse too many names, unsafe ones, and two that a disk could mix up."""
    if len(names) > bounds.max_members:
        raise LimitExceededError(
            f"expected at most {bounds.max_members} members, got more"
        )
    spelled: dict[str, str] = {}
    for name in names:
        _check_path(name)
        if len(name) > bounds.max_path_chars:
            raise LimitExceededError(
                f"expected at most {bounds.max_path_chars} characters, got {name!r}"
            )
        for end in [i for i, c in enumerate(name) if c == "/"]:
            folder = name[: end + 1]
            if spelled.setdefault(folder.lower(), folder) != folder:
                raise ArchivePathError(
                    f"expected one spelling of a folder, got {name!r}"
                )
        if name.lower() in spelled:
            raise ArchivePathError(
                f"expected names that differ beyond case, got {name!r} twice"
            )
        spelled[name.lower()] = name
    for name in names:
        if f"{name.lower()}/" in spelled:
            raise ArchivePathError(f"expected a file or a folder, got both at {name!r}")


def _check_path(path: str) -> None:
    for segment in path.split("/"):
        if not _SEGMENT.fullmatch(segment) or segment in {".", ".."}:
            raise ArchivePathError(
                f"expected a relative path of plain ASCII names, got {path!r}"
            )


def _check_bytes(size: int, bounds: ArchiveBounds) -> None:
    if size > bounds.max_bytes:
        raise LimitExceededError(
            f"expected an archive of at most {bounds.max_bytes} bytes, got more"
        )


def _tar_size(files: Mapping[str, bytes]) -> int:
    return len(_END) + sum(
        _BLOCK + len(data) + -len(data) % _BLOCK for data in files.values()
    )


def _text(field: bytes) -> str:
    """Return a NUL-padded field; what follows the first NUL fails the comparison."""
    return field.split(b"\0", 1)[0].decode("latin-1")
