# SPDX-License-Identifier: Apache-2.0
"""What may lie in an overlay folder: files, never links, pipes or devices."""

import stat
from pathlib import Path

from bundle.errors import OverlayFormatError
from keys.durable import read_file


def optional(path: Path, max_bytes: int) -> bytes | None:
    """Return a file's bytes, or None if there is none."""
    return read_file(path, max_bytes=max_bytes) if path.exists() else None


def refuse_link(path: Path) -> None:
    """Refuse a link.

    Raises:
        OverlayFormatError: It is one.
    """
    if path.is_symlink():
        raise OverlayFormatError(
            f"expected files and folders, got a link at {path}",
            hint="copy the file into the overlay",
        )


def require_file(path: Path) -> bool:
    """Return whether there is a file: a thousand rules have seven names each.

    Raises:
        OverlayFormatError: A link, a folder, a pipe or a device.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(mode):
        refuse_link(path)
    if not stat.S_ISREG(mode):
        raise OverlayFormatError(f"expected a file at {path}, got another thing")
    return True


def foreign(path: Path) -> OverlayFormatError:
    """Return the refusal of what is no rule's."""
    return OverlayFormatError(
        f"expected rules, tests, cases and attestations, got {path}",
        hint="move it out of the overlay folder: only Rego is released",
    )
