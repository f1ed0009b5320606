# SPDX-License-Identifier: Apache-2.0
"""A workspace's repository with real keys, and a mirror that lies about it.

``Mirror`` is a fetcher over any ``Storage``. Stricter than a CDN: it serves exactly
what is stored, and every lie is asked for by name. Its clock is the client's, so a slow
mirror is slow at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.api.metadata import Metadata
from tuf.ngclient.fetcher import FetcherInterface

from bundle.storage.interface import Storage
from bundle.tuf.documents import RoleKeys
from bundle.tuf.keys import RoleSigner, role_key
from bundle.tuf.repository import Repository
from bundle.tuf.root import build_root
from keys.errors import NotFoundError
from signer.form import Custody
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import MemoryStorage

URL = "https://mirror.example/w/acme"
CHECKPOINT = (
    "acme.log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— x y\n"
)
FILES: Mapping[str, bytes] = {
    "trust/policy.json": b"{}",
    "trust/trusted_root.json": b"{}",
    "layers/constitution.tar.gz": b"constitution",
    "layers/constitution.sigstore.json": b"{}",
}
_CHUNK = 1024


def release_files(text: str) -> dict[str, bytes]:
    return {
        "bundle.tar.gz": f"bundle {text}".encode(),
        "attestations.sigstore.jsonl": f"attestations {text}".encode(),
    }


class Ticks:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Workspace:
    """Keys, root and repository of one workspace; ``at`` is when everything is signed."""

    at: datetime
    custody: Custody
    root_keys: list[MemoryKey]
    targets_keys: list[MemoryKey]
    release_key: MemoryKey
    snapshot_key: MemoryKey
    timestamp_key: MemoryKey
    storage: Storage
    root: bytes = field(repr=False)

    @classmethod
    def create(
        cls,
        at: datetime,
        *,
        sovereign: bool = False,
        storage: Storage | None = None,
        root_keys: list[MemoryKey] | None = None,
        targets_keys: list[MemoryKey] | None = None,
    ) -> "Workspace":
        count = 2 if sovereign else 1
        custody = Custody.EXTERNAL if sovereign else Custody.CONTROL_PLANE
        root_keys = root_keys or [MemoryKey.ecdsa() for _ in range(count)]
        targets_keys = targets_keys or [MemoryKey.ecdsa() for _ in range(count)]
        online = [MemoryKey.ed25519() for _ in range(3)]
        root = build_root(
            root_keys=root_keys,
            targets_keys=[k.public_key for k in targets_keys],
            snapshot_key=online[1].public_key,
            timestamp_key=online[2].public_key,
            custody=custody,
            at=at,
        )
        workspace = cls(
            at,
            custody,
            root_keys,
            targets_keys,
            *online,
            storage or MemoryStorage(),
            root,
        )
        workspace.repository.create(root)
        return workspace

    @property
    def keys(self) -> RoleKeys:
        return RoleKeys(
            tuple(self.targets_keys),
            self.release_key,
            self.snapshot_key,
            self.timestamp_key,
        )

    @property
    def repository(self) -> Repository:
        """A publisher that has just started."""
        return Repository(self.storage, self.keys)

    def on(self, storage: Storage) -> "Workspace":
        """The same workspace on another disk."""
        return replace(self, storage=storage)

    def publish_trust(
        self, files: Mapping[str, bytes] = FILES, *, at: datetime | None = None
    ) -> None:
        at = at or self.at
        staged = self.repository.prepare_targets(files, checkpoint=CHECKPOINT, at=at)
        self.repository.publish_targets(staged, at=at)

    def publish_release(
        self,
        revision: int,
        text: str = "",
        *,
        keep: int = 3,
        at: datetime | None = None,
    ) -> None:
        at = at or self.at
        files = release_files(text or str(revision))
        staged = self.repository.prepare_release(revision, files, keep=keep, at=at)
        self.repository.publish_release(staged, at=at)

    def resign(
        self,
        data: bytes,
        change: Callable[[Metadata], None],
        keys: list[MemoryKey],
        custody: Custody | None = None,
    ) -> bytes:
        """Change metadata in any way, and sign it with any keys."""
        metadata = Metadata.from_bytes(data)
        change(metadata)
        metadata.signatures.clear()
        for key in keys:
            public = role_key(key.public_key, custody or self.custody)
            metadata.sign(RoleSigner(key, public), append=True)
        return metadata.to_bytes()


class Mirror(FetcherInterface):
    """Serves a store at ``URL``, and lies on demand.

    Attributes:
        replaced: Bytes to serve in place of what is stored, by object name.
        once: The same, for the first request only.
        status: HTTP status by object name.
        endless: Object names whose body has no end.
        slow: Seconds that pass before each chunk, by object name.
        cut: Object names whose connection breaks after the first chunk.
        down: Whether nothing answers.
        asked: Object names that were asked for.
        served: Bytes that were sent.
    """

    def __init__(self, storage: Storage, ticks: Ticks | None = None) -> None:
        self.storage = storage
        self.ticks = ticks or Ticks()
        self.replaced: dict[str, bytes] = {}
        self.once: dict[str, bytes] = {}
        self.status: dict[str, int] = {}
        self.endless: set[str] = set()
        self.slow: dict[str, float] = {}
        self.cut: set[str] = set()
        self.down = False
        self.asked: list[str] = []
        self.served = 0

    def freeze(self, name: str = "metadata/timestamp.json") -> None:
        """Serve an object as it is now, whatever happens to it."""
        self.replaced[name] = self._stored(name)

    def tamper(self, name: str, at: int = 0) -> None:
        """Serve an object with one bit changed."""
        data = bytearray(self._stored(name))
        data[at] ^= 1
        self.replaced[name] = bytes(data)

    def _fetch(self, url: str) -> Iterator[bytes]:
        if self.down:
            raise DownloadError("connection refused")
        assert url.startswith(f"{URL}/"), url
        name = url.removeprefix(f"{URL}/")
        self.asked.append(name)
        if name in self.once:
            return iter([self.once.pop(name)])
        if name in self.status:
            raise DownloadHTTPError(f"HTTP {self.status[name]}", self.status[name])
        if name not in self.endless and name not in self.replaced:
            try:
                self._stored(name)
            except NotFoundError:
                raise DownloadHTTPError("HTTP 404", 404) from None
        return self._body(name)

    def _body(self, name: str) -> Iterator[bytes]:
        if name in self.endless:
            while True:
                yield self._chunk(name, b" " * _CHUNK)
        data = self.replaced[name] if name in self.replaced else self._stored(name)
        for start in range(0, len(data), _CHUNK):
            yield self._chunk(name, data[start : start + _CHUNK])
            if name in self.cut:
                raise DownloadError("connection reset")

    def _chunk(self, name: str, chunk: bytes) -> bytes:
        self.ticks.now += self.slow.get(name, 0)
        self.served += len(chunk)
        assert self.served < 100_000_000, "the client has no limit"
        return chunk

    def _stored(self, name: str) -> bytes:
        return self.storage.get(name, max_bytes=1 << 30)
