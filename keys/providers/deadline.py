# SPDX-License-Identifier: Apache-2.0
"""A call that ends in time, whoever it calls.

A socket's timeout is of silence: a byte now and then keeps a call alive for ever, and
a call into an HSM's library has no timeout at all. So the call runs in a thread of its
own. One that is late cannot be stopped; it is left behind, and what it brings is not
used. ``MAX_CALLS`` bounds how many can be left behind.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final, TypeVar

from keys.errors import KeyTimeoutError, KeyUnavailableError
from keys.providers.limits import MAX_CALLS

T = TypeVar("T")

_CALLS: Final = threading.BoundedSemaphore(MAX_CALLS)


def within(
    deadline_s: float,
    call: Callable[[], T],
    *,
    what: str,
    turn: "threading.Lock | None" = None,
) -> T:
    """Return what ``call`` returns, or raise what it raises, in time.

    Args:
        deadline_s: Seconds, waiting for a turn included.
        call: What to do.
        what: What answers, for messages.
        turn: Held while ``call`` runs, also after its deadline: one call at a time.

    Raises:
        KeyTimeoutError: It was not done in time.
        KeyUnavailableError: Too many calls hang already.
    """
    ends_at = time.monotonic() + deadline_s
    if turn is not None and not turn.acquire(timeout=deadline_s):
        raise _late(what, deadline_s)
    if not _CALLS.acquire(timeout=max(0, ends_at - time.monotonic())):
        _release(turn)
        raise KeyUnavailableError(
            f"{what}: expected at most {MAX_CALLS} calls under way, got more"
        )
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            answer.set_exception(error)
        finally:
            _CALLS.release()
            _release(turn)

    try:
        threading.Thread(target=run, name=f"key: {what}", daemon=True).start()
    except RuntimeError as error:
        _CALLS.release()
        _release(turn)
        raise KeyUnavailableError(f"{what}: no thread can be started") from error
    wait([answer], timeout=max(0, ends_at - time.monotonic()))
    if not answer.done():
        raise _late(what, deadline_s)
    return answer.result()


def _release(turn: "threading.Lock | None") -> None:
    if turn is not None:
        turn.release()


def _late(what: str, deadline_s: float) -> KeyTimeoutError:
    return KeyTimeoutError(
        f"{what}: expected an answer within {deadline_s:g} seconds, got none",
        hint="nothing was signed that anybody can use; run it again",
    )
