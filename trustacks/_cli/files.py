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
        FileMissingError: There is no such file.
        LimitExceededError: It is larger than ``max_bytes``.
        StorageUnavailableError: It cannot be read.
    """
    try:
        return read_file(path, max_bytes=max_bytes)
    except NotFoundError as error:
        raise FileMissingError(error.message, hint="check the path") from error


def refuse_existing(*paths: Path, hint: str = "name another file") -> None:
    """Refuse output files that are there already, before any work is done.

    Raises:
        FileExistsRefusedError: One of them is.
        NotFoundError: The folder of one of them is not there.
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
