# SPDX-License-Identifier: Apache-2.0
"""One workspace's trust in memory, with real cryptography: keys, log, clock, policy.

``Workshop()`` is a workspace in good order; ``workshop.attest(...)`` makes what it
would make. Every part can be replaced by a hostile one, and then it lies with real
signatures: an authority that back-dates, a log that forks, a signer with two names.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from control_plane.tsa import POLICY, create_chain
from keys.digest import Digest
from keys.public import PublicKey
from signer.attestation import build_attestation, parse_attestation, with_entry
from signer.credential import KeyCredential
from signer.custody import CustodyTable
from signer.dsse import IN_TOTO, Envelope, pae
from signer.form import Custody, Form
from signer.identity import Identity
from signer.pins import LayerPin, LayerPins
from signer.predicates.approval import ApprovalPredicate
from signer.predicates.artifact import ArtifactPredicate
from signer.predicates.evidence import CaseResult, LintResult, SuiteResult
from signer.predicates.lint import LintPredicate
from signer.predicates.parts import Parents, Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    TargetsRef,
)
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.rule import Citation, RulePredicate
from signer.predicates.runner_report import EngineRef, RunnerReportPredicate
from signer.predicates.trust_change import Change, TrustChangePredicate
from signer.predicates.waiver import WaivedPack, WaiverPredicate, WaiverScope
from signer.sign import attest, attest_pending
from signer.statement import Statement, Subject
from signer.timestamp.issue import issue_token
from signer.timestamp.request import build_request, parse_response
from signer.tlog.checkpoint import Checkpoint, sign_checkpoint
from signer.tlog.entry import LogEntry, hashedrekord_body
from signer.tlog.merkle import inclusion_proof, leaf_hash, node_hash, tree_root
from signer.tlog.note import full_key_hash
from signer.trust import Trust
from signer.trust_policy import TrustPolicy
from signer.trusted_root import TrustedRoot, build_trusted_root
from tests.simulators.memory_key import MemoryKey

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BEGIN = NOW - 30 * DAY
END = NOW + 300 * DAY


class SimulatedLog:
    """A log that lives for one test."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = MemoryKey.ed25519()
        self.bodies: list[bytes] = []

    @property
    def log_id(self) -> bytes:
        return full_key_hash(self.origin, self.key.public_key)

    def hash(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(self.bodies[index])
        left, right = (self.hash(level - 1, 2 * index + side) for side in (0, 1))
        return node_hash(left, right)

    def checkpoint(self, size: int | None = None) -> bytes:
        size = len(self.bodies) if size is None else size
        head = Checkpoint(self.origin, size, tree_root(size, self.hash))
        return sign_checkpoint(head, key=self.key)

    def append(self, body: bytes) -> LogEntry:
        self.bodies.append(body)
        return self.entry(len(self.bodies) - 1)

    def entry(self, index: int, size: int | None = None) -> LogEntry:
        """An entry with its proof to the newest tree, or to an earlier one."""
        size = len(self.bodies) if size is None else size
        return LogEntry(
            index=index,
            log_id=self.log_id,
            body=self.bodies[index],
            proof=inclusion_proof(index, size, self.hash),
            tree_size=size,
            root=tree_root(size, self.hash),
            checkpoint=self.checkpoint(size).decode(),
        )

    def proved(self, raw: bytes, size: int) -> bytes:
        """An attestation with a proof to the tree of that size."""
        attestation = parse_attestation(raw)
        (entry,) = attestation.entries
        bare = replace(attestation, entries=())
        return with_entry(bare, self.entry(entry.index, size))


class SimulatedAuthority:
    """A timestamp authority that stamps whatever time it is told."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.ca, self.key = MemoryKey.ecdsa(), MemoryKey.ecdsa()
        self.chain = self.certified()
        self._serial = 0

    def certified(self) -> list[bytes]:
        """A certificate of its key; each time another."""
        begin = BEGIN - 400 * DAY
        return create_chain(self.ca, self.key, at=begin, name=self.uri)

    @property
    def digest(self) -> Digest:
        return Digest.of(self.chain[0])

    def stamp(self, message: bytes, *, at: datetime) -> bytes:
        request = build_request(message, nonce=self._serial + 1)
        return parse_response(self.answer(request, at=at), nonce=self._serial)

    def answer(self, request: bytes, *, at: datetime) -> bytes:
        """The same for a request that somebody else made."""
        self._serial += 1
        return issue_token(
            request,
            key=self.key,
            certificate=self.chain[0],
            at=at,
            serial=self._serial,
            policy=POLICY,
        )


@dataclass(frozen=True)
class SimulatedNotary:
    """A ``Notary`` for one signer, at one instant."""

    simulated_log: SimulatedLog
    authority: SimulatedAuthority
    key: PublicKey
    at: datetime

    def timestamp(self, signature: bytes) -> bytes:
        return self.authority.stamp(signature, at=self.at)

    def log(self, attestation: bytes) -> bytes:
        parsed = parse_attestation(attestation)
        body = hashedrekord_body(
            digest=parsed.digest,
            signature=parsed.envelope.signature,
            key=self.key,
        )
        return with_entry(parsed, self.simulated_log.append(body))


@dataclass(frozen=True)
class Person:
    """An identity and its private key."""

    id: str
    permissions: frozenset[str]
    key: MemoryKey = field(default_factory=MemoryKey.ecdsa)
    custody: Custody = Custody.EXTERNAL
    namespaces: frozenset[str] = frozenset({"*"})
    not_before: datetime = BEGIN
    not_after: datetime = END
    principal: str | None = None

    @property
    def identity(self) -> Identity:
        return Identity(
            id=self.id,
            principal=self.principal or f"{self.id}@example.com",
            custody=self.custody,
            permissions=self.permissions,
            namespaces=self.namespaces,
            not_before=self.not_before,
            not_after=self.not_after,
            credential=KeyCredential(self.key.public_key),
        )


def person(person_id: str, *permissions: str, **terms: object) -> Person:
    return Person(person_id, frozenset(permissions), **terms)  # type: ignore[arg-type]


class Workshop:
    """A workspace: who may sign, what witnesses there are, and how to sign.

    Attributes:
        people: By id; ``author``, ``releaser``, ``admin`` and ``runner`` to begin with.
        log: The workspace's log.
        authority: Its timestamp authority.
        custody: Of both.
    """

    def __init__(self, *, form: Form = Form.EMBEDDED) -> None:
        self.form = form
        self.workspace = Digest.of(b"the genesis root of acme")
        self.log = SimulatedLog("acme.log.example.com")
        self.authority = SimulatedAuthority("https://tsa.example.com/api/v1/timestamp")
        self.custody = Custody.CONTROL_PLANE
        self.publisher = MemoryKey.ecdsa()
        self.people = {
            one.id: one
            for one in (
                person("author", "author"),
                person("releaser", "release"),
                person("admin", "admin"),
                person("runner", "report"),
            )
        }

    # ------------------------------------------------------------------ trust

    def policy(self, **changes: object) -> TrustPolicy:
        policy = TrustPolicy(
            workspace=self.workspace,
            version=1,
            identities=tuple(one.identity for one in self.people.values()),
            thresholds={"rule": 1, "release": 1},
            revocations=(),
            layers=LayerPins(
                LayerPin(Digest.of(b"constitution"), self.publisher.public_key),
                {"pack": LayerPin(Digest.of(b"pack"), self.publisher.public_key)},
            ),
            custody=CustodyTable(
                {self.log.log_id: self.custody}, {self.authority.digest: self.custody}
            ),
        )
        return replace(policy, **changes)  # type: ignore[arg-type]

    def trusted_root(self) -> TrustedRoot:
        return TrustedRoot.parse(
            build_trusted_root(
                logs=[(f"https://{self.log.origin}", self.log.key.public_key, BEGIN)],
                authorities=[(self.authority.uri, self.authority.chain, BEGIN)],
            )
        )

    def trust(self, **changes: object) -> Trust:
        trust = Trust(
            workspace=self.workspace,
            form=self.form,
            policy=self.policy(),
            trusted_root=self.trusted_root(),
        )
        return replace(trust, **changes)  # type: ignore[arg-type]

    # ------------------------------------------------------------------ signing

    def notary(self, by: Person, at: datetime = NOW) -> SimulatedNotary:
        return SimulatedNotary(self.log, self.authority, by.key.public_key, at)

    def attest(
        self, statement: bytes, *, by: Person, at: datetime = NOW, pending: bool = False
    ) -> bytes:
        if pending:
            timestamp = self.notary(by, at).timestamp
            return attest_pending(statement, key=by.key, timestamp=timestamp)
        return attest(statement, key=by.key, notary=self.notary(by, at))

    def attest_anything(
        self,
        payload: bytes,
        *,
        by: Person,
        at: datetime = NOW,
        payload_type: str = IN_TOTO,
    ) -> bytes:
        """Sign bytes that ``signer.sign`` would refuse, with every witness."""
        signature = by.key.sign(pae(payload_type, payload))
        envelope = Envelope(payload_type, payload, by.key.public_key.hint, signature)
        notary = self.notary(by, at)
        pending = build_attestation(
            envelope=envelope,
            key=by.key.public_key,
            timestamps=[notary.timestamp(signature)],
        )
        return notary.log(pending)

    # ------------------------------------------------------------------ statements

    def artifact(self, *, identity: str = "author") -> ArtifactPredicate:
        return ArtifactPredicate(
            workspace=self.workspace, identity=identity, signed_at=NOW
        )

    def rule(
        self, *, identity: str = "author", rule_id: str = "acme.ticket", **changes
    ):
        predicate = RulePredicate(
            workspace=self.workspace,
            rule_id=rule_id,
            package=f"overlay.{rule_id.replace('.', '_')}",
            supersedes=None,
            identity=identity,
            signed_at=NOW,
            source=Source("a" * 40, "main"),
            citation=Citation(
                id="CM-TICKET-REQUIRED-001",
                description="every change of production has a ticket",
                category="change-management",
                source="https://example.com/change-policy",
            ),
            test=SuiteResult(engine="regorus", engine_version="0.13.0", cases=CASES),
            lint=LintResult(
                engine="regorus",
                engine_version="0.13.0",
                linter_version="0.1.0",
                checks=("package",),
            ),
            parents=Parents(Digest.of(b"constitution"), {"pack": Digest.of(b"pack")}),
        )
        return replace(predicate, **changes)

    def release(self, *, identity: str = "releaser", **changes) -> ReleasePredicate:
        item = InventoryItem(
            rule_id="acme.ticket",
            rule=Digest.of(b"rule"),
            test=Digest.of(b"test"),
            head=Digest.of(b"head"),
        )
        policy, root = Digest.of(self.policy().to_bytes()), Digest.of(b"root")
        predicate = ReleasePredicate(
            workspace=self.workspace,
            revision=1,
            predecessor=None,
            identity=identity,
            issued_at=NOW,
            expires=NOW + 7 * DAY,
            targets=TargetsRef(version=1, digest=Digest.of(b"targets")),
            parents=ReleaseParents(
                constitution=Digest.of(b"constitution"),
                packs={"pack": Digest.of(b"pack")},
                trust_policy=policy,
                trusted_root=root,
            ),
            inventory=(item,),
            retired=(),
            added=("acme.ticket",),
            changed=(),
            checkpoint=self.log.checkpoint().decode(),
            source=Source("a" * 40, "main"),
        )
        return replace(predicate, **changes)

    def lint(self, *, identity: str = "linter", **changes) -> LintPredicate:
        predicate = LintPredicate(
            workspace=self.workspace,
            rule_id="acme.ticket",
            identity=identity,
            signed_at=NOW,
            old=Digest.of(b"old rule"),
            new=Digest.of(b"rule"),
            verdict="stricter",
            engine="regorus",
            engine_version="0.13.0",
            linter_version="0.1.0",
            solver_version="4.15.3",
            parents=Parents(Digest.of(b"constitution"), {"pack": Digest.of(b"pack")}),
        )
        return replace(predicate, **changes)

    def waiver(self, **changes: object) -> WaiverPredicate:
        said = {
            "workspace": self.workspace,
            "rule_id": "change_control.no_bots",
            "pack": WaivedPack(name="change-control", digest=Digest.of(b"pack")),
            "scope": WaiverScope(),
            "identity": "author",
            "signed_at": NOW,
            "not_before": NOW,
            "expires": NOW + timedelta(days=90),
            "justification": "The bot of billing is audited by hand: CM-1",
        }
        return WaiverPredicate(**{**said, **changes})

    def retirement(self, **changes: object) -> RetirementPredicate:
        said = {
            "workspace": self.workspace,
            "rule_id": "acme.ticket",
            "identity": "author",
            "signed_at": NOW,
            "supersedes": Digest.of(b"the statement in force"),
            "rule": Digest.of(b"package overlay.acme_ticket"),
            "reason": "The registry asks for tickets itself now.",
        }
        return RetirementPredicate(**{**said, **changes})

    def approval(self, *, identity: str = "approver", **changes) -> ApprovalPredicate:
        predicate = ApprovalPredicate(
            workspace=self.workspace,
            rule_id="acme.ticket",
            identity=identity,
            signed_at=NOW,
            old=Digest.of(b"old rule"),
            new=Digest.of(b"rule"),
            change="looser",
            loosens=True,
            justification="Hotfixes have no ticket yet: CM-1234.",
            parents=Parents(Digest.of(b"constitution"), {"pack": Digest.of(b"pack")}),
        )
        return replace(predicate, **changes)

    def trust_change(self, **changes) -> TrustChangePredicate:
        predicate = TrustChangePredicate(
            workspace=self.workspace,
            targets_version=1,
            policy=Digest.of(b"policy"),
            previous=None,
            change=Change(kind="workspace-created"),
            at=NOW,
            checkpoint=None,
        )
        return replace(predicate, **changes)

    def report(self, *, runner: str = "runner", **changes) -> RunnerReportPredicate:
        predicate = RunnerReportPredicate(
            workspace=self.workspace,
            runner=runner,
            sequence=1,
            previous=None,
            at=NOW,
            outcome="activated",
            code=None,
            revision=1,
            release=Digest.of(b"release"),
            content=Digest.of(b"content"),
            form=self.form,
            engine=EngineRef(name="regorus", version="0.13.0"),
            checks=(),
            checkpoint=None,
        )
        return replace(predicate, **changes)


CASES = (
    CaseResult(
        name="a ticket in the body",
        polarity="positive",
        input=Digest.of(b"with"),
        expected="allow",
        actual="allow",
    ),
    CaseResult(
        name="no ticket",
        polarity="negative",
        input=Digest.of(b"without"),
        expected="deny",
        actual="deny",
    ),
)


def say(predicate, *subjects: bytes) -> bytes:
    """Put a predicate in a statement about the given bytes."""
    named = tuple(
        Subject(f"subject-{i}", Digest.of(data)) for i, data in enumerate(subjects)
    )
    return Statement(named, predicate.type, predicate.to_json()).to_bytes()
