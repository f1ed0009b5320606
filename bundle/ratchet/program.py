# SPDX-License-Identifier: Apache-2.0
"""The rules of one side of a question, and what their names stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bundle.ratchet.formula import UnknownError
from bundle.rego.ast import (
    Condition,
    ObjectTerm,
    Ref,
    Rule,
    Scalar,
    Syntax,
    Var,
    walk,
)
from bundle.rego.engine import Module
from bundle.rego.negation import unportable_negations
from bundle.rego.reader import read_syntax
from bundle.rego.scope import Scope, local_names

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of a module, with the names that it sees."""

    scope: Scope
    rule: Rule


@dataclass(frozen=True)
class Program:
    """Modules that are loaded together."""

    scopes: tuple[Scope, ...]

    @classmethod
    def of(
        cls, modules: Sequence[Module], trees: Sequence[dict[str, Any]]
    ) -> "Program":
        """Read modules and the engine's trees of them.

        Raises:
            RegoParseError: Syntax that no check knows.
        """
        pairs = zip(modules, trees, strict=True)
        return cls(tuple(Scope(read_syntax(m, tree)) for m, tree in pairs))

    @cached_property
    def rules(self) -> dict[Path, tuple[Clause, ...]]:
        """Clauses by full path; a rule with steps in its head by its first name."""
        found: dict[Path, tuple[Clause, ...]] = {}
        for scope in self.scopes:
            for rule in scope.syntax.rules:
                path = ("data", *scope.syntax.package, rule.root)
                found[path] = (*found.get(path, ()), Clause(scope, rule))
        return found

    def require_plain_names(self, clause: Clause) -> None:
        """Refuse a clause with a local that is called like a rule or an import.

        Raises:
            UnknownError: A name that means two things.
        """
        for _, name in local_names(clause.rule):
            if self.path(clause.scope, name) != (name,) or name in ("input", "data"):
                raise UnknownError(f"the local {name}, called like something else")

    def is_portable(self, condition: Condition, scope: Scope) -> bool:
        """Return whether a negated condition means the same in every engine."""
        if id(condition) in self._unportable:
            return False
        if isinstance(condition.expr, Var | Ref):
            return True
        # A rule of another file looks like a local to its module's own check.
        names = {n.name for n in walk(condition.expr) if isinstance(n, Var)}
        elsewhere = (n for n in names if scope.is_local(n))
        return all(self.path(scope, name) == (name,) for name in elsewhere)

    @cached_property
    def _unportable(self) -> frozenset[int]:
        return frozenset(
            id(condition)
            for scope in self.scopes
            for condition in unportable_negations(scope)
        )

    def path(self, scope: Scope, name: str) -> Path:
        """Return the full path of a name that is no local."""
        own = ("data", *scope.syntax.package, name)
        if own in self.rules:
            return own
        return scope.imports.get(name, (name,))

    def rule_at(self, path: Path) -> Path | None:
        """Return the path of the rule that a path leads to or into."""
        ends = range(1, len(path) + 1)
        return next((path[:end] for end in ends if path[:end] in self.rules), None)

    def is_outside(self, path: Path) -> bool:
        """Return whether a path of ``data`` surely leads to no module."""
        packages = [("data", *scope.syntax.package) for scope in self.scopes]
        if len(path) < len(("data", "package", "name")):
            return False
        return not any(path[: len(p)] == p[: len(path)] for p in packages)

    def called(self, scope: Scope, name: str) -> Path | None:
        """Return the path of the function of ours that a call means, if it is one."""
        head, *rest = name.split(".")
        path = tuple(name.split(".")) if head == "data" else None
        if path is None:
            path = (*self.path(scope, head), *rest)
        return path if path in self.rules else None

    def denies(self, package: Path, rule_id: str | None) -> tuple[Clause, ...]:
        """Return the clauses of ``deny`` of a package, or of one rule in it.

        Raises:
            UnknownError: There are none, or one whose rule nobody can say.
        """
        clauses = self.rules.get(("data", *package, "deny"), ())
        if rule_id is not None:
            clauses = tuple(c for c in clauses if _cites(c, rule_id))
        if not clauses:
            raise UnknownError("no deny rule")
        return clauses


def cited(rule: Rule) -> str | None:
    """Return the rule id in the head of a deny, if it is literal."""
    if isinstance(rule.key, ObjectTerm):
        for key, value in rule.key.fields:
            if isinstance(key, Scalar) and key.value == "rule_id":
                if isinstance(value, Scalar) and isinstance(value.value, str):
                    return value.value
                return None
    return None


def _cites(clause: Clause, rule_id: str) -> bool:
    """Return whether a deny is of a rule: by its head, or by its file."""
    said = cited(clause.rule)
    if said is not None:
        return said == rule_id
    return declares(clause.scope.syntax, rule_id)


def declares(syntax: Syntax, rule_id: str) -> bool:
    """Return whether a module has the metadata of a rule."""
    return any(
        rule.root == "rule_metadata"
        and isinstance(rule.name, Ref)
        and [getattr(s, "value", None) for s in rule.name.steps] == [rule_id]
        for rule in syntax.rules
    )
