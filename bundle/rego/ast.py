# SPDX-License-Identifier: Apache-2.0
"""Rego as typed nodes: what ``reader`` makes of an engine's syntax tree.

Only what overlay rules and their tests may contain has a node here. The nodes know
nothing of scopes or meaning; ``scope`` and ``conditions`` do.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, get_args

from keys.record import record

COMPARISONS: Final = ("==", "!=", "<", "<=", ">", ">=")

ScalarValue = str | int | float | bool | None


@record
class Place:
    """Where a node stands: line and column from 1, and the bytes that it spans."""

    line: int
    column: int
    start: int
    end: int


@record
class Scalar:
    """A string, number, boolean or null."""

    place: Place
    value: ScalarValue


@record
class Var:
    """A name: a local, a rule, an import, ``input`` or ``data``."""

    place: Place
    name: str


@record
class Ref:
    """``root.a[b]``: dots and brackets are both steps."""

    place: Place
    root: "Expr"
    steps: "tuple[Expr, ...]"


@record
class Call:
    """A call of a function or builtin by its dotted name."""

    place: Place
    name: str
    arguments: "tuple[Expr, ...]"


@record
class Collection:
    """An array or a set."""

    place: Place
    kind: Literal["array", "set"]
    items: "tuple[Expr, ...]"


@record
class ObjectTerm:
    """An object."""

    place: Place
    fields: "tuple[tuple[Expr, Expr], ...]"


@record
class Comprehension:
    """``[head | body]``, ``{head | body}`` or ``{key: value | body}``."""

    place: Place
    kind: Literal["array", "set", "object"]
    head: "tuple[Expr, ...]"
    body: "tuple[Statement, ...]"


@record
class Operation:
    """An infix operator: ``+ - * / % | & == != < <= > >=``."""

    place: Place
    operator: str
    left: "Expr"
    right: "Expr"


@record
class Assignment:
    """``left := right`` or ``left = right``."""

    place: Place
    operator: Literal[":=", "="]
    left: "Expr"
    right: "Expr"


@record
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


@record
class With:
    """``with target as value``."""

    place: Place
    target: Expr
    value: Expr


@record
class Condition:
    """An expression that must hold, or must not."""

    place: Place
    expr: Expr
    negated: bool
    changes: tuple[With, ...]


@record
class SomeVars:
    """``some x, y``."""

    place: Place
    names: tuple[str, ...]
    changes: tuple[With, ...]


@record
class SomeIn:
    """``some key, value in collection``."""

    place: Place
    key: Expr | None
    value: Expr
    collection: Expr
    changes: tuple[With, ...]


@record
class Every:
    """``every key, value in domain { body }``."""

    place: Place
    key: str | None
    value: str
    domain: Expr
    body: "tuple[Statement, ...]"
    changes: tuple[With, ...]


Statement = Condition | SomeVars | SomeIn | Every


@record
class Body:
    """One body of a rule; ``value`` only if it is an ``else``."""

    place: Place
    is_else: bool
    value: Expr | None
    statements: tuple[Statement, ...]


@record
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


@record
class Import:
    """``import path as alias``; without ``as`` the alias is the last segment."""

    place: Place
    path: tuple[str, ...]
    alias: str


@record
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

# Fields that never hold a node; ``value`` and ``name`` do in some kinds.
_PLAIN: Final = {"place", "kind", "operator", "negated", "is_else", "names"}
_PLAIN_OF: Final = {Scalar: {"value"}, Var: {"name"}, Call: {"name"}}
# The fields of a node that may hold nodes: only they are looked into.
_BELOW: Final = {
    kind: tuple(
        name
        for name in kind.__match_args__
        if name not in _PLAIN | _PLAIN_OF.get(kind, set())
    )
    for kind in get_args(Node)
}


def parts(node: Node | Import) -> tuple[Any, ...]:
    """Return what a node is, but for where it stands: its fields, in their order."""
    names = type(node).__match_args__
    return tuple([getattr(node, name) for name in names if name != "place"])


def below(node: object) -> Sequence[Any]:
    """Return what may hold nodes directly below one; the items, if it is a tuple."""
    if isinstance(node, tuple):
        return node
    return [getattr(node, name) for name in _BELOW.get(type(node), ())]


def walk(node: Any) -> Iterator[Node]:
    """Yield a node and all below it, outermost first; tuples are looked through."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind in _BELOW:
            yield item
            waiting += [getattr(item, name) for name in _BELOW[kind]][::-1]
        elif kind is tuple:
            waiting += item[::-1]
