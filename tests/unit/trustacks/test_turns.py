# SPDX-License-Identifier: Apache-2.0
"""Turns of publishers: a model of eight that release at once, and the law by itself.

The model is a Control Plane with one lock and publishers as they are, on a clock of its
own: read the newest release, sign, log under the lock, submit under the lock. Its times
were taken from a release on loopback.
"""

import heapq
import random
from dataclasses import dataclass, field

import pytest

from trustacks import limits
from trustacks.turns import Turns, pause

# Seconds: read the newest release, sign and stamp, log, publish, refuse.
READ, SIGN, LOG, PUBLISH, REFUSE = 0.15, 0.08, 0.14, 0.32, 0.01
# Seconds between an answer and what follows from it.
HOP = 0.01


@dataclass
class Publisher:
    """One who releases again and again; its time stands while the model's goes on."""

    draw: object
    left: int
    kind: type = Turns
    now: float = 0.0
    tries: int = 0
    built_on: int = -1
    waited: list = field(default_factory=list)

    def __post_init__(self):
        self.turns = self.kind(self._wait, lambda: self.now, self.draw)

    def _wait(self, seconds):
        self.waited.append(seconds)
        self.now += seconds


class Race:
    """Publishers at one Control Plane, which serves whoever asked first."""

    def __init__(self, publishers, each, *, seed, slow=1.0, kind=Turns):
        self._random = random.Random(seed)
        self._slow = slow
        self._events, self._count, self._now = [], 0, 0.0
        self._locked, self._queue, self._head = False, [], 0
        self.tries = []
        draw = self._random.random
        self.all = [Publisher(draw, each, kind) for _ in range(publishers)]
        for one in self.all:
            self._in(self._random.random() * HOP, self._begin, one)

    def run(self):
        while self._events:
            self._now, _, act, arguments = heapq.heappop(self._events)
            act(*arguments)
        return self.tries

    def _in(self, seconds, act, *arguments):
        self._count += 1
        event = (self._now + seconds, self._count, act, arguments)
        heapq.heappush(self._events, event)

    def _taking(self, seconds):
        return seconds * self._slow * self._random.lognormvariate(0, 0.35)

    def _begin(self, one):
        one.now = self._now
        one.turns.begin()
        self._in(one.now - self._now + self._taking(READ) / 2, self._read, one)

    def _read(self, one):
        one.built_on = self._head
        rest = self._taking(READ) / 2 + self._taking(SIGN)
        self._in(rest, self._ask, one, self._log)

    def _ask(self, one, work):
        self._queue.append((one, work))
        self._serve()

    def _serve(self):
        if self._queue and not self._locked:
            self._locked = True
            one, work = self._queue.pop(0)
            work(one)

    def _free(self):
        self._locked = False
        self._serve()

    def _log(self, one):
        took = self._taking(LOG)
        self._in(took, self._free)
        self._in(took + HOP, self._ask, one, self._submit)

    def _submit(self, one):
        one.tries += 1
        won = one.built_on == self._head
        took = self._taking(PUBLISH if won else REFUSE)
        self._in(took, self._answer, one, won)

    def _answer(self, one, won):
        one.now = self._now
        if won:
            self._head += 1
            self.tries.append(one.tries)
            one.left, one.tries = one.left - 1, 0
            one.turns.won()
        else:
            one.turns.lost()
        if one.left:
            self._in(HOP, self._begin, one)
        self._free()


@pytest.mark.parametrize("slow", [0.3, 1.0, 3.0], ids=["fast", "usual", "slow"])
def test_eight_publishers_of_25_need_far_less_than_50_tries(slow):
    for seed in range(20):
        tries = Race(8, 25, seed=seed, slow=slow).run()
        assert len(tries) == 200
        assert max(tries) <= 35, f"seed {seed}"
        assert sum(tries) / len(tries) < 4, f"seed {seed}"


class OnlyJitter(Turns):
    """Everybody who lost comes back within a quarter of a second."""

    def begin(self):
        if self._lost:
            self.wait(self.draw() / 4)


def test_without_turns_somebody_starves_as_was_seen_of_real_publishers():
    """The model is not kinder than the world."""
    races = [Race(8, 25, seed=seed, kind=OnlyJitter) for seed in range(5)]
    assert max(max(race.run()) for race in races) > limits.MAX_RELEASE_TRIES


def test_one_alone_never_waits():
    race = Race(1, 25, seed=1)
    assert race.run() == [1] * 25
    assert race.all[0].waited == []


def test_who_lost_more_waits_less_whatever_the_draw():
    longest = [pause(lost, took_s=1, draw=0.999) for lost in range(50)]
    shortest = [pause(lost, took_s=1, draw=0) for lost in range(50)]
    assert longest == sorted(longest, reverse=True)
    assert shortest == sorted(shortest, reverse=True)
    # Twice as many tries lost: behind nobody who has lost half of them.
    for lost in range(1, 25):
        assert longest[2 * lost] < shortest[lost - 1]


@pytest.mark.parametrize(
    ("took", "counts"),
    [(0.0, limits.MIN_TURN_S), (0.5, 0.5), (60.0, limits.MAX_TURN_S)],
    ids=["at once", "usual", "a hanging network"],
)
def test_a_turn_is_as_long_as_a_try_within_bounds(took, counts):
    assert pause(0, took_s=took, draw=0) == pytest.approx(5 * counts)
    assert pause(0, took_s=took, draw=0.5) == pytest.approx(7.5 * counts)
    assert pause(4, took_s=took, draw=0) == pytest.approx(counts)


def publisher():
    return Publisher(lambda: 0.0, 1)


def test_the_first_try_is_at_once_and_the_next_after_as_long_as_it_took():
    one = publisher()
    one.turns.begin()
    assert one.waited == []
    one.now += 0.5
    one.turns.lost()
    one.turns.begin()
    assert one.waited == [pause(1, took_s=0.5, draw=0)]


def test_who_won_against_others_lets_them_go_first_the_next_time():
    one = publisher()
    one.turns.begin()
    one.now += 0.5
    one.turns.lost()
    one.turns.begin()
    one.turns.won()
    one.turns.begin()
    assert one.waited[1:] == [pause(0, took_s=0.5, draw=0)]
    one.turns.won()
    one.turns.begin()
    assert len(one.waited) == 2, "it lost nothing: nobody seems to be there"


def test_what_was_lost_counts_until_a_release_is_published():
    one = publisher()
    for _ in range(3):
        one.turns.begin()
        one.now += 0.5
        one.turns.lost()
    one.turns.begin()
    expected = [pause(lost, took_s=0.5, draw=0) for lost in (1, 2, 3)]
    assert one.waited == pytest.approx(expected)
