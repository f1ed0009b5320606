# SPDX-License-Identifier: Apache-2.0
"""What may lie in an overlay folder: files, never links, pipes or devices."""

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


def require_file(path: Path) -> None:
    """Refuse a link, a folder, a pipe or a device; what is not there is no matter.

    Raises:
        OverlayFormatError: It is one.
    """
    refuse_link(path)
    if path.exists() and not path.is_file():
        raise OverlayFormatError(f"expected a file at {path}, got another thing")


def foreign(path: Path) -> OverlayFormatError:
    """Return the refusal of what is no rule's."""
    return OverlayFormatError(
        f"expected rules, tests, cases and attestations, got {path}",
        hint="move it out of the overlay folder: only Rego is released",
    )
