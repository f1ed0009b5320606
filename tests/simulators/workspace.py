# SPDX-License-Identifier: Apache-2.0
"""A whole workspace in memory, with real cryptography: what a Runner would meet.

``SimulatedWorkspace(at)`` has its TUF repository, log, timestamp authority, people,
constitution and pack. Its methods do what honest people do; each takes overrides, so
that anybody can lie with the signatures that they really have. ``hostile`` is a Control
Plane that uses everything of control-plane custody, and nothing else.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bundle.archive import gzip_stored, pack_tar
from bundle.build import build_bundle
from bundle.chain_names import cosigned_name
from bundle.confine import check_confined
from bundle.decide import citation_of
from bundle.gate import Candidate, GateResult, check_release
from bundle.gate.candidate import pack_signature_target, pack_target
from bundle.gate.chain import open_head
from bundle.layers import LAYER_BOUNDS
from bundle.marks import Known, Marks
from bundle.rego.engine import Engine
from bundle.rego.templates import library, render
from bundle.runner.collect import (
    collect_cosigned,
    collect_moved,
    collect_named,
)
from bundle.stored_gzip import open_gzip
from bundle.tuf.documents import RoleKeys
from bundle.tuf.repository import Repository
from bundle.tuf.view import TufView, read_view
from keys.digest import Digest
from keys.errors import NotFoundError, TrustacksError, WriteConflictError
from keys.strict import dumps_json
from signer.attestation import join_jsonl, parse_attestation, parse_jsonl
from signer.custody import CustodyTable
from signer.form import Custody, Form
from signer.identity import Identity
from signer.pins import Floor, LayerPin, LayerPins
from signer.predicates.approval import ApprovalPredicate
from signer.predicates.evidence import LintResult, SuiteResult
from signer.predicates.layer import LayerPredicate
from signer.predicates.lint import LintPredicate
from signer.predicates.parts import Parents, Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    RetiredItem,
    TargetsRef,
)
from signer.predicates.retirement import RetirementPredicate
from signer.predicates.rule import Citation, RulePredicate
from signer.predicates.waiver import WaivedPack, WaiverPredicate, WaiverScope
from signer.revocation import Revocation
from signer.sign import attest, attest_bare
from signer.statement import Statement, Subject
from signer.trust_policy import TrustPolicy
from signer.trusted_root import build_trusted_root
from tests.simulators.memory_key import MemoryKey
from tests.simulators.signing import (
    CASES,
    Person,
    SimulatedAuthority,
    SimulatedLog,
    SimulatedNotary,
    person,
)
from tests.simulators.storage import MemoryStorage
from tests.simulators.tuf_mirror import Workspace as TufWorkspace

DAY = timedelta(days=1)
TICKET = "acme.requires_change_ticket"
WINDOW = "acme.deploy_window"

CONSTITUTION = """package proposal

import rego.v1

rule_metadata := {"proposal.allowed_paths": {"citation": {
	"id": "PATHS-001",
	"description": "Changes stay in the platform's folders.",
	"category": "scope",
	"source": "https://example.com/paths",
}}}

allowed(path) if startswith(path, "gitops/")

allowed(path) if startswith(path, "infra/")

outside contains file.path if {
	some file in input.proposal.files
	not allowed(file.path)
}

deny contains {"rule_id": "proposal.allowed_paths", "message": path} if some path in outside

deny contains item if some item in data.pack.change_control.deny

deny contains item if {
	some leaf
	some item in data.overlay[leaf].deny
}
"""

PACK = """package pack.change_control

import rego.v1

rule_metadata := {"change_control.no_bots": {"citation": {
	"id": "BOT-001",
	"description": "Bots do not deploy to production.",
	"category": "change-management",
	"source": "https://example.com/bots",
}}}

