# SPDX-License-Identifier: Apache-2.0
"""The digest of a file of any size."""

import hashlib
from pathlib import Path

from keys.digest import Digest
from trustacks._cli.files import not_a_file


def digest_of(file: Path) -> Digest:
    """Return SHA-256 of a file of any size.

    Raises:
        FileMissingError: There is no such file, or a folder.
    """
    try:
        with file.open("rb") as opened:
            return Digest(hashlib.file_digest(opened, "sha256").hexdigest())
    except (FileNotFoundError, IsADirectoryError) as error:
        raise not_a_file(file) from error
