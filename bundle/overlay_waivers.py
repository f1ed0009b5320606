# SPDX-License-Identifier: Apache-2.0
"""Waivers in the overlay folder: one statement, a file for each who signed it.

::

    overlay/waivers/<name>.sigstore.json                    of whoever asks
    overlay/waivers/<name>.cosign.<identity>.sigstore.json  of whoever approves

The name is for people: ``waiver sign`` makes it of rule id and digest.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bundle.errors import OverlayFormatError
from bundle.overlay_entries import foreign, refuse_link, require_file
from keys.digest import Digest
from keys.durable import read_file
from keys.errors import NotFoundError
from keys.record import record

WAIVERS: Final = "waivers"
# A waiver has a justification, a scope, a token and an entry.
MAX_WAIVER_BYTES: Final = 64 * 1024
# As many as a release may list (signer.limits, not loaded here), and those before.
MAX_WAIVER_FILES: Final = 4096

_COSIGNED: Final = re.compile(
    r"([a-z0-9_.-]{1,128})\.cosign\.[a-z0-9][a-z0-9._-]{0,63}\.sigstore\.json"
)
_FIRST: Final = re.compile(r"([a-z0-9_.-]{1,128})\.sigstore\.json")


@record
class WaiverFiles:
    """The files of one waiver.

    Attributes:
        name: What the files are named for.
        path: Of the attestation of whoever asks.
        attestation: That attestation.
        cosignatures: Further signatures of its statement, by the path of the file.
    """

    name: str
    path: Path
    attestation: bytes
    cosignatures: tuple[tuple[Path, bytes], ...] = ()


def waiver_path(root: Path, rule_id: str, digest: Digest) -> Path:
    """Return where a waiver lies in an overlay folder."""
    return root / WAIVERS / f"{rule_id}-{digest.hex[:12]}.sigstore.json"


def approved_path(files: WaiverFiles, identity: str) -> Path:
    """Return where a further signature of a waiver lies."""
    return files.path.with_name(f"{files.name}.cosign.{identity}.sigstore.json")


def read_waivers(root: Path) -> Iterator[WaiverFiles]:
    """Yield every waiver of an overlay, by name.

    Raises:
        OverlayFormatError: A link, a foreign file, or a further signature of nothing.
        StorageError: A file cannot be read, or is too large.
    """
    folder = root / WAIVERS
    refuse_link(folder)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    if len(paths) > MAX_WAIVER_FILES:
        raise OverlayFormatError(
            f"expected at most {MAX_WAIVER_FILES} files in {folder}, got {len(paths)}",
            hint="delete those that ended",
        )
    first: dict[str, Path] = {}
    further: dict[str, list[Path]] = {}
    for path in paths:
        _sort(path, first, further)
    for name in sorted(further.keys() - first.keys()):
        raise foreign(further[name][0])
    for name, path in sorted(first.items()):
        yield WaiverFiles(
            name=name,
            path=path,
            attestation=_read(path),
            cosignatures=tuple((one, _read(one)) for one in further.get(name, ())),
        )


def find_waiver(root: Path, name: str) -> WaiverFiles:
    """Read one waiver by its name or the path of its file.

    Raises:
        NotFoundError: There is none of that name.
        OverlayFormatError: The folder holds what is no waiver.
    """
    wanted = Path(name).name.removesuffix(".sigstore.json")
    for files in read_waivers(root):
        if files.name == wanted:
            return files
    raise NotFoundError(
        f"expected a waiver {wanted} in {root / WAIVERS}, got none",
        hint="`trustacks waiver list` shows what there is",
    )


def _sort(path: Path, first: dict[str, Path], further: dict[str, list[Path]]) -> None:
    if path.name == ".gitkeep":
        return
    require_file(path)
    cosigned, alone = _COSIGNED.fullmatch(path.name), _FIRST.fullmatch(path.name)
    if cosigned:
        further.setdefault(cosigned[1], []).append(path)
    elif alone:
        first[alone[1]] = path
    else:
        raise foreign(path)


def _read(path: Path) -> bytes:
    return read_file(path, max_bytes=MAX_WAIVER_BYTES)
