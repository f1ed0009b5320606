# SPDX-License-Identifier: Apache-2.0
"""The child process: the only code that touches regorus.

It reads messages of words (``frames``) from standard input and answers on standard
output, one request at a time, until the input ends. Everything hostile happens here, so
the limits are set before the first request: address space, CPU time per request, no new
file, no new process, no core dump. The parent's wall clock is the last word.

A request is what to do, the seconds that it may take, the handles to drop, and::

    parse, path, source
    load, handle, data, "coverage" or "", size of the base, path, source, ...
    evaluate, handle, input, path, ...
    each, handle, path, input, ...
    coverage, handle

The answer to it is ``ok`` and: the syntax tree; nothing; a value for each path;
a value for each input; the report. All of it is JSON, a value's with a letter in front:
``v`` a value, ``q`` the result of a query, ``e`` no JSON but why there is none. A
refusal is the step that failed (``parse``, ``compile``, ``evaluate``, ``memory``) and a
text.

The base is the modules in front. Two bases are kept parsed for the next load that
begins with one: many rules have the same parents, and a rule has its tests, which take
longer to parse than the rest of a load.

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
        self._bases = _Bases()
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
        if what == "each":
            return self._each(*arguments)
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

    def _load(
        self, handle: str, data: str, coverage: str, count: str, *modules: str
    ) -> None:
        self.step = "parse"
        behind = 2 * int(count)
        engine = self._bases.clone_of(modules[:behind])
        engine.set_enable_coverage(bool(coverage))
        _add(engine, modules[behind:])
        self.step = "compile"
        engine.add_data_json(data)
        # regorus analyses modules at the first query: do it once, for every clone.
        engine.eval_query_as_json("true")
        self._policies[handle] = engine
        if coverage:
            self._counting.add(handle)

    def _evaluate(self, handle: str, document: str, *paths: str) -> list[str]:
        engine = self._deciding(handle, document)
        return [_value(engine, path) for path in paths]

    def _each(self, handle: str, path: str, *documents: str) -> list[str]:
        return [_value(self._deciding(handle, one), path) for one in documents]

    def _deciding(self, handle: str, document: str) -> regorus.Engine:
        """Return an engine for one decision: what that computes ends with it."""
        self.step = "evaluate"
        engine = self._policies[handle]
        if handle not in self._counting:
            engine = engine.clone()
        engine.set_input_json(document)
        return engine

    def _coverage(self, handle: str) -> str:
        self.step = "evaluate"
        return str(self._policies[handle].get_coverage_report_as_json())


class _Bases:
    """Modules that are kept parsed: those of the last two loads."""

    def __init__(self) -> None:
        self._kept: list[tuple[tuple[str, ...], regorus.Engine]] = []

    def clone_of(self, modules: tuple[str, ...]) -> regorus.Engine:
        """Return an engine that has the modules and is nobody else's."""
        begun = [one for one in self._kept if one[0] == modules[: len(one[0])]]
        known, engine = max(begun, key=_size, default=((), _empty()))
        if known != modules:
            engine = engine.clone()
            _add(engine, modules[len(known) :])
        others = [one for one in self._kept if one[0] != modules]
        self._kept = [(modules, engine), *others][:2]
        return engine.clone()


def _size(kept: tuple[tuple[str, ...], regorus.Engine]) -> int:
    return len(kept[0])


def _empty() -> regorus.Engine:
    engine = regorus.Engine()
    engine.set_gather_prints(True)
    return engine


def _add(engine: regorus.Engine, modules: tuple[str, ...]) -> None:
    for path, source in zip(modules[::2], modules[1::2], strict=True):
        engine.add_policy(path, source)


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
