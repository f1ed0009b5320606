# SPDX-License-Identifier: Apache-2.0
"""The workspaces of this server, opened when first asked for, and how one is made."""

import re
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from bundle.storage.interface import Storage
from bundle.tuf.documents import RoleKeys
from bundle.tuf.repository import Repository
from control_plane import keystore as purposes
from control_plane import limits
from control_plane.errors import WorkspaceDamagedError
from control_plane.keystore import KeyStore
from control_plane.log import Log
from control_plane.registry import repository as index
from control_plane.registry.session import Registry
from control_plane.settings import Settings
from control_plane.stores import Opened, Stores
from control_plane.timestamping import Authority
from control_plane.workspace import Published, Workspace
from keys.errors import NotFoundError, UsageError
from keys.signing import SigningKey
from signer.form import Form
from signer.trusted_root import build_trusted_root

__all__ = [
    "ONLINE",
    "Published",
    "Workspace",
    "Workspaces",
    "property_note",
    "require_workspace_name",
]

_NAME: Final = re.compile(
    rf"[a-z](?:[a-z0-9-]{{0,{limits.MAX_WORKSPACE_CHARS - 2}}}[a-z0-9])?"
)
_PURPOSES: Final = (
    purposes.ROOT,
    purposes.TARGETS,
    purposes.SNAPSHOT,
    purposes.TIMESTAMP,
    purposes.RELEASE,
    purposes.LOG,
    purposes.ADMIN,
)
# What of a workspace is a server's in either form; admins hold the rest in one of them.
ONLINE: Final = (
    purposes.SNAPSHOT,
    purposes.TIMESTAMP,
    purposes.RELEASE,
    purposes.LOG,
)


class Workspaces:
    """The workspaces of one server, opened when first asked for."""

    def __init__(
        self,
        *,
        stores: Stores,
        settings: Settings,
        registry: Registry,
        keystore: KeyStore,
        authority: Authority,
    ) -> None:
        self._stores = stores
        self._settings = settings
        self._registry = registry
        self._keystore = keystore
        self._authority = authority
        # Held while a workspace is made: one at a time.
        self.creating = threading.Lock()
        self._open: dict[str, Workspace] = {}
        self._lock = threading.Lock()

    def remove_leftovers(self) -> None:
        """Delete what crashes left; only before anybody else writes.

        Raises:
            StorageUnavailableError: It cannot be deleted.
        """
        self._stores.remove_leftovers()
        self._keystore.remove_leftovers()

    def names(self) -> list[str]:
        """Return the names of all workspaces in the registry."""
        with self._registry.read() as session:
            return [row.name for row in index.list_workspaces(session)]

    def made(self) -> list[str]:
        """Return the names of all workspaces that were made, indexed or not."""
        return [name for name in self._stores.names() if _is_name(name)]

    def find(self, name: str) -> Workspace | None:
        """Return a workspace that was made, indexed or not; None: it was not."""
        opened = self._stores.open(name)
        return self._assemble(name, opened) if opened else None

    def stage(self, name: str) -> Workspace:
        """Return an empty workspace that nobody sees; ``commit`` shows it.

        The caller holds ``creating``.
        """
        return self._assemble(name, self._stores.stage(name))

    def commit(self, name: str) -> None:
        """Give a staged workspace its name: from now on it is there.

        Raises:
            WriteConflictError: Another server has made one meanwhile.
            StorageUnavailableError: It may or may not be there.
        """
        self._stores.commit(name)

    def open(self, name: str) -> Workspace:
        """Return a workspace.

        Raises:
            NotFoundError: There is none of that name.
        """
        with self._lock:
            found = self._open.get(name)
        return found or self._opened(name)

    def forget(self, name: str) -> None:
        """Let the next who asks open a workspace anew, with the keys that are there."""
        with self._lock:
            self._open.pop(name, None)

    def storage(self, name: str) -> Storage:
        """Return a workspace's storage.

        Raises:
            NotFoundError: There is none of that name.
        """
        return self.open(name).storage

    def ensure_keys(
        self, name: str, wanted: Sequence[str] = _PURPOSES
    ) -> Callable[[str], SigningKey]:
        """Make the keys of a workspace that are missing; return how to get them.

        Args:
            name: The workspace.
            wanted: For which purposes; every one for the embedded form.

        Raises:
            KeyProviderError: One cannot be made or opened.
        """
        for purpose in wanted:
            self._keystore.ensure(name, purpose)
        return partial(self._keystore.key, name)

    def trusted_root(self, name: str, *, start: datetime) -> bytes:
        """Build a workspace's TrustedRoot: its log, this server's authority."""
        log_key = self._keystore.key(name, purposes.LOG).public_key
        uri = f"https://{self._settings.public_host}/api/v1/timestamp"
        return build_trusted_root(
            logs=[(f"https://{self.origin(name)}", log_key, start)],
            authorities=[(uri, self._authority.chain, self._authority.start)],
        )

    def origin(self, name: str) -> str:
        """Return the name of a workspace's log."""
        return f"{name}.log.{self._settings.public_host}"

    def role_keys(self, name: str) -> RoleKeys:
        """Return the TUF role keys at hand: targets keys in the embedded form only."""
        key: Callable[[str], SigningKey] = partial(self._keystore.key, name)
        held = self._keystore.has(name, purposes.TARGETS)
        return RoleKeys(
            targets=(key(purposes.TARGETS),) if held else (),
            release=key(purposes.RELEASE),
            snapshot=key(purposes.SNAPSHOT),
            timestamp=key(purposes.TIMESTAMP),
            others=partial(self._further, name),
        )

    def _further(self, name: str) -> list[SigningKey]:
        return [
            key
            for purpose in (purposes.RELEASE, purposes.SNAPSHOT, purposes.TIMESTAMP)
            for key in self._keystore.further(name, purpose)
        ]

    def _opened(self, name: str) -> Workspace:
        with self._registry.read() as session:
            if not _is_name(name) or index.find_workspace(session, name) is None:
                raise NotFoundError(f"expected a workspace, got {name[:64]!r}")
        found = self.find(name)
        if found is None:
            raise WorkspaceDamagedError(
                f"{name}: expected its storage, got none", name=name
            )
        with self._lock:
            return self._open.setdefault(name, found)

    def _assemble(self, name: str, opened: Opened) -> Workspace:
        key: Callable[[str], SigningKey] = partial(self._keystore.key, name)
        return Workspace(
            name=name,
            storage=opened.storage,
            log=Log(
                opened.storage,
                origin=self.origin(name),
                key=key(purposes.LOG),
                alone=opened.alone,
            ),
            repository=Repository(opened.storage, self.role_keys(name)),
            key=key,
            further=partial(self._further, name),
            lock=self._registry.writer_lock(name),
        )


def require_workspace_name(name: str) -> str:
    """Return ``name`` if it can name a workspace.

    Raises:
        UsageError: It cannot: it is a label of the log's origin.
    """
    if not _is_name(name):
        raise UsageError(
            f"expected a name like acme-prod, at most {limits.MAX_WORKSPACE_CHARS} "
            f"characters, got {name[:64]!r}"
        )
    return name


def property_note(form: Form) -> str:
    """Say what the form of trust means, in the words of the API and the pages."""
    if form is Form.EMBEDDED:
        return (
            "embedded: this server holds the admin keys, so whoever steals them can "
            "change what Runners accept; the property of a sovereign workspace does "
            "not hold here"
        )
    return (
        "sovereign: nothing that this server can sign with makes a Runner pinned to "
        "this root accept what the registered external identities did not sign"
    )


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None
