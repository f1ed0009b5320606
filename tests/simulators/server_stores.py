# SPDX-License-Identifier: Apache-2.0
"""Where a server keeps its things while it is killed: a folder, and a bucket.

Writes are counted while it is at work, each commit of its registry and each change of
its key files among them; the one that is chosen meets a fault, and from there on
nothing is written.
"""

import asyncio
import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
import uvicorn
from sqlalchemy import event

from bundle.storage import bucket as boto
from bundle.storage.directory import DirectoryStorage
from bundle.storage.interface import Storage
from control_plane import keystore
from control_plane.services import Services
from keys.providers import encfile
from keys.strict import dumps_json
from tests.simulators import s3 as bucket
from tests.simulators.crashes import Fault, Killable, Kills
from tests.simulators.storage import MemoryStorage

NAME: Final = "acme"
REGISTRY: Final = "registry.sqlite3"
_PLACE: Final = f"w/{NAME}/0123456789abcdef"
_PREFIX: Final = "api"

# Writes a thing of this name, to this file, with these bytes if it has a half.
Write = Callable[[str, Callable[[], None], Path, bytes | None], None]


@contextmanager
def counted(services: Services, write: Write) -> Iterator[None]:
    """Count what a server writes beside its storage, too."""
    state = services.settings.state

    def commit(connection: Any) -> None:
        apply = connection.connection.dbapi_connection.commit
        write(REGISTRY, apply, state / REGISTRY, None)

    def create_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        name = path.relative_to(state).as_posix()
        write(name, lambda: made(path, data, mode=mode), path, data)

    def remove_file(path: Path) -> None:
        name = path.relative_to(state).as_posix()
        write(name, lambda: removed(path), path, None)

    made, removed = encfile.create_file, keystore.remove_file
    engine = services.registry.engine
    event.listen(engine, "commit", commit)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(encfile, "create_file", create_file)
            patch.setattr(keystore, "remove_file", remove_file)
            yield
    finally:
        event.remove(engine, "commit", commit)


@contextmanager
def brief_servers() -> Iterator[None]:
    """Let a server end when it is told to, and not when it looks the next time."""

    async def briefly(seconds: float) -> None:
        await asyncio.sleep(seconds / 50)

    hasty = SimpleNamespace(**{**vars(asyncio), "sleep": briefly})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", hasty)
        yield


class OnDirectory:
    """A server's own folder, its registry included."""

    name = "directory"

    def __init__(self) -> None:
        self._kills = Kills()
        self._folder = Path()

    def load(self, state: Path) -> dict[str, Any]:
        """Take a copy of a server's state; return what its settings are besides."""
        self._folder, self._kills = state / "workspaces" / NAME, Kills()
        return {}

    def open(self, directory: Path) -> Storage:
        return Killable(directory, self._kills)

    in_haste = staticmethod(brief_servers)

    @contextmanager
    def counting(self, services: Services) -> Iterator[None]:
        """Count from here on."""
        services.workspaces.open(NAME)
        self._kills.begin()
        with counted(services, self._kills.write):
            yield

    def kill(self, count: int, fault: Fault) -> None:
        self._kills.kill(count, fault)

    def heal(self) -> None:
        self._kills.heal()

    @property
    def writes(self) -> list[str]:
        return self._kills.writes

    def faults_of(self, number: int) -> list[Fault]:
        return self._kills.faults_of(number)

    def read(self) -> Storage:
        """Return what is stored, for clients."""
        return DirectoryStorage(self._folder)


class OnS3:
    """A bucket, with a folder for registry and keys; faults happen on the wire.

    What is read comes from the bucket server's memory, to save time: only writes fail.
    """

    name = "S3"

    def __init__(self, server: bucket.SimulatedS3) -> None:
        self._server = server

    @contextmanager
    def in_haste(self) -> Iterator[None]:
        """Spare what changes nothing but how long it lasts.

        Reads that go over the wire, a client of boto's for each server, and the pauses
        between attempts at a bucket that is down.
        """
        with brief_servers(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(boto, "_client", functools.cache(boto._client))
            patch.setattr("bundle.storage.s3._PAUSE_MS", 1)
            patch.setattr(boto.Bucket, "get", self._server.get)
            patch.setattr(boto.Bucket, "page", self._server.page)
            yield

    def load(self, state: Path) -> dict[str, Any]:
        folder = state / "workspaces" / NAME
        place = {"format": "https://trustacks.com/formats/workspace-place/v1"}
        whole = {
            f"{_PREFIX}/{_PLACE}/{path.relative_to(folder).as_posix()}": (
                path.read_bytes()
            )
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        pointer = dumps_json({**place, "place": _PLACE})
        whole[f"{_PREFIX}/workspaces/{NAME}.json"] = pointer
        self._server.restore(whole)
        shutil.rmtree(folder)
        return {
            "storage": f"s3://{self._server.name}/{_PREFIX}",
            "s3_endpoint_url": self._server.url,
            "s3_region": bucket.REGION,
        }

    def open(self, directory: Path) -> Storage:
        return DirectoryStorage(directory)

    @contextmanager
    def counting(self, services: Services) -> Iterator[None]:
        services.workspaces.open(NAME)
        self._server.door.begin()

        def beside(name: str, apply: Callable[[], None], *_: object) -> None:
            self._server.door.beside(name, apply)

        with counted(services, beside):
            yield

    def kill(self, count: int, fault: Fault) -> None:
        lost = {
            Fault.FAILED: bucket.Fault.DOWN,
            Fault.PERSISTED: bucket.Fault.DOWN_AFTER,
        }
        self._server.door.fail(count, lost[fault])

    def heal(self) -> None:
        self._server.door.heal()

    @property
    def writes(self) -> list[str]:
        start = f"{_PREFIX}/{_PLACE}/"
        return [key.removeprefix(start) for key in self._server.door.writes]

    def faults_of(self, number: int) -> list[Fault]:
        """An object of a bucket is there whole or not at all."""
        return [Fault.FAILED, Fault.PERSISTED]

    def read(self) -> Storage:
        start, copy = f"{_PREFIX}/{_PLACE}/", MemoryStorage()
        for key, data in self._server.held().items():
            if key.startswith(start):
                copy.objects[key.removeprefix(start)] = data
        return copy


Backend = OnDirectory | OnS3
