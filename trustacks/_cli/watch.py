# SPDX-License-Identifier: Apache-2.0
"""Run again whenever a file changes, until Ctrl-C.

Files are looked at, not subscribed to: it works on every file system. A file that
vanishes or is half written while it is looked at is one more change, never an end.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from keys.errors import TrustacksError
from trustacks._cli.session import Session
from trustacks.errors import OperatingSystemError

# Seconds between two looks: less than a person notices.
INTERVAL_S: Final = 0.25
# Looks that may differ before a run: an editor writes a file in several steps.
_MAX_UNSETTLED: Final = 8
_NOT_OURS: Final = {".git"}

Seen = dict[str, tuple[int, int, int]]


def watch(session: Session, roots: Iterable[Path], run: Callable[[], None]) -> None:
    """Call ``run`` now, and after every change below ``roots``; never returns.

    What ``run`` refuses is said, and the next change is waited for.

    Raises:
        KeyboardInterrupt: Ctrl-C, which the command line makes exit 3 of.
        BrokenPipeError: Nobody reads the results any more.
    """
    folders, pause = tuple(roots), threading.Event()
    before: Seen | None = None
    while True:
        now = look(folders)
        if now != before:
            before = _settled(folders, now, pause)
            _clear(session)
            _once(session, run)
            session.output.say(f"watching {len(before)} files, Ctrl-C ends")
        pause.wait(INTERVAL_S)


def look(roots: Iterable[Path]) -> Seen:
    """Return what tells a file's content from an earlier one, by path."""
    seen: Seen = {}
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in _NOT_OURS]
            for name in files:
                path = os.path.join(folder, name)  # noqa: PTH118 - 10,000 rules, often
                with contextlib.suppress(OSError):
                    at = os.lstat(path)
                    seen[path] = (at.st_mtime_ns, at.st_size, at.st_ino)
    return seen


def _settled(roots: tuple[Path, ...], now: Seen, pause: threading.Event) -> Seen:
    """Wait until two looks agree, but not for ever."""
    for _ in range(_MAX_UNSETTLED):
        pause.wait(INTERVAL_S / 5)
        before, now = now, look(roots)
        if now == before:
            break
    return now


def _once(session: Session, run: Callable[[], None]) -> None:
    output = session.output
    output.printed = False
    try:
        run()
    except BrokenPipeError:
        raise  # nobody reads any more
    except OSError as error:
        _say(session, OperatingSystemError(f"{error.strerror or error}".lower()))
    except TrustacksError as error:
        _say(session, error)


def _say(session: Session, error: TrustacksError) -> None:
    output = session.output
    if output.as_json and not output.printed:
        output.result(error.to_json(), "")
    output.say(f"{' '.join(error.message.split())} [{error.code}]")
    if error.hint:
        output.hint(error.hint)


def _clear(session: Session) -> None:
    """Begin at the top of a terminal's screen; anything else keeps what it has."""
    output = session.output
    if output.stdout.isatty() and not output.as_json:
        output.stdout.write("\x1b[2J\x1b[H")
        output.stdout.flush()
