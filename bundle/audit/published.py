# SPDX-License-Identifier: Apache-2.0
"""What a pack says was published: found by digests, from the newest backwards.

The newest state is what ``timestamp.json`` reaches. Before it, targets lead to earlier
targets by the ``previous`` of their trust events, and releases to earlier releases by
their ``predecessor``. So what was prepared and never published is told apart from what
was, and nothing in the middle can be left out.
"""

import contextlib
from dataclasses import dataclass
from typing import Final, NoReturn

from tuf.api.metadata import TargetFile, Targets

from bundle.audit.pack import Pack
from bundle.chain_names import chain_name, cosigned_name
from bundle.gate import attestations_target
from bundle.gate.chain import Link, open_head
from bundle.gate.errors import OverlayMissingError
from bundle.gate.release import sort_attestations
from bundle.limits import MAX_TARGET_BYTES
from bundle.tuf.committed import Committed, read_committed
from bundle.tuf.documents import target_name
from bundle.tuf.metadata import digest_of, parse_metadata
from bundle.tuf.roles import RELEASE
from bundle.tuf.view import revision_of
from keys.digest import Digest
from keys.errors import LimitExceededError, NotFoundError, TrustacksError, UsageError
from signer.attestation import parse_jsonl

METADATA: Final = "metadata/"


@dataclass(frozen=True, slots=True)
class Listed:
    """Release metadata in which a release is the highest, and who else signed that.

    Attributes:
        name: Of the metadata, in the pack.
        cosigned: Further signatures of the release, as published with it.
    """

    name: str
    cosigned: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PackStorage:
    """A pack as a store that can only be read."""

    pack: Pack

    def get(self, name: str, *, max_bytes: int) -> bytes:
        """Return a file's bytes.

        Raises:
            NotFoundError: The pack does not hold it.
            LimitExceededError: It is larger than ``max_bytes``.
        """
        if name not in self.pack.files:
            raise NotFoundError(f"expected {name} in the pack, got none")
        if len(self.pack.files[name]) > max_bytes:
            raise LimitExceededError(
                f"{name}: expected at most {max_bytes} bytes, "
                f"got {len(self.pack.files[name])}"
            )
        return self.pack.get(name)

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with ``prefix``, sorted."""
        return self.pack.names(prefix)

    def put_immutable(self, name: str, data: bytes) -> None:
        """Refuse: a pack does not change."""
        self._refuse(name, len(data))

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        """Refuse: a pack does not change."""
        self._refuse(name, len(data), expected)

    def discard(self, name: str) -> None:
        """Refuse: a pack does not change."""
        self._refuse(name)

    def _refuse(self, name: str, *_: object) -> NoReturn:
        raise UsageError(f"expected to read a pack only, got a write to {name}")


def read_newest(pack: Pack) -> Committed:
    """Return the metadata that was in force when the pack was made.

    Raises:
        TrustacksError: There is none, or it does not hold together.
    """
    return read_committed(PackStorage(pack))


def metadata_by_digest(pack: Pack, role: str) -> dict[Digest, str]:
    """Return the names of every version of a role, by the digest of their bytes."""
    end = f".{role}.json"
    names = [name for name in pack.names(METADATA) if name.endswith(end)]
    return {Digest.of(pack.files[name]): name for name in names}


def read_releases(pack: Pack, newest: bytes) -> list[Link]:
    """Return the published releases, the first one first; not yet verified.

    Args:
        pack: Where they are.
        newest: The release role's metadata of the newest state.

    Raises:
        TrustacksError: One is missing, or is none.
    """
    listed = parse_metadata(newest, Targets, RELEASE).signed.targets
    if not listed:
        return []
    highest = max(map(revision_of, listed))
    links = [open_head(sort_attestations(_attestations(pack, listed, highest)).release)]
    while links[-1].release.predecessor:
        links.append(open_head(pack.get(chain_name(links[-1].release.predecessor))))
        if links[-1].release.revision >= links[-2].release.revision:
            raise OverlayMissingError(
                f"expected a revision before {links[-2].release.revision}, "
                f"got {links[-1].release.revision}"
            )
    return links[::-1]


def read_cosigned(pack: Pack, digest: Digest) -> tuple[bytes, ...]:
    """Return the further signatures of an earlier release; none if there are none.

    Raises:
        FormatError: The file is none of attestations.
    """
    name = cosigned_name(digest)
    return parse_jsonl(pack.get(name)) if name in pack.files else ()


def index_releases(pack: Pack) -> dict[Digest, list[Listed]]:
    """Return, for each release, the metadata in which it is the highest, in order.

    A version that lists another release at the same revision was prepared by somebody
    who lost the race: it is that release's. One whose attestations are missing, or are
    none, is nobody's.
    """
    end = f".{RELEASE}.json"
    names = [name for name in pack.names(METADATA) if name.endswith(end)]
    found: dict[Digest, list[Listed]] = {}
    for name in sorted(names, key=_version_of):
        with contextlib.suppress(TrustacksError):
            listed = parse_metadata(pack.get(name), Targets, RELEASE).signed.targets
            highest = max(map(revision_of, listed), default=0)
            lines = sort_attestations(_attestations(pack, listed, highest))
            further = lines.cosigned.get(lines.digest, ())
            found.setdefault(lines.digest, []).append(Listed(name, further))
    return found


def target_object(name: str, length: int, digest: Digest) -> str:
    """Return the name under which a target's bytes lie."""
    return target_name(TargetFile(length, {"sha256": digest.hex}, name))


def _attestations(pack: Pack, listed: dict[str, TargetFile], revision: int) -> bytes:
    name = attestations_target(revision)
    if name not in listed:
        raise OverlayMissingError(f"expected {name} in the metadata, got none")
    file = listed[name]
    stored = target_object(name, file.length, digest_of(file.hashes, name))
    return PackStorage(pack).get(stored, max_bytes=MAX_TARGET_BYTES)


def _version_of(name: str) -> tuple[int, str]:
    """Sort by number; what has none comes first and is refused by its reader."""
    number = name.removeprefix(METADATA).split(".", 1)[0]
    return (int(number) if number.isascii() and number.isdecimal() else 0, name)
