# SPDX-License-Identifier: Apache-2.0
"""Where the evidence ends: checkpoints that somebody other than the log vouches for.

Who holds the log's key can sign any tree. What they cannot do is make admins, release
identities or Runners have signed another one. So each signed document that embeds a
checkpoint nails down all leaves before it, and leaves after the last nail are known
from the log's word alone (DESIGN 9, T10).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bundle.audit.errors import UnanchoredError, UnwitnessedError
from bundle.audit.findings import Findings, Severity
from bundle.audit.ledger import Ledger
from bundle.audit.statements import Said
from bundle.audit.trust import TrustHistory
from signer.predicates.release import ReleasePredicate
from signer.predicates.runner_report import RunnerReportPredicate
from signer.predicates.trust_change import TrustChangePredicate


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the log is anchored.

    Attributes:
        size: Leaves before this index are.
        by: What holds the last anchor.
        witnessed: Whether one came from outside the pack.
    """

    size: int
    by: str
    witnessed: bool

    def require(self, indexes: Iterable[int], what: str) -> None:
        """Refuse a verdict that rests on a leaf beyond the last anchor.

        Raises:
            UnanchoredError: One of ``indexes`` is not covered.
        """
        beyond = sorted(index for index in indexes if index >= self.size)
        if beyond:
            raise UnanchoredError(
                f"{what}: expected log entries before {self.size}, where the last "
                f"anchor is, got entry {beyond[0]}"
            )


def check_anchors(
    ledger: Ledger,
    history: TrustHistory,
    said: Iterable[Said],
    outside: Iterable[bytes],
    findings: Findings,
) -> Coverage:
    """Check every embedded checkpoint, and those that the auditor brought.

    One that is of another history is a finding; it covers nothing.
    """
    coverage = Coverage(0, "nothing", witnessed=False)
    for place, note, external in _notes(history, said, outside):
        with findings.at(place):
            size = ledger.open_anchor(note)
            witnessed = coverage.witnessed or external
            if size >= coverage.size:
                coverage = Coverage(size, place, witnessed)
            else:
                coverage = Coverage(coverage.size, coverage.by, witnessed)
    _report(coverage, len(ledger.tree), findings)
    return coverage


def _notes(
    history: TrustHistory, said: Iterable[Said], outside: Iterable[bytes]
) -> Iterator[tuple[str, str | bytes, bool]]:
    for version in history.versions:
        place = f"metadata/{version.version}.targets.json"
        yield place, version.view.checkpoint, False
    for one in said:
        embedded = _embedded(one)
        if embedded is not None:
            yield f"log entry {one.index}", embedded, False
    for number, note in enumerate(outside, start=1):
        yield f"anchor {number} of the auditor", note, True


def _embedded(said: Said) -> str | None:
    match said.predicate:
        case ReleasePredicate() | RunnerReportPredicate() | TrustChangePredicate():
            return said.predicate.checkpoint
        case _:
            return None


def _report(coverage: Coverage, size: int, findings: Findings) -> None:
    if coverage.size < size:
        unanchored = UnanchoredError(
            f"entries from {coverage.size} on are known from the log's word alone; the "
            f"last anchor is {coverage.by}"
        )
        place = f"log entries {coverage.size} to {size - 1}"
        findings.add(unanchored, place, Severity.WARNING)
    if not coverage.witnessed:
        unwitnessed = UnwitnessedError(
            "no checkpoint from outside the pack: whoever made it could have left out "
            "everything after some release"
        )
        findings.add(unwitnessed, "log", Severity.WARNING)
