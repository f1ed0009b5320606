# SPDX-License-Identifier: Apache-2.0
"""The evidence pack: everything that a workspace ever said, in one file.

Laws:
- One workspace, one checkpoint and one instant give one file, byte for byte.
- A pack holds what its checkpoint covers: every leaf, the attestation of every leaf,
  and the metadata and targets that were published until then.
- Reading believes nothing: bounds, form, digests, in that order. That a pack can be
  read says nothing about its truth; that is the business of ``replay``.

Source: docs/formats/evidence-pack.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bundle.audit.errors import (
    HistoryMissingError,
    NotAPackError,
    PackDigestError,
    PackMemberError,
    PackTruncatedError,
)
from bundle.audit.limits import MAX_MEMBER_BYTES, MAX_PACK_BYTES, MAX_PACK_MEMBERS
from bundle.audit.manifest import NAME as MANIFEST
from bundle.audit.manifest import PackManifest
from bundle.audit.members import read_members, write_members
from bundle.audit.readme import readme
from bundle.audit.source import collect
from bundle.storage.interface import Storage
from keys.digest import Digest
from keys.errors import LimitExceededError

README: Final = "README.md"
GENESIS: Final = "metadata/1.root.json"


@dataclass(frozen=True, slots=True)
class PackBounds:
    """How much a reader takes; every number has its reason in ``bundle.audit.limits``.

    Attributes:
        pack_bytes: The whole file.
        members: The number of members.
        member_bytes: One member's content.
    """

    pack_bytes: int = MAX_PACK_BYTES
    members: int = MAX_PACK_MEMBERS
    member_bytes: int = MAX_MEMBER_BYTES


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that is what its manifest says, and not yet believed.

    Attributes:
        manifest: What it says of itself.
        digest: Of the whole file.
        files: Contents by name, without the manifest and the README.
    """

    manifest: PackManifest
    digest: Digest
    files: Mapping[str, memoryview] = field(repr=False)

    def get(self, name: str) -> bytes:
        """Return one file.

        Raises:
            HistoryMissingError: The pack does not hold it.
        """
        if name not in self.files:
            raise HistoryMissingError(f"expected {name} in the pack, got none")
        return bytes(self.files[name])

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with ``prefix``, sorted."""
        return sorted(name for name in self.files if name.startswith(prefix))


def export_pack(storage: Storage, *, name: str, at: datetime) -> bytes:
    """Write the evidence of one workspace.

    Args:
        storage: The workspace's storage; only read.
        name: The workspace's name, for people.
        at: The instant of export, for people; part of the bytes.

    Raises:
        NotFoundError: The storage has no root metadata or no checkpoint.
        StorageError: It cannot be read.
    """
    return write_pack(collect(storage), name=name, at=at)


def write_pack(files: Mapping[str, bytes], *, name: str, at: datetime) -> bytes:
    """Write a pack from its files.

    Args:
        files: Contents by name, ``metadata/1.root.json`` among them.
        name: The workspace's name, for people.
        at: The instant of export, for people.

    Raises:
        HistoryMissingError: The first root metadata is not among the files.
        PackMemberError: A name outside the folders, or one that cannot be written.
    """
    if GENESIS not in files:
        raise HistoryMissingError(f"expected {GENESIS} among the files, got none")
    digests = {member: Digest.of(content) for member, content in files.items()}
    manifest = PackManifest(name, digests[GENESIS], at, digests)
    text = readme(name=name, workspace=manifest.workspace, at=at)
    head = [(README, text.encode()), (MANIFEST, manifest.to_bytes())]
    return write_members([*head, *sorted(files.items())])


def read_pack(data: bytes, *, bounds: PackBounds | None = None) -> Pack:
    """Read a pack strictly.

    Args:
        data: The file.
        bounds: How much to take.

    Raises:
        NotAPackError: It is something else.
        PackVersionError: It is a pack of another version.
        PackTruncatedError: It ends too early, or a member of the manifest is missing.
        PackMemberError: A member that the format or the manifest does not have.
        PackDigestError: A member that differs from its digest.
        LimitExceededError: Larger than a bound.
    """
    bounds = bounds or PackBounds()
    if len(data) > bounds.pack_bytes:
        raise LimitExceededError(
            f"evidence pack: expected at most {bounds.pack_bytes} bytes, "
            f"got {len(data)}"
        )
    members = read_members(
        memoryview(data),
        max_members=bounds.members,
        max_member_bytes=bounds.member_bytes,
    )
    _take(members, README)
    manifest = PackManifest.parse(_take(members, MANIFEST))
    files = _read_files(members, manifest.files)
    if manifest.files.get(GENESIS) != manifest.workspace:
        raise PackDigestError(
            f"expected {GENESIS} with the workspace's digest {manifest.workspace}, "
            f"got {manifest.files.get(GENESIS)}"
        )
    return Pack(manifest, Digest.of(data), files)


def _take(members: Iterator[tuple[str, memoryview]], expected: str) -> bytes:
    name, content = next(members, ("nothing", memoryview(b"")))
    if name != expected:
        raise NotAPackError(f"expected {expected} in its place, got {name[:80]}")
    return bytes(content)


def _read_files(
    members: Iterator[tuple[str, memoryview]], digests: Mapping[str, Digest]
) -> dict[str, memoryview]:
    files: dict[str, memoryview] = {}
    last = ""
    for name, content in members:
        # Ascending order also means that no name comes twice.
        if name not in digests or name <= last:
            raise PackMemberError(
                f"expected the manifest's members in their order, got {name} "
                f"after {last or MANIFEST}"
            )
        last = name
        found = Digest.of(content)
        if found != digests[name]:
            raise PackDigestError(
                f"{name}: expected {digests[name]}, got {found}", member=name
            )
        files[name] = content
    if missing := sorted(set(digests) - set(files)):
        raise PackTruncatedError(
            f"expected {len(digests)} members, got {len(files)}; "
            f"the first missing one is {missing[0]}",
            members=missing[:10],
        )
    return files
