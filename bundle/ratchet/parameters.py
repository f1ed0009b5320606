# SPDX-License-Identifier: Apache-2.0
"""Parameters that a parent declares: what may be chosen, and in which direction.

A declaration stands in the ``# METADATA`` of a parent's package; ``direction`` says
which way is stricter. A value is accepted only within the bounds and at least as
strict as the default. That a stricter value denies more is not taken on trust: it is
proved for each parent (``prove_monotone``), once per release of it.

Format: docs/formats/ratchet.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Literal

from bundle.ratchet.child import Prover
from bundle.ratchet.compare import lent
from bundle.ratchet.errors import ParameterDeclarationError, ParameterValueError
from bundle.ratchet.limits import DEFAULT_TIMEOUT_MS
from bundle.ratchet.program import Path, Program
from bundle.ratchet.refine import Answer
from bundle.ratchet.sides import Question
from bundle.rego.annotations import read_annotations
from bundle.rego.engine import Engine, Module
from keys.errors import FieldFormatError
from keys.fields import Fields

Kind = Literal["int", "bool", "set", "window"]

_DIRECTIONS: Final[dict[Kind, tuple[str, ...]]] = {
    "int": ("up", "down"),
    "bool": ("true", "false"),
    "set": ("superset", "subset"),
    "window": ("inside", "around"),
}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_WINDOW: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter.

    Attributes:
        path: Where rules read it: ``data.<package>.params.<name>``.
        direction: Where the stricter values are.
        default: The value without a choice; the loosest that may be chosen.
        minimum: Of an ``int``.
        maximum: Of an ``int``.
    """

    name: str
    path: Path
    kind: Kind
    direction: str
    default: Any
    minimum: int = 0
    maximum: int = 0


def read_parameters(
    modules: Sequence[Module], *, engine: Engine
) -> tuple[Parameter, ...]:
    """Return what the modules of a parent declare.

    Raises:
        ParameterDeclarationError: A declaration that is not as its format says.
        RegoParseError: A module or a METADATA comment cannot be read.
    """
    found: dict[Path, Parameter] = {}
    for module in modules:
        package = Program.of([module], [engine.parse(module)]).scopes[0].syntax.package
        for annotation in read_annotations(module):
            custom = annotation.value.get("custom")
            declared = custom.get("params", {}) if isinstance(custom, dict) else {}
            if not isinstance(declared, dict):
                raise ParameterDeclarationError(
                    f"{module.path}: expected params to be a mapping, got another"
                )
            for name, value in declared.items():
                parameter = _read(module.path, package, name, value)
                if parameter.path in found:
                    raise ParameterDeclarationError(
                        f"{module.path}: expected one declaration of {name}, got two"
                    )
                found[parameter.path] = parameter
    return tuple(found.values())


