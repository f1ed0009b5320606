# SPDX-License-Identifier: Apache-2.0
"""The layers that a workspace pins, kept beside the pin for authors.

They were verified when they were written (``trustacks.pinned``), and ``rule lint`` and
``rule test`` read them many times a day: here they are checked by digest alone, without
loading TUF or cryptography. Nothing that is signed relies on this copy; ``rule sign``
refreshes the pin first.

Order of writes: archives under their digests, then ``parents.json``, which names them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bundle.limits import MAX_TARGET_BYTES
from keys.digest import Digest
from keys.durable import keep_file, make_directory, read_file
from keys.errors import FieldFormatError, NotFoundError, StorageUnavailableError
from keys.fields import Fields
from keys.record import record
from keys.strict import dumps_json, loads_json
from trustacks.limits import MAX_CONFIG_BYTES

FORMAT: Final = "https://trustacks.com/formats/client-parents/v1"


def store_directory(home: Path, root: Digest) -> Path:
    """Return where what is pinned of a workspace lies.

    Args:
        home: The folder of all workspaces.
        root: SHA-256 of the pinned root.
    """
    return home / root.hex[:32]


@record
class ParentArchives:
    """The archives of constitution and packs.

    Attributes:
        constitution: The constitution's archive.
        packs: The packs' archives by name.
    """

    constitution: bytes
    packs: Mapping[str, bytes]

    @property
    def archives(self) -> tuple[bytes, ...]:
        """The constitution, then the packs by name."""
        return (self.constitution, *(self.packs[name] for name in sorted(self.packs)))

    def to_json(self) -> dict[str, Any]:
        """Return the digests, in the form of a rule's attestation."""
        return {
            "constitution": str(Digest.of(self.constitution)),
            "packs": {n: str(Digest.of(data)) for n, data in self.packs.items()},
        }


def store_parents(directory: Path, parents: ParentArchives) -> None:
    """Keep verified archives.

    Raises:
        StorageUnavailableError: What was kept before is still what is read.
    """
    folder = directory / "parents"
    make_directory(folder, mode=0o700)
    for data in (parents.constitution, *parents.packs.values()):
        keep_file(folder / f"{Digest.of(data).hex}.tar.gz", data)
    document = {"format": FORMAT, **parents.to_json()}
    keep_file(folder / "parents.json", dumps_json(document))


def load_parents(directory: Path) -> ParentArchives:
    """Read what ``store_parents`` kept.

    Raises:
        NotFoundError: Nothing was kept yet.
        StorageUnavailableError: A file is not what it was.
    """
    folder = directory / "parents"
    data = read_file(folder / "parents.json", max_bytes=MAX_CONFIG_BYTES)
    value = loads_json(data, max_bytes=MAX_CONFIG_BYTES, what="parents.json")
    fields = Fields(value, "parents")
    fields.constant("format", FORMAT)
    constitution = fields.digest("constitution")
    packs = fields.mapping("packs")
    fields.done()
    return ParentArchives(
        constitution=_read(folder, constitution),
        packs={name: _read(folder, _digest(text)) for name, text in packs.items()},
    )


def _digest(text: Any) -> Digest:
    if not isinstance(text, str):
        raise FieldFormatError("parents.packs: expected digests, got something else")
    return Digest.parse(text)


def _read(folder: Path, digest: Digest) -> bytes:
    path = folder / f"{digest.hex}.tar.gz"
    try:
        data = read_file(path, max_bytes=MAX_TARGET_BYTES)
    except NotFoundError:
        data = b""
    if Digest.of(data) != digest:
        raise StorageUnavailableError(
            f"expected {digest} at {path}, got other bytes",
            hint="fetch it again: trustacks login",
        )
    return data
