# SPDX-License-Identifier: Apache-2.0
"""Kinds of expressions, and what computing them takes.

``Looks`` knows one body at a time: ``loops`` is how often its statements run, and
``many`` whether they can run more than once. A step is one statement for one element.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bundle.ratchet.answers import result
from bundle.ratchet.kinds import (
    ANY,
    BOOLEAN,
    NUMBER,
    Kind,
    input_kind,
    joined,
    of_scalar,
)
from bundle.ratchet.limits import MAX_LOOKS
from bundle.ratchet.program import Path, Program
from bundle.rego.ast import (
    COMPARISONS,
    Call,
    Collection,
    Comprehension,
    Expr,
    Membership,
    ObjectTerm,
    Operation,
    Place,
    Ref,
    Scalar,
    Var,
)
from bundle.rego.scope import Scope

_VERB: Final = re.compile(r"%(.?)")
# Characters that are looked at, and elements that are compared, in one step.
_CHARACTERS: Final = 1_000
_ELEMENTS: Final = 100
# Builtins that need no look at the elements of what they get.
_CONSTANT: Final = frozenset({"count", "type_name", "time.clock", "time.weekday"})


class NoAnswerError(Exception):
    """A rule that may have no answer, and where."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


@dataclass
class Names:
    """The names at one level of a rule.

    Attributes:
        known: What the locals are.
        indices: Locals that a reference binds by walking through something.
    """

    scope: Scope
    known: Mapping[str, Kind]
    indices: frozenset[str] = frozenset()


