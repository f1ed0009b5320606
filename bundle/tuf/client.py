# SPDX-License-Identifier: Apache-2.0
"""Fetch a workspace's metadata and files from a mirror that nobody trusts.

python-tuf's client does the work of TUF 1.0.31 §5; ``guard`` adds what it lacks. The
pinned root is given at every start, so a damaged cache heals itself. Two clients in
one directory take turns.

::

    <directory>/.lock         one client at a time
    <directory>/metadata/     python-tuf's cache: protects from mirrors, not from T7
    <directory>/fetched.tar   the last whole set, written at once, for ``cached``
    <directory>/targets/      listed files by SHA-256
    <directory>/chain/        release attestations by digest
    <directory>/cosigned/     further signatures of releases by their digest

Not here: any decision on what was fetched. Timestamp and snapshot are python-tuf's,
by this machine's clock; everything that counts is judged again, with ``at``.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Snapshot, Targets, Timestamp
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from bundle.limits import BUNDLE_BOUNDS, MAX_ROOT_VERSIONS, REFRESH_DEADLINE_S
from bundle.tuf.errors import TufMissingError, TufRollbackError, TufSignatureError
from bundle.tuf.fetched import KEPT, Fetched, read_kept
from bundle.tuf.files import Files
from bundle.tuf.guard import ABSENT, GuardedFetcher, translated
from bundle.tuf.http import HttpFetcher
from bundle.tuf.metadata import MAX_BYTES, parse_metadata
from bundle.tuf.outlived import Outlived, follow, require_not_older
from bundle.tuf.roles import OVERLAY_PREFIX, RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from bundle.tuf.rootchain import open_roots
from keys.durable import make_directory, read_file, write_file
from keys.errors import FormatError, NotFoundError, TrustacksError
from keys.lock import exclusive

# Asking for any path below it loads the release role.
_ANY_RELEASE: Final = f"{OVERLAY_PREFIX}0/any"

CONFIG: Final = UpdaterConfig(
    max_root_rotations=MAX_ROOT_VERSIONS,
    max_delegations=1,
    root_max_length=MAX_BYTES[ROOT],
    timestamp_max_length=MAX_BYTES[TIMESTAMP],
    snapshot_max_length=MAX_BYTES[SNAPSHOT],
    targets_max_length=MAX_BYTES[TARGETS],
)

# In the order in which ``Outlived`` and ``Fetched`` have them.
_KINDS: Final[Mapping[str, type[Any]]] = {
    TARGETS: Targets,
    RELEASE: Targets,
    TIMESTAMP: Timestamp,
    SNAPSHOT: Snapshot,
}

_T = TypeVar("_T")


class TufClient:
    """The reading side of one workspace's TUF repository.

    Args:
        root: The pinned root.
        directory: The client's own; created if missing.
        url: Where the workspace is published, such as ``https://host/w/acme``.
        fetcher: Does the fetching; HTTP by default.
        deadline_s: For one refresh, and for one file.
        monotonic: Seconds that never go back.

    Raises:
        VerificationError: The pinned root is not acceptable.
        FormatError: It is not a root.
    """

    def __init__(
        self,
        *,
        root: bytes,
        directory: Path,
        url: str,
        fetcher: FetcherInterface | None = None,
        deadline_s: float = REFRESH_DEADLINE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._version = open_roots([root]).current.version
        self._directory = directory
        self._url = url.rstrip("/")
        self._fetcher = fetcher or HttpFetcher()
        self._deadline_s = deadline_s
        self._monotonic = monotonic
        make_directory(directory)

    def refresh(self) -> Fetched:
        """Fetch what is new.

        A version that went back, a file that is gone, and a signature by other keys
        are asked for once more: a cache between here and the repository may have been
        one step behind, or a new root has come since the roots were read.

        Raises:
            VerificationError: By code: ``tuf-rollback``, ``tuf-expired``,
                ``tuf-signature``, ``tuf-hash``, ``tuf-length``, ``tuf-missing``; or a
                new root that is refused. What was fetched before stays.
            FormatError: Not TUF metadata.
            UnavailableError: The mirror does not answer, or not in time.
            StorageError: The directory cannot be written.
        """
        with exclusive(self._directory / ".lock", wait=True):
            fetched = ask_again(self._update)
            self._keep(fetched)
        return fetched

    def roots(self) -> tuple[bytes, ...]:
        """Return every root from the pinned one to the newest that is published.

        Expired or not: who makes the next root must be able to read the last one.
        Roots that were seen here before are not forgotten, whatever is served.

        Raises:
            VerificationError: What follows them is not a root.
            UnavailableError: The mirror does not answer, or not in time.
        """
        found = list(self._known_roots())
        fetcher = self._guarded()
        with translated("roots"):
            while len(found) < MAX_ROOT_VERSIONS:
                url = f"{self._url}/metadata/{self._version + len(found)}.root.json"
                try:
                    data = fetcher.fetch_bounded(url, MAX_BYTES[ROOT])
                except DownloadHTTPError as error:
                    if error.status_code in ABSENT:
                        break
                    raise
                open_roots([*found, data])
                found.append(data)
        return tuple(found)

    def outlived(self) -> Fetched:
        """Fetch what is new, expired or not, and verify everything else of it.

        Raises:
            VerificationError: By code, as ``refresh``, ``tuf-expired`` excepted.
            UnavailableError: The mirror does not answer, or not in time.
        """
        roots, fetcher = self.roots(), self._guarded()

        def get(name: str, *, max_bytes: int) -> bytes:
            return fetcher.fetch_bounded(f"{self._url}/{name}", max_bytes)

        with translated("refresh"):
            found = follow(open_roots(roots).current, get)
        fetched = self._fetched(roots, found)
        with contextlib.suppress(NotFoundError, FormatError):
            require_not_older(fetched, self.cached())
        return fetched

    def keep(self, fetched: Fetched) -> None:
        """Keep a set that came another way and was verified; not its files."""
        with exclusive(self._directory / ".lock", wait=True):
            write_file(self._kept, fetched.to_bytes())

    def cached(self) -> Fetched:
        """Return the last whole set, without a network.

        Raises:
            NotFoundError: There is none under this pinned root.
            FormatError: It is damaged.
        """
        return read_kept(self._directory, root=self._root, url=self._url)

    def expiries(self) -> dict[str, datetime]:
        """Return when each role below the root expires, as it was verified last.

        Raises:
            TufMissingError: Nothing was fetched yet.
            FormatError: The cache is damaged; the next refresh heals it.
        """
        return {
            role: parse_metadata(self._read(role), kind, role).signed.expires
            for role, kind in _KINDS.items()
        }

    @property
    def _kept(self) -> Path:
        return self._directory / KEPT

    @property
    def _metadata(self) -> Path:
        return self._directory / "metadata"

    def _guarded(self) -> GuardedFetcher:
        return GuardedFetcher(
            self._fetcher,
            deadline_s=self._deadline_s,
            history=self._metadata / "root_history",
            pinned=self._version,
            monotonic=self._monotonic,
        )

    def _files(self, name: str) -> Files:
        return Files(self._directory / name, self._url, self._guarded)

    def _update(self) -> Fetched:
        make_directory(self._metadata)
        with translated("refresh"):
            updater = Updater(
                str(self._metadata),
                f"{self._url}/metadata/",
                fetcher=self._guarded(),
                config=CONFIG,
                bootstrap=self._root,
            )
            updater.refresh()
            updater.get_targetinfo(_ANY_RELEASE)
        return self._fetched(self._roots(), Outlived(*map(self._read, _KINDS)))

    def _fetched(self, roots: tuple[bytes, ...], found: Outlived) -> Fetched:
        files = (self._files(n) for n in ("targets", "chain", "cosigned"))
        return Fetched(roots, *found, *files)

    def _roots(self) -> tuple[bytes, ...]:
        """Return the history that python-tuf keeps and has just walked."""
        newest = (self._metadata / "root.json").resolve().name.partition(".")[0]
        return tuple(
            read_file(
                self._metadata / "root_history" / f"{version}.root.json",
                max_bytes=MAX_BYTES[ROOT],
            )
            for version in range(self._version, int(newest) + 1)
        )

    def _known_roots(self) -> tuple[bytes, ...]:
        """Return the roots that were seen here; the pinned one if they are damaged."""
        history, known = self._metadata / "root_history", [self._root]
        try:
            while True:
                path = history / f"{self._version + len(known)}.root.json"
                known.append(read_file(path, max_bytes=MAX_BYTES[ROOT]))
        except TrustacksError:
            pass  # no more of them
        try:
            open_roots(known)
        except TrustacksError:
            return (self._root,)
        return tuple(known)

    def _read(self, role: str) -> bytes:
        try:
            path = self._metadata / f"{role}.json"
            return read_file(path, max_bytes=MAX_BYTES[role])
        except NotFoundError:
            raise TufMissingError(f"expected the role {role}, got none") from None

    def _keep(self, fetched: Fetched) -> None:
        """Keep the set, and of the files only those that it lists."""
        data = fetched.to_bytes()
        try:
            if read_file(self._kept, max_bytes=BUNDLE_BOUNDS.max_bytes) == data:
                return
        except NotFoundError:
            pass
        write_file(self._kept, data)
        fetched.keep_listed()


def ask_again(update: Callable[[], _T]) -> _T:
    """Update; ask once more if a cache may have lagged behind, or a root has come."""
    try:
        return update()
    except (TufRollbackError, TufMissingError, TufSignatureError):
        return update()
