# SPDX-License-Identifier: Apache-2.0
"""A workspace whose every act is logged with its evidence, and packs to tamper with.

``AuditedWorkspace`` does what honest people do and leaves what a Control Plane leaves:
bodies beside leaves, trust events before their targets, tiles, chain. ``Doctor`` opens
a pack, changes it and closes it again, with a manifest that fits; with the log's key in
hand it also signs another history.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bundle.audit.pack import export_pack, read_pack, write_pack
from bundle.audit.replay import replay
from bundle.audit.report import ReplayReport
from bundle.audit.source import attestation_name
from bundle.rego.engine import Engine
from keys.digest import Digest
from keys.errors import WriteConflictError
from keys.public import PublicKey
from signer.attestation import build_attestation, parse_attestation
from signer.dsse import IN_TOTO, pae
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.runner_report import EngineRef, RunnerReportPredicate
from signer.predicates.trust_change import (
    IDENTITY_REGISTERED,
    IDENTITY_REVOKED,
    LAYERS_CHANGED,
    WORKSPACE_CREATED,
    Change,
    TrustChangePredicate,
)
from signer.revocation import NOTHING, Revocation, Survivors
from signer.sign import attest, attest_bare
from signer.statement import Subject, build_statement
from signer.tlog.checkpoint import Checkpoint, sign_checkpoint
from signer.tlog.entry import hashedrekord_body, parse_hashedrekord
from signer.tlog.merkle import leaf_hash, node_hash, tree_root
from signer.tlog.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    entries_path,
    pack_entries,
    tile_path,
    tile_width,
)
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import Person, SimulatedLog, SimulatedNotary
from tests.simulators.storage import MemoryStorage
from tests.simulators.workspace import SignedRelease, SimulatedWorkspace


@dataclass(frozen=True)
class KeepingNotary(SimulatedNotary):
    """A notary that keeps the body of each leaf, as a Control Plane must.

    What is kept comes before its leaf and so has no log entry; a Control Plane that
    keeps the completed attestation instead (``completed``) is as good.
    """

    storage: MemoryStorage | None = None
    completed: bool = False

    def log(self, attestation: bytes) -> bytes:
        completed = SimulatedNotary.log(self, attestation)
        parsed = parse_attestation(completed)
        kept = completed if self.completed else attestation
        try:
            self.storage.put_immutable(attestation_name(parsed.digest.hex), kept)
        except WriteConflictError:  # somebody else signed this statement before
            own = attestation_name(parsed.digest.hex, parsed.key_id)
            self.storage.put_immutable(own, kept)
        return completed


class AuditedWorkspace(SimulatedWorkspace):
    """A simulated workspace that can be exported."""

    def __init__(
        self,
        at: datetime,
        engine: Engine,
        *,
        sovereign: bool = False,
        completed: bool = False,
    ) -> None:
        self.reports: dict[str, list[bytes]] = {}
        self.completed = completed
        super().__init__(at, engine, sovereign=sovereign)

    def notary(self, by: Person, at: datetime | None = None) -> KeepingNotary:
        when, key = at or self.at, by.key.public_key
        return KeepingNotary(
            self.log, self.authority, key, when, self.storage, self.completed
        )

    # ------------------------------------------------------------------ trust

    def publish_trust(
        self,
        files: dict[str, bytes] | None = None,
        *,
        checkpoint: str | None = None,
        at: datetime | None = None,
        change: Change | None = None,
        event: bool = True,
        publish: bool = True,
        by: str = "admin",
        said: Callable[[TrustChangePredicate, Digest], TrustChangePredicate] = (
            lambda predicate, _: predicate
        ),
        **policy: object,
    ) -> None:
        """Publish targets with their event; either can be left out, or be a lie."""
        first = self.policy_version == 0
        if first:
            self.log.bodies.clear()
        before = None if first else Digest.of(self.repository.current().targets)
        self.policy_version += 1
        self.policy_changes |= policy
        files = files or self.trust_files()
        note = checkpoint or self.log.checkpoint().decode()
        staged = self.repository.prepare_targets(
            files, checkpoint=note, at=at or self.at
        )
        if event:
            predicate = TrustChangePredicate(
                workspace=self.workspace,
                targets_version=staged.version,
                policy=Digest.of(files["trust/policy.json"]),
                previous=before,
                change=change
                or Change(kind=WORKSPACE_CREATED if first else LAYERS_CHANGED),
                at=at or self.at,
                checkpoint=note,
            )
            subject = Subject(f"{staged.version}.targets.json", staged.digest)
            statement = build_statement([subject], said(predicate, staged.digest))
            self.attest(statement, by=self.people[by], at=at)
        if publish:
            self.repository.publish_targets(staged, at=at or self.at)

    def log_bare(self, statement: bytes, *, by: Person) -> None:
        """Log a signature that no timestamp authority saw."""
        raw = attest_bare(statement, key=by.key)
        self.notary(by).log(raw)

    def register(
        self,
        person_id: str,
        *permissions: str,
        at: datetime | None = None,
        proven_by: MemoryKey | None = None,
        proof: bool = True,
        late: bool = False,
    ) -> Person:
        """Register somebody, with a proof that they have their key, or a late one."""
        new = self.person(person_id, *permissions)
        predicate = IdentityProofPredicate(
            workspace=self.workspace,
            identity=new.identity.terms,
            challenge=b"c" * 32,
            expires=self.at.replace(year=self.at.year + 1),
        )
        key = proven_by or new.key
        subject = Subject("public-key", Digest(key.public_key.key_id))
        statement = build_statement([subject], predicate)
        if not late:
            self.attest(statement, by=replace(new, key=key), at=at)
        self.people[person_id] = new
        digest = Digest.of(pae(IN_TOTO, statement)) if proof else None
        change = Change(kind=IDENTITY_REGISTERED, identity=person_id, proof=digest)
        self.publish_trust(at=at, change=change)
        if late:
            self.attest(statement, by=replace(new, key=key), at=at)
        return new

    def revoke(
        self,
        person_id: str,
        *,
        at: datetime | None = None,
        survivors: Survivors = NOTHING,
        **options: object,
    ) -> None:
        """Revoke somebody; nothing of theirs survives by itself."""
        revocation = Revocation(
            identity=person_id,
            revoked_at=at or self.at,
            reason="left the company",
            survivors=survivors,
        )
        change = Change(kind=IDENTITY_REVOKED, identity=person_id)
        self.publish_trust(at=at, change=change, revocations=(revocation,), **options)

    # ------------------------------------------------------------------ runners

    def forked(self, raw: bytes) -> bytes:
        """Return an attestation with a proof of another tree that the log signed."""
        old = parse_attestation(raw)
        (entry,) = old.entries
        log = SimulatedLog(self.log.origin)
        log.key, log.bodies = self.log.key, [b"another leaf", entry.body]
        leaf = parse_hashedrekord(entry.body)
        return build_attestation(
            envelope=old.envelope,
            key=leaf.key,
            timestamps=old.timestamps,
            entries=[log.entry(1)],
        )

    def report(
        self,
        active: SignedRelease | None,
        *,
        by: str = "runner",
        outcome: str = "activated",
        at: datetime | None = None,
        **changes: object,
    ) -> bytes:
        """Report a step as a Runner would."""
        sent = self.reports.setdefault(by, [])
        before = parse_attestation(sent[-1]).digest if sent else None
        archive = Digest.of(active.archive) if active else self.workspace
        predicate = RunnerReportPredicate(
            workspace=self.workspace,
            runner=by,
            sequence=len(sent) + 1,
            previous=before,
            at=at or self.at,
            outcome=outcome,
            code="unavailable" if outcome == "held" else None,
            revision=active.predicate.revision if active else None,
            release=active.digest if active else None,
            content=content_of(active) if active else None,
            form=self.form,
            engine=EngineRef(name=self.engine.name, version=self.engine.version),
            checks=(),
            checkpoint=self.log.checkpoint().decode(),
        )
        predicate = replace(predicate, **changes)
        statement = build_statement([Subject("active", archive)], predicate)
        raw = self.attest(statement, by=self.people[by], at=at)
        sent.append(raw)
        return raw

    # ------------------------------------------------------------------ evidence

    def export(self, at: datetime | None = None) -> bytes:
        """Export what a Control Plane would."""
        storage = self.storage.copy()
        storage.objects |= log_files(self.log.bodies, self.log.origin, self.log.key)
        return export_pack(storage, name="acme", at=at or self.at)

    def replay(
        self,
        pack: bytes | None = None,
        *,
        root: bytes | None = None,
        log_key: PublicKey | None = None,
        **options: object,
    ) -> ReplayReport:
        """Replay as an auditor who has the right root and key, or others."""
        return replay(
            self.export() if pack is None else pack,
            root=root or self.root,
            log_key=log_key or self.log.key.public_key,
            engine=self.engine,
            **options,
        )


class Doctor:
    """A pack that is opened, changed, and closed so that it can be read again.

    Attributes:
        files: What is inside.
        bodies: The leaves.
    """

    def __init__(self, workspace: AuditedWorkspace) -> None:
        self.workspace = workspace
        pack = read_pack(workspace.export())
        self.files = {name: pack.get(name) for name in pack.files}
        self.bodies = list(workspace.log.bodies)

    def close(self) -> bytes:
        """Write the pack with a manifest that fits."""
        return write_pack(self.files, name="acme", at=self.workspace.at)

    def rewrite_log(self, *, resign: bool) -> None:
        """Write the leaves anew; ``resign``: who does it has the log's key."""
        log = self.workspace.log
        before = self.files["log/checkpoint"]
        self.files = {n: c for n, c in self.files.items() if not n.startswith("log/")}
        self.files |= log_files(self.bodies, log.origin, log.key)
        if not resign:
            size = parse_size(before)
            pad = self.bodies[:size] + [b""] * max(0, size - len(self.bodies))
            entries = pack_entries(pad)
            self.files[f"log/{entries_path(0, size)}"] = entries
            self.files["log/checkpoint"] = before

    def reprove(self) -> None:
        """Give every attestation a new proof, as whoever has the log's key can."""
        log = SimulatedLog(self.workspace.log.origin)
        log.key, log.bodies = self.workspace.log.key, self.bodies
        kept = {}
        for index, body in enumerate(self.bodies):
            leaf = parse_hashedrekord(body)
            name = attestation_name(leaf.digest.hex, leaf.key.key_id)
            if name not in self.files:
                name = attestation_name(leaf.digest.hex)
            old = parse_attestation(self.files[name])
            kept[name] = build_attestation(
                envelope=old.envelope,
                key=leaf.key,
                timestamps=old.timestamps,
                entries=[log.entry(index)] if old.entries else [],
            )
        old_names = [n for n in self.files if n.startswith("attestations/")]
        self.files = {n: c for n, c in self.files.items() if n not in old_names} | kept

    def edit(self, change: Callable[[list[bytes]], None], *, resign: bool) -> bytes:
        """Change the leaves and close the pack."""
        change(self.bodies)
        self.rewrite_log(resign=resign)
        return self.close()

    def invent(self, *, key: MemoryKey | None = None) -> bytes:
        """Add a leaf that nobody registered signed, with its attestation."""
        workspace, own = self.workspace, key or MemoryKey.ecdsa()
        stranger = Person("stranger", frozenset({"author"}), key=own)
        predicate = TrustChangePredicate(
            workspace=workspace.workspace,
            targets_version=99,
            policy=Digest.of(b"policy"),
            previous=Digest.of(b"before"),
            change=Change(kind=LAYERS_CHANGED),
            at=workspace.at,
            checkpoint=None,
        )
        statement = build_statement([Subject("x", Digest.of(b"x"))], predicate)
        raw = attest(
            statement, key=own, notary=SimulatedWorkspace.notary(workspace, stranger)
        )
        workspace.log.bodies.pop()  # it is in the doctored log only
        parsed = parse_attestation(raw)
        self.bodies.append(
            hashedrekord_body(
                digest=parsed.digest,
                signature=parsed.envelope.signature,
                key=own.public_key,
            )
        )
        self.files[f"attestations/{parsed.digest.hex}.sigstore.json"] = raw
        self.rewrite_log(resign=True)
        return self.close()


