# SPDX-License-Identifier: Apache-2.0
"""Writes that have happened when the call returns, and half-writes that cannot be seen.

The order of system calls is the promise: temporary file in the same directory,
write, fsync(file), rename, fsync(directory). A crash before the rename leaves the old
content and a ``.tmp-`` file; after it, the new content. ``remove_temporary`` clears
what a crash left; nothing else needs repair.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    WriteConflictError,
)

TEMPORARY_PREFIX: Final = ".tmp-"


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace the content of ``path``, durably and all at once.

    Raises:
        StorageUnavailableError: Nothing changed (disk full, permission, size).
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{_unique()}")
    with _storage_errors("write", path), _removed_on_error(temporary):
        _write_new(temporary, data, mode)
        temporary.replace(path)
        sync_directory(path.parent)


def keep_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file unless these bytes are in it already, which costs no fsync.

    Raises:
        StorageUnavailableError: Nothing changed.
    """
    try:
        same = read_file(path, max_bytes=len(data)) == data
    except (NotFoundError, LimitExceededError, StorageUnavailableError):
        same = False
    if not same:
        write_file(path, data, mode=mode)


def create_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Create ``path`` if it does not exist; equal bytes already there are success.

    Raises:
        WriteConflictError: It exists with other bytes; they stay.
        StorageUnavailableError: Nothing was changed.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{_unique()}")
    with _storage_errors("create", path), _removed_on_error(temporary):
        _write_new(temporary, data, mode)
        try:
            os.link(temporary, path)
        except FileExistsError:
            if path.read_bytes() != data:
                raise WriteConflictError(
                    f"expected no file or equal bytes at {path}, got other bytes"
                ) from None
        temporary.unlink()
        sync_directory(path.parent)


def make_directory(path: Path, *, mode: int = 0o755) -> None:
    """Create a directory and its parents, durably.

    Raises:
        StorageUnavailableError: It could not be created.
    """
    with _storage_errors("create", path):
        missing = [p for p in (path, *path.parents) if not p.exists()]
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        for created in missing:
            sync_directory(created.parent)


def remove_file(path: Path) -> None:
    """Delete ``path``, durably; one that is not there is success.

    Raises:
        StorageUnavailableError: It may or may not be there.
    """
    with _storage_errors("delete", path):
        path.unlink(missing_ok=True)
    if path.parent.exists():
        sync_directory(path.parent)


def replace_symlink(link: Path, target: str) -> None:
    """Point ``link`` at ``target`` by one rename.

    Raises:
        StorageUnavailableError: The link is as it was.
    """
    temporary = link.with_name(f"{TEMPORARY_PREFIX}{_unique()}")
    with _storage_errors("link", link), _removed_on_error(temporary):
        temporary.symlink_to(target)
        temporary.replace(link)
        sync_directory(link.parent)


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a regular file of bounded size, without following a link at its end.

    Raises:
        NotFoundError: There is no such file.
        LimitExceededError: It is larger than ``max_bytes``.
        StorageUnavailableError: It is not a regular file, or cannot be read.
    """
    with _storage_errors("read", path):
        try:
            with open(path, "rb", opener=_open_plain) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError(errno.EINVAL, "expected a regular file, got another")
                data = file.read(max_bytes + 1)
        except FileNotFoundError:
            raise NotFoundError(f"expected a file at {path}, got none") from None
    if len(data) > max_bytes:
        raise LimitExceededError(
            f"{path}: expected at most {max_bytes} bytes, got more"
        )
    return data


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary(directory: Path) -> int:
    """Delete what crashed writes left in ``directory``; return how many."""
    left = list(directory.glob(f"{TEMPORARY_PREFIX}*"))
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _unique() -> str:
    return os.urandom(8).hex()


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _storage_errors(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageUnavailableError(
            f"cannot {doing} {path}: {error.strerror or error}",
            hint="check free space, permissions and size limits, then run it again",
        ) from error


@contextlib.contextmanager
def _removed_on_error(temporary: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
