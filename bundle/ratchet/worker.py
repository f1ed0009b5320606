# SPDX-License-Identifier: Apache-2.0
"""The solver's process: it reads questions, and answers them one at a time.

A solver can hang past its own clock and grow past its own bound, so it is never in
the process that asks. The limits are set after its library is loaded and before the
first question; the parent's wall clock is the last word.
"""

import contextlib
import json
import os
import resource
import sys
from typing import Any, BinaryIO

try:
    import z3
except ImportError:
    sys.exit(4)  # child.py says what to install

from bundle.ratchet.program import Program
from bundle.ratchet.solve import Side, search
from bundle.ratchet.values import VALUE, literal
from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from bundle.rego.frames import HEAD, pack, unpack

# Formulas are nested functions, so Python's frames are many; they are on the heap.
_FRAMES = 20_000


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        holds = [_side(side, "lower") for side in request["holds"]]
        fails = [_side(side, "stricter") for side in request["fails"]]
    except RegoParseError as error:
        return _no_answer(error.message)
    found = search(
        holds,
        fails,
        timeout_ms=request["timeout_ms"],
        admitted=request["admitted"],
        given=_given(request["parameter"]),
    )
    return {
        "answer": found.answer,
        "document": found.document,
        "reason": found.reason,
        "solver": z3.get_version_string(),
    }


def _no_answer(reason: str) -> dict[str, Any]:
    return {"answer": "unknown", "document": None, "reason": reason}


def _side(side: dict[str, Any], name: str) -> Side:
    modules = [Module(path, source) for path, source, _ in side["modules"]]
    program = Program.of(modules, [tree for _, _, tree in side["modules"]])
    path = side["parameter"]
    parameter = (tuple(path), z3.Const(f"parameter:{name}", VALUE)) if path else None
    return Side(
        program, tuple(side["package"]), side["rule_id"], side["partial"], parameter
    )


def _given(parameter: dict[str, Any] | None) -> list[Any]:
    """Return how the parameter's two values stand: the second is at least as strict."""
    if parameter is None:
        return []
    low, high = (z3.Const(f"parameter:{n}", VALUE) for n in ("lower", "stricter"))
    if parameter["type"] == "bool":
        strict = literal(value=parameter["direction"] == "true")
        booleans = z3.And(VALUE.is_boolean(low), VALUE.is_boolean(high))
        return [booleans, z3.Implies(low == strict, high == strict)]
    a, b = VALUE.amount(low), VALUE.amount(high)
    ordered = b >= a if parameter["direction"] == "up" else b <= a
    bounds = [z3.And(x >= parameter["min"], x <= parameter["max"]) for x in (a, b)]
    whole = [z3.IsInt(x) for x in (a, b)]
    return [VALUE.is_number(low), VALUE.is_number(high), ordered, *bounds, *whole]


def _confine(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    while len(head := requests.read(HEAD.size)) == HEAD.size:
        (question,) = unpack(requests.read(*HEAD.unpack(head)))
        try:
            answer = _answer(json.loads(question))
        except MemoryError:
            answer = _no_answer("out of memory")
        except Exception as error:  # noqa: BLE001 - whatever it was, it is no proof
            answer = _no_answer(f"the prover failed: {type(error).__name__}")
        answers.write(pack([json.dumps(answer).encode()]))
        answers.flush()


def main() -> None:
    """Serve until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints cannot speak for the solver
    _confine(int(sys.argv[1]))
    sys.setrecursionlimit(_FRAMES)
    with contextlib.suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, answers)
    os._exit(0)


if __name__ == "__main__":
    main()
