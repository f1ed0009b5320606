# SPDX-License-Identifier: Apache-2.0
"""The keys that the service itself holds or may call, one for each purpose.

Everything here is of ``control-plane`` custody, wherever it lies: whoever steals the
service's machine can sign with it, with a file as with a KMS. A sovereign workspace
keeps root, targets, author, approver and release keys elsewhere; then there is no key
for them here.
"""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from control_plane.key_places import KeyPlace
from keys.durable import make_directory, remove_file, remove_temporary
from keys.errors import (
    ConfigurationError,
    KeyAccessDeniedError,
    KeyFormatError,
    WriteConflictError,
)
from keys.providers import open_signing_key
from keys.providers.encfile import create_key
from keys.public import ECDSA_P256, ED25519
from keys.signing import PIN_PROMPT, Secrets, SigningKey

SERVER: Final = "_server"  # no workspace has this name: they begin with a letter
TSA_CA: Final = "tsa-ca"
TSA: Final = "tsa"
CA_ROOT: Final = "sigstore-root"
CA: Final = "sigstore-ca"
CT: Final = "sigstore-ct"
OIDC: Final = "sigstore-oidc"
ROOT: Final = "root"
TARGETS: Final = "targets"
SNAPSHOT: Final = "snapshot"
TIMESTAMP: Final = "timestamp"
RELEASE: Final = "release"
LOG: Final = "log"
ADMIN: Final = "control-plane-admin"

# C2SP tlog-checkpoint: logs sign with Ed25519; all else is ECDSA P-256 (DESIGN 3.1).
_KIND: Final = {LOG: ED25519}
# Roles of TUF may have keys of other kinds, if they lie elsewhere.
_ANY_KIND: Final = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP, RELEASE)


@dataclass(frozen=True)
class KeyStore:
    """Key files under one directory, and keys elsewhere, opened when first used.

    Attributes:
        directory: ``<owner>/<purpose>.pem`` below it.
        secrets: Asked for the passphrase whenever a file is made or opened.
        elsewhere: Keys that lie elsewhere, by owner and purpose.
        pkcs11_module: The library of tokens, for URIs that name none.

    Raises:
        ConfigurationError: A key that lies elsewhere, and in a file as well.
    """

    directory: Path
    secrets: Secrets
    elsewhere: Mapping[tuple[str, str], KeyPlace] = field(default_factory=dict)
    pkcs11_module: Path | None = None
    _open: dict[tuple[str, str], SigningKey] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        for owner, purpose in self.elsewhere:
            path = self._path(owner, purpose)
            if path.exists():
                raise ConfigurationError(
                    f"expected one place of the key {owner}/{purpose}, got the keys "
                    f"file and {path}",
                    hint="a key in use is replaced by rotation, not by another file",
                )

    def key(self, owner: str, purpose: str) -> SigningKey:
        """Return a key that exists.

        Raises:
            KeyMismatchError: It is another key than the keys file says.
            KeyFormatError: It is of a kind that cannot serve the purpose.
            KeyProviderError: There is none, or it cannot be opened.
        """
        # Without the lock: another key that is slow to open keeps no open one waiting.
        found = self._open.get((owner, purpose))
        if found is not None:
            return found
        with self._lock:
            found = self._open.get((owner, purpose)) or self._opened(owner, purpose)
            self._open[owner, purpose] = found
            return found

    def ensure(self, owner: str, purpose: str) -> SigningKey:
        """Return a key, made now if it does not exist.

        A crash in between leaves a whole key file or none; the next call uses it.

        Raises:
            KeyProviderError: It cannot be made or opened.
        """
        path = self._path(owner, purpose)
        if not self.has(owner, purpose):
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

    def destroy(self, owner: str, purpose: str) -> None:
        """Delete a key for good; one that is not there is success.

        What was copied before, to a backup or by a thief, is not deleted, nor is a key
        that lies elsewhere: whoever calls this has seen to it that the key counts for
        nothing any more.

        Raises:
            StorageUnavailableError: It may or may not be there; repeat the call.
        """
        with self._lock:
            self._open.pop((owner, purpose), None)
            remove_file(self._path(owner, purpose))

    def remove_leftovers(self) -> None:
        """Delete halves of key files, which crashes left; only before anybody writes.

        Raises:
            StorageUnavailableError: They cannot be deleted.
        """
        for owner in self.directory.iterdir():
            remove_temporary(owner)

    def has(self, owner: str, purpose: str) -> bool:
        """Return whether the key exists."""
        return (owner, purpose) in self.elsewhere or self._path(owner, purpose).exists()

    def _opened(self, owner: str, purpose: str) -> SigningKey:
        place = self.elsewhere.get((owner, purpose))
        if place is None:
            return open_signing_key(
                f"encfile:{self._path(owner, purpose)}", self.secrets
            )
        key = open_signing_key(
            place.uri,
            self._secret,
            key_id=place.key_id,
            pkcs11_module=self.pkcs11_module,
        )
        _require_kind(key, owner, purpose)
        return key

    def _secret(self, prompt: str) -> str:
        # Nobody sits here, and a token locks if a passphrase is tried as its PIN.
        if prompt.startswith(PIN_PROMPT):
            raise KeyAccessDeniedError(
                f"expected a file with the {prompt}, got none",
                hint="add pin-source=file:PATH to its URI in the keys file",
            )
        return self.secrets(prompt)

    def _path(self, owner: str, purpose: str) -> Path:
        return self.directory / owner / f"{purpose}.pem"


def identity_purpose(identity: str) -> str:
    """Return the purpose of a custodial identity's key."""
    return f"identity-{identity}"


def _require_kind(key: SigningKey, owner: str, purpose: str) -> None:
    role = purpose.rstrip("0123456789").removesuffix("-")
    wanted = _KIND.get(purpose, ECDSA_P256)
    if role not in _ANY_KIND and key.public_key.details != wanted:
        raise KeyFormatError(
            f"{owner}/{purpose}: expected a key of kind {wanted}, "
            f"got {key.public_key.details}"
        )
