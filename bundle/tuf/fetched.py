# SPDX-License-Identifier: Apache-2.0
"""What a client fetched: one consistent set of metadata, and the files it names.

The set is kept as one file, written at once, so that a Runner without a network finds
either the last whole set or none. Nothing here is believed: ``read_view`` judges the
metadata, the gate judges the files.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tuf.api.metadata import TargetFile, Targets

from bundle.archive import pack_tar, unpack_tar
from bundle.chain_names import chain_name, cosigned_name
from bundle.limits import BUNDLE_BOUNDS, MAX_CHAIN_BYTES, MAX_TARGET_BYTES
from bundle.tuf.documents import target_name
from bundle.tuf.errors import (
    TufFormatError,
    TufHashError,
    TufLengthError,
    TufMissingError,
)
from bundle.tuf.files import Files
from bundle.tuf.metadata import digest_of, parse_metadata
from bundle.tuf.roles import OVERLAY_PREFIX, RELEASE, TARGETS
from keys.digest import Digest
from keys.durable import read_file
from keys.errors import NotFoundError
from signer.attestation import parse_attestation, parse_jsonl

# The last whole set, in a client's directory.
KEPT: Final = "fetched.tar"
_ROOTS: Final = "roots/"
_FILES: Final = ("targets", "release", "timestamp", "snapshot")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One consistent set of metadata.

    Attributes:
        roots: From the pinned root to the newest.
        targets: Top-level targets.
        release: The delegated role.
        timestamp: As it was served.
        snapshot: What the timestamp names.
    """

    roots: tuple[bytes, ...]
    targets: bytes
    release: bytes
    timestamp: bytes
    snapshot: bytes
    _targets: Files = field(repr=False, compare=False)
    _chain: Files = field(repr=False, compare=False)
    _cosigned: Files = field(repr=False, compare=False)

    def target(self, name: str, *, max_bytes: int) -> bytes:
        """Return a file that the metadata lists.

        Releases are looked up in the release role and everything else in top-level
        targets, never by delegation (DESIGN 9, Scope).

        Args:
            name: Such as ``trust/policy.json`` or ``overlay/3/bundle.tar.gz``.
            max_bytes: Bound, whatever the metadata says.

        Raises:
            NotFoundError: It is not listed.
            TufLengthError: Longer than listed, or than ``max_bytes``.
            TufHashError: Other bytes than listed.
            TufMissingError: Listed, and not there.
            UnavailableError: The mirror does not answer, or there is no network.
        """
        file = self._find(name)
        if file.length > max_bytes:
            raise TufLengthError(
                f"{name}: expected at most {max_bytes} bytes, got {file.length}"
            )
        return self._targets.get(
            digest_of(file.hashes, name),
            target_name(file),
            max_bytes=file.length,
            check=lambda data: _require_file(file, data),
        )

    def chain(self, digest: Digest) -> bytes:
        """Return a release attestation by the digest of its PAE.

        Raises:
            TufHashError: The mirror serves another one.
            FormatError: It serves something else.
            TufMissingError: It serves none.
            UnavailableError: The mirror does not answer, or there is no network.
        """
        return self._chain.get(
            digest,
            chain_name(digest),
            max_bytes=MAX_CHAIN_BYTES,
            check=lambda data: _require_attestation(digest, data),
        )

    def cosigned(self, digest: Digest) -> tuple[bytes, ...]:
        """Return the further signatures of a release; none if the mirror has none.

        Raises:
            TufHashError: The mirror serves those of another one.
            FormatError: It serves something else.
            UnavailableError: The mirror does not answer, or there is no network.
        """
        try:
            lines = self._cosigned.get(
                digest,
                cosigned_name(digest),
                max_bytes=MAX_TARGET_BYTES,
                check=lambda data: _require_cosigned(digest, data),
            )
        except TufMissingError:
            return ()
        return parse_jsonl(lines)

    def keep_listed(self) -> None:
        """Delete the files on disk that are listed no longer."""
        self._targets.keep(self.digests())

    def forget_chain(self) -> None:
        """Delete the release attestations on disk, for whoever refused them.

        Their digest is that of the statement. A mirror that served a true statement
        under a false signature must not be believed for longer than it lies.
        """
        self._chain.keep(frozenset())
        self._cosigned.keep(frozenset())

    def digests(self) -> set[str]:
        """Return the SHA-256 of every listed file, in hexadecimal."""
        listed = [*_listed(self.targets, TARGETS), *_listed(self.release, RELEASE)]
        return {digest_of(file.hashes, file.path).hex for file in listed}

    def to_bytes(self) -> bytes:
        """Return the set as one file."""
        files = {name: getattr(self, name) for name in _FILES}
        files |= {f"{_ROOTS}{i:06}": root for i, root in enumerate(self.roots)}
        return pack_tar(files)

    @classmethod
    def from_bytes(
        cls, data: bytes, targets: Files, chain: Files, cosigned: Files
    ) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            FormatError: Something else.
        """
        files = unpack_tar(data)
        roots = tuple(files.pop(n) for n in list(files) if n.startswith(_ROOTS))
        if set(files) != set(_FILES):
            raise TufFormatError(f"expected {_FILES} in the cache, got {sorted(files)}")
        return cls(
            roots=roots,
            targets=files["targets"],
            release=files["release"],
            timestamp=files["timestamp"],
            snapshot=files["snapshot"],
            _targets=targets,
            _chain=chain,
            _cosigned=cosigned,
        )

    def _find(self, name: str) -> TargetFile:
        overlay = name.startswith(OVERLAY_PREFIX)
        data, role = (self.release, RELEASE) if overlay else (self.targets, TARGETS)
        for file in _listed(data, role):
            if file.path == name:
                return file
        raise NotFoundError(f"expected {name} in {role}, got none")


def read_kept(directory: Path, *, root: bytes, url: str = "") -> Fetched:
    """Return the last whole set that a client kept, without a network.

    Args:
        directory: The client's own.
        root: The pinned root.
        url: Where the workspace is published.

    Raises:
        NotFoundError: There is none under this pinned root.
        FormatError: It is damaged.
    """
    data = read_file(directory / KEPT, max_bytes=BUNDLE_BOUNDS.max_bytes)
    names = ("targets", "chain", "cosigned")
    files = (Files(directory / name, url, None) for name in names)
    fetched = Fetched.from_bytes(data, *files)
    if fetched.roots[:1] != (root,):
        raise NotFoundError("expected a set under the pinned root, got another")
    return fetched


def _listed(data: bytes, role: str) -> list[TargetFile]:
    return list(parse_metadata(data, Targets, role).signed.targets.values())


def _require_file(file: TargetFile, data: bytes) -> None:
    if len(data) != file.length:
        raise TufLengthError(
            f"{file.path}: expected {file.length} bytes, got {len(data)}"
        )
    expected = digest_of(file.hashes, file.path)
    if Digest.of(data) != expected:
        raise TufHashError(f"{file.path}: expected {expected}, got {Digest.of(data)}")


def _require_cosigned(digest: Digest, data: bytes) -> None:
    for line in parse_jsonl(data):
        _require_attestation(digest, line)


def _require_attestation(digest: Digest, data: bytes) -> None:
    got = parse_attestation(data).digest
    if got != digest:
        raise TufHashError(f"chain: expected attestation {digest}, got {got}")
