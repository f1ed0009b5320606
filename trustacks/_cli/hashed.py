# SPDX-License-Identifier: Apache-2.0
"""The digest of a file of any size."""

import hashlib
from pathlib import Path

from keys.digest import Digest
from trustacks.errors import FileMissingError


def digest_of(file: Path) -> Digest:
    """Return SHA-256 of a file of any size.

    Raises:
        FileMissingError: There is no such file.
    """
    try:
        with file.open("rb") as opened:
            return Digest(hashlib.file_digest(opened, "sha256").hexdigest())
    except (FileNotFoundError, IsADirectoryError) as error:
        raise FileMissingError(
            f"expected a file at {file}, got none", hint="check the path"
        ) from error
