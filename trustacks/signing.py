# SPDX-License-Identifier: Apache-2.0
"""An author attests one rule: its bytes, its tests, its lint, its parents.

Nothing is signed that did not pass, and nothing that was not shown. What comes back
from the Control Plane is verified against the author's own pin before it is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bundle.lint import LintReport
from bundle.overlay import RuleFiles
from bundle.rego.testing import TestReport
from bundle.rule import RuleModule
from keys.clock import Clock
from keys.digest import Digest
from keys.errors import FormatError
from keys.fields import Fields
from signer.attestation import parse_attestation
from signer.identity import Identity
from signer.predicates.evidence import LintResult, SuiteResult
from signer.predicates.parts import Parents, Source
from signer.predicates.rule import Citation, RulePredicate
from signer.statement import Subject, build_statement, parse_statement
from signer.verify import Evidence, verify_attestation
from trustacks.client import WorkspaceApi
from trustacks.errors import RuleUnsignedError
from trustacks.expected import expected_of
from trustacks.parents import ParentArchives
from trustacks.pinned import Head, Pinned
from trustacks.signatory import Signatory


@dataclass(frozen=True, slots=True)
class Passed:
    """A rule that passed test and lint.

    Attributes:
        files: Its files.
        module: What it says of itself.
        test: The run of its tests.
        lint: The run of the linter.
    """

    files: RuleFiles
    module: RuleModule
    test: TestReport
    lint: LintReport


@dataclass(frozen=True, slots=True)
class RuleSigner:
    """Signs rules for one author.

    Attributes:
        pinned: The workspace, as the author verified it.
        parents: The layers that test and lint used.
        head: The newest release, whose heads new versions supersede.
        signatory: The author.
        api: The workspace's API.
        clock: The time.
        source: Where the overlay lies.
        show: Shown each statement before it is signed.
    """

    pinned: Pinned
    parents: ParentArchives
    head: Head | None
    signatory: Signatory
    api: WorkspaceApi
    clock: Clock
    source: Source
    show: Callable[[bytes], None]

    def sign(self, rule: Passed) -> bytes:
        """Return the attestation of a rule, verified.

        Raises:
            UnknownSignerError: No identity of the workspace.
            SuiteNotPassedError: Tests that did not pass.
            VerificationError: What came back does not hold.
        """
        identity = self.identity
        predicate = self._predicate(rule, identity, self.clock())
        statement = build_statement(_subjects(rule.files), predicate)
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        verify_rule(raw, rule.files, self.pinned, at=self.clock())
        return raw

    @property
    def identity(self) -> Identity:
        """Who signs.

        Raises:
            UnknownSignerError: No identity of the workspace.
        """
        return self.signatory.identity(self.pinned.trust)

    def holds(self, files: RuleFiles) -> bool:
        """Return whether the rule has an attestation already that needs no renewal."""
        if files.attestation is None:
            return False
        try:
            result = _verified(files.attestation, files, self.pinned, self.clock())
        except FormatError:
            return False
        if result is None:
            return False
        said, current = result.said(RulePredicate), self._supersedes(files.rule_id)
        in_place = current in (said.supersedes, result.attestation.digest)
        return said.parents == self._layers and in_place

    @property
    def _layers(self) -> Parents:
        fields = Fields(self.parents.to_json(), "parents")
        return Parents.parse(fields)

    def _predicate(
        self, rule: Passed, identity: Identity, at: datetime
    ) -> RulePredicate:
        said = rule.module.metadata.citation
        return RulePredicate(
            workspace=self.pinned.view.workspace,
            rule_id=rule.files.rule_id,
            package=rule.module.package,
            supersedes=self._supersedes(rule.files.rule_id),
            identity=identity.id,
            signed_at=at,
            source=self.source,
            citation=Citation.parse(Fields(said.to_json(), "citation")),
            test=SuiteResult.parse(Fields(rule.test.to_json(), "test")),
            lint=LintResult.parse(Fields(rule.lint.to_json(), "lint")),
            parents=self._layers,
        )

    def _supersedes(self, rule_id: str) -> Digest | None:
        """Return the statement that the newest release has for this rule id."""
        if self.head is None:
            return None
        release = self.head.release
        heads = {item.rule_id: item.head for item in release.retired}
        heads |= {item.rule_id: item.head for item in release.inventory}
        return heads.get(rule_id)


def signed(rule: RuleFiles) -> bytes:
    """Return a rule's attestation.

    Raises:
        RuleUnsignedError: There is none.
    """
    if rule.attestation is None:
        raise RuleUnsignedError(
            f"expected an attestation beside {rule.rule_path}, got none",
            hint=f"trustacks rule sign {rule.rule_id}",
        )
    return rule.attestation


def verify_rule(
    raw: bytes, files: RuleFiles, pinned: Pinned, *, at: datetime
) -> Evidence:
    """Return the evidence of a rule's attestation, which holds for these files.

    Raises:
        TrustacksError: It does not hold.
    """
    return verify_attestation(
        raw, trust=pinned.trust, expected=expected_of(files), at=at
    ).require()


def statement_digest(raw: bytes) -> Digest:
    """Return SHA-256 of the PAE of an attestation."""
    return parse_attestation(raw).digest


def said_in(raw: bytes) -> dict[str, Any]:
    """Return the predicate of an attestation, as its statement has it."""
    return parse_statement(parse_attestation(raw).envelope.payload).predicate


def _verified(
    raw: bytes, files: RuleFiles, pinned: Pinned, at: datetime
) -> Evidence | None:
    return verify_attestation(
        raw, trust=pinned.trust, expected=expected_of(files), at=at
    ).evidence


def _subjects(files: RuleFiles) -> tuple[Subject, ...]:
    stem = f"rules/{files.rule_id}/{files.rule_id}"
    return (
        Subject(f"{stem}.rego", Digest.of(files.rule)),
        Subject(f"{stem}_test.rego", Digest.of(files.test)),
    )
