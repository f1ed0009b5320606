# SPDX-License-Identifier: Apache-2.0
"""Objects as files under one directory: a name is a path, a write an fsync and rename.

Compare-and-swap reads, compares and renames under one advisory lock, so it holds among
the processes of one machine; a directory shared between machines is not supported.
"""

from pathlib import Path
from typing import Final

from bundle.storage.interface import require_name, require_prefix
from keys.digest import Digest
from keys.durable import (
    TEMPORARY_PREFIX,
    create_file,
    make_directory,
    read_file,
    remove_temporary,
    write_file,
)
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    WriteConflictError,
)
from keys.lock import exclusive

# Names never begin with a dot, so no object can take its place.
_LOCK: Final = ".lock"
# Bytes. Only what is replaced is read for comparison: metadata, checkpoints, journals.
_MAX_REPLACED_BYTES: Final = 64 * 1024 * 1024


class DirectoryStorage:
    """A ``Storage`` in a directory.

    Args:
        root: The directory; created if missing.

    Raises:
        StorageUnavailableError: It cannot be created.
    """

    def __init__(self, root: Path) -> None:
        make_directory(root)
        self._root = root

    def put_immutable(self, name: str, data: bytes) -> None:
        """Create an object that never changes; the same bytes again are success."""
        create_file(self._writable(name), data)

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        """Replace an object if its bytes still have the digest ``expected``."""
        path = self._writable(name)
        with exclusive(self._root / _LOCK, wait=True):
            current = self._digest(path)
            if current != expected:
                raise WriteConflictError(
                    f"{name}: expected {expected or 'nothing'} to replace,"
                    f" got {current or 'nothing'}",
                    name=name,
                )
            write_file(path, data)

    def get(self, name: str, *, max_bytes: int) -> bytes:
        """Return an object's bytes."""
        path = self._root / require_name(name)
        # A folder of objects is not one, nor is what lies "in" an object. Errors name
        # the object, not its path: they may be shown to whoever asked for it.
        if not path.is_file():
            raise NotFoundError(f"expected an object {name}, got none")
        try:
            return read_file(path, max_bytes=max_bytes)
        except LimitExceededError as error:
            raise LimitExceededError(
                f"{name}: expected at most {max_bytes} bytes, got more"
            ) from error

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with ``prefix``, sorted."""
        folder = self._root / require_prefix(prefix).rpartition("/")[0]
        try:
            found = [self._name(p) for p in folder.rglob("*") if p.is_file()]
        except OSError as error:
            raise StorageUnavailableError(
                f"cannot list {folder}: {error.strerror or error}"
            ) from error
        return sorted(n for n in found if n.startswith(prefix) and "/." not in f"/{n}")

    def discard(self, name: str) -> None:
        """Remove an immutable object that nobody needs; none there is success."""
        path = self._root / require_name(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageUnavailableError(
                f"cannot remove {path}: {error.strerror or error}"
            ) from error

    def remove_crash_leftovers(self) -> int:
        """Delete temporary files of crashed writes; only while nobody else writes."""
        left = {p.parent for p in self._root.rglob(f"{TEMPORARY_PREFIX}*")}
        return sum(remove_temporary(folder) for folder in left)

    def _writable(self, name: str) -> Path:
        path = self._root / require_name(name)
        if not path.parent.is_dir():
            make_directory(path.parent)
        return path

    def _digest(self, path: Path) -> Digest | None:
        try:
            return Digest.of(read_file(path, max_bytes=_MAX_REPLACED_BYTES))
        except NotFoundError:
            return None

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()
