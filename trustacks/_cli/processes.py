# SPDX-License-Identifier: Apache-2.0
"""Much work of the same kind, in several processes of ours (ADR 0023).

Linting is half Python and half engine, and Python runs on one core: an overlay of a
thousand rules is divided among processes that each have an engine of their own. What
goes between them is pickled: the pipe's other end is this program, nobody else's.

Laws:
- results come in the order of the items, whoever was faster;
- a worker that dies is said, never waited for;
- Ctrl-C is answered by the parent alone, and no worker outlives the call.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, TypeVar

from keys.errors import TrustacksError
from trustacks._cli.garbage import look_seldom
from trustacks.errors import InternalError, WorkerLostError

Item = TypeVar("Item")
Result = TypeVar("Result")
Start = Callable[[], AbstractContextManager[Callable[[Item], Result]]]

# More than these share the memory of one machine badly; each may take a gigabyte.
MAX_WORKERS: Final = 4
# Seconds that a worker with nothing to do has to end by itself.
_GRACE: Final = 2.0


def cores() -> int:
    """Return how many workers are worth starting here."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    found = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(found, MAX_WORKERS)


def in_processes(
    start: "Start[Item, Result]", items: Sequence[Item], *, count: int
) -> Iterator[Result]:
    """Yield the result for each item, in order.

    Args:
        start: Called in each worker; what it opens gives the function for an item and
            is closed when there are no more. Must be picklable, like items and results.
        items: What there is to do.
        count: How many workers.

    Raises:
        TrustacksError: The first that a worker raised.
        WorkerLostError: A worker ended in the middle.
    """
    workers: list[tuple[Connection, BaseProcess]] = []
    try:
        for _ in range(min(count, len(items))):
            with _ctrl_c_held():
                workers.append(_started())
        for pipe, _ in workers:  # all of them start before one has read this
            _send(pipe, start)
        yield from _shared(dict(workers), items)
        for pipe, process in workers:
            pipe.close()
            process.join(_GRACE)
    finally:
        for pipe, process in workers:
            pipe.close()
            process.kill()
            process.join()


def _shared(
    workers: dict[Connection, BaseProcess], items: Sequence[Any]
) -> Iterator[Any]:
    """Give each idle worker the next item; yield what is next in order."""
    left, done, following = iter(enumerate(items)), dict[int, Any](), 0
    for pipe in workers:
        _send(pipe, next(left))
    while following < len(items):
        ready = set(wait(list(workers)))
        for pipe in [one for one in workers if one in ready]:
            number, result = _receive(pipe)
            done[number] = result
            if (more := next(left, None)) is not None:
                _send(pipe, more)
        while following in done:
            yield done.pop(following)
            following += 1


def _send(pipe: Connection, message: object) -> None:
    with contextlib.suppress(OSError):  # its end is seen where it is waited for
        pipe.send(message)


def _receive(pipe: Connection) -> tuple[int, Any]:
    try:
        number, result, error = pipe.recv()
    except (EOFError, OSError):
        raise WorkerLostError(
            "expected an answer of a worker process, got its end",
            hint="is memory short? run it again, or on fewer rules",
        ) from None
    if error is not None:
        raise error
    return number, result


def _started() -> tuple[Connection, BaseProcess]:
    spawn = multiprocessing.get_context("spawn")  # with no thread, lock or file of ours
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return ours, process


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Hold Ctrl-C back until the end; what is started here never hears of it.

    A program inherits which signals are held back. The tracker of ``multiprocessing``
    is started before, because it lets them through again.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection) -> None:
    """Run one worker until its parent closes the pipe."""
    look_seldom()
    with contextlib.suppress(EOFError, OSError), pipe.recv()() as work:
        while True:
            number, item = pipe.recv()
            answer: tuple[int, Any, TrustacksError | None]
            try:
                answer = (number, work(item), None)
            except TrustacksError as error:
                answer = (number, None, error)
            except Exception as error:  # noqa: BLE001 - the boundary of this process
                answer = (number, None, _fault(error))
            pipe.send(answer)


def _fault(error: Exception) -> InternalError:
    return InternalError(
        f"unexpected {type(error).__name__}",
        hint="this is a fault of ours: try the rules one by one",
    )
