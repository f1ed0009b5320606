# SPDX-License-Identifier: Apache-2.0
"""The Environment Profile of the overlay that a command works in."""

from pathlib import Path
from typing import Any

from bundle.errors import OverlayFormatError
from bundle.lint.profile import ProfileFile, open_profile
from bundle.overlay import MAX_PROFILE_BYTES, PROFILE, overlay_root
from keys.durable import read_file


def profile_of(overlay: Path | None) -> ProfileFile | None:
    """Return the overlay's profile; None outside an overlay.

    Raises:
        StorageError: A link, a folder or a device in its place, or it is too large.
    """
    try:
        path = overlay_root(overlay or Path()) / PROFILE
    except OverlayFormatError:
        return None
    there = path.exists() or path.is_symlink()
    data = read_file(path, max_bytes=MAX_PROFILE_BYTES) if there else None
    return open_profile(str(path), data)


def profile_json(file: ProfileFile | None) -> dict[str, Any] | None:
    """Return the profile as ``--json`` shows it, or None if none was read."""
    return file.profile.to_json() if file is not None and file.profile else None
