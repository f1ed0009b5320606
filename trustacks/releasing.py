# SPDX-License-Identifier: Apache-2.0
"""Build, sign and submit a release; start again when somebody else was first.

Order of one try: (1) wait for our turn, if others release too (``turns``); (2) refresh
the pin, and verify every rule's attestation, as the gate will; (3) if that took long,
refresh again: from here on the next release is another's if we are slow; (4) find the
approvals of what changes, and build the archive for the revision; (5) take the log's
newest checkpoint, which includes every rule; (6) sign, stamp, log; (7) verify our own
attestation; (8) submit. A try that loses the race left a release in the log that no
metadata lists: it grants nothing, and the next try names the winner as its predecessor.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bundle.build import BuiltBundle
from bundle.overlay import RuleFiles
from bundle.rego.engine import Engine
from keys.clock import Clock
from keys.digest import Digest
from keys.signing import SigningKey
from keys.strict import b64encode
from signer.attestation import join_jsonl, parse_attestation
from signer.identity import Identity
from signer.predicates.parts import Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    TargetsRef,
)
from signer.sign import attest
from signer.statement import Subject, build_statement
from signer.tlog.limits import MAX_NOTE_BYTES
from signer.trust import Expected
from signer.verify import verify_attestation
from trustacks.approved import Approvals
from trustacks.client import WorkspaceApi, segment
from trustacks.errors import ControlPlaneRefusalError, ReleaseContendedError
from trustacks.limits import MAX_RELEASE_TRIES, RELEASE_DAYS
from trustacks.notary import RemoteNotary
from trustacks.pinned import Head, Pinned, PinnedStore
from trustacks.preparing import Preparer, Ready
from trustacks.reproving import reproved
from trustacks.turns import Turns

_STALE: Final = "release-predecessor-stale"


@dataclass(frozen=True, slots=True)
class Released:
    """A release that was published.

    Attributes:
        revision: Its revision.
        digest: SHA-256 of the PAE of its attestation.
        archive: SHA-256 of the archive.
        content: SHA-256 of the tar inside.
        predicate: What was signed.
        tries: How many tries it took.
    """

    revision: int
    digest: Digest
    archive: Digest
    content: Digest
    predicate: ReleasePredicate
    tries: int

    def to_json(self) -> dict[str, Any]:
        """Return the release as ``--json`` shows it."""
        return {
            "revision": self.revision,
            "release": str(self.digest),
            "archive": str(self.archive),
            "content": str(self.content),
            "tries": self.tries,
            "statement": self.predicate.to_json(),
        }


@dataclass(frozen=True, slots=True)
class _Newest:
    """What a release is built on.

    Attributes:
        at: When it was read.
        pinned: The workspace then.
        head: Its newest release.
        rules: The rules to release, with proofs that last.
    """

    at: datetime
    pinned: Pinned
    head: Head | None
    rules: tuple[RuleFiles, ...]


@dataclass(frozen=True, slots=True)
class Releaser:
    """Releases an overlay.

    Attributes:
        store: What is pinned of the workspace.
        api: Its API.
        key: The release identity's key.
        engine: Parses the rules.
        clock: The time.
        source: Where the overlay came from.
        show: Shown each statement before it is signed.
        warn: Told of each approval that is left out.
        max_tries: How often the race is run.
        turns: When the next try is ours; to be kept from one release to the next.
    """

    store: PinnedStore
    api: WorkspaceApi
    key: SigningKey
    engine: Engine
    clock: Clock
    source: Source
    show: Callable[[bytes], None]
    warn: Callable[[str], None] = lambda _: None
    max_tries: int = MAX_RELEASE_TRIES
    turns: Turns = field(default_factory=Turns)

    def release(self, rules: tuple[RuleFiles, ...]) -> Released:
        """Release these rules as the next revision.

        Raises:
            RuleUnsignedError: A rule without an attestation.
            VerificationError: An attestation that does not hold.
            ControlPlaneRefusalError: The Control Plane refuses the release.
            ReleaseContendedError: Every try lost the race.
        """
        preparer = Preparer(self.engine, self.warn)
        for tries in range(1, self.max_tries + 1):
            self.turns.begin()
            try:
                done = self._try(rules, preparer, tries)
            except ControlPlaneRefusalError as error:
                if error.passed_code != _STALE:
                    raise
                self.turns.lost()
            else:
                self.turns.won()
                return done
        raise ReleaseContendedError(
            f"expected to be first in {self.max_tries} tries, got none",
            hint="others release this overlay now; run it again later",
        )

    def _try(
        self, rules: tuple[RuleFiles, ...], preparer: Preparer, tries: int
    ) -> Released:
        newest = self._newest(rules, preparer)
        at, pinned, head = newest.at, newest.pinned, newest.head
        ready = preparer.ready(newest.rules, pinned, at=at)
        identity = pinned.trust.policy.identity_by_key(self.key.public_key.key_id)
        inventory, approvals = self._inventory(ready, newest)
        revision = head.release.revision + 1 if head else 1
        built = ready.contents.bundle(revision)
        name = segment(self.api.name)
        note = self.api.client.fetch(
            f"/w/{name}/log/checkpoint", max_bytes=MAX_NOTE_BYTES
        )
        pinned.checkpoint(note)
        predicate = build_predicate(
            inventory,
            pinned,
            head,
            identity=identity,
            at=at,
            note=note,
            source=self.source,
        )
        raw = self._sign(predicate, built, pinned)
        answer = {
            "bundle": b64encode(built.archive),
            "attestations": b64encode(
                join_jsonl([*ready.attestations, *approvals.values(), raw])
            ),
            "release": b64encode(raw),
        }
        self.api.post("/releases", answer)
        digest = parse_attestation(raw).digest
        archive = Digest.of(built.archive)
        return Released(revision, digest, archive, built.content, predicate, tries)

    def _newest(self, rules: tuple[RuleFiles, ...], preparer: Preparer) -> _Newest:
        """Read the newest release, with nothing left to do that takes longer."""
        began = self.turns.monotonic()
        found = self._look(rules)
        looked = self.turns.monotonic()
        preparer.ready(found.rules, found.pinned, at=found.at)
        if self.turns.monotonic() - looked > looked - began:
            return self._look(rules)
        return found

    def _look(self, rules: tuple[RuleFiles, ...]) -> _Newest:
        at = self.clock()
        pinned = self.store.refresh(at=at)
        proved, head = reproved(rules, pinned.head(at=at), pinned, self.api)
        return _Newest(at, pinned, head, proved)

    def _inventory(
        self, ready: Ready, newest: _Newest
    ) -> tuple[tuple[InventoryItem, ...], dict[Digest, bytes]]:
        """Return what the release lists, and the approvals that it rests on.

        Raises:
            RuleChangeUnapprovedError: In the sovereign form, a change that nobody
                else stands behind.
        """
        found = Approvals(newest.pinned, newest.head, newest.at, self.warn)
        items: list[InventoryItem] = []
        approvals: dict[Digest, bytes] = {}
        for files, item in ready.listed:
            mine = found.of(files, item)
            approvals |= mine
            items.append(replace(item, approvals=tuple(sorted(mine, key=str))))
        found.require(items)
        return tuple(items), approvals

    def _sign(
        self, predicate: ReleasePredicate, built: BuiltBundle, pinned: Pinned
    ) -> bytes:
        archive = Digest.of(built.archive)
        subjects = (
            Subject("bundle.tar.gz", archive),
            Subject("bundle.tar", built.content),
        )
        statement = build_statement(subjects, predicate)
        self.show(statement)
        raw = attest(statement, key=self.key, notary=RemoteNotary(self.api))
        expected = Expected(ReleasePredicate.type, (archive, built.content))
        verify_attestation(
            raw, trust=pinned.trust, expected=expected, at=self.clock()
        ).require()
        return raw


def build_predicate(
    inventory: tuple[InventoryItem, ...],
    pinned: Pinned,
    head: Head | None,
    *,
    identity: Identity,
    at: datetime,
    note: bytes,
    source: Source,
) -> ReleasePredicate:
    """Return what a release of these rules, by id, on top of ``head`` says."""
    before = {i.rule_id: i.head for i in head.release.inventory} if head else {}
    now = {item.rule_id: item.head for item in inventory}
    view, parents = pinned.view, pinned.trust.policy.layers
    return ReleasePredicate(
        workspace=view.workspace,
        revision=head.release.revision + 1 if head else 1,
        predecessor=head.digest if head else None,
        identity=identity.id,
        issued_at=at,
        expires=at + timedelta(days=RELEASE_DAYS),
        targets=TargetsRef(version=view.targets_version, digest=view.targets_digest),
        parents=ReleaseParents(
            constitution=parents.constitution.digest,
            packs={name: pin.digest for name, pin in parents.packs.items()},
            trust_policy=Digest.of(pinned.policy),
            trusted_root=Digest.of(pinned.trusted_root),
        ),
        inventory=inventory,
        retired=head.release.retired if head else (),
        added=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(i for i, d in now.items() if before.get(i, d) != d)),
        checkpoint=note.decode("utf-8"),
        source=source,
    )
