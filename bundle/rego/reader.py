# SPDX-License-Identifier: Apache-2.0
"""Read an engine's syntax tree by an allow-list of node kinds.

A kind, operator or shape that is not named here is refused: a newer parser may know
more Rego than the checks behind this reader, and what they do not know they would
wave through.
"""

from typing import Any

from bundle.rego.ast import (
    Body,
    Condition,
    Every,
    Import,
    Place,
    Ref,
    Rule,
    SomeIn,
    SomeVars,
    Statement,
    Syntax,
    Var,
    With,
)
from bundle.rego.engine import Module
from bundle.rego.expressions import (
    ASSIGNMENTS,
    ExpressionReader,
    UnknownSyntaxError,
    only,
)

__all__ = ["UnknownSyntaxError", "read_syntax"]


def read_syntax(module: Module, tree: dict[str, Any]) -> Syntax:
    """Turn an engine's tree into typed nodes.

    Args:
        module: The module that the tree was made from.
        tree: As ``Engine.parse`` returned it.

    Raises:
        UnknownSyntaxError: It has a node that is not on the list, or is too deep.
    """
    reader = _Reader(module)
    try:
        return reader.syntax(tree)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnknownSyntaxError(
            module.path, 1, 1, "expected a syntax tree of version 1, got another"
        ) from error


class _Reader(ExpressionReader):
    """Rules and statements of one module's tree."""

    def syntax(self, tree: dict[str, Any]) -> Syntax:
        package = tree["package"]
        return Syntax(
            self.path,
            self.place(package),
            self.segments(package["refr"]),
            tuple(self._import(item) for item in tree["imports"]),
            tuple(self._rule(item) for item in tree["rules"]),
        )

    def _import(self, node: dict[str, Any]) -> Import:
        path = self.segments(node["refr"])
        alias = self.cut(node["as"]) if node.get("as") else path[-1]
        return Import(self.place(node), path, alias)

    # -- rules

    def _rule(self, node: dict[str, Any]) -> Rule:
        kind, value = only(node)
        place = self.place(value)
        if kind == "Default":
            name, arguments = self._name(value["refr"]), self.all(value["args"])
            default = self.expr(value["value"])
            return Rule(place, "default", name, arguments, None, default, ())
        if kind != "Spec":
            raise self.refuse(place, f"expected a rule, got {kind}")
        bodies = tuple(self._body(body) for body in value["bodies"])
        return self._spec(place, value["head"], bodies)

    def _spec(self, place: Place, node: Any, bodies: tuple[Body, ...]) -> Rule:
        kind, head = only(node)
        name = self._name(head["refr"])
        if kind == "Set":
            key = self.optional(head["key"])
            return Rule(place, "set", name, (), key, None, bodies)
        assign = head["assign"]
        value = self.expr(assign["value"]) if assign else None
        if assign and assign["op"] not in ASSIGNMENTS:
            raise self.refuse(place, f"expected := or =, got {assign['op']}")
        if kind == "Compr":
            return Rule(place, "complete", name, (), None, value, bodies)
        if kind == "Func":
            arguments = self.all(head["args"])
            return Rule(place, "function", name, arguments, None, value, bodies)
        raise self.refuse(place, f"expected a rule head, got {kind}")

    def _name(self, node: Any) -> Var | Ref:
        name = self.expr(node)
        if isinstance(name, Var | Ref):
            return name
        raise self.refuse(name.place, "expected a name in the head of a rule")

    def _body(self, node: dict[str, Any]) -> Body:
        assign = node["assign"]
        value = self.expr(assign["value"]) if assign else None
        statements = self.query(node["query"])
        return Body(self.place(node), bool(node["is_else"]), value, statements)

    # -- statements

    def query(self, node: dict[str, Any]) -> tuple[Statement, ...]:
        return tuple(self._statement(item) for item in node["stmts"])

    def _statement(self, node: dict[str, Any]) -> Statement:
        place = self.place(node)
        changes = tuple(
            With(self.place(w), self.expr(w["refr"]), self.expr(w["as"]))
            for w in node.get("with_mods", ())
        )
        kind, value = only(node["literal"])
        if kind in ("Expr", "NotExpr"):
            expr = self.expr(value["expr"])
            return Condition(place, expr, kind == "NotExpr", changes)
        if kind == "SomeVars":
            names = tuple(self.cut(span) for span in value["vars"])
            return SomeVars(place, names, changes)
        if kind == "SomeIn":
            key, item = self.optional(value["key"]), self.expr(value["value"])
            collection = self.expr(value["collection"])
            return SomeIn(place, key, item, collection, changes)
        if kind == "Every":
            name = self.cut(value["key"]) if value["key"] else None
            domain, body = self.expr(value["domain"]), self.query(value["query"])
            return Every(place, name, self.cut(value["value"]), domain, body, changes)
        raise self.refuse(place, f"expected a known statement, got {kind}")
