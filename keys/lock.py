# SPDX-License-Identifier: Apache-2.0
"""One process at a time: an advisory lock that the kernel drops when a process dies."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from keys.errors import BusyError, StorageUnavailableError


@contextlib.contextmanager
def exclusive(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file at ``path`` for the body.

    Args:
        path: The lock file; created if missing, never deleted.
        wait: Wait for the holder instead of refusing.

    Raises:
        BusyError: Another process or thread holds it, and ``wait`` is false.
        StorageUnavailableError: The file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StorageUnavailableError(
            f"cannot lock {path}: {error.strerror}"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BusyError(
                f"expected to be alone in {path.parent}, got another process",
                hint="wait for it, or give this one a directory of its own",
            ) from None
        yield
    finally:
        os.close(descriptor)
