# SPDX-License-Identifier: Apache-2.0
"""Rego as typed nodes: what ``reader`` makes of an engine's syntax tree.

Only what overlay rules and their tests may contain has a node here. The nodes know
nothing of scopes or meaning; ``scope`` and ``conditions`` do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

COMPARISONS: Final = ("==", "!=", "<", "<=", ">", ">=")

ScalarValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: line and column from 1, and the bytes that it spans."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, boolean or null."""

    place: Place
    value: ScalarValue


@dataclass(frozen=True, slots=True)
class Var:
    """A name: a local, a rule, an import, ``input`` or ``data``."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Ref:
    """``root.a[b]``: dots and brackets are both steps."""

    place: Place
    root: "Expr"
    steps: "tuple[Expr, ...]"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function or builtin by its dotted name."""

    place: Place
    name: str
    arguments: "tuple[Expr, ...]"


@dataclass(frozen=True, slots=True)
class Collection:
    """An array or a set."""

    place: Place
    kind: Literal["array", "set"]
    items: "tuple[Expr, ...]"


@dataclass(frozen=True, slots=True)
class ObjectTerm:
    """An object."""

    place: Place
    fields: "tuple[tuple[Expr, Expr], ...]"


@dataclass(frozen=True, slots=True)
class Comprehension:
    """``[head | body]``, ``{head | body}`` or ``{key: value | body}``."""

    place: Place
    kind: Literal["array", "set", "object"]
    head: "tuple[Expr, ...]"
    body: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True)
class Operation:
    """An infix operator: ``+ - * / % | & == != < <= > >=``."""

    place: Place
    operator: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Assignment:
    """``left := right`` or ``left = right``."""

    place: Place
    operator: Literal[":=", "="]
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class Membership:
    """``value in collection`` or ``key, value in collection``."""

    place: Place
    key: "Expr | None"
    value: "Expr"
    collection: "Expr"


Expr = (
    Scalar
    | Var
    | Ref
    | Call
    | Collection
    | ObjectTerm
    | Comprehension
    | Operation
    | Assignment
    | Membership
)


@dataclass(frozen=True, slots=True)
class With:
    """``with target as value``."""

    place: Place
    target: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression that must hold, or must not."""

    place: Place
    expr: Expr
    negated: bool
    changes: tuple[With, ...]


@dataclass(frozen=True, slots=True)
class SomeVars:
    """``some x, y``."""

    place: Place
    names: tuple[str, ...]
    changes: tuple[With, ...]


@dataclass(frozen=True, slots=True)
class SomeIn:
    """``some key, value in collection``."""

    place: Place
    key: Expr | None
    value: Expr
    collection: Expr
    changes: tuple[With, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """``every key, value in domain { body }``."""

    place: Place
    key: str | None
    value: str
    domain: Expr
    body: "tuple[Statement, ...]"
    changes: tuple[With, ...]


Statement = Condition | SomeVars | SomeIn | Every


@dataclass(frozen=True, slots=True)
class Body:
    """One body of a rule; ``value`` only if it is an ``else``."""

    place: Place
    is_else: bool
    value: Expr | None
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: ``default``, complete, set (``contains``) or function.

    Attributes:
        name: A ``Var``, or a ``Ref`` if the head has steps.
        arguments: Of a function.
        key: Of a set.
        value: Of the others; none means ``true``.
    """

    place: Place
    kind: Literal["default", "complete", "set", "function"]
    name: Var | Ref
    arguments: tuple[Expr, ...]
    key: Expr | None
    value: Expr | None
    bodies: tuple[Body, ...]

    @property
    def root(self) -> str:
        """The first name of the head."""
        root = self.name.root if isinstance(self.name, Ref) else self.name
        return root.name if isinstance(root, Var) else ""


@dataclass(frozen=True, slots=True)
class Import:
    """``import path as alias``; without ``as`` the alias is the last segment."""

    place: Place
    path: tuple[str, ...]
    alias: str


@dataclass(frozen=True, slots=True)
class Syntax:
    """A module.

    Attributes:
        path: The file, as the caller named it.
        package_place: Where ``package`` stands.
        package: Its segments, without ``data``.
    """

    path: str
    package_place: Place
    package: tuple[str, ...]
    imports: tuple[Import, ...]
    rules: tuple[Rule, ...]


Node = Expr | With | Statement | Body | Rule

# The fields of a node that may hold nodes, last first.
_BELOW: Final = {
    kind: tuple(name for name in reversed(kind.__match_args__) if name != "place")
    for kind in get_args(Node)
}


def walk(node: Any) -> Iterator[Node]:
    """Yield a node and all below it, outermost first; tuples are looked through."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, tuple):
            waiting.extend(item[::-1])
        elif (below := _BELOW.get(type(item))) is not None:
            yield item
            waiting.extend([getattr(item, name) for name in below])
