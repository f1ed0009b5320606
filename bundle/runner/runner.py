# SPDX-License-Identifier: Apache-2.0
"""The Runner: one object, three questions: step, decide, status.

Laws:

- a Runner never gets weaker: a failed step leaves what was active, or denies;
- ``step`` never raises for what it met: it returns an ``Event``, held with a code.
  Nothing else turns an exception into a value;
- ``decide`` never allows without a release that the gate accepted, in force now;
- one Runner per directory: a second one is refused (``busy``).
"""

import contextlib
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from tuf.ngclient.fetcher import FetcherInterface

from bundle.decision import Decision
from bundle.gate import check_release
from bundle.gate.forward import check_clock
from bundle.marks import Known
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Engine
from bundle.runner.collect import collect
from bundle.runner.decisions import Decider
from bundle.runner.errors import RunnerClosedError, RunnerIdError
from bundle.runner.event import ACTIVATED, UNCHANGED, Event
from bundle.runner.life import Life
from bundle.runner.report import Postman, Reporter
from bundle.runner.start import start
from bundle.runner.state import LOCK_FILE
from bundle.runner.status import RunnerStatus
from bundle.tuf.client import TufClient
from bundle.tuf.fetched import Fetched
from bundle.tuf.rootchain import open_roots
from bundle.verifier import require_pinned
from keys.clock import Clock, require_utc, utc_now
from keys.durable import make_directory
from keys.errors import StorageError, TrustacksError
from keys.lock import exclusive

