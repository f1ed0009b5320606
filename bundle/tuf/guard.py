# SPDX-License-Identifier: Apache-2.0
"""What python-tuf's client does not check by itself, and its errors in our words.

- A total deadline over all downloads of one refresh.
- A bound on every metadata file, whatever length the file above it announces.
- A new root is judged by ``open_roots`` before the client sees it, so that a root that
  counts one key twice, or brings a custodial admin key, is never stored as trusted.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import urllib3
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    SlowRetrievalError,
    UnsignedMetadataError,
)
from tuf.ngclient.fetcher import FetcherInterface

from bundle.tuf.errors import (
    TufExpiredError,
    TufFormatError,
    TufHashError,
    TufLengthError,
    TufMissingError,
    TufRollbackError,
    TufSignatureError,
)
from bundle.tuf.metadata import MAX_BYTES
from bundle.tuf.roles import ROOT, TARGETS
from bundle.tuf.rootchain import open_roots
from keys.durable import read_file
from keys.errors import (
    StorageUnavailableError,
    TrustacksError,
    UnavailableError,
)

_METADATA: Final = re.compile(r".*/metadata/(?:([0-9]{1,15})\.)?([a-z]+)\.json")
# TUF 1.0.31 §5.3.3 ends the search for roots; S3 says 403 for what is not there.
ABSENT: Final = frozenset({403, 404})

_TRANSLATED: Final[tuple[tuple[type[Exception], type[TrustacksError]], ...]] = (
    (BadVersionNumberError, TufRollbackError),
    (ExpiredMetadataError, TufExpiredError),
    (UnsignedMetadataError, TufSignatureError),
    (LengthOrHashMismatchError, TufHashError),
    (RepositoryError, TufFormatError),
    (DownloadLengthMismatchError, TufLengthError),
    (DownloadError, UnavailableError),
    (urllib3.exceptions.HTTPError, UnavailableError),
    (OSError, StorageUnavailableError),
)
_DOWN: Final = "is the address right, and the Control Plane running?"


class GuardedFetcher(FetcherInterface):
    """A fetcher with a deadline, bounds, and a look at each new root.

    Args:
        inner: Does the fetching.
        deadline_s: Seconds from now, for everything that is fetched through this one.
        history: Directory of the client's ``<version>.root.json``.
        pinned: Version of the pinned root.
        judge: Raises if roots, from the pinned one to a new one, are not acceptable.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        inner: FetcherInterface,
        *,
        deadline_s: float,
        history: Path,
        pinned: int,
        judge: Callable[[Sequence[bytes]], object] = open_roots,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._judge = judge
        self._ends_at = monotonic() + deadline_s
        self._history = history
        self._pinned = pinned
        self._monotonic = monotonic

    def _fetch(self, url: str) -> Iterator[bytes]:
        match = _METADATA.fullmatch(url)
        if match is None:
            yield from self._timed(url)
            return
        version, role = match.groups()
        limit = MAX_BYTES.get(role, MAX_BYTES[TARGETS])
        chunks = _bounded(self._timed(url), limit, url)
        if role == ROOT and version is not None:
            yield self._judged_root(int(version), b"".join(chunks))
            return
        yield from chunks

    def fetch_bounded(self, url: str, limit: int) -> bytes:
        """Return a whole file that nobody has judged, of at most so many bytes."""
        return b"".join(_bounded(self._timed(url), limit, url))

    def _timed(self, url: str) -> Iterator[bytes]:
        self._require_time(url)
        for chunk in self._inner.fetch(url):
            self._require_time(url)
            yield chunk

    def _require_time(self, url: str) -> None:
        if self._monotonic() > self._ends_at:
            raise SlowRetrievalError(f"expected {url} within the deadline, got slower")

    def _judged_root(self, version: int, data: bytes) -> bytes:
        before = [
            read_file(self._history / f"{v}.root.json", max_bytes=MAX_BYTES[ROOT])
            for v in range(self._pinned, version)
        ]
        self._judge([*before, data])
        return data


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn errors of python-tuf, urllib3 and the disk into ours.

    Args:
        doing: Begins the message, such as ``refresh``.
    """
    try:
        yield
    except TrustacksError:
        raise
    except DownloadHTTPError as error:
        kind = TufMissingError if error.status_code in ABSENT else UnavailableError
        raise kind(f"{doing}: {error}") from error
    except tuple(theirs for theirs, _ in _TRANSLATED) as error:
        ours = next(o for t, o in _TRANSLATED if isinstance(error, t))
        hint = _DOWN if ours is UnavailableError else None
        raise ours(f"{doing}: {error}", hint=hint) from error


def _bounded(chunks: Iterator[bytes], limit: int, url: str) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise DownloadLengthMismatchError(
                f"{url}: expected at most {limit} bytes, got more"
            )
        yield chunk
