# SPDX-License-Identifier: Apache-2.0
"""The child process: the only code that touches regorus.

It reads messages of words (``frames``) from standard input and answers on standard
output, one request at a time, until the input ends. Everything hostile happens here, so
the limits are set before the first request: address space, CPU time per request, no new
file, no new process, no core dump. The parent's wall clock is the last word.

========================================================= =============================
request: what, seconds, handles to drop, then             answer: ``ok``, then
========================================================= =============================
``parse``, path, source                                   the syntax tree, JSON
``load``, handle, data, coverage or none, path, source, … nothing
``evaluate``, handle, input, path, …                      a value for each path
``coverage``, handle                                      the engine's report, JSON
========================================================= =============================

A value is one letter and a text: ``v`` and JSON, ``q`` and the JSON of a query's
result, ``e`` and why there is none. A refusal is the step that failed (``parse``,
``compile``, ``evaluate``, ``memory``) and a text.

Imports as little as it can, and of ours only ``frames``: whatever it costs to start is
paid by every ``rule lint``.
"""

import io
import os
import resource
import sys

import regorus

from bundle.rego.frames import HEAD, pack, unpack

_UNDEFINED = '"<undefined>"'
# What a failed allocation of Python's looks like after Rust has panicked over it.
_NO_MEMORY = "PyObject pointer is null"
_MOST_CHARS = 20_000


class _Worker:
    """The policies that the parent has loaded, by its handle.

    Attributes:
        step: What is being done, for the refusal if it fails.
    """

    def __init__(self) -> None:
        self._policies: dict[str, regorus.Engine] = {}
        self._counting: set[str] = set()
        self.step = "request"

    def answer(self, what: str, arguments: list[str]) -> list[str]:
        """Return what stands behind ``ok``."""
        if what == "parse":
            return [self._parse(*arguments)]
        if what == "load":
            self._load(*arguments)
            return []
        if what == "evaluate":
            return self._evaluate(*arguments)
        return [self._coverage(*arguments)]

    def drop(self, handles: list[str]) -> None:
        """Forget policies."""
        for handle in handles:
            self._policies.pop(handle, None)
            self._counting.discard(handle)

    def _parse(self, path: str, source: str) -> str:
        self.step = "parse"
        engine = regorus.Engine()
        engine.add_policy(path, source)
        return str(engine.get_ast_as_json())

    def _load(self, handle: str, data: str, coverage: str, *modules: str) -> None:
        self.step = "compile"
        engine = regorus.Engine()
        engine.set_gather_prints(True)
        engine.set_enable_coverage(bool(coverage))
        engine.add_data_json(data)
        self.step = "parse"
        for path, source in zip(modules[::2], modules[1::2], strict=True):
            engine.add_policy(path, source)
        # regorus analyses modules at the first query: do it once, for every clone.
        self.step = "compile"
        engine.eval_query_as_json("true")
        self._policies[handle] = engine
        if coverage:
            self._counting.add(handle)

    def _evaluate(self, handle: str, document: str, *paths: str) -> list[str]:
        self.step = "evaluate"
        engine = self._policies[handle]
        if handle not in self._counting:
            engine = engine.clone()  # what one decision computed ends with it
        engine.set_input_json(document)
        return [_value(engine, path) for path in paths]

    def _coverage(self, handle: str) -> str:
        self.step = "evaluate"
        return str(self._policies[handle].get_coverage_report_as_json())


def _value(engine: regorus.Engine, path: str) -> str:
    """Return a path's value as the table above has it."""
    try:
        text = engine.eval_rule_as_json(path)
    except BaseException as error:  # noqa: BLE001 - a panic of Rust is one
        said = _said(error)
        if not said.startswith("not a valid rule path"):
            return f"e{said}"
        text = _UNDEFINED
    # The text of undefined is also that of a string, and a rule with a ref head or
    # a package has no rule path: a query tells them apart.
    return _query(engine, path) if text == _UNDEFINED else f"v{text}"


def _query(engine: regorus.Engine, path: str) -> str:
    try:
        return f"q{engine.eval_query_as_json(path)}"
    except BaseException as error:  # noqa: BLE001 - as in _value
        return f"e{_said(error)}"


def _said(error: BaseException) -> str:
    """Return an error's text.

    Raises:
        MemoryError: That is what it was.
    """
    if isinstance(error, MemoryError) or str(error) == _NO_MEMORY:
        raise MemoryError from None
    return str(error)[:_MOST_CHARS]


def _answered(worker: _Worker, what: str, arguments: list[str]) -> bytes:
    """Return the answer's message, whatever happens."""
    try:
        try:
            return _packed(["ok", *worker.answer(what, arguments)])
        except BaseException as error:  # noqa: BLE001 - as in _value
            return _packed([worker.step, _said(error)])
    except MemoryError:
        return _packed(["memory", "out of memory"])


def _packed(texts: list[str]) -> bytes:
    return pack([text.encode("utf-8", "surrogatepass") for text in texts])


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


def _serve(requests: io.BufferedReader, answers: io.BufferedWriter) -> None:
    worker = _Worker()
    while len(head := requests.read(HEAD.size)) == HEAD.size:
        words = unpack(requests.read(*HEAD.unpack(head)))
        # Half a surrogate pair is no Unicode: that is for regorus to refuse.
        texts = [word.decode("utf-8", "surrogatepass") for word in words]
        what, seconds, drop, *arguments = texts
        _allow_cpu(float(seconds))
        worker.drop(drop.split())
        answers.write(_answered(worker, what, arguments))
        answers.flush()


def main() -> None:
    """Serve until the parent closes the pipe."""
    requests, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints cannot speak for the engine
    _confine(int(sys.argv[1]))
    try:  # noqa: SIM105 - contextlib would take a tenth of the start
        _serve(requests, answers)
    except BrokenPipeError:
        pass
    os._exit(0)
