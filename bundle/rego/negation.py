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
        case Operation(operator=operator, left=left, right=right):
            return operator in COMPARISONS and _defined(scope, left, right)
        case Membership(key=key, value=value, collection=collection):
            return _defined(scope, *filter(None, (key,)), value, collection)
        case Call(arguments=arguments):
            return _defined(scope, *arguments)
    return False


def _plain(scope: Scope, expr: Expr) -> bool:
    """Return whether an expression is one name or reference, its steps all defined."""
    if isinstance(expr, Var):
        return expr.name != "_"
    if not isinstance(expr, Ref) or not isinstance(expr.root, Var):
        return False
    return _defined(scope, *expr.steps)


def _defined(scope: Scope, *exprs: Expr) -> bool:
    """Return whether all are constants or locals, which are bound before ``not``."""
    return all(
        isinstance(expr, Scalar)
        or (isinstance(expr, Var) and expr.name != "_" and scope.is_local(expr.name))
        for expr in exprs
    )
