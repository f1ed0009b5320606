# SPDX-License-Identifier: Apache-2.0
"""Many questions in one process of ``opa``: a folder of files in, one JSON out.

A module of our own, in a package that nobody can guess, asks every question for every
document; what it repeats of the input (a nonce) shows that this process read it.
Builtins are strict, as in regorus: an error is an error there, never "undefined".
``opa_capabilities.json`` has what the portable list allows, and no network.
"""

import json
import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bundle.rego.engine import UNDEFINED, Module
from bundle.rego.errors import (
    EngineUnavailableError,
    EvaluationCrashError,
    EvaluationError,
    OpaRefusedError,
    RegoParseError,
)
from bundle.rego.limits import MAX_MESSAGE_BYTES
from bundle.rego.opa_process import Opa, run
from bundle.rego.session import to_json
from keys.errors import FormatError
from keys.strict import loads_json

CAPABILITIES: Final = Path(__file__).with_name("opa_capabilities.json")

# An index would skip the call whose error regorus reports.
_STRICT: Final = ("--strict-builtin-errors", "--disable-indexing")
_PATH: Final = re.compile(r"data(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_MODULE: Final = re.compile(r"(?:^|/)(?P<number>[0-9]+)\.rego\Z")
_COMPILE: Final = re.compile(r"rego_(?:compile|type|unsafe_var|recursion)_error")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the value of ``data.x.y`` for an input document."""

    path: str
    document: Any


@dataclass(frozen=True, slots=True)
class Answers:
    """What one process said.

    Attributes:
        values: One for each question; ``UNDEFINED`` where there is none.
        coverage: Lines reached and missed by module path, if it was asked for.
    """

    values: list[Any]
    coverage: dict[str, tuple[set[int], set[int]]]


def ask_opa(
    opa: Opa,
    modules: Sequence[Module],
    questions: Sequence[Question],
    *,
    data: Mapping[str, Any] | None = None,
    seconds: float,
    coverage: bool = False,
) -> Answers:
    """Ask every question of one set of modules.

    Raises:
        OpaRefusedError: The modules do not compile.
        EvaluationError: No answer, or an error in one of them.
    """
    try:
        return _ask(opa, modules, questions, data or {}, seconds, coverage=coverage)
    except OSError as error:
        raise EngineUnavailableError(
            f"expected to write a question for opa: {error.strerror}",
            hint="is there room in the folder for temporary files?",
        ) from error


def _ask(
    opa: Opa,
    modules: Sequence[Module],
    questions: Sequence[Question],
    data: Mapping[str, Any],
    seconds: float,
    *,
    coverage: bool,
) -> Answers:
    nonce = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="trustacks-opa-") as folder:
        _write(Path(folder), nonce, modules, questions, data)
        arguments = ["eval", "--format=json", *_STRICT]
        arguments += [f"--capabilities={CAPABILITIES}", f"--data={folder}/data"]
        arguments += [f"--input={folder}/input.json", f"data.trustacks_{nonce}"]
        arguments += ["--coverage"] if coverage else []
        done = run(opa, arguments, seconds=seconds)
    document = _document(done.output, done.code)
    if "errors" in document:
        raise _refusal(document["errors"], modules)
    return _answers(document, nonce, modules, len(questions))


def _write(
    folder: Path,
    nonce: str,
    modules: Sequence[Module],
    questions: Sequence[Question],
    data: Mapping[str, Any],
) -> None:
    (folder / "data").mkdir()
    for number, module in enumerate(modules):
        (folder / "data" / f"{number}.rego").write_text(module.source, "utf-8")
    if data:
        (folder / "data" / "data.json").write_text(to_json(data), "utf-8")
    paths: dict[str, list[list[int]]] = {}
    documents: dict[str, int] = {}
    for number, question in enumerate(questions):
        text = to_json(question.document)
        place = documents.setdefault(text, len(documents))
        paths.setdefault(question.path, []).append([number, place])
    asked = json.dumps(list(paths.values()))
    listed = ",".join(documents)
    text = f'{{"nonce":"{nonce}","asked":{asked},"documents":[{listed}]}}'
    (folder / "input.json").write_text(text, "utf-8")
    source = _questions(nonce, list(paths))
    (folder / "data" / "questions.rego").write_text(source, "utf-8")


def _questions(nonce: str, paths: Sequence[str]) -> str:
    lines = [f"package trustacks_{nonce}", "import rego.v1", "nonce := input.nonce"]
    for number, path in enumerate(paths):
        if not _PATH.fullmatch(path):
            raise EvaluationError(f"expected a path like data.x.y, got {path!r}")
        lines.append(
            f"answer[question] := value if {{\n"
            f"\tsome [question, place] in input.asked[{number}]\n"
            f"\tvalue := {path} with input as input.documents[place]\n}}"
        )
    return "\n\n".join(lines) + "\n"


def _document(output: bytes, code: int) -> dict[str, Any]:
    try:
        value = loads_json(
            output, max_bytes=MAX_MESSAGE_BYTES, what="opa's answer", floats=True
        )
    except FormatError as error:
        raise EvaluationCrashError(
            f"expected JSON of opa, got exit code {code}: {error.message}"
        ) from error
    if not isinstance(value, dict):
        raise EvaluationCrashError("expected an object of opa, got another")
    return value


def _answers(
    document: dict[str, Any], nonce: str, modules: Sequence[Module], count: int
) -> Answers:
    try:
        (result,) = document["result"]
        said = result["expressions"][0]["value"]
        found = said.get("answer", {})
        if said["nonce"] != nonce or not found.keys() <= set(map(str, range(count))):
            raise ValueError  # noqa: TRY301 - as whatever else is not an answer
        coverage = _coverage(document.get("coverage", {}).get("files", {}), modules)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise EvaluationCrashError(
            "expected opa's answer to what it was asked, got another"
        ) from error
    return Answers([found.get(str(n), UNDEFINED) for n in range(count)], coverage)


def _coverage(
    files: Mapping[str, Any], modules: Sequence[Module]
) -> dict[str, tuple[set[int], set[int]]]:
    """Return the lines of each module; ``opa`` has a file twice, with and without /."""
    found: dict[str, tuple[set[int], set[int]]] = {}
    for file, report in files.items():
        if match := _MODULE.search(file):
            module = modules[int(match["number"])]
            covered, missed = found.setdefault(module.path, (set(), set()))
            covered |= _lines(report.get("covered") or ())
            missed |= _lines(report.get("not_covered") or ())
    return found


def _lines(parts: Sequence[Any]) -> set[int]:
    return {
        line
        for part in parts
        for line in range(part["start"]["row"], part["end"]["row"] + 1)
    }


def _refusal(
    errors: Any, modules: Sequence[Module]
) -> EvaluationError | RegoParseError:
    """Return what ``opa`` found wrong: with the modules, or while it evaluated."""
    try:
        problems = [_problem(error, modules) for error in errors]
        codes = [str(error["code"]) for error in errors]
    except (LookupError, TypeError, ValueError, AttributeError):
        return EvaluationCrashError("expected errors of opa, got something else")
    if not problems:
        return EvaluationCrashError("expected errors of opa, got none")
    if all(code == "rego_parse_error" or _COMPILE.fullmatch(code) for code in codes):
        return OpaRefusedError(problems)
    path, line, column, reason = problems[0]
    return EvaluationError(f"{path}:{line}:{column}: {reason}")


def _problem(error: Any, modules: Sequence[Module]) -> tuple[str, int, int, str]:
    place = error.get("location") or {}
    match = _MODULE.search(str(place.get("file", "")))
    path = modules[int(match["number"])].path if match else "modules"
    reason = str(error["message"]).split("\n", 1)[0][:1000]
    return path, int(place.get("row", 1)), max(int(place.get("col", 1)), 1), reason
