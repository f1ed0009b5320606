# SPDX-License-Identifier: Apache-2.0
"""Whoever has the online keys of a Control Plane, and serves what they sign with them.

The keys are the server's own, as they were when the thief was there. What they serve
lies in the server's storage in place of the true metadata, until they leave.
"""

import shutil
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Root, Targets

from bundle.tuf import documents
from bundle.tuf.committed import TIMESTAMP_NAME, metadata_name
from bundle.tuf.documents import RoleKeys
from bundle.tuf.metadata import parse_metadata
from bundle.tuf.roles import RELEASE, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from tests.simulators.desk import Desk, serving

FAR_AHEAD = 2**31


class OnlineThief:
    """A thief with the keys of timestamp, snapshot and release role of ``acme``."""

    def __init__(self, desk: Desk) -> None:
        workspace = desk.services.workspaces.open("acme")
        key = workspace.key
        self._keys = RoleKeys((), key(RELEASE), key(SNAPSHOT), key(TIMESTAMP))
        self._root = parse_metadata(
            workspace.repository.current().roots[-1], Root, ROOT
        ).signed
        self._repository = workspace.repository
        self._top = workspace.repository.current().top
        self._folder = desk.state / "workspaces" / "acme"
        self._true: dict[str, bytes | None] = {}

    def come(
        self, at: datetime, *, number: int = FAR_AHEAD, lists: bool = False
    ) -> None:
        """Serve a timestamp and a snapshot of this number; perhaps a list, too."""
        state = self._repository.current()
        release = state.release
        if lists:
            release = documents.sign_release(
                self._keys,
                self._top,
                state.delegated.signed.targets,
                version=number,
                at=at,
            )
            self._put(metadata_name(RELEASE, number), release)
        version = parse_metadata(release, Targets, RELEASE).signed.version
        files = {
            TARGETS: (state.top.version, state.targets),
            RELEASE: (version, release),
        }
        snapshot = documents.sign_snapshot(
            self._keys, self._root, files, version=number, at=at
        )
        self._put(metadata_name(SNAPSHOT, number), snapshot)
        stamp = documents.sign_timestamp(
            self._keys, self._root, (number, snapshot), version=number, at=at
        )
        self._put(TIMESTAMP_NAME, stamp)

    def leave(self) -> None:
        """Take it all away again."""
        for name, data in self._true.items():
            path = self._folder / name
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
        self._true.clear()

    def _put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        self._true.setdefault(name, path.read_bytes() if path.exists() else None)
        path.write_bytes(data)


def another_runner(desk: Desk, name: str) -> Path:
    """Copy the Runner at work, as it is, to ``name``; the copy reports to nobody."""
    folder = desk.table / name
    shutil.copytree(desk.table / "runner", folder)
    (folder / "token").write_text("none\n")
    return folder / "runner.json"


def release_elsewhere(desk: Desk) -> None:
    """Let a thief of CI's key release at a Control Plane of their own, to one Runner.

    The Runner is ``elsewhere``, a copy of ``runner``; afterwards it asks the true one.
    """
    folder = desk.folder / "theirs"
    shutil.copytree(desk.state, folder / "server")
    enrolment = another_runner(desk, "elsewhere")
    thief = desk.person("CI").copy(desk.folder / "people" / "the-thief-there")
    with serving(folder / "server", desk.clock) as (url, _):
        for path in (thief.home / "config.yaml", enrolment):
            path.write_text(path.read_text().replace(desk.url, url))
        desk.must("The thief there", "trustacks bundle release --overlay policy")
        desk.must("A Runner", "trustacks runner step --state elsewhere")
        enrolment.write_text(enrolment.read_text().replace(url, desk.url))
