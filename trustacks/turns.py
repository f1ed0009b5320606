# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is where many publishers release one overlay at once.

One of them wins, all others build on the winner and try again. If they came back in any
order, some would lose for ever: whoever has just won begins without a loss, well ahead
of everybody who is still being told. So each waits before a try, the shorter the more
tries it has lost, and whoever won against others waits longest before its next release.
Nobody counts anybody: a turn is measured in tries of one's own, which take as long as
the machine, the network and the crowd make them.

Who has lost nothing, neither now nor in its release before, does not wait at all.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trustacks.limits import MAX_TURN_S, MIN_TURN_S

# Tries of its own that a newcomer lets pass, at most; half as many at the least. With
# eight or sixteen publishers at work, those who have lost most are then nearly alone.
_NEWCOMER: Final = 10


def pause(lost: int, *, took_s: float, draw: float) -> float:
    """Return how many seconds to wait before a try among others.

    Args:
        lost: Tries of this release that were lost.
        took_s: Seconds that the last of them took.
        draw: At random, from 0 to under 1.
    """
    turn = min(max(took_s, MIN_TURN_S), MAX_TURN_S)
    return _NEWCOMER * turn * (1 + draw) / 2 / (lost + 1)


@dataclass(slots=True)
class Turns:
    """The turns of one publisher, release after release.

    Attributes:
        wait: Waits for so many seconds.
        monotonic: Seconds that never go back.
        draw: Returns a number from 0 to under 1, each as likely.
    """

    wait: Callable[[float], object] = threading.Event().wait
    monotonic: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = secrets.SystemRandom().random
    _lost: int = 0
    _among_others: bool = False
    _began: float = 0.0
    _took: float = 0.0

    def begin(self) -> None:
        """Wait for the next try, if others are at work."""
        if self._among_others:
            self.wait(pause(self._lost, took_s=self._took, draw=self.draw()))
        self._began = self.monotonic()

    def lost(self) -> None:
        """Say that somebody else was first."""
        self._took = self.monotonic() - self._began
        self._lost += 1
        self._among_others = True

    def won(self) -> None:
        """Say that the release is published; the next one begins anew."""
        self._among_others = self._lost > 0
        self._lost = 0
