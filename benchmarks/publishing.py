# SPDX-License-Identifier: Apache-2.0
"""A Control Plane with as many releases as are asked for, each of them signed.

Every release goes through the workflow: attested, timestamped, logged, listed in TUF,
indexed. While a workspace is filled, the Runner's gate alone is left out: it looks at
one release, whatever came before. Files are in memory where the system has such a
folder, so that a figure is of the work and not of the disk.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from bundle.build import build_bundle
from control_plane.workflows import releases
from control_plane.workflows.ledger import LocalNotary, record
from keys.digest import Digest
from keys.strict import b64decode
from signer.attestation import parse_attestation
from signer.predicates.release import ReleasePredicate
from signer.sign import attest_pending
from signer.statement import Subject, build_statement, parse_statement
from tests.simulators.service import RULE, RULE_ID, ControlPlane, Signer, Workspace

_MEMORY = Path("/dev/shm")


@contextlib.contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Start a Control Plane on an empty directory."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        plane = ControlPlane(Path(folder) / "state")
        try:
            yield plane
        finally:
            plane.close()


@contextlib.contextmanager
def without_gate() -> Iterator[None]:
    """Publish what was not asked for its rules and signatures again."""
    with mock.patch.object(releases, "_pass_gate", return_value=None):
        yield


@dataclass(frozen=True)
class Ready:
    """A release that is signed and timestamped, and neither logged nor published."""

    bundle: bytes
    rule: bytes
    pending: bytes


class Publisher:
    """Releases one rule in one workspace, again and again."""

    def __init__(self, plane: ControlPlane, name: str) -> None:
        self.plane, self.name = plane, name
        self.workspace: Workspace = plane.create_workspace(name)
        self.releaser: Signer = self.workspace.register("releaser", "release")
        self.rule = self.workspace.rule(self.workspace.register("author", "author"))
        self._made = self._template()
        self._last: Digest | None = None
        self.revision = 0
        self.ready: list[Ready] = []

    def _template(self) -> ReleasePredicate:
        asked = self.workspace.release_request(self.releaser, self.rule)
        statement = parse_attestation(b64decode(asked["release"])).envelope.payload
        return ReleasePredicate.parse(parse_statement(statement).predicate)

    def prepare(self, count: int) -> None:
        """Sign releases, each naming the one before."""
        services = self.plane.services
        notary = LocalNotary(
            services, services.workspaces.open(self.name), self.releaser.key.public_key
        )
        for _ in range(count):
            self.revision += 1
            built = build_bundle(
                [_Rule()], revision=self.revision, parse=services.engine.parse
            )
            first = self.revision == 1
            said = replace(
                self._made,
                revision=self.revision,
                predecessor=self._last,
                added=(RULE_ID,) if first else (),
            )
            subjects = [
                Subject("bundle.tar.gz", built.digest),
                Subject("bundle.tar", built.content),
            ]
            raw = attest_pending(
                build_statement(subjects, said),
                key=self.releaser.key,
                timestamp=notary.timestamp,
            )
            self._last = parse_attestation(raw).digest
            self.ready.append(Ready(built.archive, self.rule, raw))

    def publish(self) -> None:
        """Log and publish the next release: what a server does for it."""
        services, one = self.plane.services, self.ready.pop(0)
        workspace = services.workspaces.open(self.name)
        key = self.releaser.key.public_key
        logged = record(services, workspace, one.pending, key)
        releases.publish(
            services,
            self.name,
            bundle=one.bundle,
            attestations=one.rule + b"\n",
            release=logged.raw,
        )

    def metadata(self) -> dict[str, bytes]:
        """Return all metadata that is stored, by name."""
        storage = self.plane.services.workspaces.storage(self.name)
        names = storage.names("metadata/")
        return {name: storage.get(name, max_bytes=1 << 20) for name in names}

    def fill(self, count: int) -> None:
        """Publish until so many releases are there."""
        with without_gate():
            while self.revision < count:
                self.prepare(1)
                self.publish()


class _Rule:
    rule_id = RULE_ID
    rule = RULE