def content_of(release: SignedRelease) -> Digest:
    """The content digest that an honest Runner reports."""
    statement = parse_attestation(release.attestation).envelope.payload
    from signer.statement import parse_statement  # noqa: PLC0415

    return parse_statement(statement).digests[1]


def parse_size(checkpoint: bytes) -> int:
    return int(checkpoint.split(b"\n")[1])


def log_files(bodies: Sequence[bytes], origin: str, key: MemoryKey) -> dict[str, bytes]:
    """The static files of a log with these leaves."""

    def hash_of(level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(bodies[index])
        left, right = (hash_of(level - 1, 2 * index + side) for side in (0, 1))
        return node_hash(left, right)

    size = len(bodies)
    head = Checkpoint(origin, size, tree_root(size, hash_of))
    files = {"log/checkpoint": sign_checkpoint(head, key=key)}
    for index in range(-(-size // TILE_WIDTH)):
        width = tile_width(0, index, size)
        start = index * TILE_WIDTH
        name = f"log/{entries_path(index, width)}"
        files[name] = pack_entries(bodies[start : start + width])
    level = 0
    while tile_width(level, 0, size):
        index = 0
        while width := tile_width(level, index, size):
            first = index << TILE_HEIGHT
            hashes = [hash_of(level * TILE_HEIGHT, first + i) for i in range(width)]
            files[f"log/{tile_path(level, index, width)}"] = b"".join(hashes)
            index += 1
        level += 1
    return files
