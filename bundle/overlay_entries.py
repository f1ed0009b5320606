# SPDX-License-Identifier: Apache-2.0
"""What may lie in an overlay folder: files, never links, pipes or devices."""

import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bundle.errors import OverlayFormatError
from keys.durable import read_file

_OWN_ID: Final = re.compile(r'^rule_metadata\["([^"\n]*)"\]', re.MULTILINE)


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


def own_id(rule: bytes) -> str:
    """Return the id that a file says it has; the linter reads it properly."""
    found = set(_OWN_ID.findall(rule.decode("utf-8", "replace")))
    return found.pop() if len(found) == 1 else ""


def read_each(paths: Iterable[Path], max_bytes: int) -> tuple[tuple[Path, bytes], ...]:
    """Return files with their bytes."""
    return tuple((path, read_file(path, max_bytes=max_bytes)) for path in paths)
