# SPDX-License-Identifier: Apache-2.0
"""A store in memory, stricter than any real one, that fails on demand.

Stricter: a name is either immutable or replaced for ever, and using it both ways is an
AssertionError, as is a write while ``sealed``. Faults come in pairs, because a caller
cannot tell them apart: ``FAILED`` and ``FAILED_BUT_PERSISTED``.
"""

import threading
from collections.abc import Callable
from enum import Enum, auto

from bundle.storage.interface import require_name, require_prefix
from keys.digest import Digest
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    WriteConflictError,
)


class Fault(Enum):
    """How a write fails."""

    FAILED = auto()
    FAILED_BUT_PERSISTED = auto()


class MemoryStorage:
    """A ``Storage`` for tests.

    Attributes:
        objects: Name to bytes.
        writes: The names written, in order, failed attempts included.
        reads: The names asked for, in order.
        sealed: Whether a write is a mistake of the code under test.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.sealed = False
        self._kinds: dict[str, str] = {}
        self._faults: dict[int, Fault] = {}
        self._lock = threading.RLock()

    def fail_write(self, count: int, fault: Fault) -> None:
        """Let the ``count``-th write from now (0 is the next) fail once."""
        self._faults[len(self.writes) + count] = fault

    def heal(self) -> None:
        """Forget faults that have not happened."""
        self._faults.clear()

    def copy(self) -> "MemoryStorage":
        """Return the disk as a crash would leave it: same objects, no faults."""
        other = MemoryStorage()
        other.objects, other._kinds = dict(self.objects), dict(self._kinds)
        return other

    def put_immutable(self, name: str, data: bytes) -> None:
        with self._lock:
            self._write(name, "immutable", lambda: self._create(name, data))

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        with self._lock:
            self._write(name, "replaced", lambda: self._swap(name, data, expected))

    def discard(self, name: str) -> None:
        with self._lock:
            self._write(name, "immutable", lambda: self.objects.pop(name, None))

    def get(self, name: str, *, max_bytes: int) -> bytes:
        with self._lock:
            self.reads.append(require_name(name))
            if name not in self.objects:
                raise NotFoundError(f"expected an object {name}, got none")
            data = self.objects[name]
        if len(data) > max_bytes:
            raise LimitExceededError(
                f"{name}: expected at most {max_bytes} bytes, got more"
            )
        return data

    def names(self, prefix: str) -> list[str]:
        require_prefix(prefix)
        with self._lock:
            return sorted(n for n in self.objects if n.startswith(prefix))

    def _write(self, name: str, kind: str, apply: Callable[[], object]) -> None:
        require_name(name)
        assert not self.sealed, f"{name} was written while nothing may be"
        known = self._kinds.setdefault(name, kind)
        assert known == kind, f"{name} is {known}, and was used as {kind}"
        fault = self._faults.pop(len(self.writes), None)
        self.writes.append(name)
        if fault is not Fault.FAILED:
            apply()
        if fault is not None:
            raise StorageUnavailableError(f"cannot write {name}: {fault.name.lower()}")

    def _create(self, name: str, data: bytes) -> None:
        if self.objects.setdefault(name, data) != data:
            raise WriteConflictError(f"expected equal bytes at {name}, got other bytes")

    def _swap(self, name: str, data: bytes, expected: Digest | None) -> None:
        current = self.objects.get(name)
        if (None if current is None else Digest.of(current)) != expected:
            raise WriteConflictError(f"{name}: expected {expected}, got another object")
        self.objects[name] = data
