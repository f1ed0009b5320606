# SPDX-License-Identifier: Apache-2.0
"""Begin: from an empty directory, or from one that is not trusted (DESIGN 9, T7).

What was active is judged again from its stored bytes, as of the instant when it was
accepted, and then as it stands under the newest trust now. What was pending begins
again at step B of ``activate``.
"""

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bundle.gate import AcceptedTrust, Candidate, check_release
from bundle.gate.steps_trust import TRUST_PLAN, check_trust
from bundle.rego.engine import Engine
from bundle.runner.activate import finish, step_back
from bundle.runner.active import Active, load_active
from bundle.runner.decisions import DecisionChain
from bundle.runner.errors import RunnerStateDamagedError, RunnerStateForeignError
from bundle.runner.state import Activation, State, load_state, store_state
from bundle.runner.store import clean, load_release, load_trust
from bundle.verifier import require_pinned
from keys.digest import Digest
from keys.durable import remove_temporary
from keys.errors import FormatError, NotFoundError, TrustacksError
from signer.steps import StepRecorder


@dataclass(frozen=True, slots=True)
class Started:
    """What a start found.

    Attributes:
        state: As it is stored now.
        chain: The chain of decision records.
        active: What decides, or ``None``.
        problem: Why something that was active does not decide.
    """

    state: State
    chain: DecisionChain
    active: Active | None = None
    problem: TrustacksError | None = None


def start(
    directory: Path,
    *,
    runner: str,
    workspace: Digest,
    root: bytes,
    engine: Engine,
    at: datetime,
) -> Started:
    """Read the directory and put in force what may still be.

    Args:
        directory: The Runner's.
        runner: Its id.
        workspace: Its workspace.
        root: The pinned root. What was accepted under another pin decides nothing; the
            marks that it left stay, because all that marks can do is refuse.
        engine: Judges and loads.
        at: Now.

    Raises:
        RunnerStateDamagedError: The state cannot be read, or is partly missing.
        RunnerStateForeignError: It is another Runner's, or of another workspace.
        StorageError: The disk does not answer.
    """
    state = load_state(directory)
    if state is None:
        state = State(runner)
        store_state(directory, state)
    _check_own(state, runner, workspace)
    _clean(directory, state)
    chain = DecisionChain(directory, fresh=state.fresh)
    begun = Started(state, chain)
    stored = _Stored(directory, root)
    begun = _resume_pending(begun, stored, engine, at)
    if begun.active is None and begun.state.active:
        begun = _resume_active(begun, stored, engine, at)
    return begun


def _clean(directory: Path, state: State) -> None:
    """Clear what a kill left: half-written files, and files that nothing names."""
    kept = [state.active.release.digest] if state.active else []
    kept += [state.pending.digest] if state.pending else []
    kept += [state.marks.targets_digest] if state.marks else []
    clean(directory, kept)
    with contextlib.suppress(OSError):
        remove_temporary(directory)


def _check_own(state: State, runner: str, workspace: Digest) -> None:
    if state.runner != runner:
        raise RunnerStateForeignError(
            f"expected the state of Runner {runner}, got that of {state.runner}"
        )
    if state.marks and state.marks.workspace != workspace:
        raise RunnerStateForeignError(
            f"expected the state of workspace {workspace}, "
            f"got that of {state.marks.workspace}",
            hint="another workspace needs a directory of its own",
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored in a directory, of the pinned root and no other.

    Attributes:
        directory: The Runner's.
        root: The pinned root.
    """

    directory: Path
    root: bytes

    def release(self, digest: Digest) -> Candidate:
        """Read a release.

        Raises:
            PinnedRootError: It was accepted under another pin.
        """
        return self._pinned(load_release(self.directory, digest))

    def trust(self, digest: Digest) -> Candidate:
        """Read the newest trust.

        Raises:
            PinnedRootError: It was accepted under another pin.
        """
        return self._pinned(load_trust(self.directory, digest))

    def _pinned(self, candidate: Candidate) -> Candidate:
        """DESIGN 9, T8: what an embedded root vouched for ends with its pin."""
        require_pinned(candidate.roots, self.root)
        return candidate


def _resume_pending(
    begun: Started, stored: _Stored, engine: Engine, at: datetime
) -> Started:
    """Finish an activation that a kill interrupted, or leave it."""
    state, pending = begun.state, begun.state.pending
    if pending is None:
        return begun
    directory = stored.directory
    saved = _Saved(directory, state)
    try:
        candidate = stored.release(pending.digest)
        judged = check_release(candidate, marks=state.marks, at=at, engine=engine)
        active = finish(
            directory, state, judged.require(), engine=engine, at=at, save=saved.save
        )
    except TrustacksError:
        # The next step fetches it again, and says what is wrong with it.
        step_back(directory, saved.state, saved.save)
        return replace(begun, state=saved.state)
    return replace(begun, state=saved.state, active=active)


def _resume_active(
    begun: Started, stored: _Stored, engine: Engine, at: datetime
) -> Started:
    activation = begun.state.active
    if activation is None:
        return begun
    try:
        active = _reload(stored, activation, engine)
        active = replace(active, void_since=begun.state.void_since)
        trust = _newest_trust(stored, begun.state, active.trust)
    except TrustacksError as error:
        return replace(begun, problem=error)
    # Not before the last accepted time: a clock may be behind it by the skew.
    return replace(begun, active=active.judged(trust, max(at, trust.marks.at)))


def _reload(stored: _Stored, activation: Activation, engine: Engine) -> Active:
    """Judge the stored bytes as of their acceptance; their digest is in our state."""
    try:
        candidate = stored.release(activation.release.digest)
    except (NotFoundError, FormatError) as error:
        raise RunnerStateDamagedError(
            f"expected the active release on disk: {error}",
            hint="the next step fetches it again",
        ) from error
    release = check_release(
        candidate,
        marks=None,
        at=activation.at,
        engine=engine,
        floor=activation.release,
    ).require()
    if release.known != activation.release:
        raise RunnerStateDamagedError(
            f"expected release {activation.release.digest} on disk, "
            f"got {release.digest}"
        )
    return load_active(release, engine=engine, at=activation.at)


def _newest_trust(stored: _Stored, state: State, trust: AcceptedTrust) -> AcceptedTrust:
    """Return the trust that the marks name: the release's own, or one after it."""
    marks = state.marks
    if marks is None or marks.targets_digest == trust.view.targets_digest:
        return trust
    try:
        candidate = stored.trust(marks.targets_digest)
    except (NotFoundError, FormatError) as error:
        raise RunnerStateDamagedError(
            f"expected the newest trust on disk: {error}",
            hint="the next step fetches it again",
        ) from error
    steps = StepRecorder(TRUST_PLAN)
    newest = None
    with steps:
        newest = check_trust(steps, candidate, marks=marks, at=marks.at)
    steps.result(subject="trust", at=marks.at).require()
    if newest is None or newest.view.targets_digest != marks.targets_digest:
        raise RunnerStateDamagedError("expected the newest trust on disk, got another")
    return newest


@dataclass(slots=True)
class _Saved:
    """Remembers what it stored last."""

    directory: Path
    state: State

    def save(self, state: State) -> None:
        store_state(self.directory, state)
        self.state = state
