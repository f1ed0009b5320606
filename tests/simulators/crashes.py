# SPDX-License-Identifier: Apache-2.0
"""Kill a publisher at each of its writes, on a real directory and a real bucket.

An ``Act`` is done to a copy of a prepared store until its n-th write, which meets a
fault; nothing is written from there on. Then an old client (it has seen the state
before) and a new one look, and the act is done again by a publisher that has just
started. ``points`` yields what they saw.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tuf.api.metadata import Metadata, Root

from bundle.storage.directory import DirectoryStorage
from bundle.storage.interface import Storage
from bundle.storage.s3 import S3Storage
from bundle.tuf.adopt import adopt_root
from bundle.tuf.client import TufClient
from bundle.tuf.handed_in import stage_targets
from bundle.tuf.keys import role_key
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.proposal import Base, build_proposal
from bundle.tuf.proposal_signing import assemble, sign_proposal
from bundle.tuf.root_draft import (
    RootKeys,
    admin_keys,
    draft_root,
    online_keys,
    sign_root,
)
from control_plane.workflows.garbage import collect_garbage
from keys.clock import utc_now
from keys.digest import Digest
from keys.errors import StorageError, StorageUnavailableError, TrustacksError
from signer.form import Custody
from signer.predicates.trust_change import IDENTITY_REGISTERED, Change
from tests.simulators import s3 as bucket
from tests.simulators.memory_key import MemoryKey
from tests.simulators.storage import MemoryStorage
from tests.simulators.tuf_mirror import CHECKPOINT, FILES, URL, Mirror, Workspace

LATER = {**FILES, "trust/policy.json": b'{"version":2}'}
GRACE = timedelta(days=7)
_PREFIX = "w/0"
CHANGE = Change(kind=IDENTITY_REGISTERED, identity="jane.doe")


class Fault(Enum):
    """What becomes of the write at which the publisher is killed."""

    FAILED = "failed"
    PERSISTED = "failed, but persisted"
    TORN = "half-written"


# ------------------------------------------------------------------------- stores


class Kills:
    """What a publisher writes, in its order, and the write at which it is killed."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.whole: set[int] = set()
        self._kill: tuple[int, Fault] | None = None

    def begin(self) -> None:
        """Count from here on."""
        self.writes.clear()
        self.whole.clear()

    def kill(self, count: int, fault: Fault) -> None:
        self._kill = (len(self.writes) + count, fault)

    def heal(self) -> None:
        self._kill = None

    def write(
        self, name: str, apply: Callable[[], None], file: Path, data: bytes | None
    ) -> None:
        """Do it, or meet the fault; without data it has no half."""
        number = len(self.writes)
        self.writes.append(name)
        if data is None:
            self.whole.add(number)
        if self._kill is None or number < self._kill[0]:
            apply()
            return
        if number == self._kill[0]:
            if self._kill[1] is Fault.PERSISTED:
                apply()
            elif self._kill[1] is Fault.TORN and data:
                file.parent.mkdir(parents=True, exist_ok=True)
                half = file.with_name(".tmp-0123456789abcdef")
                half.write_bytes(data[: len(data) // 2])
        raise StorageUnavailableError(f"cannot write {name}: killed")

    def faults_of(self, number: int) -> list[Fault]:
        """Deletions and transactions have no half."""
        whole = number in self.whole
        return [f for f in Fault if not (whole and f is Fault.TORN)]


class Killable(DirectoryStorage):
    """A directory whose publisher is killed at a write."""

    def __init__(self, root: Path, kills: Kills | None = None) -> None:
        super().__init__(root)
        self.kills = kills or Kills()
        self._folder = root

    def put_immutable(self, name: str, data: bytes) -> None:
        put = super().put_immutable
        self._write(name, lambda: put(name, data), data)

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        swap = super().replace
        self._write(name, lambda: swap(name, data, expected=expected), data)

    def discard(self, name: str) -> None:
        discard = super().discard
        self._write(name, lambda: discard(name), None)

    def _write(self, name: str, apply: Callable[[], None], data: bytes | None) -> None:
        self.kills.write(name, apply, self._folder / name, data)


class OnDirectory:
    """Stores as directories below one."""

    name = "directory"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._kills = Kills()

    def load(self, objects: dict[str, bytes]) -> Storage:
        root = self._folder / f"store-{next(self._numbers)}"
        for name, data in objects.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self._kills = Kills()
        return Killable(root, self._kills)

    def read(self, storage: Storage) -> Storage:
        """Return what is stored, for clients."""
        return storage

    def kill(self, count: int, fault: Fault) -> None:
        self._kills.kill(count, fault)

    def heal(self) -> None:
        self._kills.heal()

    @property
    def writes(self) -> list[str]:
        return self._kills.writes

    def faults_of(self, number: int) -> list[Fault]:
        return self._kills.faults_of(number)


class OnS3:
    """Stores in one bucket; faults happen on the wire.

    Only publishers go over the wire, to save time.
    """

    name = "S3"

    def __init__(self, server: bucket.SimulatedS3) -> None:
        self._server = server
        self._bucket = server.bucket()

    def load(self, objects: dict[str, bytes]) -> Storage:
        self._server.restore({f"{_PREFIX}/{k}": data for k, data in objects.items()})
        return S3Storage(self._bucket, _PREFIX, pause=lambda _: None)

    def read(self, storage: Storage) -> Storage:
        """Return what is stored, for clients."""
        copy = MemoryStorage()
        for key, data in self._server.held().items():
            copy.objects[key.removeprefix(f"{_PREFIX}/")] = data
        return copy

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
        start = f"{_PREFIX}/"
        return [key.removeprefix(start) for key in self._server.door.writes]

    def faults_of(self, number: int) -> list[Fault]:
        """An object of a bucket is there whole or not at all."""
        return [Fault.FAILED, Fault.PERSISTED]


Backend = OnDirectory | OnS3

# --------------------------------------------------------------------------- acts


@dataclass
class World:
    """A prepared workspace, and what its act needs."""

    ws: Workspace
    at: datetime
    extra: dict[str, Any] = field(default_factory=dict)

    def on(self, storage: Storage) -> "World":
        return replace(self, ws=self.ws.on(storage))

    @property
    def objects(self) -> dict[str, bytes]:
        assert isinstance(self.ws.storage, MemoryStorage)
        return self.ws.storage.objects


@dataclass(frozen=True)
class Act:
    """Something that a publisher does.

    Attributes:
        name: For people.
        prepare: Makes the state before.
        do: Does it; again is success.
    """

    name: str
    prepare: Callable[[], World]
    do: Callable[[World], None]


def _made(at: datetime | None = None, *, sovereign: bool = False) -> World:
    at = at or utc_now()
    return World(Workspace.create(at, sovereign=sovereign), at)


def _published(at: datetime | None = None, *, sovereign: bool = False) -> World:
    world = _made(at, sovereign=sovereign)
    world.ws.publish_trust()
    world.ws.publish_release(1)
    return world


def sovereign_change() -> World:
    """Two admins have signed a proposal elsewhere."""
    world = _published(sovereign=True)
    ws, state = world.ws, world.ws.repository.current()
    key = role_key(ws.release_key.public_key, Custody.CONTROL_PLANE)
    proposal = build_proposal(
        Digest.of(ws.root),
        Base(state.top.version, Digest.of(state.targets)),
        state.top.version + 1,
        LATER,
        key,
        CHANGE,
        checkpoint=CHECKPOINT,
        at=world.at,
    )
    root = parse_metadata(ws.root, Root, "root").signed
    signed = [sign_proposal(proposal, root, key) for key in ws.targets_keys]
    world.extra["proposal"] = proposal
    world.extra["targets"] = assemble(proposal, root, signed)
    return world


def publish_handed_in(world: World) -> None:
    ws = world.ws
    staged = stage_targets(ws.storage, world.extra["targets"], LATER, at=world.at)
    ws.repository.publish_targets(staged, at=world.at)


def _rotation() -> World:
    """Two admins have signed a root with other online keys."""
    world = _published(sovereign=True)
    ws, others = world.ws, (MemoryKey.ed25519(), MemoryKey.ed25519())
    keys = RootKeys(
        root=admin_keys(k.public_key for k in ws.root_keys),
        targets=admin_keys(k.public_key for k in ws.targets_keys),
        snapshot=online_keys([others[0].public_key]),
        timestamp=online_keys([others[1].public_key]),
    )
    before = parse_metadata(ws.root, Root, "root").signed
    root = draft_root(keys, at=world.at, previous=before, workspace=Digest.of(ws.root))
    for key in ws.root_keys:
        root = sign_root(root, key, previous=before)
    world.extra |= {"root": root, "others": others}
    return world


def _adopt(world: World) -> None:
    keys = replace(world.ws.keys, others=lambda: world.extra["others"])
    adopt_root(world.ws.storage, keys, world.extra["root"], at=world.at)


def _key_change() -> World:
    world = _published()
    world.extra["key"] = MemoryKey.ed25519()
    return world


def _change_key(world: World) -> None:
    replace(world.ws, release_key=world.extra["key"]).publish_trust(LATER)


def _half_lived() -> World:
    """Everything but root and targets has lived half of its life."""
    now = utc_now()
    world = _published(now - timedelta(days=15, minutes=30))
    for days in range(14, 0, -1):
        world.ws.repository.refresh(now - timedelta(days=days, hours=1))
    world.ws.repository.refresh(now - timedelta(hours=1))
    world.at = now
    return world


def _littered() -> World:
    """Snapshots, a renewal and a refused release that have been garbage for a week."""
    now = utc_now()
    world = _published(now - timedelta(hours=2))
    ws = world.ws
    _collect(world, now - timedelta(days=15))
    refused = ws.repository.prepare_release(
        2,
        {"bundle.tar.gz": b"no", "attestations.sigstore.jsonl": b"no"},
        keep=3,
        at=ws.at,
    )
    assert refused.version
    ws.publish_release(2)
    replace(ws, release_key=MemoryKey.ed25519()).publish_trust(LATER)
    ws.publish_trust()
    ws.publish_release(3)
    _collect(world, now - timedelta(days=8))
    world.at = now
    return world


def _collect(world: World, at: datetime) -> int:
    """The server's own collection, on a workspace that has no server."""
    workspace = SimpleNamespace(
        storage=world.ws.storage, repository=world.ws.repository, lock=nullcontext()
    )
    services = SimpleNamespace(
        settings=SimpleNamespace(garbage_grace_seconds=GRACE.total_seconds()),
        workspaces=SimpleNamespace(open=lambda _: workspace),
        clock=lambda: at,
    )
    return collect_garbage(services, "acme")


def _sweep(world: World) -> None:
    """The next run, after a crash or not, is a look's interval later."""
    try:
        _collect(world, world.at)
    finally:
        world.at += timedelta(hours=6)


ACTS = (
    Act("first trust", _made, lambda w: w.ws.publish_trust()),
    Act("trust change", _published, lambda w: w.ws.publish_trust(LATER)),
    Act("trust change by proposal", sovereign_change, publish_handed_in),
    Act("release", _published, lambda w: w.ws.publish_release(2)),
    Act("another release key", _key_change, _change_key),
    Act("root rotation", _rotation, _adopt),
    Act("refresh", _half_lived, lambda w: w.ws.repository.refresh(w.at)),
    Act("garbage collection", _littered, _sweep),
)

# ------------------------------------------------------------------------ looking


@dataclass(frozen=True)
class Point:
    """A kill and what came of it.

    Attributes:
        act: What was being done.
        number: Of the write, from 1.
        write: The object.
        fault: What became of the write.
        storage: Where.
        old_client: What the client saw that knew the state before: ``old`` or ``new``.
        new_client: What a client saw that began now.
        next_run: What both saw after the act was done again.
        left: How many objects the crash added for good, or for garbage collection.
    """

    act: str
    number: int
    write: str
    fault: Fault
    storage: str
    old_client: str
    new_client: str
    next_run: str
    left: int


def see(world: World, folder: Path) -> object:
    """Return what a client of this directory is told, less version numbers."""
    folder.mkdir(exist_ok=True)
    mirror = Mirror(world.ws.storage)
    client = TufClient(
        root=world.ws.root,
        directory=folder,
        url=URL,
        fetcher=mirror,
        deadline_s=60,
        monotonic=mirror.ticks,
    )
    try:
        fetched = client.refresh()
    except TrustacksError as error:
        return error.code
    signed = (fetched.targets, fetched.release, fetched.snapshot, fetched.timestamp)
    expiries = [Metadata.from_bytes(data).signed.expires for data in signed]
    # The same root signed again is the same root.
    roots = [Metadata.from_bytes(data).signed.to_dict() for data in fetched.roots]
    return roots, _files(fetched), expiries


def _files(fetched) -> dict[str, str]:
    """Every listed file, fetched."""
    listed = {}
    for data in (fetched.targets, fetched.release):
        listed |= Metadata.from_bytes(data).signed.targets
    return {
        path: Digest.of(fetched.target(path, max_bytes=1 << 20)).hex for path in listed
    }


def points(act: Act, backend: Backend, folder: Path) -> Iterator[Point]:
    """Kill an act at each of its writes, in each way that there is."""
    prepared = act.prepare()
    base, at = dict(prepared.objects), prepared.at
    folder.mkdir(parents=True)

    def fresh() -> World:
        return replace(prepared.on(backend.load(base)), at=at)

    def look(world: World, who: Path) -> object:
        return see(world.on(backend.read(world.ws.storage)), who)

    probe, seen = fresh(), folder / "seen"
    old = look(probe, seen)
    act.do(probe)
    writes = list(backend.writes)
    faults = {number: backend.faults_of(number) for number in range(len(writes))}
    new = look(probe, folder / "after")
    made = backend.read(probe.ws.storage).names("")
    names = {repr(old): "old", repr(new): "new" if repr(new) != repr(old) else "same"}

    def said(*found: object) -> str:
        return " and ".join({names.get(repr(one), "neither") for one in found})

    for number, ways in faults.items():
        for fault in ways:
            world, mine = fresh(), folder / f"{number}-{fault.name}"
            shutil.copytree(seen, mine / "old")
            backend.kill(number, fault)
            lost_answer = backend.name == "S3" and fault is Fault.PERSISTED
            with _killed(found_out=lost_answer and number == len(writes) - 1):
                act.do(world)
            backend.heal()
            saw = [said(look(world, mine / who)) for who in ("old", "new")]
            act.do(world)
            then = said(*(look(world, mine / who) for who in ("old", "new")))
            there = backend.read(world.ws.storage).names("")
            yield Point(
                act.name,
                number + 1,
                writes[number],
                fault,
                backend.name,
                *saw,
                then,
                len(set(there) - set(made)),
            )
            shutil.rmtree(mine)


@contextmanager
def _killed(*, found_out: bool) -> Iterator[None]:
    """The publisher ends here; a write that met a fault must not be taken for done.

    But for one whose answer was lost, if the publisher looked and saw its bytes.
    """
    try:
        yield
    except StorageError:
        return
    if not found_out:
        raise AssertionError("expected the act to end at the fault, got it done")
