# SPDX-License-Identifier: Apache-2.0
"""Inputs to try where the solver's own does not hold: made of the rules' own words.

The solver does not know what a regular expression matches. The paths and constants
of two rules, put together in many ways, often do. The same rules give the same
candidates. Nothing here is evidence: an engine decides.
"""

from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Any, Final

from bundle.ratchet.program import Program
from bundle.ratchet.samples import sample
from bundle.rego.ast import (
    Assignment,
    Call,
    Condition,
    Every,
    Expr,
    Membership,
    Ref,
    Rule,
    Scalar,
    SomeIn,
    Var,
    walk,
)

Steps = tuple[str | int | None, ...]  # None is any element

_USUAL: Final = (True, False, "", "x", 0, 1)
# Values for the input document's own fields, such as the schema wants them.
_REQUIRED: Final[dict[Steps, Any]] = {
    ("context", "evaluated_at"): "2026-01-07T10:00:00Z",
    ("context", "target", "name"): "eu-1",
    ("context", "target", "tier"): "prod",
}


def candidates(
    programs: tuple[Program, ...], *, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield inputs made of the paths and constants of some rules."""
    leaves = _leaves(programs)
    values = list(dict.fromkeys([*_constants(programs), *_USUAL]))
    for turn in range(limit):
        choice = _Choice(turn)
        document: Any = {}
        for leaf in leaves:
            if choice.below(6) > 0:
                _put(document, leaf, values, choice)
        if isinstance(document, dict):
            yield document


def variants(
    document: dict[str, Any], programs: tuple[Program, ...], *, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield a document with one of its leaves replaced by a constant of some rules.

    A solver's candidate is right but for what the solver knows nothing of, such as the
    text that a pattern matches; that is often one leaf.
    """
    leaves, values = _leaves(programs), _constants(programs)
    pairs = ((leaf, value) for value in values for leaf in leaves)
    for leaf, value in islice(pairs, limit):
        copy = deepcopy(document)
        if _replace(copy, leaf, value):
            yield copy


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return an input with the fields that every decision has, where it has none."""
    whole = {**document}
    proposal, context = whole.get("proposal", {}), whole.get("context", {})
    if not isinstance(proposal, dict) or not isinstance(context, dict):
        return document
    target = context.get("target", {})
    if not isinstance(target, dict):
        return document
    usual = {"/".join(map(str, path)): value for path, value in _REQUIRED.items()}
    whole["proposal"] = {"files": [], **proposal}
    whole["context"] = {
        "evaluated_at": usual["context/evaluated_at"],
        **context,
        "target": {
            "name": usual["context/target/name"],
            "tier": "dev",
            **target,
        },
    }
    return whole


class _Choice:
    """Numbers that look arbitrary and are the same in every run."""

    def __init__(self, turn: int) -> None:
        self._state = turn * 2_654_435_761 + 12_345

    def below(self, bound: int) -> int:
        self._state = (self._state * 6_364_136_223_846_793_005 + 1) % (1 << 64)
        return (self._state >> 33) % bound


def _put(document: Any, path: Steps, values: list[Any], choice: _Choice) -> None:
    """Set one leaf; on the way, an array gets up to three elements."""
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if not isinstance(document, dict):
            return
        if not rest:
            document[step] = values[choice.below(len(values))]
            return
        inner: Any = {} if isinstance(rest[0], str) else []
        _put(document.setdefault(step, inner), rest, values, choice)
    elif isinstance(document, list):
        for index in range(choice.below(4)):
            if index == len(document):
                more = bool(rest)
                document.append({} if more else values[choice.below(len(values))])
            if rest:
                _put(document[index], rest, values, choice)


def _replace(document: Any, path: Steps, value: Any) -> bool:
    """Set one leaf wherever it can be; return whether that was somewhere."""
    step, rest = path[0], path[1:]
    if step is None:
        if not isinstance(document, list) or not document:
            return False
        if not rest:
            document[:] = [value] * len(document)
            return True
        return sum(_replace(item, rest, value) for item in document) > 0
    if not isinstance(document, dict):
        return False
    if not rest:
        document[step] = value
        return True
    inner: Any = {} if isinstance(rest[0], str) else []
    return _replace(document.setdefault(step, inner), rest, value)


def _leaves(programs: tuple[Program, ...]) -> list[Steps]:
    paths = sorted({p for program in programs for p in _paths(program)}, key=str)
    return [p for p in paths if not _is_inner(p, paths)]


def _is_inner(path: Steps, paths: list[Steps]) -> bool:
    return any(other != path and other[: len(path)] == path for other in paths)


def _constants(programs: tuple[Program, ...]) -> list[Any]:
    found: dict[Any, None] = {}
    for program in programs:
        for scope in program.scopes:
            rules = (r for r in scope.syntax.rules if r.root != "rule_metadata")
            for node in walk(tuple(r.bodies for r in rules)):
                if isinstance(node, Call) and node.name == "regex.match":
                    found |= dict.fromkeys(_matching(node))
                if isinstance(node, Scalar) and not isinstance(node.value, float):
                    found[node.value] = None
                    if isinstance(node.value, int) and not isinstance(node.value, bool):
                        found[node.value - 1] = found[node.value + 1] = None
    return list(found)


def _matching(call: Call) -> Iterator[str]:
    """Yield a text that a literal pattern matches."""
    pattern = call.arguments[0]
    if isinstance(pattern, Scalar) and isinstance(pattern.value, str):
        text = sample(pattern.value)
        if text is not None:
            yield text


def _paths(program: Program) -> Iterator[Steps]:
    for scope in program.scopes:
        for rule in scope.syntax.rules:
            yield from _paths_of(rule, _known(program, rule))


def _known(program: Program, rule: Rule) -> dict[str, Steps]:
    """Return which part of the input the locals of a rule stand for."""
    known: dict[str, Steps] = {"input": ()}
    for scope in program.scopes:
        known |= {a: p[1:] for a, p in scope.imports.items() if p[0] == "input"}
    for node in walk(rule.bodies):
        match node:
            case SomeIn(value=Var(name=name), collection=collection):
                path = _path(collection, known)
                if path is not None:
                    known[name] = (*path, None)
            case Every(value=name, domain=domain):
                path = _path(domain, known)
                if path is not None:
                    known[name] = (*path, None)
            case Condition(expr=Assignment(left=Var(name=name), right=right)):
                path = _path(right, known)
                if path is not None:
                    known[name] = path
            case _:
                continue
    return known


def _paths_of(rule: Rule, known: dict[str, Steps]) -> Iterator[Steps]:
    for node in walk((rule.key, rule.value, rule.bodies)):
        if isinstance(node, Ref | Var):
            path = _path(node, known)
            if path:
                yield path
        if isinstance(node, SomeIn | Membership):
            path = _path(node.collection, known)
            if path:
                yield (*path, None)


def _path(expr: Expr, known: dict[str, Steps]) -> Steps | None:
    if isinstance(expr, Var):
        return known.get(expr.name)
    if not isinstance(expr, Ref) or not isinstance(expr.root, Var):
        return None
    path = known.get(expr.root.name)
    if path is None:
        return None
    for step in expr.steps:
        said = step.value if isinstance(step, Scalar) else None
        path = (*path, said if isinstance(said, str) else None)
    return path
