# SPDX-License-Identifier: Apache-2.0
"""Every published release, judged again in order, each at its own time.

A release was published, so somebody's gate accepted it. Its own time is when the
timestamp authority saw its last signature; its trust is what stood at that one's place
in the log; its marks are what the releases before it set. The verdict must be the same,
and must rest on leaves that are anchored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from bundle.audit.anchors import Coverage
from bundle.audit.errors import (
    EvidenceUnloggedError,
    OutcomeDifferentError,
    ReleaseUnpublishedError,
)
from bundle.audit.findings import Finding, Findings, Severity
from bundle.audit.judge import Judge, Judgement
from bundle.audit.ledger import Ledger
from bundle.audit.pack import Pack
from bundle.audit.people import Registration
from bundle.audit.records import Outcome, ReleaseRecord, RuleRecord, counted
from bundle.audit.statements import Progress, Said, require_place
from bundle.audit.trust import TrustHistory, TrustVersion
from bundle.gate.chain import Link
from bundle.marks import Marks
from keys.digest import Digest
from signer.attestation import parse_attestation
from signer.predicates.lint import LintPredicate
from signer.predicates.release import InventoryItem, ReleasePredicate
from signer.predicates.rule import RulePredicate


@dataclass(frozen=True, slots=True)
class Evidence:
    """What replay has established, and looks things up in.

    Attributes:
        pack: The evidence pack.
        ledger: Its log.
        history: Who was trusted, through time.
        said: Verified statements by their digest, as who signed first said them.
        cosigned: Every further signature of those, by the same digest, in order.
        people: Registrations by identity.
        coverage: How far the log is anchored.
        judge: Asks the gate.
        findings: Where findings go.
        progress: Told what is being done.
    """

    pack: Pack
    ledger: Ledger
    history: TrustHistory
    said: Mapping[Digest, Said]
    cosigned: Mapping[Digest, tuple[Said, ...]]
    people: Mapping[str, Registration]
    coverage: Coverage
    judge: Judge
    findings: Findings
    progress: Progress = field(repr=False)

    def by(self, digest: Digest, key_id: str) -> Said | None:
        """Return a statement as one key's holder said it, if they did."""
        first = [self.said[digest]] if digest in self.said else []
        every = (*first, *self.cosigned.get(digest, ()))
        return next((one for one in every if one.key_id == key_id), None)

    def further(self, release: Digest) -> list[Said]:
        """Return what further signers said, of those published with a release."""
        hints = map(parse_attestation, self.judge.cosigned(release))
        found = (self.by(release, one.key_id) for one in hints)
        return [one for one in found if one is not None]

    def people_of(self, said: Iterable[Said]) -> Iterator[Registration]:
        """Yield how those who said something came to be trusted."""
        for one in said:
            if one.signer is not None and one.signer.id in self.people:
                yield self.people[one.signer.id]

    @property
    def in_order(self) -> list[Said]:
        """Everything that was said, in the order of the log."""
        further = chain.from_iterable(self.cosigned.values())
        return sorted((*self.said.values(), *further), key=lambda one: one.index)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A release that was judged again.

    Attributes:
        link: The release.
        record: What came of it.
        under: The trust that it was judged by; none if it is not in the log.
    """

    link: Link
    record: ReleaseRecord
    under: TrustVersion | None


def replay_releases(links: Sequence[Link], evidence: Evidence) -> list[Replayed]:
    """Judge releases in order, from the root on that the auditor brought."""
    replayed: list[Replayed] = []
    marks: Marks | None = None
    before = {
        entry.digest
        for entry in evidence.ledger.entries
        if evidence.history.is_before_pin(entry.index)
    }
    for number, link in enumerate(links):
        if link.digest in before:
            continue
        evidence.progress("releases", number, len(links))
        one, marks = _replay(link, marks, evidence)
        replayed.append(one)
    _report_unpublished(links, evidence)
    return replayed


def _replay(
    link: Link, marks: Marks | None, evidence: Evidence
) -> tuple[Replayed, Marks | None]:
    place = f"release {link.release.revision}"
    said = evidence.said.get(link.digest)
    if said is None:
        missing = EvidenceUnloggedError(
            f"expected release {link.digest} verified in the log, got none"
        )
        evidence.findings.add(missing, place)
        record = ReleaseRecord(
            link.release.revision, Outcome.NOT_RUN, missing.code, digest=link.digest
        )
        return Replayed(link, record, None), marks
    further = evidence.further(link.digest)
    at = max(one.time for one in (said, *further))
    version = evidence.history.before(max(one.index for one in (said, *further)))
    verdict = evidence.judge(link, version, marks=marks, at=at)
    report_outcome(verdict, place, evidence.findings)
    with evidence.findings.at(place):
        _require_same_log(verdict, evidence)
    with evidence.findings.at(place):
        rests_on = (version.index, *_rests_on(link, evidence))
        evidence.coverage.require(rests_on, place)
    record = replace(
        _record(link, said, verdict, evidence),
        at=at,
        cosigners=tuple(evidence.people_of(further)),
    )
    after = verdict.release.marks if verdict.release else marks
    return Replayed(link, record, version), after


def report_outcome(verdict: Judgement, place: str, findings: Findings) -> None:
    """Turn an outcome that is not the same into a finding, by the refusal's code."""
    if verdict.outcome is not Outcome.SAME:
        code = verdict.code or OutcomeDifferentError.code
        message = f"the gate does not accept it: {verdict.detail}"
        findings.record(Finding(code, Severity.REFUSED, place, message))


