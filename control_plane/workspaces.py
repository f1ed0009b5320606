# SPDX-License-Identifier: Apache-2.0
"""The workspaces of this server, and what of each is in force.

A workspace is a storage with a TUF repository and a log in it, and keys. What is in
force is read from the committed metadata, never from the registry: the registry says
only which workspaces there are.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.storage.interface import Storage
from bundle.tuf.committed import TIMESTAMP_NAME, Committed
from bundle.tuf.documents import RoleKeys, target_name
from bundle.tuf.keys import identify
from bundle.tuf.repository import Repository
from bundle.tuf.rootchain import open_roots
from control_plane import keystore as purposes
from control_plane import limits
from control_plane.errors import WorkspaceDamagedError
from control_plane.keystore import KeyStore
from control_plane.log import Log
from control_plane.registry import repository as index
from control_plane.registry.session import Registry
from control_plane.settings import Settings
from control_plane.timestamping import Authority
from keys.errors import FormatError, NotFoundError, UsageError, VerificationError
from keys.lock import exclusive
from keys.signing import SigningKey
from signer.form import Form
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot, build_trusted_root

GENESIS: Final = "metadata/1.root.json"
# Opens the storage of one workspace, whose directory this is.
OpenStorage = Callable[[Path], Storage]
# A name begins with a letter; a workspace that is being made has a dot before it.
STAGING_PREFIX: Final = ".new-"

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


@dataclass(frozen=True, slots=True)
class Published:
    """What is in force in a workspace: committed bytes, and what they say.

    Attributes:
        committed: The TUF metadata.
        files: Trust and layers, by target name.
        role_keys: Ids of the keys that have a TUF role.
        trust: What signatures are judged by.
    """

    committed: Committed
    files: Mapping[str, bytes]
    role_keys: frozenset[str]
    trust: Trust


@dataclass(frozen=True)
class Workspace:
    """One workspace, its parts joined.

    Attributes:
        name: Its name on this server.
        storage: Its bytes.
        log: Its transparency log.
        repository: Its TUF repository.
        key: Returns a key of this workspace that the server holds, by purpose.
        lock: Held by whoever changes trust, releases or the log.
    """

    name: str
    storage: Storage
    log: Log
    repository: Repository
    key: Callable[[str], SigningKey]
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _seen: dict[bytes, Published] = field(default_factory=dict, repr=False)

    @property
    def genesis(self) -> bytes:
        """The root that Runners pin.

        Raises:
            NotFoundError: There is none yet.
        """
        return self.storage.get(GENESIS, max_bytes=limits.MAX_STATIC_BYTES)

    def published(self) -> Published:
        """Read what is in force; expired or not, so that it can be renewed.

        Raises:
            NotFoundError: Nothing has been published yet.
            WorkspaceDamagedError: The storage holds what nobody signed.
            StorageError: It cannot be read.
        """
        stamp = self.storage.get(TIMESTAMP_NAME, max_bytes=limits.MAX_STATIC_BYTES)
        found = self._seen.get(stamp)
        if found is None:
            try:
                found = _read_published(self.storage, self.repository.current())
            except (FormatError, VerificationError) as error:
                raise WorkspaceDamagedError(
                    f"{self.name}: {error.message}", name=self.name
                ) from error
            self._seen.clear()
            self._seen[found.committed.timestamp] = found
        return found

    def refresh(self, *, at: datetime) -> tuple[str, ...]:
        """Renew online metadata that is past half of its life; return which roles.

        Raises:
            StorageError: The metadata is the old or the renewed one.
        """
        with self.lock:
            return self.repository.refresh(at)


class Workspaces:
    """The workspaces of one server, opened when first asked for."""

    def __init__(
        self,
        *,
        directory: Path,
        settings: Settings,
        registry: Registry,
        keystore: KeyStore,
        authority: Authority,
        open_storage: OpenStorage,
    ) -> None:
        self.directory = directory
        self._open_storage = open_storage
        self._settings = settings
        self._registry = registry
        self._keystore = keystore
        self._authority = authority
        # Held while a workspace is made: one at a time.
        self.creating = threading.Lock()
        self._open: dict[str, Workspace] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the names of all workspaces in the registry."""
        with self._registry.read() as session:
            return [row.name for row in index.list_workspaces(session)]

    def on_disk(self) -> list[str]:
        """Return the names of all workspaces that were made, indexed or not."""
        return sorted(p.name for p in self.directory.iterdir() if _is_name(p.name))

    def open(self, name: str) -> Workspace:
        """Return a workspace.

        Raises:
            NotFoundError: There is none of that name.
        """
        with self._lock:
            found = self._open.get(name)
        return found or self._opened(name)

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

    def assemble(self, name: str, directory: Path) -> Workspace:
        """Join the parts of a workspace whose bytes are in ``directory``."""
        storage = self._open_storage(directory)
        key: Callable[[str], SigningKey] = partial(self._keystore.key, name)
        return Workspace(
            name=name,
            storage=storage,
            log=Log(
                storage,
                origin=self.origin(name),
                key=key(purposes.LOG),
                alone=partial(exclusive, directory / ".log-lock", wait=True),
            ),
            repository=Repository(storage, self._role_keys(name)),
            key=key,
        )

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

    def _role_keys(self, name: str) -> RoleKeys:
        """Return the TUF role keys at hand: targets keys in the embedded form only."""
        key: Callable[[str], SigningKey] = partial(self._keystore.key, name)
        held = self._keystore.has(name, purposes.TARGETS)
        return RoleKeys(
            targets=(key(purposes.TARGETS),) if held else (),
            release=key(purposes.RELEASE),
            snapshot=key(purposes.SNAPSHOT),
            timestamp=key(purposes.TIMESTAMP),
        )

    def _opened(self, name: str) -> Workspace:
        with self._registry.read() as session:
            if not _is_name(name) or index.find_workspace(session, name) is None:
                raise NotFoundError(f"expected a workspace, got {name[:64]!r}")
        assembled = self.assemble(name, self.directory / name)
        with self._lock:
            return self._open.setdefault(name, assembled)


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


def _read_published(storage: Storage, committed: Committed) -> Published:
    chain = open_roots(committed.roots)
    top = committed.top
    files = {
        path: storage.get(target_name(file), max_bytes=limits.MAX_STATIC_BYTES)
        for path, file in top.targets.items()
    }
    delegated = top.delegations.keys.values() if top.delegations else ()
    return Published(
        committed=committed,
        files=files,
        role_keys=frozenset(chain.keys) | {identify(key) for key in delegated},
        trust=Trust(
            workspace=chain.workspace,
            form=chain.form,
            policy=TrustPolicy.parse(files[POLICY_TARGET]),
            trusted_root=TrustedRoot.parse(files[TRUSTED_ROOT_TARGET]),
        ),
    )


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None
