# SPDX-License-Identifier: Apache-2.0
"""Group commit: many threads submit, one of them writes for all that wait.

No thread of its own and no timer: one of the waiting threads leads, and commits all
that wait by then. A disk that takes long makes the groups larger.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from control_plane.log.limits import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES
from keys.errors import StorageUnavailableError, TrustacksError
from signer.tlog.entry import LogEntry

# Appends all bodies in one commit; returns one entry for each.
Commit = Callable[[Sequence[bytes]], Sequence[LogEntry]]


@dataclass(slots=True)
class _Submission:
    bodies: tuple[bytes, ...]
    entries: list[LogEntry] = field(default_factory=list)
    failure: TrustacksError | None = None
    done: bool = False


class Group:
    """Merges concurrent submissions into commits, in the order they came.

    Args:
        commit: Called by one thread at a time.
    """

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._waiting: deque[_Submission] = deque()
        self._leading = False
        self._changed = threading.Condition()

    def submit(self, bodies: tuple[bytes, ...]) -> list[LogEntry]:
        """Append ``bodies`` together, and return when they are durable.

        Raises:
            TrustacksError: The commit failed; for all submissions that it held.
        """
        ours = _Submission(bodies)
        with self._changed:
            self._waiting.append(ours)
        while not self._done_or_leader(ours):
            self._lead()
        if ours.failure is not None:
            raise ours.failure
        return ours.entries

    def _done_or_leader(self, ours: _Submission) -> bool:
        """Wait until ``ours`` is done (true), or this thread has to lead (false)."""
        with self._changed:
            self._changed.wait_for(lambda: ours.done or not self._leading)
            self._leading = self._leading or not ours.done
            return ours.done

    def _lead(self) -> None:
        group: list[_Submission] = []
        failure: TrustacksError = StorageUnavailableError(
            "expected the log's writer to finish, got an interruption",
            hint="submit it again",
        )
        try:
            group = self._take()
            entries = iter(self._commit([b for s in group for b in s.bodies]))
            for submission in group:
                submission.entries = list(islice(entries, len(submission.bodies)))
        except TrustacksError as error:
            failure = error
        finally:
            for submission in group:
                submission.failure = None if submission.entries else failure
                submission.done = True
            with self._changed:
                self._leading = False
                self._changed.notify_all()

    def _take(self) -> list[_Submission]:
        """Take submissions from the front, at least one, within the bounds."""
        count, size = 0, 0
        group: list[_Submission] = []
        with self._changed:
            while self._waiting:
                bodies = self._waiting[0].bodies
                count, size = count + len(bodies), size + sum(map(len, bodies))
                if group and (count > MAX_BATCH_ENTRIES or size > MAX_BATCH_BYTES):
                    break
                group.append(self._waiting.popleft())
        return group
