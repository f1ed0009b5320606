# SPDX-License-Identifier: Apache-2.0
"""One warm child process that runs ``bundle.rego.worker``, and a clock over it.

Laws:
- it is spawned, never forked, without our environment: a rule has nothing to read;
- a request that is not answered in time kills the child; the next one starts another;
- whatever happens to the child, the caller gets an answer or an ``EvaluationError``;
- Ctrl-C is the parent's business: the child is in a process group of its own, which no
  terminal tells of it.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any, Final

from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationCrashError,
    EvaluationError,
    EvaluationMemoryError,
    EvaluationTimeoutError,
)
from bundle.rego.frames import HEAD, pack, unpack
from bundle.rego.installed import engine_folder
from bundle.rego.limits import MAX_MESSAGE_BYTES

_OURS: Final = Path(__file__).parents[2]
_CHUNK: Final = 1 << 16
# What the dynamic linker may need to find Python itself.
_LINKER: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Without ``site``, which costs a fifth of the start and runs what ``.pth`` files say:
# the two folders that are needed are named, behind those of Python's own library.
_PROGRAM: Final = (
    "import sys; sys.path += sys.argv[2:]; from bundle.rego.worker import main; main()"
)
# regorus' allocator would reserve 1 GiB of address space at once, all that it may have.
_ALLOCATOR: Final = {"MIMALLOC_ARENA_RESERVE": "64MiB"}
_OUT_OF_TIME: Final = {signal.SIGXCPU}
_OUT_OF_MEMORY: Final = {signal.SIGABRT}  # Rust aborts when an allocation fails


class Child:
    """A child process, started when it is first needed. Not for two threads at once.

    Attributes:
        generation: How often it was started; a new one has forgotten everything.
    """

    def __init__(self, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self.generation = 0

    def start(self) -> None:
        """Start the child if none is running, without waiting for it.

        Raises:
            EngineUnavailableError: The system does not start a process.
        """
        if self._owner != os.getpid():  # after a fork the pipes are the parent's
            self._process, self._owner = None, os.getpid()
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        try:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                bufsize=0,
                process_group=0,
            )
        except OSError as error:
            raise EngineUnavailableError(
                f"expected to start a child process: {error.strerror}"
            ) from error
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 - both were asked for
            os.set_blocking(pipe.fileno(), False)
        self.generation += 1
        weakref.finalize(self, _end, self._process)

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        python = [sys.executable, "-I", "-S", "-c", _PROGRAM]
        folders = [_OURS, engine_folder() or _OURS]
        return [*python, str(self.memory_bytes), *map(str, folders)]

    def stop(self) -> None:
        """End the child, whatever it is doing."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def ask(self, words: list[bytes], *, seconds: float) -> list[bytes]:
        """Send a request of words and return those of the answer.

        Raises:
            EvaluationError: A leaf of it; the child was stopped.
        """
        request = pack(words)
        _require_bounded("a request", len(request))
        self.start()
        deadline = time.monotonic() + seconds
        try:
            self._send(request, deadline)
            return _words(self._receive(deadline))
        except (BrokenPipeError, EOFError):
            raise self._post_mortem() from None
        except BaseException:  # the clock, or Ctrl-C in the middle of an answer
            self.stop()
            raise

    def _send(self, data: bytes, deadline: float) -> None:
        pipe = self._running.stdin
        assert pipe is not None  # noqa: S101 - it was opened as a pipe
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(pipe.fileno(), view[:_CHUNK]) :]
            except BlockingIOError:
                _wait(pipe.fileno(), select.POLLOUT, deadline)

    def _receive(self, deadline: float) -> bytes:
        """Return the body of the answer, with whatever else was written."""
        pipe = self._running.stdout
        assert pipe is not None  # noqa: S101 - it was opened as a pipe
        data, length = bytearray(), HEAD.size
        while len(data) < length:
            _wait(pipe.fileno(), select.POLLIN, deadline)
            if not (chunk := os.read(pipe.fileno(), _CHUNK)):
                raise EOFError
            data += chunk
            if length == HEAD.size <= len(data):
                length += HEAD.unpack_from(data)[0]
                _require_bounded("an answer", length)
        return bytes(data[HEAD.size :])

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None  # noqa: S101 - start() made it
        return self._process

    def _post_mortem(self) -> EvaluationError:
        """Say why the child ended by itself."""
        process = self._running
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = 0
        self.stop()
        if -code in _OUT_OF_TIME:
            return EvaluationTimeoutError("expected an answer, got too much work")
        if -code in _OUT_OF_MEMORY:
            return EvaluationMemoryError("expected an answer, got out of memory")
        if code > 0:
            return EngineUnavailableError(
                f"expected the engine to run, got exit code {code}",
                hint="reinstall the package: regorus or the package is not importable",
            )
        return EvaluationCrashError(f"expected an answer, got signal {-code}")


def _environment() -> dict[str, str]:
    return _ALLOCATOR | {n: os.environ[n] for n in _LINKER if n in os.environ}


def _require_bounded(what: str, size: int) -> None:
    if size > MAX_MESSAGE_BYTES:
        raise EvaluationMemoryError(
            f"expected {what} of at most {MAX_MESSAGE_BYTES} bytes, got {size}"
        )


def _words(answer: bytes) -> list[bytes]:
    """Take apart what the child wrote; who took it over would write anything."""
    try:
        words = unpack(answer)
    except ValueError as error:
        raise EvaluationCrashError(f"expected an answer of words: {error}") from error
    if not words:
        raise EvaluationCrashError("expected an answer, got nothing")
    return words


def read_json(text: bytes) -> Any:
    """Parse JSON that the engine or its worker, not the author, formed.

    Raises:
        EvaluationMemoryError: It cannot be read; the limits of reading are on depth.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvaluationMemoryError(
            "expected an answer that can be read, got one too deep or broken"
        ) from error


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise EvaluationTimeoutError("expected an answer in time, got none")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill, reap and close; safe to call twice."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
