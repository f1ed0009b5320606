# SPDX-License-Identifier: Apache-2.0
"""Answer proposals, and keep the chain of decision records.

The chain's end is in ``decisions.json``, written before an answer leaves: a record that
somebody holds is never followed by one of the same sequence. If it cannot be written,
nothing is allowed.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from bundle.decide import Document, bounded, prepare_input
from bundle.decision import Decision, DecisionRecord, Deny
from bundle.limits import DECISION_LIFE_S
from bundle.runner.active import Active, Standing
from bundle.runner.errors import HeadCommitError, RunnerStateDamagedError
from bundle.waivers import Waived, waive
from keys.digest import Digest
from keys.durable import read_file, write_file
from keys.errors import FormatError, NotFoundError, TrustacksError
from keys.fields import Fields
from keys.strict import dumps_json, loads_json

FORMAT: Final = "https://trustacks.com/formats/runner-decisions/v1"
DECISIONS_FILE: Final = "decisions.json"
# Three fields.
MAX_DECISIONS_BYTES: Final = 4_096

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The end of a Runner's chain of decision records.

    Attributes:
        sequence: Of the last record; 0 before the first.
        previous: SHA-256 of the last record.
    """

    sequence: int = 0
    previous: Digest | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read ``decisions.json``.

        Raises:
            FormatError: Not exactly the format.
        """
        value = loads_json(data, max_bytes=MAX_DECISIONS_BYTES, what="decisions")
        fields = Fields(value, "decisions")
        fields.constant("format", FORMAT)
        null = fields.is_null("previous")
        end = cls(
            fields.integer("sequence"), None if null else fields.digest("previous")
        )
        fields.done()
        return end

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        value = {
            "format": FORMAT,
            "sequence": self.sequence,
            "previous": self.previous and str(self.previous),
        }
        return dumps_json(value) + b"\n"


class DecisionChain:
    """The chain of one Runner; safe for threads.

    Args:
        directory: The Runner's state directory.
        fresh: Whether a missing file is a beginning; else it is damage.
    """

    def __init__(self, directory: Path, *, fresh: bool) -> None:
        self._path = directory / DECISIONS_FILE
        self._lock = threading.Lock()
        self._end = self._load(fresh=fresh)

    def append(self, record: DecisionRecord) -> DecisionRecord:
        """Return the record with its place in the chain, once that is durable.

        Raises:
            StorageError: It is not; the record has no place.
        """
        with self._lock:
            placed = replace(
                record,
                sequence=self._end.sequence + 1,
                previous=self._end.previous,
            )
            end = ChainEnd(placed.sequence, placed.digest)
            write_file(self._path, end.to_bytes(), mode=0o600)
            self._end = end
        return placed

    def _load(self, *, fresh: bool) -> ChainEnd:
        try:
            data = read_file(self._path, max_bytes=MAX_DECISIONS_BYTES)
            return ChainEnd.parse(data)
        except NotFoundError:
            if not fresh:
                raise RunnerStateDamagedError(
                    f"expected {DECISIONS_FILE} in {self._path.parent}, got none"
                ) from None
        except FormatError as error:
            raise RunnerStateDamagedError(
                f"expected a whole {DECISIONS_FILE}: {error.message}"
            ) from error
        write_file(self._path, ChainEnd().to_bytes(), mode=0o600)
        return ChainEnd()


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, in which workspace, with which engine.

    Attributes:
        workspace: SHA-256 of the pinned genesis root.
        runner: The Runner's id.
        engine: Name and version.
    """

    workspace: Digest
    runner: str
    engine: Mapping[str, str]

    def decide(
        self,
        proposal: Mapping[str, Any],
        *,
        active: Active | None,
        refusal: TrustacksError | None,
        head_commit: str | None,
        at: datetime,
        chain: DecisionChain | None,
    ) -> Decision:
        """Answer a proposal.

        Args:
            proposal: The input, without ``evaluated_at``.
            active: The release that decides, if there is one.
            refusal: Why nothing may be decided, whatever is active.
            head_commit: The commit that is judged.
            at: The Runner's clock.
            chain: Places the record; without one everything is denied.

        Raises:
            FormatError: The proposal is not what the published schema says.
            EvaluatedAtRefusedError: The caller set the instant.
            HeadCommitError: The commit is none.
        """
        if head_commit is not None and not _COMMIT.fullmatch(head_commit):
            raise HeadCommitError(
                f"expected a commit of 40 or 64 hex digits, got {head_commit[:80]!r}"
            )
        document = prepare_input(proposal, at=at)
        standing = _standing(active, refusal, at)
        waived = _denies(active, standing, document, at)
        record = self._record(
            document, active, standing, waived=waived, head_commit=head_commit, at=at
        )
        return _placed(record, document, chain)

    def _record(
        self,
        document: Document,
        active: Active | None,
        standing: Standing,
        *,
        waived: Waived,
        head_commit: str | None,
        at: datetime,
    ) -> DecisionRecord:
        return DecisionRecord(
            workspace=self.workspace,
            runner=self.runner,
            sequence=0,
            previous=None,
            at=at,
            expires=_expires(active, standing, waived, at),
            head_commit=head_commit,
            input_digest=document.digest,
            sources=document.sources,
            bundle=active.bundle if active else None,
            waivers=waived.digests,
            engine=self.engine,
            stale=standing.stale,
            denies=waived.denies,
        )


def _expires(
    active: Active | None, standing: Standing, waived: Waived, at: datetime
) -> datetime:
    """Return until when a verdict is good: no longer than the waivers in it."""
    ends = [at + timedelta(seconds=DECISION_LIFE_S)]
    ends += [one.said.expires for one in waived.applied]
    if active is not None and not (standing.refusal or standing.stale):
        ends.append(active.release.expires)
    return min(ends)


def _standing(
    active: Active | None, refusal: TrustacksError | None, at: datetime
) -> Standing:
    if refusal or active is None:
        return Standing(refusal)
    return active.standing(at)


def _denies(
    active: Active | None, standing: Standing, document: Document, at: datetime
) -> Waived:
    if standing.refusal:
        return Waived((_refused(standing.refusal),))
    if active is None:
        text = "no release has been verified on this Runner yet"
        return Waived((Deny("runner", "trustacks.no_bundle", text, code="no-bundle"),))
    found, context = active.stack.found(document), document.value["context"]
    waived = waive(found, active.waivers, context, at=at)
    return replace(waived, denies=bounded(waived.denies))


def _refused(error: TrustacksError) -> Deny:
    return Deny("runner", "trustacks.refused", error.message, code=error.code)


def _placed(
    record: DecisionRecord, document: Document, chain: DecisionChain | None
) -> Decision:
    """Place the record; without a durable place the answer is deny."""
    try:
        placed = chain.append(record) if chain else record
    except TrustacksError as error:
        placed = replace(record, denies=(*record.denies, _refused(error)))
    if chain is None and placed.allowed:
        damage = RunnerStateDamagedError("expected a chain of decisions, got none")
        placed = replace(placed, denies=(_refused(damage),))
    return Decision(placed.denies, placed, document.data)
