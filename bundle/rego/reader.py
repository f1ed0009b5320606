# SPDX-License-Identifier: Apache-2.0
"""Read an engine's syntax tree by an allow-list of node kinds.

A kind, operator or shape that is not named here is refused: a newer parser may know
more Rego than the checks behind this reader, and what they do not know they would
wave through.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from bundle.rego.ast import (
    Assignment,
    Body,
    Call,
    Collection,
    Comprehension,
    Condition,
    Every,
    Expr,
    Import,
    Membership,
    ObjectTerm,
    Operation,
    Place,
    Ref,
    Rule,
    Scalar,
    SomeIn,
    SomeVars,
    Statement,
    Syntax,
    Var,
    With,
)
from bundle.rego.engine import Module
from bundle.rego.errors import RegoParseError
from bundle.rego.limits import MAX_EXPRESSION_DEPTH

_OPERATORS: Final = {
    "BoolExpr": {
        "Eq": "==",
        "Ne": "!=",
        "Lt": "<",
        "Le": "<=",
        "Gt": ">",
        "Ge": ">=",
    },
    "ArithExpr": {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%"},
    "BinExpr": {"Union": "|", "Intersection": "&"},
}
_QUOTES: Final = (b'"', b"`")
_ASSIGNMENTS: Final[dict[str, Literal[":=", "="]]] = {"ColEq": ":=", "Eq": "="}


class UnknownSyntaxError(RegoParseError):
    """Rego that parses, and that no check of ours knows."""

    code = "syntax-not-allowed"


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


class _Reader:
    """One module's tree, and the text to cut names from."""

    def __init__(self, module: Module) -> None:
        self._path = module.path
        self._bytes = module.source.encode()
        newlines = re.finditer(rb"\n", self._bytes)
        self._lines = [0, *(newline.end() for newline in newlines)]
        self._depth = 0
        self._exprs: dict[str, Callable[[str, Any], Expr]] = {
            "String": self._scalar,
            "RawString": self._scalar,
            "Number": self._scalar,
            "Bool": self._scalar,
            "Null": self._scalar,
            "Var": lambda _, v: Var(self._place(v), v["value"]),
            "RefDot": self._ref,
            "RefBrack": self._ref,
            "Call": self._call,
            "Array": self._collection,
            "Set": self._collection,
            "Object": self._object,
            "ArrayCompr": self._comprehension,
            "SetCompr": self._comprehension,
            "ObjectCompr": self._comprehension,
            "BinExpr": self._operation,
            "BoolExpr": self._operation,
            "ArithExpr": self._operation,
            "AssignExpr": self._assignment,
            "Membership": self._membership,
        }

    def syntax(self, tree: dict[str, Any]) -> Syntax:
        package = tree["package"]
        return Syntax(
            self._path,
            self._place(package),
            self._segments(package["refr"]),
            tuple(self._import(item) for item in tree["imports"]),
            tuple(self._rule(item) for item in tree["rules"]),
        )

    # -- names and places

    def _place(self, node: dict[str, Any]) -> Place:
        return self._at(node["span"])

    def _at(self, span: dict[str, Any]) -> Place:
        """Count line and column ourselves: the engine's column depends on tabs.

        Its spans leave out the quotes of a string, also where one begins or ends an
        expression; nothing else stands against a quote without a blank or bracket.
        """
        start, end = int(span["start"]), int(span["end"])
        start -= self._bytes[start - 1 : start] in _QUOTES
        end += self._bytes[end : end + 1] in _QUOTES
        line = bisect_right(self._lines, start)
        before = self._bytes[self._lines[line - 1] : start]
        column = len(before.decode("utf-8", "replace")) + 1
        return Place(line, column, start, end)

    def _cut(self, span: dict[str, Any]) -> str:
        return self._bytes[span["start"] : span["end"]].decode()

    def _refuse(self, place: Place, reason: str) -> UnknownSyntaxError:
        return UnknownSyntaxError(self._path, place.line, place.column, reason)

    def _segments(self, node: Any) -> tuple[str, ...]:
        """Read a reference without variables, such as a package or an import."""
        expr = self._expr(node)
        if isinstance(expr, Var):
            return (expr.name,)
        names = [_text(step) for step in expr.steps] if isinstance(expr, Ref) else []
        if not isinstance(expr, Ref) or not isinstance(expr.root, Var) or None in names:
            raise self._refuse(expr.place, "expected a path of plain names")
        return (expr.root.name, *cast("list[str]", names))

    def _import(self, node: dict[str, Any]) -> Import:
        path = self._segments(node["refr"])
        alias = self._cut(node["as"]) if node.get("as") else path[-1]
        return Import(self._place(node), path, alias)

    # -- rules

    def _rule(self, node: dict[str, Any]) -> Rule:
        kind, value = _only(node)
        place = self._place(value)
        if kind == "Default":
            name, arguments = self._name(value["refr"]), self._all(value["args"])
            default = self._expr(value["value"])
            return Rule(place, "default", name, arguments, None, default, ())
        if kind != "Spec":
            raise self._refuse(place, f"expected a rule, got {kind}")
        bodies = tuple(self._body(body) for body in value["bodies"])
        return self._spec(place, value["head"], bodies)

    def _spec(self, place: Place, node: Any, bodies: tuple[Body, ...]) -> Rule:
        kind, head = _only(node)
        name = self._name(head["refr"])
        if kind == "Set":
            key = self._optional(head["key"])
            return Rule(place, "set", name, (), key, None, bodies)
        assign = head["assign"]
        value = self._expr(assign["value"]) if assign else None
        if assign and assign["op"] not in _ASSIGNMENTS:
            raise self._refuse(place, f"expected := or =, got {assign['op']}")
        if kind == "Compr":
            return Rule(place, "complete", name, (), None, value, bodies)
        if kind == "Func":
            arguments = self._all(head["args"])
            return Rule(place, "function", name, arguments, None, value, bodies)
        raise self._refuse(place, f"expected a rule head, got {kind}")

    def _name(self, node: Any) -> Var | Ref:
        name = self._expr(node)
        if isinstance(name, Var | Ref):
            return name
        raise self._refuse(name.place, "expected a name in the head of a rule")

    def _body(self, node: dict[str, Any]) -> Body:
        assign = node["assign"]
        value = self._expr(assign["value"]) if assign else None
        statements = self._query(node["query"])
        return Body(self._place(node), bool(node["is_else"]), value, statements)

    # -- statements

    def _query(self, node: dict[str, Any]) -> tuple[Statement, ...]:
        return tuple(self._statement(item) for item in node["stmts"])

    def _statement(self, node: dict[str, Any]) -> Statement:
        place = self._place(node)
        changes = tuple(
            With(self._place(w), self._expr(w["refr"]), self._expr(w["as"]))
            for w in node.get("with_mods", ())
        )
        kind, value = _only(node["literal"])
        if kind in ("Expr", "NotExpr"):
            expr = self._expr(value["expr"])
            return Condition(place, expr, kind == "NotExpr", changes)
        if kind == "SomeVars":
            names = tuple(self._cut(span) for span in value["vars"])
            return SomeVars(place, names, changes)
        if kind == "SomeIn":
            key, item = self._optional(value["key"]), self._expr(value["value"])
            collection = self._expr(value["collection"])
            return SomeIn(place, key, item, collection, changes)
        if kind == "Every":
            name = self._cut(value["key"]) if value["key"] else None
            domain, body = self._expr(value["domain"]), self._query(value["query"])
            return Every(place, name, self._cut(value["value"]), domain, body, changes)
        raise self._refuse(place, f"expected a known statement, got {kind}")

    # -- expressions

    def _expr(self, node: Any) -> Expr:
        kind, value = _only(node)
        if kind not in self._exprs:
            place = self._place(value)
            raise self._refuse(place, f"expected a known expression, got {kind}")
        self._depth += 1
        if self._depth > MAX_EXPRESSION_DEPTH:
            raise self._refuse(
                self._place(value),
                f"expected at most {MAX_EXPRESSION_DEPTH} levels of expression",
            )
        try:
            return self._exprs[kind](kind, value)
        finally:
            self._depth -= 1

    def _optional(self, node: Any) -> Expr | None:
        return None if node is None else self._expr(node)

    def _all(self, nodes: list[Any]) -> tuple[Expr, ...]:
        return tuple(self._expr(node) for node in nodes)

    def _scalar(self, kind: str, value: dict[str, Any]) -> Scalar:
        scalar = value["value"]
        expected = {"Number": (int, float), "Bool": bool, "Null": type(None)}
        if not isinstance(scalar, expected.get(kind, str)):  # type: ignore[arg-type]
            raise self._refuse(self._place(value), f"expected a {kind}, got another")
        return Scalar(self._place(value), scalar)

    def _ref(self, kind: str, value: dict[str, Any]) -> Ref:
        root = self._expr(value["refr"])
        if kind == "RefDot":
            span, name = value["field"]
            step: Expr = Scalar(self._at(span), str(name))
        else:
            step = self._expr(value["index"])
        place = self._place(value)
        if isinstance(root, Ref):
            return Ref(place, root.root, (*root.steps, step))
        return Ref(place, root, (step,))

    def _call(self, _: str, value: dict[str, Any]) -> Call:
        name = ".".join(self._segments(value["fcn"]))
        return Call(self._place(value), name, self._all(value["params"]))

    def _collection(self, kind: str, value: dict[str, Any]) -> Collection:
        known: Literal["array", "set"] = "array" if kind == "Array" else "set"
        return Collection(self._place(value), known, self._all(value["items"]))

    def _object(self, _: str, value: dict[str, Any]) -> ObjectTerm:
        fields = tuple((self._expr(k), self._expr(v)) for _, k, v in value["fields"])
        # regorus' own span of an object begins at its last colon.
        place = fields[0][0].place if fields else self._place(value)
        return ObjectTerm(place, fields)

    def _comprehension(self, kind: str, value: dict[str, Any]) -> Comprehension:
        place, body = self._place(value), self._query(value["query"])
        if kind == "ObjectCompr":
            pair = (self._expr(value["key"]), self._expr(value["value"]))
            return Comprehension(place, "object", pair, body)
        head = (self._expr(value["term"]),)
        known: Literal["array", "set"] = "array" if kind == "ArrayCompr" else "set"
        return Comprehension(place, known, head, body)

    def _operation(self, kind: str, value: dict[str, Any]) -> Operation:
        place, name = self._place(value), value["op"]
        if name not in _OPERATORS[kind]:
            raise self._refuse(place, f"expected a known operator, got {name}")
        left, right = self._expr(value["lhs"]), self._expr(value["rhs"])
        return Operation(place, _OPERATORS[kind][name], left, right)

    def _assignment(self, _: str, value: dict[str, Any]) -> Assignment:
        place, name = self._place(value), value["op"]
        if name not in _ASSIGNMENTS:
            raise self._refuse(place, f"expected := or =, got {name}")
        left, right = self._expr(value["lhs"]), self._expr(value["rhs"])
        return Assignment(place, _ASSIGNMENTS[name], left, right)

    def _membership(self, _: str, value: dict[str, Any]) -> Membership:
        key, item = self._optional(value["key"]), self._expr(value["value"])
        return Membership(
            self._place(value), key, item, self._expr(value["collection"])
        )


def _only(node: dict[str, Any]) -> tuple[str, Any]:
    ((kind, value),) = node.items()
    return kind, value


def _text(expr: Expr) -> str | None:
    return (
        expr.value if isinstance(expr, Scalar) and isinstance(expr.value, str) else None
    )
