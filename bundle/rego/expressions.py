# SPDX-License-Identifier: Apache-2.0
"""Read the expressions of an engine's syntax tree, and where they stand."""

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from bundle.rego.ast import (
    Assignment,
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
    Statement,
    Var,
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
ASSIGNMENTS: Final[dict[str, Literal[":=", "="]]] = {"ColEq": ":=", "Eq": "="}


class UnknownSyntaxError(RegoParseError):
    """Rego that parses, and that no check of ours knows."""

    code = "syntax-not-allowed"


class ExpressionReader:
    """Expressions of one module's tree, and the text to cut names from.

    A comprehension holds statements, which whoever reads statements provides.
    """

    def __init__(self, module: Module) -> None:
        self.path = module.path
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
            "Var": lambda _, v: Var(self.place(v), v["value"]),
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

    def query(self, node: dict[str, Any]) -> tuple[Statement, ...]:
        """Read the statements of a body."""
        raise NotImplementedError

    # -- names and places

    def place(self, node: dict[str, Any]) -> Place:
        """Return where a node stands."""
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

    def cut(self, span: dict[str, Any]) -> str:
        """Return the text of a span: a name that the tree only points at."""
        return self._bytes[span["start"] : span["end"]].decode()

    def refuse(self, place: Place, reason: str) -> UnknownSyntaxError:
        """Return a refusal at a place."""
        return UnknownSyntaxError(self.path, place.line, place.column, reason)

    def segments(self, node: Any) -> tuple[str, ...]:
        """Read a reference without variables, such as a package or an import."""
        expr = self.expr(node)
        if isinstance(expr, Var):
            return (expr.name,)
        names = [_text(step) for step in expr.steps] if isinstance(expr, Ref) else []
        if not isinstance(expr, Ref) or not isinstance(expr.root, Var) or None in names:
            raise self.refuse(expr.place, "expected a path of plain names")
        return (expr.root.name, *cast("list[str]", names))

    def expr(self, node: Any) -> Expr:
        """Read an expression.

        Raises:
            UnknownSyntaxError: Of a kind that is not on the list, or too deep.
        """
        kind, value = only(node)
        if kind not in self._exprs:
            place = self.place(value)
            raise self.refuse(place, f"expected a known expression, got {kind}")
        self._depth += 1
        if self._depth > MAX_EXPRESSION_DEPTH:
            raise self.refuse(
                self.place(value),
                f"expected at most {MAX_EXPRESSION_DEPTH} levels of expression",
            )
        try:
            return self._exprs[kind](kind, value)
        finally:
            self._depth -= 1

    def optional(self, node: Any) -> Expr | None:
        """Read an expression, if there is one."""
        return None if node is None else self.expr(node)

    def all(self, nodes: list[Any]) -> tuple[Expr, ...]:
        """Read a list of expressions."""
        return tuple(self.expr(node) for node in nodes)

    def _scalar(self, kind: str, value: dict[str, Any]) -> Scalar:
        scalar = value["value"]
        expected = {"Number": (int, float), "Bool": bool, "Null": type(None)}
        if not isinstance(scalar, expected.get(kind, str)):  # type: ignore[arg-type]
            raise self.refuse(self.place(value), f"expected a {kind}, got another")
        return Scalar(self.place(value), scalar)

    def _ref(self, kind: str, value: dict[str, Any]) -> Ref:
        root = self.expr(value["refr"])
        if kind == "RefDot":
            span, name = value["field"]
            step: Expr = Scalar(self._at(span), str(name))
        else:
            step = self.expr(value["index"])
        place = self.place(value)
        if isinstance(root, Ref):
            return Ref(place, root.root, (*root.steps, step))
        return Ref(place, root, (step,))

    def _call(self, _: str, value: dict[str, Any]) -> Call:
        name = ".".join(self.segments(value["fcn"]))
        return Call(self.place(value), name, self.all(value["params"]))

    def _collection(self, kind: str, value: dict[str, Any]) -> Collection:
        known: Literal["array", "set"] = "array" if kind == "Array" else "set"
        return Collection(self.place(value), known, self.all(value["items"]))

    def _object(self, _: str, value: dict[str, Any]) -> ObjectTerm:
        fields = tuple((self.expr(k), self.expr(v)) for _, k, v in value["fields"])
        # regorus' own span of an object begins at its last colon.
        place = fields[0][0].place if fields else self.place(value)
        return ObjectTerm(place, fields)

    def _comprehension(self, kind: str, value: dict[str, Any]) -> Comprehension:
        place, body = self.place(value), self.query(value["query"])
        if kind == "ObjectCompr":
            pair = (self.expr(value["key"]), self.expr(value["value"]))
            return Comprehension(place, "object", pair, body)
        head = (self.expr(value["term"]),)
        known: Literal["array", "set"] = "array" if kind == "ArrayCompr" else "set"
        return Comprehension(place, known, head, body)

    def _operation(self, kind: str, value: dict[str, Any]) -> Operation:
        place, name = self.place(value), value["op"]
        if name not in _OPERATORS[kind]:
            raise self.refuse(place, f"expected a known operator, got {name}")
        left, right = self.expr(value["lhs"]), self.expr(value["rhs"])
        return Operation(place, _OPERATORS[kind][name], left, right)

    def _assignment(self, _: str, value: dict[str, Any]) -> Assignment:
        place, name = self.place(value), value["op"]
        if name not in ASSIGNMENTS:
            raise self.refuse(place, f"expected := or =, got {name}")
        left, right = self.expr(value["lhs"]), self.expr(value["rhs"])
        return Assignment(place, ASSIGNMENTS[name], left, right)

    def _membership(self, _: str, value: dict[str, Any]) -> Membership:
        key, item = self.optional(value["key"]), self.expr(value["value"])
        return Membership(self.place(value), key, item, self.expr(value["collection"]))


def only(node: dict[str, Any]) -> tuple[str, Any]:
    """Return kind and content of a node."""
    ((kind, value),) = node.items()
    return kind, value


def _text(expr: Expr) -> str | None:
    return (
        expr.value if isinstance(expr, Scalar) and isinstance(expr.value, str) else None
    )
