# SPDX-License-Identifier: Apache-2.0
"""The keys that the service itself holds, one file and one purpose each.

Everything here is of ``control-plane`` custody: whoever steals the service's machine
can sign with it. A sovereign workspace keeps root, targets, author, approver and
release keys elsewhere; then there is no file for them here.
"""

import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keys.durable import make_directory
from keys.errors import WriteConflictError
from keys.providers import open_signing_key
from keys.providers.encfile import create_key
from keys.public import ECDSA_P256, ED25519
from keys.signing import Secrets, SigningKey

SERVER: Final = "_server"  # no workspace has this name: they begin with a letter
TSA_CA: Final = "tsa-ca"
TSA: Final = "tsa"
ROOT: Final = "root"
TARGETS: Final = "targets"
SNAPSHOT: Final = "snapshot"
TIMESTAMP: Final = "timestamp"
RELEASE: Final = "release"
LOG: Final = "log"
ADMIN: Final = "control-plane-admin"

# C2SP tlog-checkpoint: logs sign with Ed25519; all else is ECDSA P-256 (DESIGN 3.1).
_KIND: Final = {LOG: ED25519}


@dataclass(frozen=True)
class KeyStore:
    """Key files under one directory, opened when first used.

    Attributes:
        directory: ``<owner>/<purpose>.pem`` below it.
        secrets: Asked for the passphrase whenever a file is made or opened.
    """

    directory: Path
    secrets: Secrets
    _open: dict[tuple[str, str], SigningKey] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def key(self, owner: str, purpose: str) -> SigningKey:
        """Return a key that exists.

        Raises:
            KeyProviderError: There is none, or it cannot be opened.
        """
        with self._lock:
            found = self._open.get((owner, purpose))
            if found is None:
                path = self._path(owner, purpose)
                found = open_signing_key(f"encfile:{path}", self.secrets)
                self._open[owner, purpose] = found
            return found

    def ensure(self, owner: str, purpose: str) -> SigningKey:
        """Return a key, made now if it does not exist.

        A crash in between leaves a whole key file or none; the next call uses it.

        Raises:
            KeyProviderError: It cannot be made or opened.
        """
        path = self._path(owner, purpose)
        if not path.exists():
            make_directory(path.parent, mode=0o700)
            # Another thread may be first; its key is as good.
            with contextlib.suppress(WriteConflictError):
                create_key(
                    path,
                    self.secrets(f"passphrase for {path}"),
                    details=_KIND.get(purpose, ECDSA_P256),
                )
        return self.key(owner, purpose)

    def add(self, owner: str, purpose: str) -> SigningKey:
        """Return a further key for a purpose: ``snapshot-2`` beside ``snapshot``."""
        number = len(self.further(owner, purpose)) + 2
        return self.ensure(owner, f"{purpose}-{number}")

    def further(self, owner: str, purpose: str) -> list[SigningKey]:
        """Return the further keys of a purpose, oldest first."""
        found: list[SigningKey] = []
        while self.has(owner, name := f"{purpose}-{len(found) + 2}"):
            found.append(self.key(owner, name))
        return found

    def has(self, owner: str, purpose: str) -> bool:
        """Return whether the key exists."""
        return self._path(owner, purpose).exists()

    def _path(self, owner: str, purpose: str) -> Path:
        return self.directory / owner / f"{purpose}.pem"


def identity_purpose(identity: str) -> str:
    """Return the purpose of a custodial identity's key."""
    return f"identity-{identity}"
