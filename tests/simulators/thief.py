# SPDX-License-Identifier: Apache-2.0
"""Who attacks a Runner: a mirror, a Control Plane, and what each of them can do.

A ``Scene`` is a sovereign workspace with two releases, a Runner pinned to its root,
and whoever lies to it. A mirror has bytes and no key; a Control Plane has every key of
control-plane custody (``Hostile``); some have the release identity's key besides.
"""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC
from types import SimpleNamespace

from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from bundle.runner.state import STATE_FILE, State
from bundle.tuf import documents
from bundle.tuf.client import TufClient
from bundle.tuf.repository import Repository
from keys.digest import Digest
from tests.simulators.runner import Bench, disk
from tests.simulators.workspace import (
    TICKET,
    WINDOW,
    SignedRelease,
    SignedRule,
    SimulatedWorkspace,
    proposal,
    rule_text,
)

MIRROR = "mirror"
PLANE = "Control Plane"
RELEASER = "Control Plane with the release identity's key"
TIMESTAMP = "metadata/timestamp.json"


@dataclass(frozen=True)
class Attack:
    """One way to do one attack of the list.

    Attributes:
        name: As the list has it.
        by: Who does it.
        act: Does it.
        code: How a Runner with state refuses it.
        fresh: How a fresh Runner does.
    """

    name: str
    by: str
    act: Callable[["Scene"], None]
    code: str
    fresh: str

    @property
    def way(self) -> str:
        return self.act.__name__.replace("_", " ")


