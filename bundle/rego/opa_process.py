# SPDX-License-Identifier: Apache-2.0
"""Find the ``opa`` that is on PATH, and run it within limits: one process a question.

Laws:
- a shell sets the limits and becomes ``opa``: CPU time, memory, no file, no core dump;
- Go reserves far more address space than it uses, so what is bounded is the memory
  that it may write, and its collector is told to stay below that;
- it has a session of its own, killed whole; no environment, no input, the root as its
  working directory; what it prints is bounded, and no answer is an ``EvaluationError``.
"""

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationCrashError,
    EvaluationError,
    EvaluationMemoryError,
    EvaluationTimeoutError,
    OpaUnsuitableError,
)
from bundle.rego.limits import MAX_MESSAGE_BYTES

# Below it `opa` has known holes (DESIGN 8 counts on none of them, a reader might).
MINIMUM: Final = (1, 21, 3)

_LIMITS: Final = (
    'ulimit -c 0 && ulimit -f 0 && ulimit -t "$1" && ulimit -d "$2"'
    ' && shift 2 && exec "$@"'
)
_VERSION: Final = re.compile(
    r"Version: (?P<text>(?P<numbers>\d{1,4}\.\d{1,4}\.\d{1,4})(?P<dev>-[\w.-]{1,40})?)"
    r"(?:\n(?!Version: )[ -~]{0,200}){0,20}\n?",
    re.ASCII,
)
# It is asked for its version only, and answers in a hundredth of it.
_VERSION_SECONDS: Final = 5.0
# Go's own report of a crash is longer; its first line says why.
_MAX_SAID: Final = 4096
_CHUNK: Final = 1 << 16
_KILLED_FOR_TIME: Final = {-signal.SIGXCPU, -signal.SIGKILL}
_NO_MEMORY: Final = re.compile(rb"out of memory|cannot allocate|failed to reserve")


@dataclass(frozen=True, slots=True)
class Opa:
    """An ``opa`` executable.

    Attributes:
        path: Where it is; absolute.
        memory_bytes: How much memory it may write to.
    """

    path: str
    memory_bytes: int = 1 << 30


class OpaVersion:
    """Which version an ``opa`` says it is; asked once."""

    def __init__(self, opa: Opa) -> None:
        self._opa = opa
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Ask now, without waiting for the answer."""
        threading.Thread(target=self._ask_early, daemon=True).start()

    def _ask_early(self) -> None:
        with contextlib.suppress(OpaUnsuitableError):  # said when it is asked for
            self.text  # noqa: B018 - it is kept

    @property
    def text(self) -> str:
        """Such as ``1.21.3``.

        Raises:
            OpaUnsuitableError: It does not say, or it is older than ``MINIMUM``.
        """
        with self._lock:
            return self._text

    @cached_property
    def _text(self) -> str:
        wanted = ".".join(map(str, MINIMUM))
        try:
            said = run(self._opa, ["version"], seconds=_VERSION_SECONDS)
        except EvaluationError as error:
            raise _unsuitable(f"expected opa to say its version: {error}") from error
        found = _VERSION.fullmatch(said.output.decode("utf-8", "replace"))
        if said.code or found is None:
            raise _unsuitable(f"expected {self._opa.path} to be opa, got another")
        numbers = tuple(int(part) for part in found["numbers"].split("."))
        if numbers < MINIMUM or (numbers == MINIMUM and found["dev"]):
            raise _unsuitable(f"expected opa {wanted} or newer, got {found['text']}")
        return found["text"]


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended by itself.

    Attributes:
        code: Its exit code.
        output: What it printed.
    """

    code: int
    output: bytes


def find_opa(path: str | None = None) -> str | None:
    """Return the ``opa`` on PATH; one in a relative folder of it does not count.

    Args:
        path: Another PATH to look through.
    """
    found = shutil.which("opa", path=path)
    return found if found is not None and Path(found).is_absolute() else None


def run(opa: Opa, arguments: list[str], *, seconds: float) -> Finished:
    """Run ``opa`` to its end.

    Raises:
        EngineUnavailableError: The system does not start it.
        EvaluationTimeoutError: It needed more time.
        EvaluationMemoryError: It needed more memory, or printed too much.
        EvaluationCrashError: It was killed by something else.
    """
    process = _start(opa, arguments, seconds)
    try:
        output, said = _read(process, time.monotonic() + seconds)
    finally:
        _end(process)
    if process.returncode in _KILLED_FOR_TIME:
        raise EvaluationTimeoutError("expected an answer of opa, got too much work")
    if _NO_MEMORY.search(said):
        raise EvaluationMemoryError("expected an answer of opa, got out of memory")
    if process.returncode < 0:
        raise EvaluationCrashError(
            f"expected an answer of opa, got signal {-process.returncode}"
        )
    return Finished(process.returncode, output)


def _start(opa: Opa, arguments: list[str], seconds: float) -> "subprocess.Popen[bytes]":
    # Two cores can use twice the wall's time.
    limits = [str(2 * int(seconds + 1)), str(opa.memory_bytes // 1024)]
    command = ["/bin/sh", "-c", _LIMITS, "opa", *limits, opa.path, *arguments]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"GOMEMLIMIT": str(opa.memory_bytes * 3 // 4)},
            cwd="/",
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise EngineUnavailableError(
            f"expected to start opa: {error.strerror}"
        ) from error


def _read(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[bytes, bytes]:
    """Read both pipes to their ends; keep the beginning of what was said of errors."""
    output, said = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, output), (process.stderr, said)):
            assert pipe is not None  # noqa: S101 - it was opened as a pipe
            selector.register(pipe, selectors.EVENT_READ, kept)
        while selector.get_map():
            left = deadline - time.monotonic()
            events = selector.select(left) if left > 0 else []
            if not events:
                raise EvaluationTimeoutError("expected opa's answer in time, got none")
            for key, _ in events:
                if not (chunk := os.read(key.fd, _CHUNK)):
                    selector.unregister(key.fileobj)
                elif key.data is output or len(said) < _MAX_SAID:
                    key.data.extend(chunk)
            if len(output) > MAX_MESSAGE_BYTES:
                raise EvaluationMemoryError(
                    f"expected at most {MAX_MESSAGE_BYTES} bytes of opa, got more"
                )
    _wait(process, deadline)
    return bytes(output), bytes(said)


def _wait(process: "subprocess.Popen[bytes]", deadline: float) -> None:
    try:
        process.wait(timeout=max(deadline - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired:
        raise EvaluationTimeoutError("expected opa to end in time") from None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the whole session, reap and close; nothing of it outlives the question."""
    if process.poll() is None:
        process.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _unsuitable(message: str) -> OpaUnsuitableError:
    wanted = ".".join(map(str, MINIMUM))
    return OpaUnsuitableError(
        message, hint=f"install opa {wanted} or newer, or choose --engine regorus"
    )
