# SPDX-License-Identifier: Apache-2.0
"""The child is confined, and its end is an answer."""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from bundle.rego.child import Child
from bundle.rego.embedded import EmbeddedEngine
from bundle.rego.engine import Module
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationCrashError,
    EvaluationError,
    EvaluationMemoryError,
    EvaluationTimeoutError,
)
from bundle.rego.frames import HEAD, pack
from bundle.rego.limits import MAX_MESSAGE_BYTES

GIB = 1 << 30
ASK = [b"parse", b"1", b"", b"a", b"package a"]


@pytest.fixture
def child():
    child = Child(GIB)
    yield child
    child.stop()


def pid_of(child):
    return child._process.pid


def test_the_child_is_warm_for_the_second_question(child):
    child.ask(ASK, seconds=5)
    first = pid_of(child)
    child.ask(ASK, seconds=5)
    assert (pid_of(child), child.generation) == (first, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_has_no_room_to_do_anything_else(child):
    child.ask(ASK, seconds=5)
    text = Path(f"/proc/{pid_of(child)}/limits").read_text()
    limits = {line[:25].strip(): line[25:].split()[:2] for line in text.split("\n")}
    assert limits["Max address space"] == [str(GIB), str(GIB)]
    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert int(limits["Max cpu time"][0]) <= 3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_has_nothing_of_our_environment(child):
    child.ask(ASK, seconds=5)
    names = {
        entry.split("=")[0]
        for entry in Path(f"/proc/{pid_of(child)}/environ").read_text().split("\0")
        if entry
    }
    assert names <= {"MIMALLOC_ARENA_RESERVE", "LD_LIBRARY_PATH"}


def end(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)


KILLED = {
    "a stack overflow": (signal.SIGSEGV, EvaluationCrashError),
    "an allocation that failed": (signal.SIGABRT, EvaluationMemoryError),
    "too much CPU": (signal.SIGXCPU, EvaluationTimeoutError),
    "the system's killer": (signal.SIGKILL, EvaluationCrashError),
}


@pytest.mark.parametrize(("number", "error"), KILLED.values(), ids=KILLED.keys())
def test_a_child_that_dies_is_no_verdict_and_the_next_one_answers(child, number, error):
    child.ask(ASK, seconds=5)
    pid = pid_of(child)
    os.kill(pid, signal.SIGSTOP)  # so that it dies in the middle of the question
    killer = threading.Timer(0.05, end, (pid, number))
    killer.start()
    with pytest.raises(error) as caught:
        child.ask(ASK, seconds=5)
    assert isinstance(caught.value, EvaluationError)
    assert child.ask(ASK, seconds=5)[0] == b"ok"


def test_a_child_that_hangs_is_stopped(child):
    child.ask(ASK, seconds=5)
    os.kill(pid_of(child), signal.SIGSTOP)
    with pytest.raises(EvaluationTimeoutError):
        child.ask(ASK, seconds=0.1)
    assert child.ask(ASK, seconds=5)[0] == b"ok"
    assert child.generation == 2


def test_a_request_may_have_its_limit_of_bytes_and_no_more(child):
    with pytest.raises(EvaluationMemoryError, match="request"):
        child.ask([b" " * MAX_MESSAGE_BYTES], seconds=5)


def test_ctrl_c_on_a_terminal_is_not_for_the_child(child):
    child.start()
    assert os.getpgid(pid_of(child)) == pid_of(child)


SPOILED = {
    "nothing": b"",
    "no word": pack([])[4:],
    "half a length": b"\0\0",
    "fewer lengths than words": b"\0\0\0\2\0\0\0\1a",
    "a word that is cut off": pack([b"ok", b"value"])[4:-1],
    "more than its words": pack([b"ok"])[4:] + b"x",
    "lengths beyond the end": b"\0\0\0\1\xff\xff\xff\xffok",
    "more words than there can be": b"\xff\xff\xff\xff" * 3,
}


class Spoiling(Child):
    """A child that something else took over."""

    answer = b""

    def command(self):
        length = HEAD.pack(len(self.answer))
        program = f"import sys; sys.stdout.buffer.write({length + self.answer!r})"
        return [sys.executable, "-I", "-S", "-c", program]


@pytest.mark.parametrize("answer", SPOILED.values(), ids=SPOILED)
def test_an_answer_that_is_no_words_is_no_answer(answer):
    child = Spoiling(GIB)
    child.answer = answer
    with pytest.raises(EvaluationCrashError, match="expected an answer"):
        child.ask(ASK, seconds=5)
    assert child._process is None


def test_a_child_that_cannot_start_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with EmbeddedEngine() as engine, pytest.raises(EngineUnavailableError) as caught:
        engine.parse(Module("a.rego", "package a"))
    assert (caught.value.code, caught.value.exit_code) == ("engine-unavailable", 3)


def test_a_child_that_ends_at_once_says_so(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with EmbeddedEngine() as engine, pytest.raises(EngineUnavailableError):
        engine.parse(Module("a.rego", "package a"))
