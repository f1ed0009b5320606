# SPDX-License-Identifier: Apache-2.0
"""One workspace, and what of it is in force.

A workspace is a storage with a TUF repository and a log in it, and keys. What is in
force is read from the committed metadata, never from the registry: the registry says
only which workspaces there are.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.storage.interface import Storage
from bundle.tuf.committed import Committed, read_roots
from bundle.tuf.documents import target_name
from bundle.tuf.keys import identify
from bundle.tuf.repository import Repository
from bundle.tuf.rootchain import from_pin
from control_plane import limits
from control_plane.errors import WorkspaceDamagedError
from control_plane.log import Log
from control_plane.log.group import Group
from keys.errors import FormatError, VerificationError
from keys.signing import SigningKey
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot


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

    def says_the_same(self, committed: Committed) -> bool:
        """Return whether trust and layers are the same in another state."""
        ours = self.committed
        return (ours.roots, ours.targets) == (committed.roots, committed.targets)


@dataclass(frozen=True)
class Workspace:
    """One workspace, its parts joined.

    Attributes:
        name: Its name on this server.
        storage: Its bytes.
        log: Its transparency log.
        repository: Its TUF repository.
        key: Returns a key of this workspace that the server holds, by purpose.
        further: Returns the online keys that replace others, or will.
        lock: Held by whoever changes trust, releases or the log; reentrant.
        recording: Who waits for the log (``workflows.recording``).
    """

    name: str
    storage: Storage
    log: Log
    repository: Repository
    key: Callable[[str], SigningKey]
    further: Callable[[], Sequence[SigningKey]]
    lock: AbstractContextManager[object] = field(repr=False)
    recording: Group[Any, Any] = field(
        default_factory=lambda: Group(size=lambda item: len(item.attestation.raw)),
        repr=False,
    )
    _seen: list[Published] = field(default_factory=list, repr=False)

    @property
    def pin(self) -> bytes:
        """The root that Runners pin: the genesis root, or what made it sovereign.

        Raises:
            NothingPublishedError: There is none yet.
        """
        return from_pin(read_roots(self.storage)).raw[0]

    def published(self) -> Published:
        """Read what is in force; expired or not, so that it can be renewed.

        A root may come without a new timestamp: both are looked at each time.

        Raises:
            NothingPublishedError: Nothing has been published yet.
            WorkspaceDamagedError: The storage holds what nobody signed.
            StorageError: It cannot be read.
        """
        try:
            found = self._read()
        except (FormatError, VerificationError) as error:
            raise WorkspaceDamagedError(
                f"{self.name}: {error.message}", name=self.name
            ) from error
        self._seen[:] = [found]
        return found

    def _read(self) -> Published:
        committed = self.repository.current()
        for seen in tuple(self._seen):
            if seen.committed is committed:
                return seen
            if seen.says_the_same(committed):
                return replace(seen, committed=committed)
        return _read_published(self.storage, committed)

    def refresh(self, *, at: datetime) -> tuple[str, ...]:
        """Renew online metadata that is past half of its life; return which roles.

        Raises:
            StorageError: The metadata is the old or the renewed one.
        """
        with self.lock:
            return self.repository.refresh(at)


def _read_published(storage: Storage, committed: Committed) -> Published:
    chain, top = committed.pinned, committed.top
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
