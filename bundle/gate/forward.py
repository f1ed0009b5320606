# SPDX-License-Identifier: Apache-2.0
"""Nothing goes backwards: time, root, targets, log, revision (DESIGN 9, T7).

Each function states one sentence and returns nothing. Without marks there is nothing
to go back from; that a Runner without state needs a floor is ``bundle.gate.chain``'s.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from bundle.gate.chain import Link
from bundle.gate.errors import (
    CheckpointMissingError,
    ClockBehindError,
    LogRollbackError,
    MarksForeignError,
    RevisionForkedError,
    RevisionRollbackError,
    RootRollbackError,
    TargetsRollbackError,
    VersionReusedError,
)
from bundle.gate.verdict import AcceptedTrust
from bundle.limits import CLOCK_SKEW_S
from bundle.marks import Known, LogMark, Marks
from bundle.tuf.view import TufView
from keys.clock import format_instant
from keys.digest import Digest
from signer.tlog.checkpoint import Checkpoint, open_checkpoint
from signer.tlog.errors import InconsistentError
from signer.tlog.note import parse_note
from signer.trusted_root import TrustedRoot


def check_clock(marks: Marks | None, at: datetime) -> None:
    """Refuse an instant before the last accepted one, less the skew.

    Raises:
        ClockBehindError: The clock went back.
    """
    if marks and at < marks.at - timedelta(seconds=CLOCK_SKEW_S):
        raise ClockBehindError(
            f"expected a time from {format_instant(marks.at)}, "
            f"got {format_instant(at)}",
            hint="set the clock of this machine",
        )


def check_workspace_kept(marks: Marks | None, view: TufView) -> None:
    """Refuse a workspace other than the marks'.

    Raises:
        MarksForeignError: Another genesis root.
    """
    if marks and marks.workspace != view.workspace:
        raise MarksForeignError(
            f"expected workspace {marks.workspace}, got {view.workspace}"
        )


def check_root_forward(marks: Marks | None, view: TufView) -> None:
    """Refuse an older root, or another one of the same version.

    Raises:
        RootRollbackError: It is older.
        VersionReusedError: Same version, other bytes.
    """
    if marks and view.root_version < marks.root_version:
        raise RootRollbackError(
            f"expected root version {marks.root_version} or higher, "
            f"got {view.root_version}"
        )
    if marks and view.root_version == marks.root_version:
        _same(f"root {view.root_version}", marks.root_digest, view.root_digest)


def check_targets_forward(marks: Marks | None, view: TufView) -> None:
    """Refuse older targets, or other ones of the same version.

    Raises:
        TargetsRollbackError: They are older.
        VersionReusedError: Same version, other bytes.
    """
    if marks and view.targets_version < marks.targets_version:
        raise TargetsRollbackError(
            f"expected targets version {marks.targets_version} or higher, "
            f"got {view.targets_version}"
        )
    if marks and view.targets_version == marks.targets_version:
        _same(
            f"targets {view.targets_version}", marks.targets_digest, view.targets_digest
        )


def check_revision_forward(marks: Marks | None, release: Known) -> None:
    """Refuse a lower revision than the marked one, or another release at it.

    Raises:
        RevisionRollbackError: It is lower.
        RevisionForkedError: Same revision, another release.
    """
    known = marks and marks.release
    if not known:
        return
    if release.revision < known.revision:
        raise RevisionRollbackError(
            f"expected revision {known.revision} or higher, got {release.revision}"
        )
    if release.revision == known.revision and release.digest != known.digest:
        raise RevisionForkedError(
            f"expected release {known.digest} at revision {known.revision}, "
            f"got {release.digest}"
        )


def open_embedded_checkpoint(text: str, trusted_root: TrustedRoot) -> Checkpoint:
    """Verify a checkpoint inside signed metadata or a release with its log's key.

    Raises:
        CheckpointMissingError: There is none, or of no log that is trusted.
        TrustacksError: It does not verify.

    Source: DESIGN 9, T10.
    """
    raw = text.encode()
    origin = parse_note(raw).text.split("\n", 1)[0]
    for log in trusted_root.logs:
        if log.origin == origin:
            return open_checkpoint(raw, origin=origin, key=log.key)
    raise CheckpointMissingError(
        f"expected a checkpoint of a trusted log, got {origin}"
    )


def check_log_same(marks: Marks | None, seen: Checkpoint) -> None:
    """Refuse another tree of the size that is marked: the log forked.

    A smaller size is no proof of anything here: targets are made before the releases
    that stand on them.

    Raises:
        InconsistentError: Equal size, another tree.
    """
    if marks and marks.log and marks.log.size == seen.size:
        check_log_forward(marks.log, seen)


def check_log_along(
    walked: Sequence[Link], accepted: AcceptedTrust, marks: Marks | None
) -> Checkpoint:
    """Verify the checkpoint of every release, each at least as large as the older.

    Args:
        walked: Releases, newest first.
        accepted: Trust; its targets were made before the newest release.
        marks: What was seen before.

    Returns:
        The newest release's checkpoint.

    Raises:
        LogRollbackError: One is smaller than the one before, or than what is marked.
        InconsistentError: Two trees of one size.
        TrustacksError: A checkpoint that does not verify.
    """
    trusted_root = accepted.trust.trusted_root
    opened = [
        open_embedded_checkpoint(link.release.checkpoint, trusted_root)
        for link in walked
    ]
    for newer, older in pairwise(opened):
        check_log_forward(mark_log(older), newer)
    targets = open_embedded_checkpoint(accepted.view.checkpoint, trusted_root)
    check_log_forward(mark_log(targets), opened[0])
    check_log_forward(marks.log if marks else None, opened[0])
    return opened[0]


def check_log_forward(older: LogMark | None, newer: Checkpoint) -> None:
    """Refuse a smaller log than one seen before, or another one of equal size.

    Between two sizes, consistency is proved by replay, which has the leaves.

    Raises:
        LogRollbackError: It is smaller.
        InconsistentError: Equal size, another tree.
    """
    if older is None or older.origin != newer.origin:
        return
    if newer.size < older.size:
        raise LogRollbackError(
            f"expected a log of {older.size} entries or more, got {newer.size}"
        )
    if newer.size == older.size and newer.root != older.tree_hash.raw:
        raise InconsistentError(
            f"expected tree {older.tree_hash.short} at size {newer.size}, "
            f"got {newer.root.hex()[:12]}"
        )


def mark_log(checkpoint: Checkpoint) -> LogMark:
    """Return the mark that a checkpoint sets."""
    return LogMark(checkpoint.origin, checkpoint.size, Digest(checkpoint.root.hex()))


def mark_view(view: TufView, log: Checkpoint, at: datetime) -> Marks:
    """Return the marks that accepted metadata sets."""
    return Marks(
        workspace=view.workspace,
        root_version=view.root_version,
        root_digest=view.root_digest,
        targets_version=view.targets_version,
        targets_digest=view.targets_digest,
        at=at,
        log=mark_log(log),
    )


def mark_release(marks: Marks, release: Known, log: Checkpoint) -> Marks:
    """Return the marks that an accepted release sets, above those of its metadata."""
    return replace(marks, release=release, log=mark_log(log))


def _same(what: str, marked: Digest, got: Digest) -> None:
    if marked != got:
        raise VersionReusedError(f"{what}: expected digest {marked}, got {got}")
