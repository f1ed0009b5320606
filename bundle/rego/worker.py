# SPDX-License-Identifier: Apache-2.0
"""The child process: the only code that touches regorus.

It reads length-prefixed JSON from standard input and answers on standard output,
one request at a time, until the input ends. Everything hostile happens here, so the
limits are set before the first request: address space, CPU time per request, no new
file, no new process, no core dump. The parent's wall clock is the last word.

Imports nothing of ours: whatever it costs to start is paid by every ``rule lint``.
"""

import contextlib
import json
import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

import regorus

_LENGTH = struct.Struct(">I")
_UNDEFINED = '"<undefined>"'
# What a failed allocation of Python's looks like after Rust has panicked over it.
_NO_MEMORY = "PyObject pointer is null"


class _Refused(Exception):  # noqa: N818 - it is an answer, not an error
    """An answer that says what was wrong, and in which step."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def _attempt(kind: str, call: Any, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of Rust is one
        if str(error) == _NO_MEMORY:
            raise MemoryError from None
        raise _Refused(kind, str(error)[:20_000]) from None


class _Worker:
    """The policies that the parent has loaded, by its handle."""

    def __init__(self) -> None:
        self._policies: dict[int, Any] = {}
        self._counting: set[int] = set()

    def answer(self, request: dict[str, Any]) -> str:
        """Return the JSON text of the answer's value."""
        for handle in request.get("drop", ()):
            self._policies.pop(handle, None)
            self._counting.discard(handle)
        return str(getattr(self, f"_{request['do']}")(request))

    def _parse(self, request: dict[str, Any]) -> Any:
        engine = regorus.Engine()
        _attempt("parse", engine.add_policy, request["path"], request["source"])
        return _attempt("parse", engine.get_ast_as_json)

    def _load(self, request: dict[str, Any]) -> str:
        engine = regorus.Engine()
        engine.set_gather_prints(True)
        engine.set_enable_coverage(request["coverage"])
        _attempt("compile", engine.add_data_json, request["data"])
        for path, source in request["modules"]:
            _attempt("parse", engine.add_policy, path, source)
        # regorus analyses modules at the first query: do it once, for every clone.
        _attempt("compile", engine.eval_query_as_json, "true")
        self._policies[request["handle"]] = engine
        if request["coverage"]:
            self._counting.add(request["handle"])
        return "true"

    def _evaluate(self, request: dict[str, Any]) -> str:
        engine = self._policies[request["handle"]]
        if request["handle"] not in self._counting:
            engine = engine.clone()  # what one decision computed ends with it
        _attempt("evaluate", engine.set_input_json, request["input"])
        return f"[{','.join(_value(engine, path) for path in request['paths'])}]"

    def _coverage(self, request: dict[str, Any]) -> Any:
        engine = self._policies[request["handle"]]
        return _attempt("evaluate", engine.get_coverage_report_as_json)


def _value(engine: Any, path: str) -> str:
    """Return ``{"value": ...}``, ``{}`` if undefined, or ``{"error": text}``."""
    try:
        text = engine.eval_rule_as_json(path)
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - as in _attempt
        if not str(error).startswith("not a valid rule path"):
            return json.dumps({"error": str(error)[:20_000]})
        text = _UNDEFINED
    # The text of undefined is also that of a string, and a rule with a ref head or
    # a package has no rule path: a query tells them apart.
    return _query(engine, path) if text == _UNDEFINED else f'{{"value":{text}}}'


def _query(engine: Any, path: str) -> str:
    try:
        result = json.loads(engine.eval_query_as_json(path)).get("result", ())
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - as in _attempt
        return json.dumps({"error": str(error)[:20_000]})
    if not result:
        return "{}"
    return json.dumps({"value": result[0]["expressions"][0]["value"]})


def _confine(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _allow_cpu(seconds: float) -> None:
    """Let this request use ``seconds`` of CPU; the kernel kills what takes more."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, hard))


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    worker = _Worker()
    while len(head := requests.read(_LENGTH.size)) == _LENGTH.size:
        request = json.loads(requests.read(_LENGTH.unpack(head)[0]))
        _allow_cpu(request["seconds"])
        try:
            text = f'{{"ok":{worker.answer(request)}}}'
        except _Refused as refused:
            text = json.dumps({"refused": refused.kind, "text": refused.text})
        except MemoryError:
            text = json.dumps({"refused": "memory", "text": "out of memory"})
        data = text.encode("utf-8", "surrogatepass")
        answers.write(_LENGTH.pack(len(data)) + data)
        answers.flush()


def main() -> None:
    """Serve until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints cannot speak for the engine
    _confine(int(sys.argv[1]))
    with contextlib.suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, answers)
    os._exit(0)


if __name__ == "__main__":
    main()
