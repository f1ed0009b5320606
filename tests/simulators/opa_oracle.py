# SPDX-License-Identifier: Apache-2.0
"""Real OPA as an oracle: its library from a wheel, in a process of its own.

The wheel is installed nowhere: it is unpacked under ``.cache/`` by its locked hash, and
loaded by a child only, because it embeds a Go runtime. It evaluates what our own
generators wrote; it has no limits, so nobody gives it the rules of strangers.
"""

import fcntl
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_LOCK = _REPOSITORY / "requirements" / "oracle.txt"
_CACHE = _REPOSITORY / ".cache" / "opa-oracle"
_ABSENT = "SKIPPED: OPA oracle absent"


class Oracle:
    """OPA in a child process."""

    def __init__(self, library: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def verdicts(self, modules, path, documents):
        """Return the value of ``path`` for each document; None for an error.

        A module that does not compile gives ``None`` in place of the list.
        """
        request = {"modules": modules, "path": path, "documents": documents}
        return self._ask(request)["values"]

    def answers(self, modules, paths, documents):
        """Return, for each path, the value for each document; one call for all.

        Each answer is ``{"value": ...}``, ``{}`` if undefined or ``{"error": text}``.
        """
        request = {"modules": modules, "paths": paths, "documents": documents}
        return self._ask(request)["answers"]

    def _ask(self, request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the oracle's process ended")
        return json.loads(answer)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def opa_oracle():
    """An ``Oracle``, or a visible skip where there can be none."""
    oracle = Oracle(library())
    yield oracle
    oracle.close()


def library() -> Path:
    """Return the folder with the unpacked wheel; fetch it the first time."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip(f"{_ABSENT}: it is built for x86-64 Linux only")
    digest = _LOCK.read_text().rpartition("sha256:")[2].strip()
    folder = _CACHE / digest
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        wheel = _download(Path(scratch))
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked)
        shutil.move(unpacked, folder)


def _download(scratch: Path) -> Path:
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    options += ["--python-version", "3.14", "--platform", "manylinux_2_34_x86_64"]
    command = [sys.executable, "-m", "pip", "download", "-q", *options]
    done = subprocess.run(
        [*command, "-d", str(scratch), "-r", str(_LOCK)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        if "HASHES" in done.stderr or "hash" in done.stderr.lower():
            raise RuntimeError(done.stderr)  # another wheel under the same name
        pytest.skip(f"{_ABSENT}: {done.stderr.strip().splitlines()[-1:]}")
    (wheel,) = scratch.glob("*.whl")
    return wheel


def _values(engine, error, path, documents):
    try:
        engine.eval_query(f"x = {path}", {})
    except error as found:
        if found.code in ("compile", "parse") or "rego_compile" in str(found):
            return None
        if "rego_type_error" in str(found) or "rego_unsafe" in str(found):
            return None
    return [_value(engine, error, path, document) for document in documents]


def _value(engine, error, path, document):
    try:
        found = engine.eval_query(f"x = {path}", document)
    except error as problem:
        return {"error": str(problem)}
    return {"value": found[0]["x"]} if found else {}


def _answers(engine, error, path, documents):
    """Ask for all documents in one query; one by one where one of them fails."""
    query = (
        "x = [found | some document in input.documents; "
        f"found := [v | v := {path} with input as document]]"
    )
    try:
        (found,) = engine.eval_query(query, {"documents": documents})
    except error:
        return [_value(engine, error, path, document) for document in documents]
    return [{"value": one[0]} if one else {} for one in found["x"]]


def _answer(engine, error, request):
    documents = request["documents"]
    if "paths" not in request:
        return {"values": _values(engine, error, request["path"], documents)}
    paths = request["paths"]
    return {"answers": [_answers(engine, error, path, documents) for path in paths]}


def _serve(folder: str) -> None:
    sys.path.insert(0, folder)
    from opa_bindings import OpaEngine, OpaError  # noqa: PLC0415

    for line in sys.stdin:
        request = json.loads(line)
        engine = OpaEngine()
        try:
            for name, source in request["modules"]:
                engine.add_policy(name, source)
            answer = _answer(engine, OpaError, request)
        except OpaError:
            answer = {"values": None, "answers": None}
        engine.close()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
