# SPDX-License-Identifier: Apache-2.0
"""A whole Control Plane in one process, and clients that hold their own keys.

Everything is real but the socket and the clock: keys, log, timestamps, TUF, the gate
with its engine, the registry on disk. ``Clients`` speak to it by HTTP alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bundle.archive import gzip_stored, pack_tar
from bundle.build import build_bundle
from bundle.gate.candidate import POLICY_TARGET, TRUSTED_ROOT_TARGET
from bundle.rego.engine import Module
from bundle.rule import read_rule
from bundle.storage.directory import DirectoryStorage
from bundle.tuf.committed import read_committed
from control_plane.app import create_app
from control_plane.registry.models import Base
from control_plane.services import Services, build_services
from control_plane.settings import Settings
from control_plane.workflows.reindex import reindex
from keys.clock import format_instant, parse_instant
from keys.digest import Digest
from keys.errors import StorageUnavailableError
from keys.strict import b64decode, b64encode, dumps_json
from signer.attestation import join_jsonl, parse_attestation
from signer.form import Custody, Form
from signer.identity import IdentityTerms
from signer.predicates.artifact import ArtifactPredicate
from signer.predicates.evidence import CaseResult, LintResult, SuiteResult
from signer.predicates.identity_proof import IdentityProofPredicate
from signer.predicates.layer import LayerPredicate
from signer.predicates.parts import Parents, Source
from signer.predicates.release import (
    InventoryItem,
    ReleaseParents,
    ReleasePredicate,
    TargetsRef,
)
from signer.predicates.rule import Citation, RulePredicate
from signer.predicates.runner_report import EngineRef, RunnerReportPredicate
from signer.sign import attest, attest_bare, attest_pending
from signer.statement import Subject, build_statement
from signer.timestamp.request import build_request, parse_response
from tests.simulators.http import AsgiClient
from tests.simulators.memory_key import MemoryKey

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)

CONSTITUTION = {
    "proposal.rego": b"""package proposal

rule_metadata["constitution.paths"] := {"description": "paths"}

deny contains {"rule_id": "constitution.paths", "message": "not allowed"} if {
	some file in input.proposal.files
	startswith(file.path, "secret/")
}
""",
    "overlay_lib.rego": b"""package overlay_lib

target_tier := input.context.target.tier

target_kind := input.context.target.kind

target_name := input.context.target.name
""",
}
RULE_ID = "acme.needs_ticket"
RULE = b"""package overlay.acme_needs_ticket

rule_metadata["acme.needs_ticket"] := {
	"description": "a production change names its ticket",
	"required_tooling_categories": ["ticketing_change_mgmt"],
	"practice_dimensions": [],
	"tier_scope": ["production"],
	"citation": {
		"id": "CM-TICKET-REQUIRED-001",
		"description": "every change of production has a ticket",
		"category": "change-management",
		"source": "https://example.com/change-policy",
	},
}

deny contains {"rule_id": "acme.needs_ticket", "message": "no ticket"} if {
	data.overlay_lib.target_tier == "production"
	not has_ticket
}

has_ticket if contains(input.context.pull_request.body, "CM-")
"""
RULE_TEST = b"package overlay.acme_needs_ticket_test\n"


class SettableClock:
    """A clock that moves when the test says so."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class Disk:
    """Counts the writes of all storages, and lets one of them and all later fail.

    After a crash nothing is written any more; so from the chosen write on, every write
    fails until ``heal``.
    """

    def __init__(self) -> None:
        self.writes = 0
        self._crash_at: int | None = None
        self._persisted = False

    def crash(self, after: int, *, persisted: bool) -> None:
        """Fail the write that follows ``after`` more; perhaps its bytes are there."""
        self._crash_at = self.writes + after
        self._persisted = persisted

    def heal(self) -> None:
        self._crash_at = None

    def write(self, name: str, apply: Callable[[], None]) -> None:
        number, self.writes = self.writes, self.writes + 1
        if self._crash_at is None or number < self._crash_at:
            apply()
            return
        if number == self._crash_at and self._persisted:
            apply()
        raise StorageUnavailableError(f"cannot write {name}: the machine is down")