def _require_same_log(verdict: Judgement, evidence: Evidence) -> None:
    """What Runners were given carries proofs too, and must be of this very log.

    Raises:
        LogForkedError: Runners were given another history than the auditor.
        EvidenceUnloggedError: They were given what this log does not have.
    """
    if verdict.release is None:
        return
    release = verdict.release
    first = (release.attestation, *release.attestations.values())
    for raw in (*first, *chain.from_iterable(release.cosigned.values())):
        attestation = parse_attestation(raw)
        said = evidence.by(attestation.digest, attestation.key_id)
        if said is None:
            raise EvidenceUnloggedError(
                f"expected {attestation.digest} verified in the log, got none"
            )
        require_place(attestation, said.index, evidence.ledger)


def _rests_on(link: Link, evidence: Evidence) -> Iterator[int]:
    """Yield the leaves without which the verdict would be another: rules, their ends.

    The release's own leaves are none: whoever signed the release said which log they
    had seen, and nobody else can move it.
    """
    for item in link.release.listed:
        for digest in (item.head, *item.approvals):
            if digest in evidence.said:
                yield evidence.said[digest].index
        yield from (one.index for one in evidence.cosigned.get(item.head, ()))
    for digest in link.release.waivers:
        if digest in evidence.said:
            yield evidence.said[digest].index
        yield from (one.index for one in evidence.cosigned.get(digest, ()))


def _record(
    link: Link, said: Said, verdict: Judgement, evidence: Evidence
) -> ReleaseRecord:
    return ReleaseRecord(
        revision=link.release.revision,
        outcome=verdict.outcome,
        code=verdict.code,
        at=said.time,
        expires=link.release.expires,
        digest=link.digest,
        content=verdict.release.content if verdict.release else None,
        entry=said.index,
        signer=evidence.people.get(said.signer.id) if said.signer else None,
        rules=tuple(_rules(link.release, evidence)),
        result=verdict.result,
    )


def _rules(release: ReleasePredicate, evidence: Evidence) -> Iterator[RuleRecord]:
    for item in release.inventory:
        with evidence.findings.at(f"release {release.revision}, rule {item.rule_id}"):
            yield _rule(release, item, evidence)


def _rule(
    release: ReleasePredicate, item: InventoryItem, evidence: Evidence
) -> RuleRecord:
    said = evidence.said.get(item.head)
    if said is None or not isinstance(said.predicate, RulePredicate):
        raise EvidenceUnloggedError(
            f"expected the rule attestation {item.head} verified in the log, got none"
        )
    claim = said.predicate
    return RuleRecord(
        rule_id=item.rule_id,
        citation=claim.citation.id,
        head=item.head,
        entry=said.index,
        signed_at=said.time,
        author=evidence.people.get(claim.identity),
        tested=f"{counted(len(claim.test.cases), 'case')} passed with "
        f"{claim.test.engine} {claim.test.engine_version}",
        linted=f"{counted(len(claim.lint.checks), 'check')} passed, linter "
        f"{claim.lint.linter_version}",
        change=_change(release, item.rule_id),
        approvals=tuple(_behind(digest, evidence) for digest in item.approvals),
        cosigners=tuple(
            one.signer.id for one in evidence.cosigned.get(item.head, ()) if one.signer
        ),
    )


def _change(release: ReleasePredicate, rule_id: str) -> str:
    if rule_id in release.added:
        return "added"
    return "changed" if rule_id in release.changed else "kept"


def _behind(digest: Digest, evidence: Evidence) -> str:
    """Return who stands behind a rule's Rego, beside its author.

    Raises:
        EvidenceUnloggedError: The log has no such word.
    """
    said = evidence.said.get(digest)
    if said is None or said.signer is None:
        raise EvidenceUnloggedError(
            f"expected the approval {digest} verified in the log, got none"
        )
    proved = isinstance(said.predicate, LintPredicate)
    return f"{'proved' if proved else 'approved'} by {said.signer.id}"


def _report_unpublished(links: Sequence[Link], evidence: Evidence) -> None:
    """Name releases that are in the log and were not published."""
    published = {link.digest for link in links}
    highest = max((link.release.revision for link in links), default=0)
    for said in evidence.said.values():
        release = said.predicate
        if not isinstance(release, ReleasePredicate) or said.digest in published:
            continue
        error = ReleaseUnpublishedError(
            f"revision {release.revision} was signed, and not published as far as the "
            "pack shows"
        )
        # At a known revision somebody lost a race. Above it, it may be withheld.
        beyond = release.revision > highest
        severity = Severity.WARNING if beyond else Severity.NOTE
        evidence.findings.add(error, f"log entry {said.index}", severity)
