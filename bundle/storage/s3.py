# SPDX-License-Identifier: Apache-2.0
"""Objects in S3: the duties of a store, kept by conditional writes alone.

::

    put_immutable   PUT If-None-Match: *   412: the same bytes are there, or a conflict
    replace         GET; PUT If-Match      412: look again
    either          409                    contended, nothing written: again
                    no answer, 5xx         may have been written: look, compare, again

A write is never repeated blindly. Both are safe to send twice because of their
conditions, but not safe to *judge* twice: after a lost answer, a 412 may be the echo of
one's own success. So the bytes decide. If a lost write can neither be seen nor ruled
out (others have replaced the object since), the caller is told that nobody knows.

There is no lock: the condition on ``timestamp.json`` is what keeps two writers apart.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, TypeVar

from bundle.storage.bucket import (
    Bucket,
    ConditionFailedError,
    ContendedError,
    LostError,
)
from bundle.storage.headers import IMMUTABLE, REVALIDATE
from bundle.storage.interface import require_name, require_prefix
from keys.digest import Digest
from keys.errors import (
    LimitExceededError,
    NotFoundError,
    StorageUnavailableError,
    WriteConflictError,
)

_T = TypeVar("_T")

# Bytes. Only what is replaced is read for comparison: metadata, checkpoints, journals.
_MAX_REPLACED_BYTES: Final = 64 * 1024 * 1024
_ATTEMPTS: Final = 6
# Seconds for all attempts of one call.
_DEADLINE_S: Final = 60
# Milliseconds of the first pause at most; each next one at most twice that.
_PAUSE_MS: Final = 50


class _Current(NamedTuple):
    """An object that may be replaced: what it holds, and the tag of just that."""

    digest: Digest | None
    tag: str


class S3Storage:
    """A ``Storage`` in a bucket.

    Args:
        bucket: Of S3, or of a server that keeps S3's promises on conditional writes.
        prefix: Path below which all objects lie; may be empty.
        pause: Waits for so many seconds; really, by default.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str = "",
        *,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._pause = pause or threading.Event().wait

    def put_immutable(self, name: str, data: bytes) -> None:
        """Create an object that never changes; the same bytes again are success."""
        key = self._key(name)

        def attempt() -> None:
            try:
                self._bucket.put(key, data, cache=IMMUTABLE, IfNoneMatch="*")
            except ConditionFailedError:
                self._require_same(name, data)

        self._persist(name, attempt)

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        """Replace an object if its bytes still have the digest ``expected``."""
        key, new, lost = self._key(name), Digest.of(data), False

        def attempt() -> None:
            nonlocal lost
            current = self._current(key)
            if lost and current.digest == new:
                return
            if current.digest != expected:
                raise self._replaced(name, expected, current.digest, lost=lost)
            condition = (
                {"IfMatch": current.tag} if expected else {"IfNoneMatch": current.tag}
            )
            try:
                self._bucket.put(key, data, cache=REVALIDATE, **condition)
            except (ConditionFailedError, NotFoundError):
                raise ContendedError(key) from None  # the next look says by whom
            except LostError:
                lost = True
                raise

        self._persist(name, attempt)

    def get(self, name: str, *, max_bytes: int) -> bytes:
        """Return an object's bytes."""
        key = self._key(name)
        try:
            return self._persist(
                name, lambda: self._bucket.get(key, max_bytes=max_bytes)[0]
            )
        except NotFoundError:
            raise NotFoundError(f"expected an object {name}, got none") from None
        except LimitExceededError:
            raise LimitExceededError(
                f"{name}: expected at most {max_bytes} bytes, got more"
            ) from None

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with ``prefix``, sorted."""
        start = self._prefix + require_prefix(prefix)
        found: list[str] = []
        after: str | None = None
        while True:
            page, after = self._persist(
                prefix, partial(self._bucket.page, start, after)
            )
            found += (key.removeprefix(self._prefix) for key in page)
            if after is None:
                return sorted(found)

    def discard(self, name: str) -> None:
        """Remove an immutable object that nobody needs; none there is success."""
        key = self._key(name)
        self._persist(name, lambda: self._bucket.delete(key))

    def _key(self, name: str) -> str:
        return self._prefix + require_name(name)

    def _current(self, key: str) -> _Current:
        try:
            data, tag = self._bucket.get(key, max_bytes=_MAX_REPLACED_BYTES)
        except NotFoundError:
            return _Current(None, "*")
        return _Current(Digest.of(data), tag)

    def _require_same(self, name: str, data: bytes) -> None:
        try:
            there, _ = self._bucket.get(self._key(name), max_bytes=len(data))
        except NotFoundError:
            raise ContendedError(name) from None  # discarded meanwhile
        except LimitExceededError:
            there = None
        if there != data:
            raise WriteConflictError(
                f"expected equal bytes at {name}, got other bytes", name=name
            )

    def _replaced(
        self, name: str, expected: Digest | None, got: Digest | None, *, lost: bool
    ) -> Exception:
        wanted, there = expected or "nothing", got or "nothing"
        said = f"{name}: expected {wanted} to replace, got {there}"
        if lost:
            return StorageUnavailableError(f"{said}; an earlier write had no answer")
        return WriteConflictError(said, name=name)

    def _persist(self, name: str, attempt: Callable[[], _T]) -> _T:
        """Repeat ``attempt`` while it ends without a verdict, and not for ever."""
        said: Exception | None = None
        for _ in self._tries():
            try:
                return attempt()
            except (ContendedError, LostError) as error:
                said = error
        raise StorageUnavailableError(
            f"{name}: expected an answer of the bucket, got {said}",
            hint="look at the bucket's health and at the network",
        ) from said

    def _tries(self) -> Iterator[int]:
        ends_at = time.monotonic() + _DEADLINE_S
        for number in range(_ATTEMPTS):
            if number:
                longest = _PAUSE_MS << (number - 1)
                self._pause(secrets.randbelow(longest) / 1000)
            if number and time.monotonic() > ends_at:
                return
            yield number
