# SPDX-License-Identifier: Apache-2.0
"""Reports of a Runner: signed by its own key, chained, and never in the way.

A report that cannot be delivered holds nothing up: the statement stays in the Runner's
state and goes first the next time, as it was. Its digest is that of the statement, so
a report that arrived twice is one report (DESIGN 9, Runners' keys).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from bundle.gate import VerifiedRelease
from bundle.runner.event import HELD, Event
from bundle.runner.life import Life
from bundle.runner.state import ReportChain
from keys.digest import Digest
from keys.errors import TrustacksError
from keys.signing import SigningKey
from signer.dsse import IN_TOTO, pae
from signer.form import Form
from signer.predicates.runner_report import (
    EngineRef,
    ReportedCheck,
    RunnerReportPredicate,
)
from signer.sign import Notary, attest
from signer.statement import Subject, build_statement

# Seconds. A Runner that has nothing new to say says so this often.
HEARTBEAT_S: Final = 3_600


class Reporter(Protocol):
    """Where a Runner's reports go.

    Duties: return only when the report is kept by whoever receives it; raise a
    ``TrustacksError`` otherwise. Receiving one report twice is no error.
    """

    def report(self, statement: bytes) -> None:
        """Sign and deliver a statement."""


@dataclass(frozen=True, slots=True)
class SignedReporter:
    """Signs with the Runner's key, and has the Control Plane's log take it.

    Attributes:
        key: The Runner's own key; it may do nothing but report.
        notary: Timestamps and logs, such as ``bundle.runner.notary.HttpNotary``.
    """

    key: SigningKey
    notary: Notary

    def report(self, statement: bytes) -> None:
        """Sign, timestamp and log.

        Raises:
            TrustacksError: It is not delivered.
        """
        attest(statement, key=self.key, notary=self.notary)


class Postman:
    """Sends a Runner's reports, one after the other, when there is something to say.

    Args:
        reporter: Where they go; ``None`` sends none.
        workspace: SHA-256 of the pinned genesis root.
        form: Of that root.
        runner: The Runner's id.
    """

    def __init__(
        self, reporter: Reporter | None, workspace: Digest, form: Form, runner: str
    ) -> None:
        self._reporter = reporter
        self._workspace, self._form, self._runner = workspace, form, runner
        self._said: tuple[object, ...] | None = None
        self._said_at: datetime | None = None

    def send(self, event: Event, life: Life, *, engine: str, version: str) -> Event:
        """Report an event, after what was not delivered before.

        Returns:
            The event, with a code if the report was not delivered.
        """
        if self._reporter is None or not self._due(event):
            return event
        try:
            if life.state.reports.undelivered:
                self._deliver(life, life.state.reports.undelivered)
            statement = self._build(
                event, life, EngineRef(name=engine, version=version)
            )
            reports = replace(life.state.reports, undelivered=statement)
            life.save(replace(life.state, reports=reports))
            self._deliver(life, statement)
        except TrustacksError as error:
            return replace(event, report_code=error.code)
        self._said, self._said_at = _gist(event), event.at
        return event

    def _due(self, event: Event) -> bool:
        if self._said_at is None or _gist(event) != self._said:
            return True
        return event.at >= self._said_at + timedelta(seconds=HEARTBEAT_S)

    def _build(self, event: Event, life: Life, engine: EngineRef) -> bytes:
        active = life.active.release if life.active else None
        return build_report(
            event,
            workspace=self._workspace,
            runner=self._runner,
            form=self._form,
            engine=engine,
            active=active,
            chain=life.state.reports,
            checkpoint=active.predicate.checkpoint if active else None,
        )

    def _deliver(self, life: Life, statement: bytes) -> None:
        if self._reporter is None:
            return
        self._reporter.report(statement)
        reports = delivered(life.state.reports, statement)
        life.save(replace(life.state, reports=reports))


def build_report(
    event: Event,
    *,
    workspace: Digest,
    runner: str,
    form: Form,
    engine: EngineRef,
    active: VerifiedRelease | None,
    chain: ReportChain,
    checkpoint: str | None,
) -> bytes:
    """Return the statement that says what a step came to."""
    # A refused result is false; its checks are what the report is for.
    checks = () if event.result is None else event.result.checks
    predicate = RunnerReportPredicate(
        workspace=workspace,
        runner=runner,
        sequence=chain.sequence + 1,
        previous=chain.previous,
        at=event.at,
        outcome=event.outcome,
        code=event.code,
        revision=active.revision if active else None,
        release=active.digest if active else None,
        content=active.content if active else None,
        form=form,
        engine=engine,
        checks=tuple(
            ReportedCheck(id=c.id, status=c.status, code=c.code) for c in checks
        ),
        checkpoint=checkpoint,
    )
    subject = (
        Subject("bundle.tar.gz", active.archive)
        if active
        else Subject("1.root.json", workspace)
    )
    return build_statement([subject], predicate)


def delivered(chain: ReportChain, statement: bytes) -> ReportChain:
    """Return the chain after a statement was delivered."""
    return replace(
        chain,
        sequence=chain.sequence + 1,
        previous=Digest.of(pae(IN_TOTO, statement)),
        undelivered=None,
    )


def _gist(event: Event) -> tuple[object, ...]:
    return event.outcome == HELD, event.code, event.revision
