# SPDX-License-Identifier: Apache-2.0
"""A Runner between its start and its end: state on disk, and what decides, in memory.

Memory follows the disk: what is not stored is not in force. Methods that write are
called by one step at a time; readers see a whole value, old or new.
"""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bundle.gate import AcceptedTrust, Candidate, VerifiedRelease
from bundle.gate.forward import check_clock
from bundle.limits import CLOCK_SKEW_S
from bundle.marks import Marks
from bundle.rego.engine import Engine
from bundle.runner.activate import activate
from bundle.runner.active import Active
from bundle.runner.decisions import DecisionChain
from bundle.runner.start import Started
from bundle.runner.state import State, store_state
from bundle.runner.store import store_trust
from keys.errors import TrustacksError


class Life:
    """What a Runner has and knows.

    Args:
        directory: Its state directory.
        started: What was found there.
        engine: Loads releases.
    """

    def __init__(self, directory: Path, started: Started, engine: Engine) -> None:
        self._directory, self._engine = directory, engine
        self.state: State = started.state
        self.chain: DecisionChain = started.chain
        self.active: Active | None = started.active
        self._problem = started.problem
        self._swapping = threading.Lock()

    @property
    def marks(self) -> Marks | None:
        """What may not go backwards."""
        return self.state.marks

    def save(self, state: State) -> None:
        """Store a state, then have it.

        Raises:
            StorageUnavailableError: The old one stays, here and on disk.
        """
        store_state(self._directory, state)
        self.state = state

    def accept_trust(
        self, trust: AcceptedTrust, candidate: Candidate, at: datetime
    ) -> None:
        """Keep trust that the gate accepted, and judge the active release by it.

        Raises:
            StorageError: The old trust stays.
        """
        marks = trust.marks.over(self.marks)
        if self.marks is None or self.marks.targets_digest != marks.targets_digest:
            store_trust(self._directory, marks.targets_digest, candidate)
        if self.marks is None or replace(self.marks, at=marks.at) != marks:
            self.save(replace(self.state, marks=marks))
        if self.active:
            self._judge(self.active.judged(trust, at))

    def activate(
        self, candidate: Candidate, release: VerifiedRelease, at: datetime
    ) -> None:
        """Put a release in force; see ``bundle.runner.activate``.

        Raises:
            ProbeFailedError: It does not load; what was active stays.
            StorageError: A write failed; what was active stays.
        """
        active = activate(
            self._directory,
            self.state,
            candidate,
            release,
            engine=self._engine,
            at=at,
            save=self.save,
        )
        with self._swapping:
            before, self.active, self._problem = self.active, active, None
        if before:
            before.stack.close()

    def current(self, at: datetime) -> Active | None:
        """Return what decides, judged again if time took somebody's right to sign."""
        active = self.active
        if active is None or not active.outlived(at):
            return active
        judged = active.judged(active.trust, at)
        with self._swapping:
            if self.active is active:
                self.active = judged
        return judged

    def refusal(self, at: datetime) -> TrustacksError | None:
        """Return why nothing may be decided at ``at``, or ``None``.

        Nothing active is no refusal: that denies by itself.
        """
        try:
            check_clock(self.marks, at)
        except TrustacksError as error:
            return error
        active = self.current(at)
        return active.standing(at).refusal if active else self._problem

    def tick(self, at: datetime) -> None:
        """Raise the mark of time, not more often than the skew makes a difference.

        Raises:
            StorageUnavailableError: The old mark stays.
        """
        marks = self.marks
        if marks and at >= marks.at + timedelta(seconds=CLOCK_SKEW_S):
            self.save(replace(self.state, marks=replace(marks, at=at)))

    def _judge(self, active: Active) -> None:
        """Remember since when, so that a restart does not begin a grace anew."""
        with self._swapping:
            self.active = active
        if active.void_since != self.state.void_since:
            self.save(replace(self.state, void_since=active.void_since))