# As the id of a registered identity, which the Runner's reports are signed by.
_RUNNER_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Runner:
    """Verifies, activates and decides for one workspace.

    Args:
        state: The Runner's own directory; created if missing. Keep it: a Runner
            without state is fresh, and can be given an older unexpired release.
        root: The pinned TUF root, from a channel that you trust: ``1.root.json``, or
            the root that made the workspace sovereign.
        url: Where the workspace is published, such as ``https://host/w/acme``.
        clock: The time of decisions, and of steps without ``now``.
        reporter: Where reports go; ``None`` sends none.
        runner_id: The id that records and reports carry.
        fetcher: Does the fetching; HTTP by default.
        floor: A release known to the operator, for a Runner without state.
        engine: Evaluates Rego; by default one in a limited child process.

    Raises:
        RunnerIdError: No identity can have this id.
        BusyError: Another Runner has the directory.
        StorageError: The directory cannot be used.
        TrustacksError: The root is none.
    """

    def __init__(
        self,
        *,
        state: Path | str,
        root: bytes,
        url: str,
        clock: Clock = utc_now,
        reporter: Reporter | None = None,
        runner_id: str = "runner",
        fetcher: FetcherInterface | None = None,
        floor: Known | None = None,
        engine: Engine | None = None,
    ) -> None:
        if not _RUNNER_ID.fullmatch(runner_id):
            raise RunnerIdError(f"expected an id like runner-1, got {runner_id[:80]!r}")
        pinned = open_roots([root])
        self._workspace, self._form = pinned.workspace, pinned.form
        self._directory, self._root, self._url = Path(state), root, url
        self._clock, self._floor, self._fetcher = clock, floor, fetcher
        self._id = runner_id
        self._postman = Postman(reporter, self._workspace, self._form, runner_id)
        self._stepping = threading.Lock()
        self._client: TufClient | None = None
        self._life: Life | None = None
        self._damage: TrustacksError | None = None
        self._done: tuple[object, ...] | None = None
        self._last: Event | None = None
        self._holds = contextlib.ExitStack()
        make_directory(self._directory, mode=0o700)
        self._holds.enter_context(exclusive(self._directory / LOCK_FILE))
        self._engine: Engine = engine or EmbeddedEngine()
        if engine is None:
            self._holds.callback(self._engine.close)
        with contextlib.suppress(TrustacksError):  # kept; a step tries it again
            self._begin(require_utc(clock()))

    def step(self, now: datetime | None = None) -> Event:
        """Refresh, verify, activate or hold, and report.

        Args:
            now: The instant of the step; the clock's by default.
        """
        at = require_utc(now or self._clock())
        with self._stepping:
            fresh = self._life is None or self._life.state.fresh
            try:
                event = self._step(at)
            except Exception as error:  # noqa: BLE001 - the boundary: a coded event
                event = Event.held(error, at=at, revision=self._revision)
            self._last = self._report(replace(event, fresh=fresh))
            return self._last

    def decide(
        self, proposal: Mapping[str, Any], *, head_commit: str | None = None
    ) -> Decision:
        """Answer a proposal.

        Args:
            proposal: The input, as the published schema says, without
                ``evaluated_at``, which is set here.
            head_commit: The commit that is judged, for the record.

        Raises:
            FormatError: The proposal is not what the schema says.
            EvaluatedAtRefusedError: The caller set the instant.
            HeadCommitError: The commit is none.
            RunnerClosedError: The Runner was closed.
        """
        self._require_open()
        at = require_utc(self._clock())
        life = self._life
        engine = {"name": self._engine.name, "version": self._engine.version}
        return Decider(self._workspace, self._id, engine).decide(
            proposal,
            active=life.current(at) if life else None,
            refusal=life.refusal(at) if life else self._damage,
            head_commit=head_commit,
            at=at,
            chain=life.chain if life else None,
        )

    def status(self) -> RunnerStatus:
        """Return what this Runner stands on now."""
        at, life = require_utc(self._clock()), self._life
        return RunnerStatus.of(
            life.current(at) if life else None,
            at=at,
            runner=self._id,
            workspace=self._workspace,
            form=self._form,
            marks=life.marks if life else None,
            refusal=life.refusal(at) if life else self._damage,
            last=self._last,
        )

    def close(self) -> None:
        """Give up the directory, and end the engine that was started here."""
        with self._stepping:
            self._life, self._damage = None, RunnerClosedError("the Runner is closed")
            self._holds.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _revision(self) -> int | None:
        active = self._life.active if self._life else None
        return active.release.revision if active else None

    def _step(self, at: datetime) -> Event:
        life = self._begin(at)
        check_clock(life.marks, at)
        fetched = self._fetch()
        newest = (fetched.roots, fetched.targets, fetched.release)
        if newest == self._done:
            return self._unchanged(life, at)
        self._done = None
        try:
            event = self._judge(life, fetched, at)
            self._done = newest if event.code is None else None
        finally:
            if self._done is None:
                fetched.forget_chain()
        return event

    def _judge(self, life: Life, fetched: Fetched, at: datetime) -> Event:
        gathered = collect(fetched, marks=life.marks, floor=self._floor, at=at)
        judged = check_release(
            gathered.candidate,
            marks=life.marks,
            at=at,
            engine=self._engine,
            floor=self._floor,
        )
        if judged.trust:
            life.accept_trust(judged.trust, gathered.candidate, at)
        if gathered.problem:
            raise gathered.problem
        try:
            release = judged.require()
        except TrustacksError as error:
            result = judged.result
            return Event.held(error, at=at, revision=self._revision, result=result)
        if life.active and life.active.release.known == release.known:
            return replace(self._unchanged(life, at), result=judged.result)
        life.activate(gathered.candidate, release, at)
        return Event(at, ACTIVATED, release.revision, result=judged.result)

    def _unchanged(self, life: Life, at: datetime) -> Event:
        """Nothing new; but time goes on, and may have ended what was good."""
        life.tick(at)
        if refusal := life.refusal(at):
            return Event.held(refusal, at=at, revision=self._revision)
        return Event(at, UNCHANGED, self._revision)

    def _begin(self, at: datetime) -> Life:
        """Start, or try again: what was damaged may have been put right."""
        self._require_open()
        if self._life is None:
            try:
                started = start(
                    self._directory,
                    runner=self._id,
                    workspace=self._workspace,
                    root=self._root,
                    engine=self._engine,
                    at=at,
                )
            except TrustacksError as error:
                self._damage = error
                raise
            self._life, self._damage = (
                Life(self._directory, started, self._engine),
                None,
            )
        return self._life

    def _fetch(self) -> Fetched:
        if self._client is None:
            self._client = TufClient(
                root=self._root,
                directory=self._directory / "tuf",
                url=self._url,
                fetcher=self._fetcher,
            )
        try:
            fetched = self._client.refresh()
        except StorageError:
            self._client = None  # the next step makes its directory anew
            raise
        require_pinned(fetched.roots, self._root)
        return fetched

    def _report(self, event: Event) -> Event:
        life = self._life
        if life is None:
            return event
        return self._postman.send(
            event, life, engine=self._engine.name, version=self._engine.version
        )

    def _require_open(self) -> None:
        if isinstance(self._damage, RunnerClosedError):
            raise RunnerClosedError("expected an open Runner, got a closed one")
