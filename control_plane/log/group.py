# SPDX-License-Identifier: Apache-2.0
"""Group commit: many threads submit, one of them writes for all that wait.

No thread of its own and no timer: one of the waiting threads leads, and commits all
that wait by then. A disk that takes long makes the groups larger. The log has one such
group of leaves; a workspace has one of whole attestations (``workflows.recording``).
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from control_plane.log.limits import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES
from keys.errors import StorageUnavailableError, TrustacksError

Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(slots=True)
class _Submission(Generic[Item, Done]):
    items: tuple[Item, ...]
    done_items: list[Done] = field(default_factory=list)
    failure: TrustacksError | None = None
    done: bool = False


class Group(Generic[Item, Done]):
    """Merges concurrent submissions into commits, in the order they came.

    Args:
        size: Returns how many bytes of a batch an item takes.
    """

    def __init__(self, *, size: Callable[[Item], int]) -> None:
        self._size = size
        self._waiting: deque[_Submission[Item, Done]] = deque()
        self._leading = False
        self._changed = threading.Condition()

    def submit(
        self,
        items: tuple[Item, ...],
        commit: Callable[[Sequence[Item]], Sequence[Done]],
    ) -> list[Done]:
        """Commit ``items`` together, and return when they are durable.

        Args:
            items: At least one.
            commit: Commits all that wait, and returns one result for each; whoever
                leads calls their own, one thread at a time. All must do the same.

        Raises:
            TrustacksError: The commit failed; for all submissions that it held.
        """
        ours = _Submission[Item, Done](items)
        with self._changed:
            self._waiting.append(ours)
        while not self._done_or_leader(ours):
            self._lead(commit)
        if ours.failure is not None:
            raise ours.failure
        return ours.done_items

    def _done_or_leader(self, ours: _Submission[Item, Done]) -> bool:
        """Wait until ``ours`` is done (true), or this thread has to lead (false)."""
        with self._changed:
            self._changed.wait_for(lambda: ours.done or not self._leading)
            self._leading = self._leading or not ours.done
            return ours.done

    def _lead(self, commit: Callable[[Sequence[Item]], Sequence[Done]]) -> None:
        group: list[_Submission[Item, Done]] = []
        failure: TrustacksError = StorageUnavailableError(
            "expected the writer to finish, got an interruption",
            hint="submit it again",
        )
        try:
            group = self._take()
            done = iter(commit([item for s in group for item in s.items]))
            for submission in group:
                submission.done_items = list(islice(done, len(submission.items)))
        except TrustacksError as error:
            failure = error
        finally:
            for submission in group:
                submission.failure = None if submission.done_items else failure
                submission.done = True
            with self._changed:
                self._leading = False
                self._changed.notify_all()

    def _take(self) -> list[_Submission[Item, Done]]:
        """Take submissions from the front, at least one, within the bounds."""
        count, size = 0, 0
        group: list[_Submission[Item, Done]] = []
        with self._changed:
            while self._waiting:
                items = self._waiting[0].items
                count, size = count + len(items), size + sum(map(self._size, items))
                if group and (count > MAX_BATCH_ENTRIES or size > MAX_BATCH_BYTES):
                    break
                group.append(self._waiting.popleft())
        return group
