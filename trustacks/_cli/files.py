# SPDX-License-Identifier: Apache-2.0
"""Files that a command was given, and those that it writes.

A given file that is not there is misuse, not evidence that was looked at and refused.
Output files are never overwritten and never half-written.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from keys.durable import create_file, make_directory, read_file
from keys.errors import NotFoundError, WriteConflictError
from trustacks.errors import FileExistsRefusedError, FileMissingError


def read_given(path: Path, *, max_bytes: int) -> bytes:
    """Read a file that the command line names.

    Raises:
        FileMissingError: There is no such file, or a folder.
        LimitExceededError: It is larger than ``max_bytes``.
        StorageUnavailableError: It cannot be read.
    """
    if path.is_dir():
        raise not_a_file(path)
    try:
        return read_file(path, max_bytes=max_bytes)
    except NotFoundError as error:
        raise FileMissingError(error.message, hint="check the path") from error


def not_a_file(path: Path) -> FileMissingError:
    """Return the refusal of a path that names no file."""
    got = "a folder" if path.is_dir() else "none"
    return FileMissingError(
        f"expected a file at {path}, got {got}", hint="check the path"
    )


def require_given(path: Path) -> None:
    """Refuse a path that names no file, before any work is done; a pipe is one.

    Raises:
        FileMissingError: There is no such file, or a folder.
    """
    if path.is_dir() or not path.exists():
        raise not_a_file(path)


def refuse_unwritable(path: Path) -> None:
    """Refuse an output file before anything is signed or sent for it.

    Raises:
        FileExistsRefusedError: It is there already.
        FileMissingError: Its folder is not.
    """
    refuse_existing(path)
    if not path.parent.is_dir():
        raise FileMissingError(
            f"expected a folder at {path.parent}, got none", hint="check the path"
        )


def refuse_existing(*paths: Path, hint: str = "name another file") -> None:
    """Refuse output files that are there already, before any work is done.

    Raises:
        FileExistsRefusedError: One of them is.
    """
    for path in paths:
        if path.exists() or path.is_symlink():
            raise FileExistsRefusedError(
                f"expected no file at {path}, got one", hint=hint
            )


def write_new(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a new file durably, in a folder that is there.

    Raises:
        FileExistsRefusedError: There is one with other bytes; it stays.
        NotFoundError: The folder is not there.
        StorageUnavailableError: Nothing was written.
    """
    if not path.parent.is_dir():
        raise NotFoundError(f"expected a folder at {path.parent}, got none")
    try:
        create_file(path, data, mode=mode)
    except WriteConflictError as error:
        raise FileExistsRefusedError(error.message) from error


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write new files, all or none, making their folders.

    Raises:
        FileExistsRefusedError: One is there already; none was written.
        StorageUnavailableError: None stays.
    """
    refuse_existing(*files)
    with _removed_on_error(files):
        for path, data in files.items():
            make_directory(path.parent)
            write_new(path, data)


@contextlib.contextmanager
def _removed_on_error(files: Mapping[Path, bytes]) -> Iterator[None]:
    folders = {p.parent for p in files if not p.parent.exists()}
    try:
        yield
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        for folder in folders:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