deny contains {"rule_id": "change_control.no_bots", "message": "a bot"} if {
	input.context.change_kind == "bot"
	input.context.target.tier == "prod"
}
"""


def proposal(*, tier: str = "prod", body: str = "", path: str = "gitops/a", **context):
    """An input as a caller gives it, without ``evaluated_at``."""
    return {
        "proposal": {"files": [{"path": path, "content": "x"}]},
        "context": {
            "target": {"name": "cluster", "tier": tier},
            "pull_request": {"body": body, "branch": "main"},
            "service": "billing",
            **context,
        },
    }


def rule_text(rule_id: str = TICKET, *, message: str | None = None) -> str:
    """A rule of the change calendar; another message is another version of it."""
    text, _ = render("change-calendar", rule_id)
    if message:
        text = text.replace("expected a change ticket like CM-1234", message)
    return text


def layer_archive(
    kind: str, name: str, version: str, files: dict[str, str], **said: object
) -> bytes:
    description = dumps_json({"kind": kind, "name": name, "version": version, **said})
    data = {path: text.encode() for path, text in files.items()}
    return gzip_stored(
        pack_tar({"layer.json": description, **data}, bounds=LAYER_BOUNDS)
    )


@dataclass(frozen=True)
class SignedRule:
    """A rule in the overlay, its tests, and its author's attestation."""

    rule_id: str
    rule: bytes
    test: bytes
    attestation: bytes
    approvals: tuple[bytes, ...] = ()
    cosignatures: tuple[bytes, ...] = ()

    @property
    def head(self) -> Digest:
        return parse_attestation(self.attestation).digest

    @property
    def item(self) -> InventoryItem:
        return InventoryItem(
            rule_id=self.rule_id,
            rule=Digest.of(self.rule),
            test=Digest.of(self.test),
            head=self.head,
            approvals=tuple(
                sorted((parse_attestation(a).digest for a in self.approvals), key=str)
            ),
        )

    @property
    def attestations(self) -> tuple[bytes, ...]:
        """The author's, further signers' and the approvers'."""
        return (self.attestation, *self.cosignatures, *self.approvals)

    def approved(self, *approvals: bytes) -> "SignedRule":
        """The same rule, with these approvals beside it."""
        return replace(self, approvals=approvals)

    def cosigned(self, *cosignatures: bytes) -> "SignedRule":
        """The same rule, with these further signatures of its statement."""
        return replace(self, cosignatures=cosignatures)


@dataclass(frozen=True)
class SignedRetirement:
    """A rule's end, signed, with its approvals."""

    rule_id: str
    rule: bytes
    attestation: bytes
    approvals: tuple[bytes, ...] = ()

    @property
    def head(self) -> Digest:
        return parse_attestation(self.attestation).digest

    @property
    def item(self) -> RetiredItem:
        return RetiredItem(
            rule_id=self.rule_id,
            rule=Digest.of(self.rule),
            head=self.head,
            approvals=tuple(
                sorted((parse_attestation(a).digest for a in self.approvals), key=str)
            ),
        )

    @property
    def attestations(self) -> tuple[bytes, ...]:
        """The one who retired it, and the approvers'."""
        return (self.attestation, *self.approvals)

    def approved(self, *approvals: bytes) -> "SignedRetirement":
        """The same retirement, with these approvals beside it."""
        return replace(self, approvals=approvals)


@dataclass(frozen=True)
class SignedWaiver:
    """A waiver of whoever asks for it, and the further signatures."""

    attestation: bytes
    cosignatures: tuple[bytes, ...] = ()

    @property
    def digest(self) -> Digest:
        return parse_attestation(self.attestation).digest

    @property
    def attestations(self) -> tuple[bytes, ...]:
        return (self.attestation, *self.cosignatures)


@dataclass(frozen=True)
class SignedRelease:
    """A release that was made, published or not."""

    predicate: ReleasePredicate
    attestation: bytes
    archive: bytes
    rules: tuple[SignedRule, ...]
    lines: bytes
    cosignatures: tuple[bytes, ...] = ()
    ends: tuple[SignedRetirement, ...] = ()
    waivers: tuple[SignedWaiver, ...] = ()

    @property
    def digest(self) -> Digest:
        return parse_attestation(self.attestation).digest

    @property
    def known(self) -> Known:
        return Known(self.predicate.revision, self.digest)

    @property
    def chained(self) -> tuple[bytes, ...]:
        """What lies below ``chain/`` because of it."""
        moved = {*self.predicate.changed, *self.predicate.added}
        changed = [r for r in self.rules if r.rule_id in moved]
        told = (
            raw for r in (*changed, *self.ends) for raw in (r.attestation, *r.approvals)
        )
        return (*told, self.attestation)

    @property
    def files(self) -> dict[str, bytes]:
        return {
            "bundle.tar.gz": self.archive,
            "attestations.sigstore.jsonl": self.lines,
        }


