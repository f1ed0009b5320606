# SPDX-License-Identifier: Apache-2.0
"""A few rules in this process, a thousand in several: the same reports, in order."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from keys.record import record
from trustacks._cli.session import Session

Item = TypeVar("Item")
Report = TypeVar("Report")
# Opens what the work needs for as long as the session, and returns the work.
Work = Callable[[Session], Callable[[Sequence[Item]], Sequence[Report]]]

# So many rules take as long as it takes to start two workers.
FEW: Final = 24
# Rules in one message to a worker: often enough to share the end of the work evenly.
_CHUNK: Final = 12


def reports_of(
    session: Session, rules: Sequence[Item], work: "Work[Item, Report]", *, doing: str
) -> list[Report]:
    """Return what ``work`` says about each rule, in order, with a bar on a terminal.

    Args:
        session: The command's.
        rules: What to work on.
        work: Is given chunks of the rules. It, rules and reports must be picklable.
        doing: What the bar says, such as ``linting``.

    Raises:
        TrustacksError: What the work raised.
        WorkerLostError: A worker process ended in the middle.
    """
    reports: list[Report] = []
    bar = session.output.progress(doing) if len(rules) > FEW else _no_bar()
    with bar as step:
        for found in _done(session, rules, work):
            reports += found
            step(len(reports), len(rules))
    return reports


@contextlib.contextmanager
def _no_bar() -> Iterator[Callable[[int, int], None]]:
    """For a few rules a bar would take longer to load than the work."""
    yield lambda _done, _total: None


def _done(
    session: Session, rules: Sequence[Any], work: "Work[Any, Any]"
) -> Iterator[Sequence[Any]]:
    if len(rules) > FEW:
        from trustacks._cli.processes import (  # noqa: PLC0415 - only for many rules
            cores,
            in_processes,
        )

        if (count := cores()) > 1:
            yield from in_processes(_Worker(work), _chunks(rules, _CHUNK), count=count)
            return
    run = work(session)
    for chunk in _chunks(rules, 1 if len(rules) <= FEW else _CHUNK):
        yield run(chunk)


def _chunks(rules: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [rules[at : at + size] for at in range(0, len(rules), size)]


@record
class _Worker:
    """Starts the work in a worker process, with a session of its own."""

    work: "Work[Any, Any]"

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Callable[[Sequence[Any]], Sequence[Any]]]:
        from trustacks._cli.ahead import start_engine  # noqa: PLC0415 - see _done
        from trustacks._cli.environment import read_environment  # noqa: PLC0415 - loaded when asked for
        from trustacks._cli.output import Output  # noqa: PLC0415 - loaded when asked for

        with Session(read_environment(), Output()) as session:
            start_engine(session)
            yield self.work(session)