def check_parameters(
    declared: Sequence[Parameter], chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values in force: what was chosen, and defaults for the rest.

    Raises:
        ParameterValueError: A name that no parent declares, a value of another type,
            out of bounds, or looser than the default.
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in chosen:
        if name not in known:
            names = ", ".join(sorted(known)) or "(none)"
            raise ParameterValueError(f"expected a parameter {names}, got {name}")
    values = {name: parameter.default for name, parameter in known.items()}
    for name, value in chosen.items():
        _require(known[name], value)
        values[name] = value
    return values


def prove_monotone(
    parents: Sequence[Module],
    parameter: Parameter,
    *,
    engine: Engine,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
    prover: Prover | None = None,
) -> Answer:
    """Prove that a stricter value of a parameter never loosens the parent.

    Integers and booleans can be proved; ``holds`` is none for sets and windows, and
    wherever the solver finds no proof.

    Raises:
        RegoParseError: A module does not parse.
        EvaluationError: The engine does not start.
        ProverUnavailableError: The solver is not installed.
    """
    start = perf_counter()
    if parameter.kind not in ("int", "bool"):
        reason = f"no formula for a parameter of type {parameter.kind}"
        return Answer(None, None, reason, "", perf_counter() - start)
    side = _side(parents, parameter, engine)
    asked = {
        "type": parameter.kind,
        "direction": parameter.direction,
        "min": parameter.minimum,
        "max": parameter.maximum,
    }
    reasons, version = [], ""
    with lent(prover) as solver:
        for told in side.told():
            solved = solver.search(
                [told], [told], timeout_ms=timeout_ms, parameter=asked
            )
            version = solved.solver or version
            if solved.answer != "none":
                package = ".".join(told["package"])
                reasons.append(f"{package}: {solved.reason or 'not monotone'}")
    holds = None if reasons else True
    seconds = perf_counter() - start
    return Answer(holds, None, "; ".join(reasons), version, seconds)


def _side(parents: Sequence[Module], parameter: Parameter, engine: Engine) -> Question:
    modules = tuple(parents)
    trees = tuple(engine.parse(module) for module in modules)
    return Question(modules, trees, (parameter.path[1:-2],), parameter=parameter.path)


def _read(path: str, package: Path, name: str, value: Any) -> Parameter:
    fields = Fields(value, f"{path}: params.{name}")
    try:
        kind: Any = fields.one_of("type", tuple(_DIRECTIONS))
        direction = fields.one_of("direction", _DIRECTIONS[kind])
        low, high = _bounds(fields) if kind == "int" else (0, 0)
        default = _default(fields, kind)
        fields.done()
    except FieldFormatError as error:
        raise ParameterDeclarationError(error.message) from error
    if not _NAME.fullmatch(name):
        raise ParameterDeclarationError(
            f"{path}: expected a name like min_approvals, got {name!r}"
        )
    where = ("data", *package, "params", name)
    parameter = Parameter(name, where, kind, direction, default, low, high)
    if kind == "int" and not low <= default <= high:
        raise ParameterDeclarationError(
            f"{path}: expected the default of {name} in {low}..{high}, got {default}"
        )
    return parameter


def _bounds(fields: Fields) -> tuple[int, int]:
    return _integer(fields, "min"), _integer(fields, "max")


def _integer(fields: Fields, name: str) -> int:
    text = fields.text(name)
    if not _INTEGER.fullmatch(text):
        raise FieldFormatError(
            f"{fields.where}.{name}: expected an integer in quotes, got {text!r}"
        )
    return int(text)


def _default(fields: Fields, kind: Kind) -> Any:
    match kind:
        case "int":
            return _integer(fields, "default")
        case "bool":
            return fields.one_of("default", ("true", "false")) == "true"
        case "set":
            return fields.texts("default")
        case "window":
            text = fields.text("default")
            if _window(text) is None:
                raise FieldFormatError(
                    f"{fields.where}.default: expected 22:00-02:00, got {text!r}"
                )
            return text


def _require(parameter: Parameter, value: Any) -> None:
    """Refuse a value that is not at least as strict as the default."""
    problem = _problem(parameter, value)
    if problem is not None:
        raise ParameterValueError(
            f"{parameter.name}: expected {problem}, got {value!r}",
            hint="a parent's parameter can be made stricter only",
        )


def _problem(parameter: Parameter, value: Any) -> str | None:
    match parameter.kind:
        case "int":
            return _integer_problem(parameter, value)
        case "bool":
            strict = parameter.direction == "true"
            loosened = parameter.default is strict and value is not strict
            return f"{strict}".lower() if type(value) is not bool or loosened else None
        case "set":
            return _set_problem(parameter, value)
        case "window":
            return _window_problem(parameter, value)


def _integer_problem(parameter: Parameter, value: Any) -> str | None:
    low, high = parameter.minimum, parameter.maximum
    if parameter.direction == "up":
        low = max(low, parameter.default)
    else:
        high = min(high, parameter.default)
    inside = type(value) is int and low <= value <= high
    return None if inside else f"an integer in {low}..{high}"


def _set_problem(parameter: Parameter, value: Any) -> str | None:
    texts = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    if not texts or len(set(value)) != len(value):
        return "a list of distinct texts"
    chosen, default = set(value), set(parameter.default)
    kept = chosen >= default if parameter.direction == "superset" else chosen <= default
    return None if kept else f"a {parameter.direction} of {sorted(default)}"


def _window_problem(parameter: Parameter, value: Any) -> str | None:
    chosen = _window(value) if isinstance(value, str) else None
    default = _window(parameter.default)
    if chosen is None or default is None:
        return "a window like 22:00-02:00"
    inside = (chosen, default) if parameter.direction == "inside" else (default, chosen)
    return (
        None
        if inside[0] <= inside[1]
        else f"a window {parameter.direction} the default"
    )


def _window(text: str) -> frozenset[int] | None:
    """Return the minutes of the day in ``22:00-02:00``; its end is not in it."""
    first, dash, last = text.partition("-")
    ends = [_WINDOW.fullmatch(part) for part in (first, last)]
    if not dash or ends[0] is None or ends[1] is None:
        return None
    start, end = (int(m[1]) * 60 + int(m[2]) for m in ends if m is not None)
    length = (end - start) % 1_440
    return frozenset((start + minute) % 1_440 for minute in range(length)) or None