class FailingStorage(DirectoryStorage):
    """A directory on a ``Disk``."""

    def __init__(self, root: Path, disk: Disk) -> None:
        super().__init__(root)
        self._disk = disk

    def put_immutable(self, name: str, data: bytes) -> None:
        put = super().put_immutable
        self._disk.write(name, lambda: put(name, data))

    def replace(self, name: str, data: bytes, *, expected: Digest | None) -> None:
        swap = super().replace
        self._disk.write(name, lambda: swap(name, data, expected=expected))


class ControlPlane:
    """A server on a state directory; ``restart`` is a crash and a new start."""

    def __init__(self, state: Path, **settings: Any) -> None:
        self.clock = SettableClock()
        self.settings = Settings(state, **settings)
        self.disk = Disk()
        self._start()

    def _start(self) -> None:
        self.services: Services = build_services(
            self.settings,
            clock=self.clock,
            open_storage=lambda directory: FailingStorage(directory, self.disk),
        )
        token = self.services.state.admin_token.read_text().strip()
        self.http = AsgiClient(create_app(self.services), token=token)

    def close(self) -> None:
        self.http.close()
        self.services.close()

    def restart(self) -> None:
        """End without a word and start again, as ``control_plane.run`` does."""
        self.close()
        self.disk.heal()
        self._start()
        reindex(self.services)

    def everything(self) -> dict[str, object]:
        """Every stored byte and every row, for before and after."""
        root = self.settings.state
        found: dict[str, object] = {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and "registry.sqlite3" not in path.name
        }
        with self.services.registry.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                rows = connection.execute(select(table))
                found[table.name] = sorted(map(repr, rows))
        return found

    def create_workspace(self, name: str = "acme") -> "Workspace":
        publisher = MemoryKey.ecdsa()
        answer = self.http.post(
            "/v1/workspaces", json=new_workspace(name, publisher=publisher)
        )
        assert answer.status_code == 201, answer.text
        return Workspace(self, name, Digest.parse(answer.json()["workspace"]))

    def token(self, role: str, workspace: str = "acme", **chosen: Any) -> str:
        body = {"role": role, "subject": f"{role}-token", "ttl_seconds": 3600, **chosen}
        answer = self.http.post(f"/v1/workspaces/{workspace}/tokens", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


@dataclass(frozen=True)
class HttpNotary:
    """A client's notary: timestamps and log of the service."""

    http: AsgiClient
    path: str

    def timestamp(self, signature: bytes) -> bytes:
        request = build_request(signature, nonce=7)
        headers = {"content-type": "application/timestamp-query"}
        answer = self.http.post("/api/v1/timestamp", content=request, headers=headers)
        assert answer.status_code == 200, answer.text
        return parse_response(answer.content, nonce=7)

    def log(self, attestation: bytes) -> bytes:
        answer = self.http.post(self.path, json={"attestation": b64encode(attestation)})
        assert answer.status_code == 200, answer.text
        return b64decode(answer.json()["attestation"])


@dataclass(frozen=True)
class Signer:
    """A registered identity, or one that would like to be."""

    id: str
    key: MemoryKey


@dataclass(frozen=True)
class Workspace:
    """A workspace as its clients see it."""

    server: ControlPlane
    name: str
    digest: Digest

    @property
    def path(self) -> str:
        return f"/v1/workspaces/{self.name}"

    @property
    def http(self) -> AsgiClient:
        return self.server.http

    def notary(self, path: str = "/attestations") -> HttpNotary:
        return HttpNotary(self.http, self.path + path)

    def sign(self, subjects, predicate, by: Signer, *, path: str = "/attestations"):
        statement = build_statement(subjects, predicate)
        return attest(statement, key=by.key, notary=self.notary(path))

    def sign_pending(self, subjects, predicate, by: Signer) -> bytes:
        statement = build_statement(subjects, predicate)
        return attest_pending(statement, key=by.key, timestamp=self.notary().timestamp)

    # -------------------------------------------------------------- identities

    def terms(self, identity_id: str, *permissions: str, **changes: Any):
        at = self.server.clock()
        terms = {
            "id": identity_id,
            "principal": f"{identity_id}@example.com",
            "custody": "external",
            "permissions": list(permissions),
            "namespaces": ["*"],
            "not_before": format_instant(at - DAY),
            "not_after": format_instant(at + 300 * DAY),
        }
        return {**terms, **changes}

    def challenge(self, terms: dict[str, Any], key: MemoryKey) -> dict[str, Any]:
        body = {"identity": terms, "public_key": key.public_key.pem}
        answer = self.http.post(f"{self.path}/identity-challenges", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def proof(self, terms: dict[str, Any], key: MemoryKey, given: dict[str, Any]):
        predicate = IdentityProofPredicate(
            workspace=Digest.parse(given["workspace"]),
            identity=IdentityTerms(
                id=terms["id"],
                principal=terms["principal"],
                custody=Custody(terms["custody"]),
                permissions=frozenset(terms["permissions"]),
                namespaces=frozenset(terms["namespaces"]),
                not_before=parse_instant(terms["not_before"]),
                not_after=parse_instant(terms["not_after"]),
            ),
            challenge=b64decode(given["challenge"]),
            expires=parse_instant(given["expires"]),
        )
        subject = Subject("public-key", Digest(key.public_key.key_id))
        return self.sign_pending([subject], predicate, Signer(terms["id"], key))

    def register(self, identity_id: str, *permissions: str, **changes: Any) -> Signer:
        key = MemoryKey.ecdsa()
        terms = self.terms(identity_id, *permissions, **changes)
        proof = self.proof(terms, key, self.challenge(terms, key))
        answer = self.post_proof(proof, key)
        assert answer.status_code == 201, answer.text
        return Signer(identity_id, key)

    def post_proof(self, proof: bytes, key: MemoryKey, **options: Any):
        body = {"proof": b64encode(proof), "public_key": key.public_key.pem}
        return self.http.post(f"{self.path}/identities", json=body, **options)

    # -------------------------------------------------------------- statements

    def artifact(self, by: Signer, *, workspace: Digest | None = None):
        return ArtifactPredicate(
            workspace=workspace or self.digest,
            identity=by.id,
            signed_at=self.server.clock(),
        )

    def rule(self, by: Signer, **changes: Any) -> bytes:
        engine = self.server.services.engine
        parsed = read_rule(Module("r.rego", RULE.decode()), engine.parse(_module()))
        predicate = RulePredicate(
            workspace=self.digest,
            rule_id=RULE_ID,
            package=parsed.package,
            supersedes=changes.get("supersedes"),
            identity=by.id,
            signed_at=self.server.clock(),
            source=Source(),
            citation=Citation(**parsed.metadata.citation.to_json()),
            test=SuiteResult(engine="regorus", engine_version="0.13.0", cases=CASES),
            lint=LintResult(
                engine="regorus",
                engine_version="0.13.0",
                linter_version="0.1.0",
                checks=("package",),
            ),
            parents=Parents(self._files()["layers/constitution.tar.gz"], {}),
        )
        subjects = [
            Subject(f"rules/{RULE_ID}/{RULE_ID}.rego", Digest.of(RULE)),
            Subject(f"rules/{RULE_ID}/{RULE_ID}_test.rego", Digest.of(RULE_TEST)),
        ]
        return self.sign(subjects, predicate, by)

    def release_request(
        self,
        by: Signer,
        rule: bytes,
        *,
        revision: int = 1,
        predecessor: Digest | None = None,
        bundle_revision: int | None = None,
    ) -> dict[str, str]:
        built = build_bundle(
            [_RuleSource()],
            revision=bundle_revision or revision,
            parse=self.server.services.engine.parse,
        )
        head = parse_attestation(rule).digest
        committed = read_committed(self.server.services.workspaces.storage(self.name))
        files = self._files()
        predicate = ReleasePredicate(
            workspace=self.digest,
            revision=revision,
            predecessor=predecessor,
            identity=by.id,
            issued_at=self.server.clock(),
            expires=self.server.clock() + 7 * DAY,
            targets=TargetsRef(
                version=committed.top.version, digest=Digest.of(committed.targets)
            ),
            parents=ReleaseParents(
                constitution=files["layers/constitution.tar.gz"],
                packs={},
                trust_policy=files[POLICY_TARGET],
                trusted_root=files[TRUSTED_ROOT_TARGET],
            ),
            inventory=(
                InventoryItem(
                    rule_id=RULE_ID,
                    rule=Digest.of(RULE),
                    test=Digest.of(RULE_TEST),
                    head=head,
                ),
            ),
            retired=(),
            added=(RULE_ID,) if revision == 1 else (),
            changed=(),
            checkpoint=self.http.get(f"/w/{self.name}/log/checkpoint").text,
            source=Source(),
        )
        subjects = [
            Subject("bundle.tar.gz", built.digest),
            Subject("bundle.tar", built.content),
        ]
        release = self.sign(subjects, predicate, by)
        return {
            "bundle": b64encode(built.archive),
            "attestations": b64encode(join_jsonl([rule])),
            "release": b64encode(release),
        }

    def publish(self, request: dict[str, str], **options: Any):
        return self.http.post(f"{self.path}/releases", json=request, **options)

    def report(self, by: Signer, *, sequence: int = 1, previous: Digest | None = None):
        predicate = RunnerReportPredicate(
            workspace=self.digest,
            runner=by.id,
            sequence=sequence,
            previous=previous,
            at=self.server.clock(),
            outcome="held",
            code="unavailable",
            revision=None,
            release=None,
            content=None,
            form=Form.EMBEDDED,
            engine=EngineRef(name="regorus", version="0.13.0"),
            checks=(),
            checkpoint=None,
        )
        return self.sign_pending([Subject("root", self.digest)], predicate, by)

    def _files(self) -> dict[str, Digest]:
        committed = read_committed(self.server.services.workspaces.storage(self.name))
        return {
            path: Digest(file.hashes["sha256"])
            for path, file in committed.top.targets.items()
        }


CASES = (
    CaseResult(
        name="with a ticket",
        polarity="positive",
        input=Digest.of(b"1"),
        expected="allow",
        actual="allow",
    ),
    CaseResult(
        name="without a ticket",
        polarity="negative",
        input=Digest.of(b"2"),
        expected="deny",
        actual="deny",
    ),
)


class _RuleSource:
    rule_id = RULE_ID
    rule = RULE


def _module() -> Module:
    return Module("r.rego", RULE.decode())


def layer_archive(kind: str, name: str, files: dict[str, bytes]) -> bytes:
    described = {"kind": kind, "name": name, "version": "1.0.0"}
    return gzip_stored(pack_tar({"layer.json": dumps_json(described), **files}))


def layer_request(
    kind: str, name: str, files: dict[str, bytes], publisher: MemoryKey
) -> dict[str, str]:
    archive = layer_archive(kind, name, files)
    statement = build_statement(
        [Subject(f"{name}.tar.gz", Digest.of(archive))],
        LayerPredicate(layer=kind, name=name, version="1.0.0"),
    )
    return {
        "archive": b64encode(archive),
        "attestation": b64encode(attest_bare(statement, key=publisher)),
        "publisher": publisher.public_key.pem,
    }


def new_workspace(name: str = "acme", *, publisher: MemoryKey | None = None):
    key = publisher or MemoryKey.ecdsa()
    constitution = layer_request("constitution", "baseline", CONSTITUTION, key)
    return {"name": name, "constitution": constitution, "packs": []}
