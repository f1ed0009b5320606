# SPDX-License-Identifier: Apache-2.0
"""Where a server keeps its things while it is killed: a folder, and a bucket.

Writes are counted from ``begin`` on; the one that is chosen meets a fault, and from there
on nothing is written.
"""

import itertools
import shutil
from pathlib import Path
from typing import Any, Final

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from sqlalchemy import event

from bundle.storage.directory import DirectoryStorage
from bundle.storage.interface import Storage
from control_plane.services import Services
from keys.strict import dumps_json
from tests.simulators import s3 as bucket
from tests.simulators.crashes import Fault, Killable
from tests.simulators.storage import MemoryStorage

NAME: Final = "acme"
REGISTRY: Final = "registry.sqlite3"
_PLACE: Final = f"w/{NAME}/0123456789abcdef"


class OnDirectory:
    """A server's own folder, its registry included."""

    name = "directory"

    def __init__(self) -> None:
        self._store: Killable | None = None
        self._folder = Path()

    def load(self, state: Path) -> dict[str, Any]:
        """Take a copy of a server's state; return what its settings are besides."""
        self._folder, self._store = state / "workspaces" / NAME, None
        return {}

    def open(self, directory: Path) -> Storage:
        self._store = Killable(directory)
        return self._store

    def begin(self, services: Services) -> None:
        """Count from here on; each commit of the registry is a write too."""
        services.workspaces.open(NAME)
        event.listen(services.registry.engine, "commit", self._commit)
        self._opened.writes.clear()
        self._opened.deletes.clear()

    def _commit(self, connection: Any) -> None:
        commit = connection.connection.dbapi_connection.commit
        self._opened.write(REGISTRY, None, commit)

    @property
    def _opened(self) -> Killable:
        assert self._store
        return self._store

    def kill(self, count: int, fault: Fault) -> None:
        self._opened.kill(count, fault)

    def heal(self) -> None:
        """What comes next is another server's."""

    @property
    def writes(self) -> list[str]:
        return self._opened.writes

    def faults_of(self, number: int) -> list[Fault]:
        """Deletions and transactions have no half."""
        whole = number in self._opened.deletes
        return [f for f in Fault if not (whole and f is Fault.TORN)]

    def read(self) -> Storage:
        """Return what is stored, for clients."""
        return DirectoryStorage(self._folder)


class OnS3:
    """A bucket, with a folder for registry and keys; faults happen on the wire."""

    name = "S3"

    def __init__(self, server: bucket.SimulatedS3) -> None:
        self._server = server
        self._numbers = itertools.count()
        self._prefix = ""

    @property
    def _inside(self) -> Any:
        return get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]

    def load(self, state: Path) -> dict[str, Any]:
        self._prefix = f"api/{next(self._numbers)}"
        folder = state / "workspaces" / NAME
        place = {"format": "https://trustacks.com/formats/workspace-place/v1"}
        self._put(f"workspaces/{NAME}.json", dumps_json({**place, "place": _PLACE}))
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                name = path.relative_to(folder).as_posix()
                self._put(f"{_PLACE}/{name}", path.read_bytes())
        shutil.rmtree(folder)
        return {
            "storage": f"s3://{self._server.name}/{self._prefix}",
            "s3_endpoint_url": self._server.url,
            "s3_region": bucket.REGION,
        }

    def _put(self, name: str, data: bytes) -> None:
        self._inside.put_object(self._server.name, f"{self._prefix}/{name}", data)

    def open(self, directory: Path) -> Storage:
        return DirectoryStorage(directory)

    def begin(self, services: Services) -> None:
        services.workspaces.open(NAME)
        self._server.door.begin()

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
        start = f"{self._prefix}/{_PLACE}/"
        return [key.removeprefix(start) for key in self._server.door.writes]

    def faults_of(self, number: int) -> list[Fault]:
        """An object of a bucket is there whole or not at all."""
        return [Fault.FAILED, Fault.PERSISTED]

    def read(self) -> Storage:
        start, copy = f"{self._prefix}/{_PLACE}/", MemoryStorage()
        for key, found in self._inside.buckets[self._server.name].keys.items():
            if key.startswith(start):
                copy.objects[key.removeprefix(start)] = found.value
        return copy


Backend = OnDirectory | OnS3
