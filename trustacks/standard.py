# SPDX-License-Identifier: Apache-2.0
"""Say for other tools what was tested, linted, built and verified (ADR 0050).

Each statement is made of what our own code found, shown, signed and verified like any
other; it goes into the log, where it is found by its subject.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bundle.gate import Candidate
from bundle.lint import LintReport
from bundle.overlay import RuleFiles
from bundle.rego.report import TestReport
from keys import __version__
from keys.clock import Clock
from keys.digest import Digest
from keys.fields import Fields
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.evidence import EQUAL, STRICTER, LintResult, SuiteResult
from signer.predicates.parts import Parents
from signer.predicates.release import ReleasePredicate, RetiredItem
from signer.predicates.runner_report import ReportedCheck
from signer.predicates.standard import svr
from signer.predicates.standard.provenance import ProvenancePredicate
from signer.predicates.standard.said import Resource, Said
from signer.predicates.standard.summary import SummaryPredicate
from signer.predicates.standard.svr import SvrPredicate
from signer.predicates.standard.test_result import TestResultPredicate
from signer.result import VerificationResult
from signer.statement import Sayable, Subject, build_statement
from signer.trust import Expected
from signer.verify import verify_attestation
from trustacks.client import WorkspaceApi
from trustacks.pinned import Head, Pinned
from trustacks.signatory import Signatory

_CHANGES: Final = {EQUAL: svr.CHANGE_EQUAL, STRICTER: svr.CHANGE_STRICTER}


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells other tools.

    Attributes:
        pinned: The workspace, as the teller verified it.
        signatory: The teller.
        api: The workspace's API.
        clock: The time.
        show: Shown each statement before it is signed.
    """

    pinned: Pinned
    signatory: Signatory
    api: WorkspaceApi
    clock: Clock
    show: Callable[[bytes], None]

    @property
    def identity(self) -> Identity:
        """Who signs.

        Raises:
            UnknownSignerError: No identity of the workspace.
        """
        return self.signatory.identity(self.pinned.trust)

    def tested(self, files: RuleFiles, report: TestReport) -> bytes:
        """Return the attestation that a rule's tests passed.

        Raises:
            SuiteNotPassedError: They did not.
            VerificationError: What came back does not hold.
        """
        engine = f"{report.engine} {report.engine_version}"
        where = f"pkg:generic/{report.engine}@{report.engine_version}"
        test = Resource(name=_test(files.rule_id), digest=Digest.of(files.test))
        said = TestResultPredicate(
            said=self._said,
            configuration=(test, Resource(name=engine, uri=where), *self._layers()),
            suite=SuiteResult.parse(Fields(report.to_json(), "test")),
        )
        return self._sign((_subject(files),), said)

    def linted(self, files: RuleFiles, report: LintReport, *, tested: bool) -> bytes:
        """Return the attestation of what the linter verified.

        Args:
            files: The rule.
            report: The run, which it passed.
            tested: Whether its tests passed too.

        Raises:
            FormatError: It did not pass.
            VerificationError: What came back does not hold.
        """
        said = SvrPredicate(
            said=self._said,
            created_at=self.clock(),
            properties=_properties(report, tested=tested),
            policies=tuple(self._layers()),
            lint=LintResult.parse(Fields(report.to_json(), "lint")),
        )
        return self._sign((_subject(files),), said)

    def built(self, head: Head, archive: Digest, content: Digest) -> bytes:
        """Return the provenance of a published release.

        Raises:
            LimitExceededError: It lists more than a statement may hold.
            VerificationError: What came back does not hold.
        """
        release = head.release
        said = ProvenancePredicate(
            said=self._said,
            revision=release.revision,
            built_with=__version__,
            built_at=release.issued_at,
            dependencies=tuple(_dependencies(release)),
            release=head.digest,
        )
        subjects = (Subject("bundle.tar.gz", archive), Subject("bundle.tar", content))
        return self._sign(subjects, said)

    def verified(self, candidate: Candidate, result: VerificationResult) -> bytes:
        """Return the summary of a verification, accepted or refused.

        Raises:
            VerificationError: What came back does not hold.
        """
        lines = Digest.of(candidate.attestations)
        said = SummaryPredicate(
            said=self._said,
            verified_with=__version__,
            verified_at=result.at or self.clock(),
            revision=candidate.revision,
            form=self.pinned.view.form,
            policy=Digest.of(candidate.policy),
            inputs=(Resource(name="attestations.sigstore.jsonl", digest=lines),),
            code=result.code,
            checks=tuple(
                ReportedCheck(id=one.id, status=one.status, code=one.code)
                for one in result.checks
            ),
        )
        archive = Subject("bundle.tar.gz", Digest.of(candidate.bundle))
        return self._sign((archive,), said)

    @property
    def _said(self) -> Said:
        workspace = self.pinned.view.workspace
        return Said(workspace=workspace, identity=self.identity.id)

    def _layers(self) -> Iterator[Resource]:
        said = self.pinned.parents().to_json()
        yield from _layers(Parents.parse(Fields(said, "parents")))

    def _sign(self, subjects: Sequence[Subject], said: Sayable) -> bytes:
        statement = build_statement(subjects, said)
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        digests = tuple(subject.digest for subject in subjects)
        verify_attestation(
            raw,
            trust=self.pinned.trust,
            expected=Expected(said.type, digests),
            at=self.clock(),
        ).require()
        return raw


def statement_of(raw: bytes) -> str:
    """Return the digest of an attestation, as answers show it."""
    return str(parse_attestation(raw).digest)


def _properties(report: LintReport, *, tested: bool) -> tuple[str, ...]:
    """Return what a run verified that passed every check of the linter."""
    change = report.change
    proved = _CHANGES.get(change.verdict) if change and change.attestable else None
    found = {
        svr.RATCHET_PROVEN,
        svr.CITATION_COMPLETE,
        svr.SHAPE_OK,
        svr.PORTABLE,
        svr.TESTS_POS_NEG if tested else None,
        proved,
    }
    return tuple(name for name in svr.PROPERTIES if name in found)


def _subject(files: RuleFiles) -> Subject:
    return Subject(_rule(files.rule_id), Digest.of(files.rule))


def _rule(rule_id: str) -> str:
    return f"rules/{rule_id}/{rule_id}.rego"


def _test(rule_id: str) -> str:
    return f"rules/{rule_id}/{rule_id}_test.rego"


def _layers(parents: Parents) -> Iterator[Resource]:
    yield Resource(name="layers/constitution.tar.gz", digest=parents.constitution)
    for name, digest in sorted(parents.packs.items()):
        yield Resource(name=f"layers/packs/{name}.tar.gz", digest=digest)


def _dependencies(release: ReleasePredicate) -> Iterator[Resource]:
    """Yield everything that a release rests on."""
    for item in release.listed:
        head, stem = "retirement", f"rules/{item.rule_id}/{item.rule_id}"
        if not isinstance(item, RetiredItem):
            head = "attestation"
            yield Resource(name=_rule(item.rule_id), digest=item.rule)
            yield Resource(name=_test(item.rule_id), digest=item.test)
        yield Resource(name=f"{stem} {head}", digest=item.head)
        for digest in item.approvals:
            yield Resource(name=f"{stem} approval", digest=digest)
    yield from (Resource(name="waiver", digest=one) for one in release.waivers)
    yield from _layers(release.parents)
    parents = release.parents
    yield Resource(name="trust/policy.json", digest=parents.trust_policy)
    yield Resource(name="trust/trusted_root.json", digest=parents.trusted_root)
    if release.source.commit:
        yield Resource(name="overlay", commit=release.source.commit)
