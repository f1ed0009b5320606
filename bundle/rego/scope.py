# SPDX-License-Identifier: Apache-2.0
"""What the names of a module stand for.

No local may carry the name of a rule, an import, ``input`` or ``data`` (``conditions``
refuses it), so a name means one thing in the whole module and needs no block scopes.
"""

from collections.abc import Iterator
from functools import cached_property

from bundle.rego.ast import (
    Assignment,
    Call,
    Every,
    Expr,
    Node,
    Ref,
    Rule,
    Scalar,
    SomeIn,
    SomeVars,
    Syntax,
    Var,
    below,
    walk,
)


class Scope:
    """The names of one module."""

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax

    @cached_property
    def imports(self) -> dict[str, tuple[str, ...]]:
        """Path by alias; ``rego.v1`` is a version, not a name."""
        imports = self.syntax.imports
        return {i.alias: i.path for i in imports if i.path != ("rego", "v1")}

    @cached_property
    def rules(self) -> dict[str, tuple[Rule, ...]]:
        """Rules by their first name."""
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in self.syntax.rules:
            found[rule.root] = (*found.get(rule.root, ()), rule)
        return found

    def is_local(self, name: str) -> bool:
        """Return whether a name is neither rule, import, ``input`` nor ``data``."""
        known = name in self.rules or name in self.imports
        return not known and name not in ("input", "data")

    def path(self, expr: Expr) -> tuple[str, ...] | None:
        """Return the static path of a name or reference, imports resolved.

        Returns:
            Such as ``("data", "overlay_lib", "target_tier")`` or ``("input", "a")``,
            up to the first step that is not a literal string; none for other
            expressions. A rule of this module has its full path.
        """
        if isinstance(expr, Var):
            return self._root(expr.name)
        if not isinstance(expr, Ref) or not isinstance(expr.root, Var):
            return None
        path = self._root(expr.root.name)
        for step in expr.steps:
            if not isinstance(step, Scalar) or not isinstance(step.value, str):
                break
            path = (*path, step.value)
        return path

    def _root(self, name: str) -> tuple[str, ...]:
        if name in self.rules:
            return ("data", *self.syntax.package, name)
        return self.imports.get(name, (name,))

    def references(self, node: object) -> Iterator[tuple[Expr, tuple[str, ...]]]:
        """Yield every outermost name and reference below a node, with its path."""
        for expr in _outermost(node):
            path = self.path(expr)
            if path is not None:
                yield expr, path

    def uses(self, rule: Rule) -> set[str]:
        """Return the rules of this module that a rule's value depends on."""
        inside = (rule.arguments, rule.key, rule.value, rule.bodies, _steps(rule))
        own = ("data", *self.syntax.package)
        found = {
            path[len(own)]
            for _, path in self.references(inside)
            if path[: len(own)] == own and len(path) > len(own)
        }
        calls = {node.name for node in walk(inside) if isinstance(node, Call)}
        return (found | calls) & self.rules.keys()


def local_names(rule: Rule) -> Iterator[tuple[Node, str]]:
    """Yield every name that a rule declares, with the node that does."""
    for node in walk(rule):
        if isinstance(node, SomeVars):
            yield from ((node, name) for name in node.names)
        elif isinstance(node, Every):
            names = (node.key, node.value)
            yield from ((node, name) for name in names if name is not None)
        elif isinstance(node, SomeIn):
            yield from _variables((node.key, node.value))
        elif isinstance(node, Assignment) and node.operator == ":=":
            yield from _variables(node.left)
    yield from _variables(rule.arguments)


def _variables(pattern: object) -> Iterator[tuple[Node, str]]:
    for node in walk(pattern):
        if isinstance(node, Var) and node.name != "_":
            yield node, node.name


def _steps(rule: Rule) -> tuple[Expr, ...]:
    return rule.name.steps if isinstance(rule.name, Ref) else ()


def _outermost(node: object) -> Iterator[Expr]:
    """Yield names and references, and what stands in their brackets, but no prefix."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Var):
            yield item
        elif isinstance(item, Ref):
            yield item
            inner = () if isinstance(item.root, Var) else (item.root,)
            waiting += (*inner, *item.steps)[::-1]
        else:
            waiting += below(item)[::-1]
