# SPDX-License-Identifier: Apache-2.0
"""Put an accepted release in force, so that a kill at any instant leaves a gate.

::

    A fetch into the client's own cache      kill: nothing of ours changed
    B gate -> GateResult                     refused: held; the active release stays
    C write releases/<digest>.tar            kill: a file that nothing names
    D state: pending, high-water marks       kill: the next start begins again at B
    E point ``current`` at it                kill: the same; ``current`` decides nothing
    F probe: load, and answer the canary     failed: back to what was; marks stay up
    G state: active, pending cleared         THE COMMIT

Until G the release that was active decides, in memory and after a restart. From G on
the new one does. The marks stay up after a failed probe, so that a failure cannot be
used to go lower (DESIGN 9, Rollback). ``current`` is for people and for stock OPA; the
Runner itself never follows it.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bundle.gate import Candidate, VerifiedRelease
from bundle.rego.engine import Engine
from bundle.runner.active import Active, load_active
from bundle.runner.errors import ProbeFailedError
from bundle.runner.state import Activation, State
from bundle.runner.store import CURRENT, RELEASES, clean, store_release
from keys.durable import replace_symlink

Save = Callable[[State], None]


def activate(
    directory: Path,
    state: State,
    candidate: Candidate,
    release: VerifiedRelease,
    *,
    engine: Engine,
    at: datetime,
    save: Save,
) -> Active:
    """Do steps C to G for a release that the gate accepted.

    Args:
        directory: The Runner's state directory.
        state: As it was stored last.
        candidate: The bytes of the release.
        release: What the gate made of them.
        engine: Loads it.
        at: The instant of acceptance.
        save: Stores a state, durably.

    Raises:
        ProbeFailedError: It does not load; what was active stays.
        StorageError: A write failed; what was active stays, and the next start or
            step finishes or begins again.
    """
    store_release(directory, release.digest, candidate)  # C
    marked = replace(
        state,
        marks=release.marks.over(state.marks),
        pending=release.known,
        void_since=None,
    )
    save(marked)  # D
    return finish(directory, marked, release, engine=engine, at=at, save=save)


def finish(
    directory: Path,
    marked: State,
    release: VerifiedRelease,
    *,
    engine: Engine,
    at: datetime,
    save: Save,
) -> Active:
    """Do steps E to G: also at a start that finds a pending release.

    Raises:
        ProbeFailedError: It does not load; what was active stays.
        StorageError: A write failed.
    """
    point_at(directory, release.known.digest.hex)  # E
    try:
        active = load_active(release, engine=engine, at=at)  # F
    except ProbeFailedError:
        step_back(directory, marked, save)
        raise
    committed = replace(marked, active=Activation(release.known, at), pending=None)
    save(committed)  # G
    clean(directory, [release.digest, release.view.targets_digest])
    return active


def step_back(directory: Path, state: State, save: Save) -> None:
    """Leave a pending release: what was active is what is current.

    Raises:
        StorageError: A write failed; the next start does it again.
    """
    if state.active:
        point_at(directory, state.active.release.digest.hex)
    else:
        with contextlib.suppress(OSError):
            (directory / CURRENT).unlink(missing_ok=True)
    save(replace(state, pending=None))


def point_at(directory: Path, name: str) -> None:
    """Point ``current`` at a stored release.

    Raises:
        StorageUnavailableError: It points where it did.
    """
    replace_symlink(directory / CURRENT, f"{RELEASES}/{name}.tar")
