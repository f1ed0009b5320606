# SPDX-License-Identifier: Apache-2.0
"""Programs of other people, started and stopped by tests; nothing is left behind."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.peers import folder

# A service that opens its storage is ready in a tenth of a second, on a busy machine
# in a few; after this it never will be.
_READY_POLLS, _POLL_S = 600, 0.05
_STOP_S = 30
_SAID_LINES = 20


@contextmanager
def running(
    name: str, *words: str, home: Path, ready: Callable[[], bool]
) -> Iterator[None]:
    """Run a peer until the end.

    Args:
        name: As ``deploy.peers`` calls it.
        *words: Its arguments.
        home: Where it may write, and where what it says goes.
        ready: Whether it answers.

    Raises:
        AssertionError: It ended by itself, or is not ready in time; with what it said.
    """
    log = home / f"{name}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            words_of(name, words),
            cwd=home,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, ready, log)
        yield
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, and wait until it has; at last by force."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(url: str) -> Callable[[], bool]:
    """Return whether a URL answers 200, as a question that can be asked again."""

    def asked() -> bool:
        try:
            return httpx.get(url, timeout=2).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    return asked


def free_port() -> int:
    """Return a port that nobody listens on; in a network of our own nobody comes."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def words_of(name: str, words: Sequence[str]) -> list[str]:
    """Return the command line of a peer."""
    return [str(folder() / name), *words]


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which nobody's settings are found."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}


def _wait(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path
) -> None:
    for _ in range(_READY_POLLS):
        if ready():
            return
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
        break
    said = log.read_text(errors="replace").splitlines()[-_SAID_LINES:]
    raise AssertionError(f"{log.stem} is not ready; it said\n" + "\n".join(said))