class Scene:
    """A workspace, its Runner, and a liar between them.

    Attributes:
        house: The workspace; its newest release is known to every Runner.
        before: Its storage when it had one release.
        floor: The release that a fresh Runner is given.
        fresh: Whether the Runner has no state.
    """

    def __init__(self, house: SimulatedWorkspace, bench: Bench, *, fresh: bool) -> None:
        self.house, self.bench, self.fresh = house, bench, fresh
        first = house.rule()
        house.release(first)
        self.before = house.storage.copy()
        second = house.rule(text=rule_text(message="newer"), supersedes=first.head)
        second = second.approved(house.approval(first, second))
        house.release(second, house.rule(WINDOW))
        self.floor = house.releases[-1].known
        self.runner = bench.runner(floor=self.floor)
        assert self.runner.step().outcome == "activated"
        if fresh:
            self.runner.close()
            shutil.rmtree(bench.directory)
            self.runner = bench.runner(floor=self.floor)
        self.settle()

    # ------------------------------------------------------------------ the Runner

    def settle(self) -> None:
        """Remember what the Runner has now."""
        self.had = self.runner.status()
        self.kept = disk(self.bench.directory)

    def follow(self) -> None:
        """A Runner with state sees what honest people did."""
        if not self.fresh:
            assert self.runner.step().outcome in {"activated", "unchanged"}
            self.settle()

    def assert_unmoved(self) -> None:
        """What is active is what was, on disk, in memory and after a restart."""
        self._assert_same_disk()
        self._assert_decides_as_before()
        self.bench.mirror.down = True
        self.runner = self.bench.restart(self.runner, floor=self.floor)
        self._assert_decides_as_before()
        self.bench.mirror.down = False

    def _assert_same_disk(self) -> None:
        """Not a byte of the Runner's is another, but for trust that admins signed.

        Such trust may be new to the Runner and is kept, whatever came with it; then
        marks of roots and targets go up, and nothing else of the state moves.
        """
        now, folder = disk(self.bench.directory), self.bench.directory
        changed = {n for n in now.keys() | self.kept if now.get(n) != self.kept.get(n)}
        history = sorted((folder / "tuf/metadata/root_history").glob("*"))
        assert {path.read_bytes() for path in history} <= {self.house.root}
        if not changed:
            return
        assert all(name == STATE_FILE or name.startswith("trust/") for name in changed)
        was, is_ = self.kept.get(STATE_FILE), State.parse(now[STATE_FILE])
        before = State.parse(was) if was else State(is_.runner)
        assert is_.marks
        assert is_.marks.targets_digest in self._signed_by_admins()
        marks = before.marks or replace(is_.marks, release=None)
        assert is_.marks.targets_version >= marks.targets_version
        assert (is_.marks.root_digest, is_.marks.release) == (
            Digest.of(self.house.root),
            marks.release,
        )
        still = {"marks": is_.marks, "void_since": is_.void_since}
        assert replace(before, **still) == is_

    def _signed_by_admins(self) -> set[Digest]:
        """Whatever was stored or served that reaches the admins' threshold."""
        root = Metadata[Root].from_bytes(self.house.root).signed
        names = self.house.storage.names("metadata/")
        stored = [self.stored(name) for name in names]
        found = set()
        for data in (*stored, *self.bench.mirror.replaced.values()):
            with contextlib.suppress(Exception):
                metadata = Metadata[Targets].from_bytes(data)
                root.verify_delegate(
                    "targets", metadata.signed_bytes, metadata.signatures
                )
                found.add(Digest.of(data))
        return found

    def _assert_decides_as_before(self) -> None:
        status = self.runner.status()
        had = self.had
        assert (status.revision, status.release) == (had.revision, had.release)
        if had.revision and status.code is None:
            denied = self.runner.decide(proposal(change_kind="normal"))
            assert TICKET in {deny.rule_id for deny in denied.denies}
        else:
            assert not self.runner.decide(proposal(body="CM-1"))

    def wait(self, **by: float) -> None:
        """Time passes, for the Runner and for the honest."""
        self.house.at = self.bench.clock.move(**by)

    # ------------------------------------------------------------------ a mirror

    @property
    def next_root(self) -> str:
        """The object name of the root after the newest one."""
        roots = self.house.repository.current().roots
        return f"metadata/{len(roots) + 1}.root.json"

    def stored(self, name: str) -> bytes:
        return self.house.storage.get(name, max_bytes=1 << 27)

    def target(self, path: str) -> str:
        """The object name of a listed target."""
        current = self.house.repository.current()
        listed = {**current.delegated.signed.targets, **current.top.targets}
        return documents.target_name(listed[path])

    def forget_downloads(self) -> None:
        """So that files are asked for again."""
        for folder in ("targets", "chain"):
            shutil.rmtree(self.bench.directory / "tuf" / folder, ignore_errors=True)

    def renew(self) -> None:
        """Renew online metadata, as the workspace's job does, or the thief."""
        keys, at = self.house.hostile.keys, self.house.at
        Repository(self.house.storage, keys).refresh(at)

    def honest(self) -> None:
        """The mirror ends its lies; what ran out is renewed, and released again."""
        mirror = self.bench.mirror
        mirror.storage = self.house.storage
        for lies in (mirror.replaced, mirror.once, mirror.status, mirror.slow):
            lies.clear()
        mirror.endless.clear()
        self.renew()
        self.house.release_again()

    # ------------------------------------------------------------------ a thief

    def list_as(self, revision: int, files: dict[str, bytes]) -> None:
        """Publish files as a revision, with the online keys."""
        repository = Repository(self.house.storage, self.house.hostile.keys)
        staged = repository.prepare_release(revision, files, keep=9, at=self.house.at)
        repository.publish_release(staged, at=self.house.at)

    def list_only(self, files: dict[str, TargetFile]) -> bytes:
        """Sign a release role that lists what the thief likes."""
        current = self.house.repository.current()
        return documents.sign_release(
            self.house.hostile.keys,
            current.top,
            files,
            version=current.delegated.signed.version + 1,
            at=self.house.at,
        )

    def serve(self, targets: bytes, release: bytes, *, ahead: int = 10) -> None:
        """Serve these under a new snapshot and timestamp, with the online keys."""
        keys, at = self.house.hostile.keys, self.house.at
        current = self.house.repository.current()
        root = Metadata[Root].from_bytes(current.roots[-1]).signed
        number = Metadata.from_bytes(current.timestamp).signed.version + ahead
        named = {"targets": targets, "release": release}
        files = {
            role: (Metadata.from_bytes(data).signed.version, data)
            for role, data in named.items()
        }
        snapshot = documents.sign_snapshot(keys, root, files, version=number, at=at)
        stamp = documents.sign_timestamp(
            keys, root, (number, snapshot), version=number, at=at
        )
        self.bench.mirror.replaced |= {
            TIMESTAMP: stamp,
            f"metadata/{number}.snapshot.json": snapshot,
            **{f"metadata/{v}.{role}.json": d for role, (v, d) in files.items()},
        }

    # ------------------------------------------------------------------ the honest

    def signed_again(self) -> list[SignedRule]:
        """The newest rules, signed under the layers of now."""
        again = []
        for rule in self.house.releases[-1].rules:
            text = rule.rule.decode()
            new = self.house.rule(rule.rule_id, text=text, supersedes=rule.head)
            again.append(new.approved(*rule.approvals))
        return again

    def two_more(self) -> SignedRelease:
        """Two releases that the Runner has not seen; the first of them."""
        between = self.house.release_again()
        self.house.release_again()
        return between


def told_time(monkeypatch, bench: Bench) -> None:
    """Let python-tuf read the bench's clock, and deadlines the mirror's ticks."""
    now = SimpleNamespace(now=lambda zone: bench.clock().astimezone(zone))
    here = "tuf.ngclient._internal.trusted_metadata_set.datetime"
    monkeypatch.setattr(
        here, SimpleNamespace(datetime=now, timezone=SimpleNamespace(utc=UTC))
    )

    def client(**given):
        return TufClient(**given, monotonic=bench.mirror.ticks)

    monkeypatch.setattr("bundle.runner.runner.TufClient", client)
