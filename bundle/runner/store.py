# SPDX-License-Identifier: Apache-2.0
"""Candidates on the Runner's disk: one file each, whole or absent, never trusted.

``releases/<digest>.tar`` is a release as bytes, ``trust/<digest>.tar`` the newest
trust that was accepted. Both are read at the next start and judged again by the gate;
a file that is missing or was changed is refused then, like any other evidence.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bundle.archive import pack_tar, unpack_tar
from bundle.errors import ArchiveFormatError
from bundle.gate import (
    CONSTITUTION_SIGNATURE_TARGET,
    CONSTITUTION_TARGET,
    POLICY_TARGET,
    TRUSTED_ROOT_TARGET,
    Candidate,
)
from bundle.limits import MAX_ROOT_VERSIONS, MIB, ArchiveBounds
from keys.digest import Digest
from keys.durable import make_directory, read_file, remove_temporary, write_file
from signer.limits import MAX_NAMED_RELEASES

RELEASES: Final = "releases"
TRUST: Final = "trust"
CURRENT: Final = "current"

STORE_BOUNDS: Final = ArchiveBounds(
    # A bundle (64 MiB), its attestations (128 MiB), 64 packs and a constitution, and
    # 32 releases (7 MiB each) that the admins named.
    max_bytes=768 * MIB,
    # Roots, 64 packs with signatures, named releases, and some ten others.
    max_members=MAX_ROOT_VERSIONS + 2 * 64 + MAX_NAMED_RELEASES + 16,
    # layers/packs/<64 characters>.sigstore.json is 91.
    max_path_chars=128,
)

# Nothing else is deleted: somebody may have put a link to another place here.
_STORED: Final = re.compile(r"[0-9a-f]{64}\.tar")
_ROOT: Final = "metadata/root/"
_NAMED: Final = "named/"
_PACK: Final = "layers/packs/"
_ARCHIVE: Final = ".tar.gz"
_SIGNATURE: Final = ".sigstore.json"


def store_release(directory: Path, digest: Digest, candidate: Candidate) -> str:
    """Write a release, durably; return its name relative to ``directory``.

    The chain is left out: once accepted, the marked digest holds everything before.

    Raises:
        StorageUnavailableError: Nothing was written.
    """
    name = f"{RELEASES}/{digest.hex}.tar"
    _store(directory / name, replace(candidate, chain=(), cosigned={}, moved=()))
    return name


def load_release(directory: Path, digest: Digest) -> Candidate:
    """Read a release, unverified.

    Raises:
        NotFoundError: It is not there.
        FormatError: Not what ``store_release`` writes.
    """
    return _load(directory / RELEASES / f"{digest.hex}.tar")


def store_trust(directory: Path, targets: Digest, candidate: Candidate) -> None:
    """Write the trust that a candidate brought, without its release.

    Raises:
        StorageUnavailableError: Nothing was written.
    """
    bare = replace(
        candidate,
        release_role=None,
        bundle=b"",
        attestations=b"",
        chain=(),
        cosigned={},
        moved=(),
    )
    _store(directory / TRUST / f"{targets.hex}.tar", bare)


def load_trust(directory: Path, targets: Digest) -> Candidate:
    """Read the trust that was accepted last, unverified.

    Raises:
        NotFoundError: It is not there.
        FormatError: Not what ``store_trust`` writes.
    """
    return _load(directory / TRUST / f"{targets.hex}.tar")


def clean(directory: Path, kept: Iterable[Digest]) -> None:
    """Delete releases and trust that nobody needs, and half-writes beside them.

    Not in ``directory`` itself: another thread may be writing a decision there.
    """
    names = {f"{digest.hex}.tar" for digest in kept}
    for folder in (directory / RELEASES, directory / TRUST):
        with contextlib.suppress(OSError):
            remove_temporary(folder)
        for path in folder.glob("*.tar"):
            if _STORED.fullmatch(path.name) and path.name not in names:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def to_files(candidate: Candidate) -> dict[str, bytes]:
    """Return a candidate as files by name."""
    files = candidate.trust_files()
    files |= {f"{_ROOT}{i:04}.json": data for i, data in enumerate(candidate.roots)}
    files |= {f"{_NAMED}{i:04}.json": data for i, data in enumerate(candidate.named)}
    files["metadata/targets.json"] = candidate.targets
    if candidate.release_role is not None:
        files["metadata/release.json"] = candidate.release_role
        files |= candidate.overlay_files()
    return files


def from_files(files: Mapping[str, bytes]) -> Candidate:
    """Return the candidate that ``to_files`` wrote.

    Raises:
        ArchiveFormatError: A file is missing, or one is not of a candidate.
    """
    overlay = sorted({_revision(name) for name in files if name.startswith("overlay/")})
    revision = overlay[0] if overlay else 0
    try:
        candidate = Candidate(
            roots=tuple(files[n] for n in sorted(files) if n.startswith(_ROOT)),
            targets=files["metadata/targets.json"],
            release_role=files.get("metadata/release.json"),
            policy=files[POLICY_TARGET],
            trusted_root=files[TRUSTED_ROOT_TARGET],
            constitution=files[CONSTITUTION_TARGET],
            constitution_attestation=files[CONSTITUTION_SIGNATURE_TARGET],
            packs=_packs(files, _ARCHIVE),
            pack_attestations=_packs(files, _SIGNATURE),
            revision=revision,
            bundle=files.get(f"overlay/{revision}/bundle.tar.gz", b""),
            attestations=files.get(
                f"overlay/{revision}/attestations.sigstore.jsonl", b""
            ),
            named=tuple(files[n] for n in sorted(files) if n.startswith(_NAMED)),
        )
    except KeyError as error:
        raise ArchiveFormatError(
            f"stored release: expected {error}, got none"
        ) from None
    if to_files(candidate) != files:
        raise ArchiveFormatError("stored release: expected its files only, got others")
    return candidate


def _store(path: Path, candidate: Candidate) -> None:
    make_directory(path.parent, mode=0o700)
    tar = pack_tar(to_files(candidate), bounds=STORE_BOUNDS)
    write_file(path, tar, mode=0o600)


def _load(path: Path) -> Candidate:
    tar = read_file(path, max_bytes=STORE_BOUNDS.max_bytes)
    return from_files(unpack_tar(tar, bounds=STORE_BOUNDS))


def _packs(files: Mapping[str, bytes], suffix: str) -> dict[str, bytes]:
    return {
        name.removeprefix(_PACK).removesuffix(suffix): data
        for name, data in files.items()
        if name.startswith(_PACK) and name.endswith(suffix)
    }


def _revision(name: str) -> int:
    text = name.split("/")[1]
    if not text.isdecimal():
        raise ArchiveFormatError(f"stored release: expected a revision, got {name!r}")
    return int(text)
