# SPDX-License-Identifier: Apache-2.0
"""One name for comprehensions and rules that say the same.

A comprehension whose elements must be counted or compared is an open function of the
locals that it captures. Two have the same function if they are the same but for the
names of their locals, with the definitions of all helpers that they use written in.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bundle.ratchet.bound import Env, names_of
from bundle.ratchet.formula import UnknownError
from bundle.ratchet.limits import MAX_CALL_DEPTH
from bundle.ratchet.program import Path, Program
from bundle.rego.ast import (
    Assignment,
    Call,
    Comprehension,
    Condition,
    Every,
    Node,
    Ref,
    Scalar,
    SomeIn,
    SomeVars,
    Statement,
    Var,
)
from bundle.rego.scope import Scope


class Canon:
    """Names of the terms of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._rules: dict[Path, str] = {}
        self._open: set[Path] = set()

    def comprehension(
        self, node: Comprehension, env: Env
    ) -> tuple[str, tuple[str, ...]]:
        """Return a comprehension's name, and the locals that it captures."""
        writer = _Writer(self, env.scope, frozenset(env.names), env.closed)
        digest = _digest(writer.write(node))
        return f"comprehension:{digest}", tuple(writer.captured)

    def rule(self, path: Path) -> str:
        """Return the name of what all clauses of a rule make."""
        if path not in self._rules:
            if path in self._open or len(self._open) > MAX_CALL_DEPTH:
                raise UnknownError(f"{path[-1]} depends on itself")
            self._open.add(path)
            written = []
            for clause in self.program.rules[path]:
                rule, writer = clause.rule, _Writer(self, clause.scope, frozenset())
                parts = (rule.kind, rule.arguments, rule.key, rule.value, rule.bodies)
                written.append(writer.write(parts))
            self._rules[path] = f"rule:{_digest(written)}"
            self._open.discard(path)
        return self._rules[path]

    def resolve(self, path: Path) -> Any:
        """Return what stands for a path: the rule that it leads to, or itself."""
        rule = self.program.rule_at(path) if path[0] == "data" else None
        if rule is None:
            return ("path", *path)
        return (self.rule(rule), *path[len(rule) :])


class _Writer:
    """Writes one node as nested tuples, without places and names of locals."""

    def __init__(
        self,
        canon: Canon,
        scope: Scope,
        around: frozenset[str],
        closed: frozenset[str] = frozenset(),
    ) -> None:
        self._closed = closed
        self._canon = canon
        self._program = canon.program
        self._scope = scope
        self._around = around
        self._locals: dict[str, int] = {}
        self.captured: list[str] = []

    def write(self, node: object) -> Any:  # noqa: PLR0911 - one return for each form
        """Return the form of a node; equal forms mean the same."""
        match node:
            case Var():
                return self._name(node)
            case Ref(root=Var() as root) if not self._is_local(root.name):
                return ("ref", self._root(node, root))
            case Call():
                path = self._program.called(self._scope, node.name)
                name = self._canon.rule(path) if path else node.name
                return ("call", name, self.write(node.arguments))
            case Scalar(value=value):
                return ("scalar", type(value).__name__, value)
            case tuple():
                return tuple(self.write(item) for item in node)
            case SomeVars(names=names):
                return ("some", *(self._local(name) for name in names))
            case Comprehension():
                with self._declaring(_declared(node.body)):
                    return (node.kind, self.write(node.head), self.write(node.body))
            case Every():
                return self._every(node)
            case _ if isinstance(node, Node):
                fields = (n for n in node.__match_args__ if n != "place")
                written = (self.write(getattr(node, name)) for name in fields)
                return (type(node).__name__, *written)
            case _:
                return node

    def _every(self, node: Every) -> Any:
        domain = self.write(node.domain)
        names = {n for n in (node.key, node.value) if n is not None}
        with self._declaring(names | _declared(node.body)):
            key = None if node.key is None else self._local(node.key)
            declared = (key, self._local(node.value))
            return ("every", declared, domain, self.write(node.body))

    @contextmanager
    def _declaring(self, names: set[str]) -> Iterator[None]:
        """Write something that declares names of its own."""
        before = self._closed
        self._closed = before - names
        yield
        self._closed = before

    def _root(self, node: Ref, root: Var) -> Any:
        path = self._program.path(self._scope, root.name)
        for index, step in enumerate(node.steps):
            if not isinstance(step, Scalar) or not isinstance(step.value, str):
                rest = self.write(node.steps[index:])
                return (self._canon.resolve(path), rest)
            path = (*path, step.value)
        return (self._canon.resolve(path), ())

    def _is_local(self, name: str) -> bool:
        if name in self._around or name in self._locals:
            return True
        path = self._program.path(self._scope, name)
        return path == (name,) and name not in ("input", "data")

    def _name(self, var: Var) -> Any:
        name = var.name
        if name == "_":
            return ("any",)
        if not self._is_local(name):
            return self._canon.resolve(self._program.path(self._scope, name))
        return self._local(name)

    def _local(self, name: str) -> Any:
        if name in self._closed and name not in self._around:
            raise UnknownError(f"the name {name} in a closure before it is bound")
        if name not in self._around:
            return ("local", self._locals.setdefault(name, len(self._locals)))
        if name not in self.captured:
            self.captured.append(name)
        return ("captured", self.captured.index(name))


def _declared(body: tuple[Statement, ...]) -> set[str]:
    """Return the names that a closure has for itself, and mentions no earlier."""
    found: set[str] = set()
    seen: frozenset[str] = frozenset()
    for statement in body:
        names: frozenset[str] = frozenset()
        match statement:
            case SomeVars(names=several):
                names = frozenset(several)
            case SomeIn(key=key, value=value, collection=collection):
                names, seen = names_of((key, value)), seen | names_of(collection)
            case Condition(expr=Assignment(operator=":=", left=left, right=right)):
                names, seen = names_of(left), seen | names_of(right)
            case _:
                pass
        found |= names - seen
        seen |= names_of(statement)
    return found


def _digest(form: Any) -> str:
    return hashlib.sha256(repr(form).encode()).hexdigest()[:32]
