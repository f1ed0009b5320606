# SPDX-License-Identifier: Apache-2.0
"""What a person's machine holds of a workspace: the pinned root, and a TUF cache.

Whoever signs here checks first, against the pin, what they sign for (DESIGN T9): every
digest in a statement of ours comes from here or from the person's own files, never from
an answer of the API.

::

    workspaces/<first 32 hex of the pin>/
      1.root.json      the pin: written once, by `trustacks login`
      log.pub          the log's key, for `trustacks audit replay`
      tuf/             what bundle.tuf.client keeps
      parents/         the pinned layers (trustacks.parents)
      released/        the newest release's rules (trustacks.released)
"""

from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from bundle.tuf.client import TufClient
from bundle.tuf.rootchain import open_roots
from keys.digest import Digest
from keys.durable import create_file, keep_file, make_directory, read_file
from keys.errors import NotFoundError
from keys.public import MAX_KEY_BYTES, PublicKey
from trustacks.errors import NotLoggedInError
from trustacks.parents import store_directory, store_parents
from trustacks.pin import (
    TUF,
    Head,
    Pinned,
    read_pinned,
    read_pinned_root,
    require_pin,
)

__all__ = ["Head", "Pinned", "PinnedStore"]


class PinnedStore:
    """The folder of one pinned workspace.

    Args:
        home: The folder of all workspaces.
        root: SHA-256 of the pinned root.
        url: The Control Plane's address.
        name: The workspace's name there.
    """

    def __init__(self, home: Path, *, root: Digest, url: str, name: str) -> None:
        self.directory = store_directory(home, root)
        self._digest = root
        self._url = f"{url}/w/{quote(name, safe='')}"

    def pin(self, root: bytes) -> None:
        """Keep the root; from now on everything is verified from it.

        Raises:
            PinChangedError: Another root than the one that the store is for.
            VerificationError: Not a root that its own keys signed.
        """
        require_pin(root, self._digest)
        open_roots([root])
        make_directory(self.directory, mode=0o700)
        create_file(self.directory / "1.root.json", root)

    @property
    def root(self) -> bytes:
        """The pinned root.

        Raises:
            NotLoggedInError: It is not here.
            PinChangedError: The file was changed.
        """
        return read_pinned_root(self.directory, self._digest)

    @property
    def workspace(self) -> Digest:
        """SHA-256 of the genesis root, which a later pinned root names.

        Raises:
            NotLoggedInError: Nothing is pinned here.
            PinChangedError: The file was changed.
        """
        return open_roots([self.root]).workspace

    @property
    def log_key(self) -> PublicKey:
        """The key of the workspace's log, as admins signed it at the last refresh.

        Raises:
            NotLoggedInError: Nothing was fetched yet.
        """
        path = self.directory / "log.pub"
        try:
            return PublicKey.from_pem(read_file(path, max_bytes=MAX_KEY_BYTES))
        except NotFoundError as error:
            raise NotLoggedInError(
                f"expected the log's key at {path}, got none", hint="trustacks login"
            ) from error

    def refresh(self, *, at: datetime) -> Pinned:
        """Fetch what is new, verify it, and keep the layers for authors.

        Raises:
            UnavailableError: No answer.
            VerificationError: Metadata or trust that a Runner would refuse.
        """
        pinned = Pinned.of(self.client().refresh(), at=at)
        keep_file(self.directory / "log.pub", pinned.log.key.pem.encode())
        store_parents(self.directory, pinned.parents())
        return pinned

    def roots(self) -> tuple[bytes, ...]:
        """Return every root that is published, from the pinned one, expired or not.

        Raises:
            UnavailableError: No answer.
            VerificationError: What is served is no root that could follow.
        """
        return self.client().roots()

    def cached(self, *, at: datetime) -> Pinned:
        """Verify what was fetched before; opens no connection.

        Raises:
            NotFoundError: Nothing was fetched yet.
            VerificationError: It holds no longer, for example because it expired.
        """
        return read_pinned(self.directory, self._digest, at=at)

    def expiries(self) -> dict[str, datetime]:
        """Return when each role below the root expires, as at the last refresh.

        Raises:
            VerificationError: Nothing was fetched yet.
        """
        return self.client().expiries()

    def client(self) -> TufClient:
        """Return the client of the workspace's metadata, with its cache here."""
        folder = self.directory / TUF
        make_directory(folder, mode=0o700)
        return TufClient(root=self.root, directory=folder, url=self._url)
