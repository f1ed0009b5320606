# SPDX-License-Identifier: Apache-2.0
"""The digest of a file of any size."""

import contextlib
import hashlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from keys.digest import Digest
from trustacks._cli.files import not_a_file


def digest_of(file: Path) -> Digest:
    """Return SHA-256 of a file of any size.

    Raises:
        FileMissingError: There is no such file, or a folder.
    """
    return read_head(file, 0)[1]


def read_head(file: Path, size: int) -> tuple[bytes, Digest]:
    """Return how a file begins, and SHA-256 of all of it.

    Read once: of a file that changes in between, the head would be another's.

    Args:
        file: Of any size.
        size: How many bytes of it.

    Raises:
        FileMissingError: There is no such file.
    """
    with _opened(file) as opened:
        head = opened.read(size)
        begun = hashlib.sha256(head)
        whole = hashlib.file_digest(opened, lambda: begun)
        return head, Digest(whole.hexdigest())


def require_file(file: Path) -> None:
    """Refuse early what is no file, before anybody is asked for anything.

    Raises:
        FileMissingError: There is no such file.
    """
    with _opened(file):
        pass


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[BufferedReader]:
    try:
        with file.open("rb") as opened:
            yield opened
    except (FileNotFoundError, IsADirectoryError) as error:
        raise not_a_file(file) from error
