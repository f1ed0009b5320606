# SPDX-License-Identifier: Apache-2.0
"""Build, sign and submit a release; start again when somebody else was first.

Order of one try: (1) refresh the pin; (2) verify every rule's attestation, and find the
approvals of what changes, as the gate will; (3) build the archive for the revision;
(4) take the log's newest checkpoint, which includes every rule; (5) sign, stamp, log;
(6) verify our own attestation; (7) submit. A try that loses the race left a release in
the log that no metadata lists: it grants nothing, and the next try names the winner as
its predecessor.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bundle.build import BuiltBundle, build_bundle
from bundle.layers import read_layer
from bundle.overlay import RuleFiles
from bundle.parameter_paths import parameter_paths
from bundle.rego.engine import Engine
from keys.clock import Clock
from keys.digest import Digest
from keys.signing import SigningKey
from keys.strict import b64encode
from signer.attestation import join_jsonl, parse_attestation
from signer.errors import SubjectMismatchError
from signer.identity import Identity
from signer.predicates.parts import Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    TargetsRef,
)
from signer.predicates.rule import RulePredicate
from signer.sign import attest
from signer.statement import Subject, build_statement
from signer.tlog.limits import MAX_NOTE_BYTES
from signer.trust import Expected
from signer.verify import Evidence, verify_attestation
from trustacks.approved import Approvals
from trustacks.client import WorkspaceApi, segment
from trustacks.cosigning import cosignatures_of
from trustacks.errors import (
    ControlPlaneRefusalError,
    ReleaseContendedError,
    RuleChangedError,
)
from trustacks.limits import MAX_JITTER_MS, MAX_RELEASE_TRIES, RELEASE_DAYS
from trustacks.notary import RemoteNotary
from trustacks.pinned import Head, Pinned, PinnedStore
from trustacks.reproving import reproved
from trustacks.signing import signed

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

    def release(self, rules: tuple[RuleFiles, ...]) -> Released:
        """Release these rules as the next revision.

        Raises:
            RuleUnsignedError: A rule without an attestation.
            VerificationError: An attestation that does not hold.
            ControlPlaneRefusalError: The Control Plane refuses the release.
            ReleaseContendedError: Every try lost the race.
        """
        for tries in range(1, self.max_tries + 1):
            try:
                return self._try(rules, tries)
            except ControlPlaneRefusalError as error:
                if error.passed_code != _STALE:
                    raise
            # Losers that all come back at once would all lose again.
            jitter = secrets.randbelow(MAX_JITTER_MS) / 1000
            threading.Event().wait(jitter)
        raise ReleaseContendedError(
            f"expected to be first in {self.max_tries} tries, got none",
            hint="others release this overlay now; run it again later",
        )

    def _try(self, rules: tuple[RuleFiles, ...], tries: int) -> Released:
        at = self.clock()
        pinned = self.store.refresh(at=at)
        identity = pinned.trust.policy.identity_by_key(self.key.public_key.key_id)
        rules, head = reproved(rules, pinned.head(at=at), pinned, self.api)
        attestations = [raw for r in rules for raw in self._signed(r, pinned, at)]
        inventory, approvals = self._inventory(rules, pinned, head, at)
        revision = head.release.revision + 1 if head else 1
        layers = (read_layer(archive) for archive in pinned.parents().archives)
        modules = [module for layer in layers for module in layer.modules]
        built = build_bundle(
            rules,
            revision=revision,
            parse=self.engine.parse,
            parameters=parameter_paths(modules, engine=self.engine),
        )
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
                join_jsonl([*attestations, *approvals.values(), raw])
            ),
            "release": b64encode(raw),
        }
        self.api.post("/releases", answer)
        digest = parse_attestation(raw).digest
        archive = Digest.of(built.archive)
        return Released(revision, digest, archive, built.content, predicate, tries)

    def _signed(self, rule: RuleFiles, pinned: Pinned, at: datetime) -> list[bytes]:
        """Return a rule's attestation, and the further signatures of its statement."""
        said = _verified(rule, pinned, at)
        further = cosignatures_of(rule, said, pinned, at=at, warn=self.warn)
        return [said.attestation.raw, *further]

    def _inventory(
        self,
        rules: tuple[RuleFiles, ...],
        pinned: Pinned,
        head: Head | None,
        at: datetime,
    ) -> tuple[tuple[InventoryItem, ...], dict[Digest, bytes]]:
        """Return what the release lists, and the approvals that it rests on.

        Raises:
            RuleChangeUnapprovedError: In the sovereign form, a change that nobody
                else stands behind.
        """
        found = Approvals(pinned, head, at, self.warn)
        items: list[InventoryItem] = []
        approvals: dict[Digest, bytes] = {}
        for files in sorted(rules, key=lambda one: one.rule_id):
            item = _item(files)
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


def _item(rule: RuleFiles) -> InventoryItem:
    return InventoryItem(
        rule_id=rule.rule_id,
        rule=Digest.of(rule.rule),
        test=Digest.of(rule.test),
        head=parse_attestation(signed(rule)).digest,
    )


def _verified(rule: RuleFiles, pinned: Pinned, at: datetime) -> Evidence:
    """Return what a rule's author said, which holds for these very bytes."""
    raw = signed(rule)
    expected = Expected(
        RulePredicate.type,
        (Digest.of(rule.rule), Digest.of(rule.test)),
        namespace=rule.rule_id.partition(".")[0],
    )
    try:
        return verify_attestation(
            raw, trust=pinned.trust, expected=expected, at=at
        ).require()
    except SubjectMismatchError as error:
        raise RuleChangedError(
            f"expected {rule.rule_id} as it was signed, got it changed since",
            hint=f"trustacks rule sign {rule.rule_id}",
        ) from error