@dataclass(frozen=True)
class Hostile:
    """A Control Plane in a thief's hands: every key of control-plane custody.

    It has the online TUF roles, the release role's metadata key, the log and the
    timestamp authority; it may register nobody and sign for nobody.
    """

    keys: RoleKeys
    log: SimulatedLog
    authority: SimulatedAuthority
    own: MemoryKey = field(default_factory=MemoryKey.ecdsa)


class SimulatedWorkspace:
    """A workspace that does what it is told.

    Attributes:
        at: When everything is signed, unless said otherwise.
        workspace: SHA-256 of the genesis root.
        people: By id: ``author``, ``releaser``, ``admin``, ``runner``.
        ended: Those whom every policy names as ended.
        tuf: Keys and repository of the metadata.
        releases: Those published, oldest first.
    """

    def __init__(
        self, at: datetime, engine: Engine, *, sovereign: bool = False
    ) -> None:
        self.at, self.engine = at, engine
        self.form = Form.SOVEREIGN if sovereign else Form.EMBEDDED
        self.storage = MemoryStorage()
        self.tuf = TufWorkspace.create(at, sovereign=sovereign, storage=self.storage)
        self.workspace = Digest.of(self.tuf.root)
        self.log = SimulatedLog("acme.log.example.com")
        self.authority = SimulatedAuthority("https://tsa.example.com/api/v1/timestamp")
        self.publisher = MemoryKey.ecdsa()
        self.people = {
            one.id: one
            for one in (
                self.person("author", "author"),
                self.person("releaser", "release"),
                self.person("admin", "admin"),
                self.person("runner", "report"),
                self.person("approver", "approve"),
                self.person("linter", "lint"),
                self.person("retirer", "retire"),
                self.person("asker", "waive"),
                self.person("waiver", "waive"),
            )
        }
        constitution = {
            "proposal.rego": CONSTITUTION,
            "overlay_lib.rego": library().source,
        }
        self.constitution = layer_archive(
            "constitution", "constitution", "1.0.0", constitution
        )
        self.pack_version = "1.0.0"
        self.pack = self.pack_of(self.pack_version)
        self.policy_changes: dict[str, object] = {}
        self.ended: dict[Identity, Revocation] = {}
        self.releases: list[SignedRelease] = []
        self.policy_version = 0
        self.log.append(b"{}")
        self.publish_trust()

    def pack_of(self, version: str, **said: object) -> bytes:
        """The pack's archive, which is the newest from now on."""
        self.pack_version = version
        files = {"p.rego": PACK}
        return layer_archive("pack", "change-control", version, files, **said)

    # ------------------------------------------------------------------ people

    def person(self, person_id: str, *permissions: str, **terms: object) -> Person:
        terms.setdefault("not_before", self.at - 30 * DAY)
        terms.setdefault("not_after", self.at + 300 * DAY)
        return person(person_id, *permissions, **terms)

    def notary(self, by: Person, at: datetime | None = None) -> SimulatedNotary:
        return SimulatedNotary(
            self.log, self.authority, by.key.public_key, at or self.at
        )

    def attest(
        self, statement: bytes, *, by: Person, at: datetime | None = None
    ) -> bytes:
        return attest(statement, key=by.key, notary=self.notary(by, at))

    # ------------------------------------------------------------------ trust

    @property
    def root(self) -> bytes:
        """What Runners pin."""
        return self.tuf.root

    @property
    def repository(self) -> Repository:
        return self.tuf.repository

    def policy(self, **changes: object) -> TrustPolicy:
        policy = TrustPolicy(
            workspace=self.workspace,
            version=max(self.policy_version, 1),
            identities=tuple(one.identity for one in self.people.values()),
            thresholds={"rule": 1, "release": 1},
            revocations=(),
            layers=LayerPins(
                LayerPin(Digest.of(self.constitution), self.publisher.public_key),
                {
                    "change-control": LayerPin(
                        Digest.of(self.pack), self.publisher.public_key
                    )
                },
            ),
            custody=CustodyTable(
                {self.log.log_id: Custody.CONTROL_PLANE},
                {self.authority.digest: Custody.CONTROL_PLANE},
            ),
        )
        changed = replace(policy, **{**self.policy_changes, **changes})
        return replace(
            changed,
            identities=(*self.ended, *changed.identities),
            revocations=(*self.ended.values(), *changed.revocations),
        )

    def trusted_root(self) -> bytes:
        begin = self.at - 30 * DAY
        return build_trusted_root(
            logs=[(f"https://{self.log.origin}", self.log.key.public_key, begin)],
            authorities=[(self.authority.uri, self.authority.chain, begin)],
        )

    def layer_attestation(self, archive: bytes, **changes: str) -> bytes:
        said = {"layer": "constitution", "name": "constitution", "version": "1.0.0"}
        predicate = LayerPredicate(**{**said, **changes})
        subject = Subject("layer.tar.gz", Digest.of(archive))
        statement = Statement((subject,), predicate.type, predicate.to_json())
        return attest_bare(statement.to_bytes(), key=self.publisher)

    def trust_files(self, **policy: object) -> dict[str, bytes]:
        pack = {"layer": "pack", "name": "change-control", "version": self.pack_version}
        return {
            "trust/policy.json": self.policy(**policy).to_bytes(),
            "trust/trusted_root.json": self.trusted_root(),
            "layers/constitution.tar.gz": self.constitution,
            "layers/constitution.sigstore.json": self.layer_attestation(
                self.constitution
            ),
            pack_target("change-control"): self.pack,
            pack_signature_target("change-control"): self.layer_attestation(
                self.pack, **pack
            ),
        }

    def publish_trust(
        self,
        files: dict[str, bytes] | None = None,
        *,
        checkpoint: str | None = None,
        at: datetime | None = None,
        **policy: object,
    ) -> None:
        """Publish targets; changes of the policy stay."""
        self.policy_version += 1
        self.policy_changes |= policy
        staged = self.repository.prepare_targets(
            files or self.trust_files(),
            checkpoint=checkpoint or self.log.checkpoint().decode(),
            at=at or self.at,
        )
        self.repository.publish_targets(staged, at=at or self.at)

    def floor_at(self, release: SignedRelease) -> None:
        """Have the admins sign a floor."""
        self.publish_trust(floor=Floor(release.predicate.revision, release.digest))

    # ------------------------------------------------------------------ rules

    def rule(
        self,
        rule_id: str = TICKET,
        *,
        text: str | None = None,
        test: str | None = None,
        by: str = "author",
        at: datetime | None = None,
        subjects: tuple[bytes, ...] | None = None,
        **changes: object,
    ) -> SignedRule:
        """Sign a rule as its author would."""
        rule = (text or rule_text(rule_id)).encode()
        tests = (test or render("change-calendar", rule_id)[1]).encode()
        predicate = replace(self._rule_predicate(rule_id, rule, by), **changes)
        named = subjects or (rule, tests)
        statement = Statement(
            tuple(Subject(f"file-{i}", Digest.of(d)) for i, d in enumerate(named)),
            predicate.type,
            predicate.to_json(),
        )
        raw = self.attest(statement.to_bytes(), by=self.people[by], at=at)
        return SignedRule(rule_id, rule, tests, raw)

    def cosignature(self, rule: SignedRule, by: str, at: datetime | None = None):
        """Sign the very statement that the rule's author signed."""
        statement = parse_attestation(rule.attestation).envelope.payload
        return self.attest(statement, by=self.people[by], at=at)

    def _rule_predicate(self, rule_id: str, rule: bytes, by: str) -> RulePredicate:
        path = f"rules/{rule_id}/{rule_id}.rego"
        try:
            (module,) = check_confined({path: rule}, parse=self.engine.parse)
            citation, package = citation_of(module), module.package
        except TrustacksError:  # a hostile rule: say what an honest one would
            honest = rule_text(rule_id).encode()
            (module,) = check_confined({path: honest}, parse=self.engine.parse)
            citation, package = citation_of(module), module.package
        return RulePredicate(
            workspace=self.workspace,
            rule_id=rule_id,
            package=package,
            supersedes=None,
            identity=by,
            signed_at=self.at,
            source=Source("a" * 40, "main"),
            citation=Citation(**citation),
            test=SuiteResult(
                engine=self.engine.name,
                engine_version=self.engine.version,
                cases=CASES,
            ),
            lint=LintResult(
                engine=self.engine.name,
                engine_version=self.engine.version,
                linter_version="0.1.0",
                checks=("package",),
            ),
            parents=self.parents(),
        )

    def parents(self) -> Parents:
        packs = {"change-control": Digest.of(self.pack)}
        return Parents(Digest.of(self.constitution), packs)

    def view(self, at: datetime | None = None) -> TufView:
        current = self.repository.current()
        return read_view(
            current.roots, current.targets, current.release, at=at or self.at
        )

    def release_parents(self, **changes: object) -> ReleaseParents:
        """The parents of a release made now."""
        files, parents = self.view().files, self.parents()
        current = ReleaseParents(
            constitution=parents.constitution,
            packs=parents.packs,
            trust_policy=files["trust/policy.json"].digest,
            trusted_root=files["trust/trusted_root.json"].digest,
        )
        return replace(current, **changes)

    def approval(
        self, old: SignedRule, new: SignedRule, /, *, by: str = "approver", **changes
    ) -> bytes:
        """Approve a change as its approver would."""
        said = {
            "workspace": self.workspace,
            "rule_id": new.rule_id,
            "identity": by,
            "signed_at": self.at,
            "old": Digest.of(old.rule),
            "new": Digest.of(new.rule),
            "change": "looser",
            "loosens": True,
            "justification": "Hotfixes have no ticket yet: CM-1234.",
            "parents": self.parents(),
        }
        return self._second(ApprovalPredicate(**{**said, **changes}), new, by)

    def linted(
        self, old: SignedRule, new: SignedRule, /, *, by: str = "linter", **changes
    ) -> bytes:
        """Vouch for a change as a lint identity would."""
        said = LintPredicate(
            workspace=self.workspace,
            rule_id=new.rule_id,
            identity=by,
            signed_at=self.at,
            old=Digest.of(old.rule),
            new=Digest.of(new.rule),
            verdict="stricter",
            engine=self.engine.name,
            engine_version=self.engine.version,
            linter_version="0.1.0",
            solver_version="4.15.3",
            parents=self.parents(),
        )
        return self._second(replace(said, **changes), new, by)

    def retirement(
        self, old: SignedRule | SignedRetirement, /, *, by: str = "retirer", **changes
    ) -> SignedRetirement:
        """Retire a rule as somebody who may would."""
        said = RetirementPredicate(
            workspace=self.workspace,
            rule_id=old.rule_id,
            identity=by,
            signed_at=self.at,
            supersedes=old.head,
            rule=Digest.of(old.rule),
            reason="The registry asks for tickets itself now: CM-1234.",
        )
        said = replace(said, **changes)
        subject = Subject(f"rules/{said.rule_id}/{said.rule_id}.rego", said.rule)
        statement = Statement((subject,), said.type, said.to_json())
        raw = self.attest(statement.to_bytes(), by=self.people[by])
        return SignedRetirement(said.rule_id, old.rule, raw)

    def end_approval(
        self, end: SignedRetirement, /, *, by: str = "approver", **changes
    ) -> bytes:
        """Approve a retirement as its approver would."""
        said = ApprovalPredicate(
            workspace=self.workspace,
            rule_id=end.rule_id,
            identity=by,
            signed_at=self.at,
            old=Digest.of(end.rule),
            new=None,
            change="retired",
            loosens=True,
            justification="The registry refuses without a ticket: CM-1234.",
            parents=self.parents(),
        )
        said = replace(said, **changes)
        path = f"rules/{end.rule_id}/{end.rule_id}"
        subjects = (
            Subject(f"{path}.rego", Digest.of(end.rule)),
            Subject(f"{path}.retired.sigstore.json", end.head),
        )
        statement = Statement(subjects, said.type, said.to_json())
        return self.attest(statement.to_bytes(), by=self.people[by])

    def retired(self, old: SignedRule | SignedRetirement, /) -> SignedRetirement:
        """Retire a rule with approval."""
        end = self.retirement(old)
        return end.approved(self.end_approval(end))

    def waiver(
        self,
        *,
        by: str = "asker",
        further: tuple[str, ...] = ("waiver",),
        subject: Digest | None = None,
        **changes,
    ) -> SignedWaiver:
        """Waive the pack's rule as two people would who may."""
        pack = WaivedPack(name="change-control", digest=Digest.of(self.pack))
        said = {
            "workspace": self.workspace,
            "rule_id": "change_control.no_bots",
            "pack": pack,
            "scope": WaiverScope(),
            "identity": by,
            "signed_at": self.at,
            "not_before": self.at - timedelta(hours=1),
            "expires": self.at + 2 * DAY,
            "justification": "The release bot of billing is audited by hand until March.",
        }
        predicate = WaiverPredicate(**{**said, **changes})
        of = Subject("layers/packs/change-control.tar.gz", subject or pack.digest)
        statement = Statement((of,), predicate.type, predicate.to_json()).to_bytes()
        raw = self.attest(statement, by=self.people[by])
        too = tuple(self.attest(statement, by=self.people[one]) for one in further)
        return SignedWaiver(raw, too)

    def _second(
        self, said: ApprovalPredicate | LintPredicate, new: SignedRule, by: str
    ) -> bytes:
        path = f"rules/{new.rule_id}/{new.rule_id}.rego"
        subject = Subject(path, Digest.of(new.rule))
        statement = Statement((subject,), said.type, said.to_json())
        return self.attest(statement.to_bytes(), by=self.people[by])

    # ------------------------------------------------------------------ releases

    def make_release(
        self,
        *rules: SignedRule,
        by: str = "releaser",
        at: datetime | None = None,
        archive: bytes | None = None,
        extra: tuple[bytes, ...] = (),
        further: tuple[str, ...] = (),
        ends: tuple[SignedRetirement, ...] = (),
        waivers: tuple[SignedWaiver, ...] = (),
        **changes: object,
    ) -> SignedRelease:
        """Build, sign and log a release, without publishing it.

        Args:
            rules: What it lists.
            by: Whom its statement names.
            at: When.
            archive: Instead of the one that the rules make.
            extra: Published besides.
            further: Who signs the very statement too.
            ends: What it lists as retired.
            waivers: What it lists as waived.
            changes: Of what it says.
        """
        at = at or self.at
        revision = int(changes.pop("revision", len(self.releases) + 1))
        if archive is None:
            archive = build_bundle(
                rules, revision=revision, parse=self.engine.parse
            ).archive
        before = self.releases[-1].digest if self.releases else None
        predecessor = changes.pop("predecessor", before)
        said = self._release_predicate(rules, revision, by, at, predecessor)
        retired = tuple(sorted((e.item for e in ends), key=lambda i: i.rule_id))
        signed_off = sorted((one.digest for one in waivers), key=str)
        waived = tuple(changes.pop("listing", signed_off))
        listed = {"retired": retired, "waivers": waived}
        predicate = replace(said, **{**listed, **changes})
        named = (("bundle.tar.gz", archive), ("bundle.tar", _tar(archive)))
        statement = Statement(
            tuple(Subject(name, Digest.of(data)) for name, data in named),
            predicate.type,
            predicate.to_json(),
        )
        signed = statement.to_bytes()
        raw = self.attest(signed, by=self.people[by], at=at)
        too = tuple(self.attest(signed, by=self.people[one], at=at) for one in further)
        published = [
            raw for one in (*rules, *ends, *waivers) for raw in one.attestations
        ]
        lines = join_jsonl([*published, *extra, raw, *too])
        return SignedRelease(
            predicate, raw, archive, tuple(rules), lines, too, ends, waivers
        )

    def _release_predicate(
        self,
        rules: tuple[SignedRule, ...],
        revision: int,
        by: str,
        at: datetime,
        predecessor: Digest | None,
    ) -> ReleasePredicate:
        view = self.view(at)
        before = self.releases[-1] if self.releases else None
        heads = {r.rule_id: r.head for r in before.rules} if before else {}
        return ReleasePredicate(
            workspace=self.workspace,
            revision=revision,
            predecessor=predecessor,
            identity=by,
            issued_at=at,
            expires=at + 7 * DAY,
            targets=TargetsRef(
                version=view.targets_version, digest=view.targets_digest
            ),
            parents=self.release_parents(),
            inventory=tuple(sorted((r.item for r in rules), key=lambda i: i.rule_id)),
            retired=(),
            added=tuple(sorted(r.rule_id for r in rules if r.rule_id not in heads)),
            changed=tuple(
                sorted(
                    r.rule_id for r in rules if heads.get(r.rule_id, r.head) != r.head
                )
            ),
            checkpoint=self.log.checkpoint().decode(),
            source=Source("b" * 40, "main"),
        )

    def publish(
        self,
        release: SignedRelease,
        *,
        files: dict[str, bytes] | None = None,
        revision: int | None = None,
        at: datetime | None = None,
    ) -> SignedRelease:
        """Publish a release through TUF, and its attestation on the chain."""
        for raw in release.chained:
            name = f"chain/{parse_attestation(raw).digest.hex}.sigstore.json"
            with contextlib.suppress(WriteConflictError):
                self.storage.put_immutable(name, raw)
        if release.cosignatures:
            name, lines = cosigned_name(release.digest), release.cosignatures
            self.storage.put_immutable(name, join_jsonl(lines))
        staged = self.repository.prepare_release(
            revision or release.predicate.revision,
            files or release.files,
            keep=3,
            at=at or self.at,
        )
        self.repository.publish_release(staged, at=at or self.at)
        self.releases.append(release)
        return release

    def release_again(self, **changes: object) -> SignedRelease:
        """Release the rules of the newest release once more."""
        newest = self.releases[-1]
        kept = {"ends": newest.ends, "waivers": newest.waivers}
        return self.release(*newest.rules, **{**kept, **changes})

    def release(self, *rules: SignedRule, **changes: object) -> SignedRelease:
        """Make a release and publish it."""
        at = changes.get("at")
        return self.publish(self.make_release(*rules, **changes), at=at)

    # ------------------------------------------------------------------ the gate

    def chain(self, digest: Digest) -> bytes:
        """Read what lies below ``chain/`` (``collect.Source``)."""
        name = f"chain/{digest.hex}.sigstore.json"
        return self.storage.get(name, max_bytes=1 << 27)

    def cosigned(self, digest: Digest) -> tuple[bytes, ...]:
        """Read who else signed a release (``collect.Source``)."""
        with contextlib.suppress(NotFoundError):
            return parse_jsonl(
                self.storage.get(cosigned_name(digest), max_bytes=1 << 27)
            )
        return ()

    def moved(
        self, release: SignedRelease, links: Sequence[bytes], policy: bytes
    ) -> tuple[bytes, ...]:
        """What a Runner would gather of earlier changes."""
        head = open_head(release.attestation)
        return tuple(collect_moved(self, head, tuple(links), TrustPolicy.parse(policy)))

    def candidate(
        self,
        release: SignedRelease | None = None,
        *,
        chain: int | None = None,
        known: Known | None = None,
        named: tuple[bytes, ...] | None = None,
    ) -> Candidate:
        """What a Runner that knows a release would gather now.

        Args:
            release: Instead of the newest.
            chain: So many links before it; all, down to ``known``, by default.
            known: By mark or floor.
            named: Instead of the releases that the trust policy names.
        """
        release = release or self.releases[-1]
        current = self.repository.current()
        read = {
            name: self.repository.read(name, max_bytes=1 << 27)
            for name in self.trust_files()
        }
        policy = TrustPolicy.parse(read["trust/policy.json"])
        if named is None:
            named = tuple(collect_named(self, policy))
        lowest = known.revision if known else 1
        before = [
            r
            for r in self.releases
            if r is not release and r.predicate.revision >= lowest
        ]
        links = [r.attestation for r in reversed(before)]
        links = links if chain is None else links[:chain]
        return Candidate(
            roots=current.roots,
            targets=current.targets,
            release_role=current.release,
            policy=read["trust/policy.json"],
            trusted_root=read["trust/trusted_root.json"],
            constitution=read["layers/constitution.tar.gz"],
            constitution_attestation=read["layers/constitution.sigstore.json"],
            packs={"change-control": read[pack_target("change-control")]},
            pack_attestations={
                "change-control": read[pack_signature_target("change-control")]
            },
            revision=release.predicate.revision,
            bundle=release.archive,
            attestations=release.lines,
            chain=tuple(links),
            cosigned=collect_cosigned(
                self, open_head(release.attestation), links, policy
            ),
            moved=self.moved(release, links, read["trust/policy.json"]),
            named=named,
        )

    def check(
        self,
        candidate: Candidate | None = None,
        *,
        marks: Marks | None = None,
        at: datetime | None = None,
        floor: Known | None = None,
    ) -> GateResult:
        """Ask the gate."""
        known = marks.release if marks and marks.release else floor
        return check_release(
            candidate or self.candidate(known=known),
            marks=marks,
            at=at or self.at,
            engine=self.engine,
            floor=floor,
        )

    # ------------------------------------------------------------------ the thief

    @property
    def hostile(self) -> Hostile:
        """The same workspace for whoever stole the Control Plane."""
        keys = replace(self.tuf.keys, targets=())
        return Hostile(keys, self.log, self.authority)


def _tar(archive: bytes) -> bytes:
    return open_gzip(archive, max_bytes=1 << 27)
