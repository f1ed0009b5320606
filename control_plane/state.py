# SPDX-License-Identifier: Apache-2.0
"""The state directory: one server at a time, and the two secrets of the first start.

::

    state/
      server.lock           held while a server runs
      passphrase            of every key file below; 0600, made once, never overwritten
      admin-token           the first token; 0600, made once, never overwritten
      registry.sqlite3      an index (unless settings name another database)
      keys/_server/         timestamp authority and its CA; the Sigstore instance
      keys/<workspace>/     one key, one purpose
      timestamping.pem      the authority's certificates, leaf first
      sigstore/ca.pem       the instance's certificates, the issuing CA first
      sigstore/ct/          its log of certificates
      workspaces/<name>/    the TUF repository, the log and the attestations

Order of writes at the first start: (1) passphrase, (2) keys under it, (3) the token's
digest, (4) the token's file. A crash after (3) leaves a digest whose token nobody has;
the next start makes another.
"""

import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from control_plane import limits
from control_plane.settings import Settings
from keys.durable import create_file, make_directory, read_file, remove_temporary
from keys.errors import ConfigurationError, NotFoundError
from keys.lock import exclusive


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Where one server keeps everything.

    Attributes:
        root: The directory.
        passphrase_file: Where the passphrase of the keys is.
    """

    root: Path
    passphrase_file: Path

    @classmethod
    def prepare(cls, settings: Settings) -> "StateDirectory":
        """Create what is missing.

        Raises:
            StorageUnavailableError: The directory cannot be made or written.
        """
        root = settings.state.absolute()
        make_directory(root, mode=0o700)
        remove_temporary(root)
        state = cls(root, settings.passphrase_file or root / "passphrase")
        for directory in (state.keys, state.workspaces):
            make_directory(directory, mode=0o700)
        return state

    @property
    def keys(self) -> Path:
        """The directory of key files."""
        return self.root / "keys"

    @property
    def workspaces(self) -> Path:
        """The directory of workspaces' storages."""
        return self.root / "workspaces"

    @property
    def chain(self) -> Path:
        """The certificates of the timestamp authority."""
        return self.root / "timestamping.pem"

    @property
    def sigstore(self) -> Path:
        """The directory of the embedded Sigstore instance."""
        return self.root / "sigstore"

    @property
    def admin_token(self) -> Path:
        """The file of the first token."""
        return self.root / "admin-token"

    def lock(self) -> AbstractContextManager[None]:
        """Hold the directory for one server.

        Raises:
            BusyError: Another server has it.
        """
        return exclusive(self.root / "server.lock")

    def ensure_passphrase(self, *, chosen: bool) -> bool:
        """Make the passphrase unless there is one; return whether it was made.

        Args:
            chosen: The operator named the file, so that it must be there.

        Raises:
            ConfigurationError: The file that the operator named is missing or empty.
        """
        try:
            found = self.passphrase("")
        except NotFoundError as error:
            if chosen:
                raise ConfigurationError(
                    f"expected a passphrase file at {self.passphrase_file}, got none"
                ) from error
            create_file(
                self.passphrase_file,
                f"{secrets.token_urlsafe(32)}\n".encode(),
                mode=0o600,
            )
            return True
        if not found:
            raise ConfigurationError(
                f"expected a passphrase in {self.passphrase_file}, got an empty file"
            )
        return False

    def passphrase(self, _prompt: str) -> str:
        """Read the passphrase (a ``keys.signing.Secrets``); never cached.

        Raises:
            NotFoundError: There is none.
        """
        data = read_file(self.passphrase_file, max_bytes=limits.MAX_SECRET_FILE_BYTES)
        return data.decode("utf-8", "replace").rstrip("\r\n")
