# SPDX-License-Identifier: Apache-2.0
"""Files by digest: on a client's disk, or else from a mirror that nobody trusts."""

import contextlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bundle.tuf.errors import TufHashError, TufLengthError
from keys.digest import Digest
from keys.durable import TEMPORARY_PREFIX, make_directory, read_file, write_file
from keys.errors import FormatError, NotFoundError, UnavailableError


class Download(Protocol):
    """Fetches a file: python-tuf's ``FetcherInterface``, as far as it is asked here.

    Reading what is kept needs no client: python-tuf's takes 50 ms to load, with HTTP.
    """

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return the bytes at an address."""


# Makes a fetcher with a fresh deadline; None where there is no network.
Fetchers = Callable[[], Download] | None
# What a client writes: files by digest, and what a kill leaves of one.
_OURS: Final = re.compile(rf"[0-9a-f]{{64}}|{re.escape(TEMPORARY_PREFIX)}[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Files:
    """Files by digest: on disk, or else from a mirror.

    Attributes:
        directory: The client's own.
        url: Where the workspace is published, without a slash at the end.
        fetchers: For downloads; ``None`` offline.
    """

    directory: Path
    url: str
    fetchers: Fetchers

    def get(
        self,
        digest: Digest,
        path: str,
        *,
        max_bytes: int,
        check: Callable[[bytes], None],
    ) -> bytes:
        """Return a file that passes ``check``, and keep it.

        Args:
            digest: Names the file on disk.
            path: Names it at the mirror.
            max_bytes: Bound on a download.
            check: Raises if the bytes are not the file.

        Raises:
            UnavailableError: It is not on disk, and there is no network.
            TrustacksError: Whatever ``check`` says of a download.
        """
        kept = self.directory / digest.hex
        with contextlib.suppress(NotFoundError, FormatError):
            data = read_file(kept, max_bytes=max_bytes)
            with contextlib.suppress(TufHashError, TufLengthError):
                check(data)
                return data
        if self.fetchers is None:
            raise UnavailableError(f"expected {path} on disk, got none")
        from bundle.tuf.guard import translated  # noqa: PLC0415 - see Download

        with translated(path):
            url = f"{self.url}/{path}"
            data = self.fetchers().download_bytes(url, max_bytes)
        check(data)
        make_directory(self.directory)
        write_file(kept, data)
        return data

    def keep(self, digests: Collection[str]) -> None:
        """Delete what is on disk, but not these; nothing that is not named as ours.

        Somebody may have put a link to another place here.
        """
        with contextlib.suppress(OSError):
            for path in self.directory.iterdir():
                if _OURS.fullmatch(path.name) and path.name not in digests:
                    path.unlink(missing_ok=True)