class Looks(ABC):
    """What an analysis has seen of a program.

    Attributes:
        patterns: Regular expressions that an engine has to be able to read.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self.patterns: set[str] = set()
        self.loops, self.many, self.steps = 1, False, 0
        self._lenient = False
        self._left = MAX_LOOKS

    @abstractmethod
    def rule(self, path: Path, place: Place) -> Kind:
        """Return what the rule at a path is."""

    @abstractmethod
    def function(self, path: Path, arguments: tuple[Kind, ...], call: Call) -> Kind:
        """Return what a function of ours gives."""

    @abstractmethod
    def comprehension(self, node: Comprehension, names: Names) -> Kind:
        """Return what a comprehension is."""

    def fail(self, place: Place, reason: str) -> Kind:
        """Refuse, or while kinds are still being found, know nothing."""
        if not self._lenient:
            raise NoAnswerError(place, reason)
        return ANY

    def kind(self, expr: Expr, names: Names) -> Kind:  # noqa: PLR0911 - one case for each form
        """Return what an expression is, where it is defined."""
        self._left -= 1
        if self._left < 0:
            raise NoAnswerError(expr.place, "more helpers than can be looked at")
        match expr:
            case Scalar(value=value):
                return of_scalar(value)
            case Var() | Ref():
                return self._reference(expr, names)
            case Call():
                return self._call(expr, names)
            case Collection(kind=kind, items=items):
                kinds = [self.kind(item, names) for item in items]
                return Kind(kind, len(items), _all(kinds))
            case ObjectTerm():
                return self._object(expr, names)
            case Comprehension():
                return self.comprehension(expr, names)
            case Operation():
                return self._operation(expr, names)
            case Membership(key=key, value=value, collection=collection):
                wanted = [self.kind(e, names) for e in (key, value) if e is not None]
                size = self.kind(collection, names).size
                self.steps += size // _ELEMENTS * max(1, len(wanted))
                return BOOLEAN
            case _:
                return self.fail(expr.place, "a unification")

    def walk_through(self, kind: Kind) -> Kind:
        """Count a loop; return what its element is."""
        self.loops *= max(1, kind.size)
        self.many = True
        return kind.element

    def _object(self, expr: ObjectTerm, names: Names) -> Kind:
        keys = [k.value if isinstance(k, Scalar) else None for k, _ in expr.fields]
        kinds = [self.kind(value, names) for _, value in expr.fields]
        texts = [key for key in keys if isinstance(key, str)]
        if len(set(texts)) != len(keys):
            return self.fail(expr.place, "an object may have two values for a key")
        fields = tuple(zip(texts, kinds, strict=True))
        return Kind("object", len(fields), None, fields)

    def _operation(self, expr: Operation, names: Names) -> Kind:
        sides = (self.kind(expr.left, names), self.kind(expr.right, names))
        if expr.operator in COMPARISONS:
            self.steps += min(s.size for s in sides) // _CHARACTERS
            return BOOLEAN
        if expr.operator in ("+", "-", "*") and all(s.is_a("number") for s in sides):
            return NUMBER
        if expr.operator in ("-", "|", "&") and all(s.is_a("set") for s in sides):
            size = sum(s.size for s in sides)
            self.steps += size
            return Kind("set", size, _all([s.item or ANY for s in sides]))
        return self.fail(expr.place, f"{expr.operator} may get what it cannot compute")

    def _reference(self, expr: Var | Ref, names: Names) -> Kind:
        root: Expr = expr if isinstance(expr, Var) else expr.root
        steps: tuple[Expr, ...] = () if isinstance(expr, Var) else expr.steps
        if not isinstance(root, Var):
            return self._walk(self.kind(root, names), steps, names)
        if root.name in names.known:
            return self._walk(names.known[root.name], steps, names)
        path = self._program.path(names.scope, root.name)
        steps = (*(Scalar(expr.place, name) for name in path[1:]), *steps)
        if path[0] == "input":
            return self._walk(input_kind(), steps, names)
        if path[0] != "data":
            return self.fail(expr.place, f"the name {root.name} before it is bound")
        return self._data(expr.place, steps, names)

    def _data(self, place: Place, steps: tuple[Expr, ...], names: Names) -> Kind:
        full: Path = ("data",)
        for step in steps:
            if not isinstance(step, Scalar) or not isinstance(step.value, str):
                break
            full = (*full, step.value)
        rule = self._program.rule_at(full)
        if rule is not None:
            return self._walk(self.rule(rule, place), steps[len(rule) - 1 :], names)
        if not self._program.is_outside(full):
            return self.fail(place, "a reference to a package, or past its rules")
        return self._walk(ANY, steps, names)

    def _walk(self, kind: Kind, steps: tuple[Expr, ...], names: Names) -> Kind:
        for step in steps:
            if isinstance(step, Var) and (
                step.name == "_" or step.name in names.indices
            ):
                kind = self.walk_through(kind)
            elif isinstance(step, Scalar) and isinstance(step.value, str):
                kind = kind.field(step.value)
            else:
                self.kind(step, names)
                whole = _all([k for _, k in kind.fields or ()])
                kind = kind.item or whole
        return kind

    def _call(self, call: Call, names: Names) -> Kind:
        kinds = tuple(self.kind(a, names) for a in call.arguments)
        path = self._program.called(names.scope, call.name)
        if path is not None:
            return self.function(path, kinds, call)
        self.steps += 1 + _work(call.name, kinds)
        found = self._special(call, kinds) or result(call.name, kinds)
        if found is None:
            said = ", ".join(kind.name for kind in kinds)
            return self.fail(
                call.place, f"{call.name} may get what it has no answer to ({said})"
            )
        return found

    def _special(self, call: Call, kinds: tuple[Kind, ...]) -> Kind | None:
        """Return the kind of a call whose arguments matter as they are written."""
        match call:
            case Call(
                name="sprintf",
                arguments=(Scalar(value=str(text)), Collection(items=items)),
            ):
                verbs = [verb for verb in _VERB.findall(text) if verb != "%"]
                parts = len(text) + 8 * kinds[1].size * (kinds[1].item or ANY).size
                fits = len(verbs) == len(items) and set(verbs) <= set("sdv")
                return Kind("text", parts) if fits else None
            case Call(name="regex.match", arguments=(Scalar(value=str(pattern)), _)):
                self.patterns.add(pattern)
                return BOOLEAN if kinds[1].is_a("text") else None
            case Call(name="object.get", arguments=(_, Scalar(value=str(name)), _)):
                found = joined(kinds[0].field(name), kinds[2])
                return found if kinds[0].is_a("object") else None
            case _:
                return None


def _all(kinds: list[Kind]) -> Kind:
    found = kinds[0] if kinds else ANY
    for kind in kinds[1:]:
        found = joined(found, kind)
    return found


def _work(name: str, kinds: tuple[Kind, ...]) -> int:
    """Return the steps of one call of a builtin."""
    if name in _CONSTANT or name.startswith("is_"):
        return 0
    steps, lists = 0, 1
    for kind in kinds:
        if kind.is_a("text"):
            steps += kind.size // _CHARACTERS
        elif kind.name in ("array", "set"):
            each = 1 + (kind.item or ANY).size // _CHARACTERS
            lists *= kind.size * each
    return steps + (lists if lists > 1 else 0)
