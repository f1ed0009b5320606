# SPDX-License-Identifier: Apache-2.0
"""A second principal stands behind a change of a rule (DESIGN T5).

``Approver`` is a person who saw the change, ``LintSigner`` a CI that proved it. Either
takes the old digest from the newest release, the new one from the files at hand and the
parents from its own pin, shows the statement, signs it, and verifies what came back.
Neither signs for a rule that its own principal signed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bundle.gate.errors import ApprovalNotSecondError
from bundle.lint import LintReport
from bundle.lint.report import LINTER_VERSION
from bundle.overlay import RuleFiles
from bundle.ratchet.verdict import Change
from keys.clock import Clock
from keys.digest import Digest
from keys.fields import Fields
from signer.errors import SubjectMismatchError
from signer.identity import Identity
from signer.predicates.approval import RETURNED, ApprovalPredicate, may_loosen
from signer.predicates.lint import LintPredicate
from signer.predicates.parts import Parents
from signer.statement import Subject, build_statement
from signer.trust import Expected
from signer.verify import verify_attestation
from trustacks.client import WorkspaceApi
from trustacks.errors import ChangeNotProvedError, NothingToApproveError
from trustacks.pinned import Head, Pinned
from trustacks.signatory import Signatory
from trustacks.signing import signed, verify_rule


@dataclass(frozen=True, slots=True)
class Second:
    """Who stands behind changes, beside their authors.

    Attributes:
        pinned: The workspace, as the signer verified it.
        head: The newest release; a rule that it does not have cannot change.
        signatory: Who signs.
        api: The workspace's API.
        clock: The time.
        show: Shown each statement before it is signed.
    """

    pinned: Pinned
    head: Head | None
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

    def require_second(self, files: RuleFiles) -> None:
        """Refuse a rule whose author is this principal, under whatever id.

        Raises:
            RuleUnsignedError: Its author has not signed it yet.
            ApprovalNotSecondError: The author is the same principal.
            VerificationError: Its attestation does not hold for these files.
        """
        try:
            said = verify_rule(signed(files), files, self.pinned, at=self.clock())
        except SubjectMismatchError as error:
            hint = f"changed since it was signed: trustacks rule sign {files.rule_id}"
            raise SubjectMismatchError(error.message, hint=hint) from error
        author, identity = said.identity, self.identity
        if author.principal == identity.principal:
            raise ApprovalNotSecondError(
                f"{files.rule_id}: expected somebody else than {author.principal}, "
                f"who signed it as {author.id}, got {identity.id}",
                rule_id=files.rule_id,
            )

    def returns(self, files: RuleFiles) -> bool:
        """Return whether the rule was retired, and is to come back."""
        retired = self.head.release.retired if self.head else ()
        return files.rule_id in {item.rule_id for item in retired}

    def old(self, files: RuleFiles) -> Digest:
        """Return the digest of the Rego that this rule replaces.

        Raises:
            NothingToApproveError: It replaces none, or the very same.
        """
        inventory = self.head.release.inventory if self.head else ()
        found = {item.rule_id: item.rule for item in inventory}.get(files.rule_id)
        if found is None or found == Digest.of(files.rule):
            what = "a new rule" if found is None else "the rule as it is released"
            raise NothingToApproveError(
                f"expected a change of {files.rule_id}, got {what}",
                hint="only changes of released rules need a second principal",
            )
        return found

    @property
    def _parents(self) -> Parents:
        return Parents.parse(Fields(self.pinned.parents().to_json(), "parents"))

    def _sign(
        self, files: RuleFiles, predicate: ApprovalPredicate | LintPredicate
    ) -> bytes:
        new, rule_id = Digest.of(files.rule), files.rule_id
        subject = Subject(f"rules/{rule_id}/{rule_id}.rego", new)
        statement = build_statement((subject,), predicate)
        self.show(statement)
        trust = self.pinned.trust
        raw = self.signatory.attest(statement, api=self.api, trust=trust)
        namespace = rule_id.partition(".")[0]
        expected = Expected(predicate.type, (new,), namespace=namespace)
        verify_attestation(
            raw, trust=self.pinned.trust, expected=expected, at=self.clock()
        ).require()
        return raw


@dataclass(frozen=True, slots=True)
class Approver(Second):
    """A person who approves changes of others."""

    def sign(self, files: RuleFiles, *, change: Change, justification: str) -> bytes:
        """Return the approval of a rule's change, verified.

        Args:
            files: The rule as its author signed it.
            change: What this client said of the change.
            justification: Why, in words.

        Raises:
            NothingToApproveError: There is no change, or another one.
            ApprovalNotSecondError: The author is the same principal.
            VerificationError: What came back does not hold.
        """
        old = _require_same(change, self.old(files), files)
        return self._approve(files, old, change.verdict, justification)

    def sign_return(self, files: RuleFiles, *, justification: str) -> bytes:
        """Return the approval of a rule that comes back after its retirement.

        Raises:
            NothingToApproveError: It was not retired.
            ApprovalNotSecondError: The author is the same principal.
            VerificationError: What came back does not hold.
        """
        if not self.returns(files):
            raise NothingToApproveError(
                f"expected a rule that was retired, got {files.rule_id}"
            )
        return self._approve(files, None, RETURNED, justification)

    def _approve(
        self, files: RuleFiles, old: Digest | None, change: str, justification: str
    ) -> bytes:
        self.require_second(files)
        predicate = ApprovalPredicate(
            workspace=self.pinned.view.workspace,
            rule_id=files.rule_id,
            identity=self.identity.id,
            signed_at=self.clock(),
            old=old,
            new=Digest.of(files.rule),
            change=change,
            loosens=may_loosen(change),
            justification=justification,
            parents=self._parents,
        )
        return self._sign(files, predicate)


@dataclass(frozen=True, slots=True)
class LintSigner(Second):
    """A lint identity, such as a CI's, that attests what it proved."""

    def sign(self, files: RuleFiles, report: LintReport) -> bytes:
        """Return the attestation of a rule's change, verified.

        Args:
            files: The rule as its author signed it.
            report: The lint run that it passed, against the version in the newest
                release.

        Raises:
            ChangeNotProvedError: The linter refuses it, or proved neither *equal* nor
                *stricter*.
            NothingToApproveError: There is no change, or another one.
            ApprovalNotSecondError: The author is the same principal.
            VerificationError: What came back does not hold.
        """
        change = require_proved(report)
        old = _require_same(change, self.old(files), files)
        self.require_second(files)
        predicate = LintPredicate(
            workspace=self.pinned.view.workspace,
            rule_id=files.rule_id,
            identity=self.identity.id,
            signed_at=self.clock(),
            old=old,
            new=Digest.of(files.rule),
            verdict=change.verdict,
            engine=report.engine,
            engine_version=report.engine_version,
            linter_version=LINTER_VERSION,
            solver_version=change.solver_version or None,
            parents=self._parents,
        )
        return self._sign(files, predicate)


def require_proved(report: LintReport) -> Change:
    """Return what was proved about a rule's change, which a lint identity may attest.

    Raises:
        ChangeNotProvedError: The linter refuses the rule, had no version before to
            compare with, or proved neither *equal* nor *stricter*.
    """
    change = report.change
    if change is None or not report.passed or not change.attestable:
        got = change.verdict if change else "no version before"
        raise ChangeNotProvedError(
            f"{report.rule_id}: expected a rule that passed and is proved equal or "
            f"stricter, got {got if report.passed else 'errors'}",
            hint="a person can approve it: trustacks rule approve",
            rule_id=report.rule_id,
        )
    return change


def _require_same(change: Change, old: Digest, files: RuleFiles) -> Digest:
    """Refuse a verdict about another version than the one that was released."""
    if change.old != old:
        raise NothingToApproveError(
            f"{files.rule_id}: expected a verdict against {old}, which is released, "
            f"got one against {change.old}",
            hint="compare with the newest release: trustacks login, and no --base",
        )
    return old
