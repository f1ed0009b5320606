# SPDX-License-Identifier: Apache-2.0
"""The negations that mean the same in every engine.

OPA lifts a reference out of ``not f(input.x)`` and ``not input.x > 1``: where the
field is missing the whole body is undefined, so a deny does not fire, while regorus
lets it fire (open-policy-agent/opa issues 1877 and 4743). The engines agree when
nothing below ``not`` can be undefined by itself, or when all of it is one reference.
"""

from collections.abc import Iterator

from bundle.rego.ast import (
    COMPARISONS,
    Call,
    Condition,
    Expr,
    Membership,
    Operation,
    Ref,
    Scalar,
    Var,
    walk,
)
from bundle.rego.scope import Scope


def unportable_negations(scope: Scope) -> Iterator[Condition]:
    """Yield every negated condition whose meaning depends on the engine."""
    for node in walk(scope.syntax.rules):
        match node:
            case Condition(negated=True, expr=expr) if not _portable(scope, expr):
                yield node
            case _:
                continue


def _portable(scope: Scope, expr: Expr) -> bool:
    match expr:
        case Var() | Ref():
            return _plain(scope, expr)
        case Operation(operator="==", left=side, right=Scalar()) if _plain(scope, side):
            return True
        case Operation(operator="==", left=Scalar(), right=side) if _plain(scope, side):
            return True
        case _:
            parts = _parts(expr)
            return parts is not None and all(_defined(scope, p) for p in parts)


def _parts(expr: Expr) -> tuple[Expr, ...] | None:
    """Return what a test is made of: none if it is not a test."""
    match expr:
        case Operation(operator=operator) if operator in COMPARISONS:
            return (expr.left, expr.right)
        case Membership(key=None):
            return (expr.value, expr.collection)
        case Membership(key=key) if key is not None:
            return (key, expr.value, expr.collection)
        case Call():
            return expr.arguments
        case _:
            return None


def _plain(scope: Scope, expr: Expr) -> bool:
    """Return whether an expression is one name or reference, its steps all defined."""
    if isinstance(expr, Var):
        return expr.name != "_"
    if not isinstance(expr, Ref) or not isinstance(expr.root, Var):
        return False
    return all(_defined(scope, step) for step in expr.steps)


def _defined(scope: Scope, expr: Expr) -> bool:
    """Return whether it is a constant, or a local, which is bound before ``not``."""
    if isinstance(expr, Var):
        return expr.name != "_" and scope.is_local(expr.name)
    return isinstance(expr, Scalar)
