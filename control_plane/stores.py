# SPDX-License-Identifier: Apache-2.0
"""Where the storages of all workspaces are, and the one write that makes a workspace.

A workspace is written out of everybody's sight and then shown at once, so that a crash
leaves none or a whole one. What a crash leaves behind of the former is only space.

::

                a directory       a bucket, below its prefix
    stage       .new-<name>/…     w/<name>/<random>/…
    COMMIT      rename to <name>  create workspaces/<name>.json, which names the place

A bucket cannot rename, so that in it the place of a workspace has a part of its own: a
CDN is pointed at ``w/<name>/<random>``.
"""

import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from bundle.storage.bucket import Bucket
from bundle.storage.directory import DirectoryStorage
from bundle.storage.interface import Storage
from bundle.storage.s3 import S3Storage
from control_plane.errors import WorkspaceDamagedError
from keys.durable import sync_directory
from keys.errors import FormatError, NotFoundError, StorageUnavailableError
from keys.fields import Fields
from keys.lock import exclusive
from keys.strict import dumps_json, loads_json

# Opens the storage of one workspace, whose directory this is.
OpenStorage = Callable[[Path], Storage]

# A name begins with a letter; a workspace that is being made has a dot before it.
_STAGING: Final = ".new-"
_POINTERS: Final = "workspaces/"
_POINTER_END: Final = ".json"
_FORMAT: Final = "https://trustacks.com/formats/workspace-place/v1"
_MAX_POINTER_BYTES: Final = 1024


class Opened(NamedTuple):
    """One workspace's storage.

    Attributes:
        storage: Its bytes.
        alone: Makes a context that keeps other processes' writers of its log out.
    """

    storage: Storage
    alone: Callable[[], AbstractContextManager[None]] = nullcontext


class Stores(Protocol):
    """The storages of one server's workspaces."""

    def names(self) -> list[str]:
        """Return the names of all that were made."""

    def open(self, name: str) -> Opened | None:
        """Return the storage of a workspace that was made; None: it was not."""

    def stage(self, name: str) -> Opened:
        """Return an empty storage that nobody sees."""

    def commit(self, name: str) -> None:
        """Give what was staged its name.

        Raises:
            WriteConflictError: Another server was first.
            StorageUnavailableError: It may or may not have it.
        """

    def remove_leftovers(self) -> None:
        """Delete what crashes left; only before anybody else writes.

        Raises:
            StorageUnavailableError: It cannot be deleted.
        """


class DirectoryStores:
    """Workspaces as directories beside each other.

    Args:
        directory: Theirs.
        open_storage: Opens one.
    """

    def __init__(self, directory: Path, open_storage: OpenStorage) -> None:
        self._directory = directory
        self._open_storage = open_storage

    def names(self) -> list[str]:
        """Return the names of all that were made."""
        found = (p.name for p in self._directory.iterdir())
        return sorted(name for name in found if not name.startswith("."))

    def open(self, name: str) -> Opened | None:
        """Return the storage of a workspace that was made."""
        directory = self._directory / name
        return self._opened(directory) if directory.exists() else None

    def stage(self, name: str) -> Opened:
        """Return an empty storage; what an earlier try left is removed."""
        directory = self._directory / f"{_STAGING}{name}"
        shutil.rmtree(directory, ignore_errors=True)
        return self._opened(directory)

    def commit(self, name: str) -> None:
        """Rename the directory."""
        final = self._directory / name
        try:
            (self._directory / f"{_STAGING}{name}").rename(final)
            sync_directory(self._directory)
        except OSError as error:
            raise StorageUnavailableError(
                f"cannot make {final}: {error.strerror}"
            ) from error

    def remove_leftovers(self) -> None:
        """Delete half-written files, and workspaces that were never made."""
        for directory in self._directory.iterdir():
            if directory.name.startswith(_STAGING):
                shutil.rmtree(directory, ignore_errors=True)
            elif directory.is_dir():
                DirectoryStorage(directory).remove_crash_leftovers()

    def _opened(self, directory: Path) -> Opened:
        storage = self._open_storage(directory)
        lock = directory / ".log-lock"
        return Opened(storage, partial(exclusive, lock, wait=True))


class S3Stores:
    """Workspaces below one prefix of a bucket.

    Args:
        bucket: The bucket.
        prefix: May be empty.
    """

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._pointers = S3Storage(bucket, prefix)
        self._staged: dict[str, str] = {}

    def names(self) -> list[str]:
        """Return the names of all that were made."""
        found = self._pointers.names(_POINTERS)
        return [n.removeprefix(_POINTERS).removesuffix(_POINTER_END) for n in found]

    def open(self, name: str) -> Opened | None:
        """Return the storage of a workspace that was made."""
        try:
            raw = self._pointers.get(_pointer(name), max_bytes=_MAX_POINTER_BYTES)
        except NotFoundError:
            return None
        return self._opened(_parse(name, raw))

    def stage(self, name: str) -> Opened:
        """Return a storage at a new place."""
        self._staged[name] = f"w/{name}/{secrets.token_hex(8)}"
        return self._opened(self._staged[name])

    def commit(self, name: str) -> None:
        """Create the object that names the place."""
        raw = dumps_json({"format": _FORMAT, "place": self._staged[name]})
        self._pointers.put_immutable(_pointer(name), raw)

    def remove_leftovers(self) -> None:
        """Do nothing: objects are whole, and other servers write beside this one."""

    def _opened(self, place: str) -> Opened:
        whole = f"{self._prefix}/{place}" if self._prefix else place
        return Opened(S3Storage(self._bucket, whole))


def _pointer(name: str) -> str:
    return f"{_POINTERS}{name}{_POINTER_END}"


def _parse(name: str, raw: bytes) -> str:
    try:
        value = loads_json(raw, max_bytes=_MAX_POINTER_BYTES, what="workspace place")
        fields = Fields(value, "workspace place")
        fields.constant("format", _FORMAT)
        place = fields.text("place")
        fields.done()
    except FormatError as error:
        raise WorkspaceDamagedError(f"{name}: {error.message}", name=name) from error
    if not place.startswith(f"w/{name}/"):
        raise WorkspaceDamagedError(f"{name}: expected its place, got {place}")
    return place
