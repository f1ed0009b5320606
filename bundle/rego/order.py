# SPDX-License-Identifier: Apache-2.0
"""Names in closures: bound above, so that no engine has to find an order for them.

A closure is a comprehension, a negation or the body of ``every``. Where a name in it is
bound only beside or below it, OPA binds first and regorus looks first: one denies where
the other allows. So such a name is bound by a statement above, or is the closure's own.
And what ``every`` and ``some`` declare is used: OPA refuses the whole bundle otherwise.
"""

from collections.abc import Iterator

from bundle.rego.ast import (
    Assignment,
    Comprehension,
    Condition,
    Every,
    Node,
    Rule,
    SomeIn,
    SomeVars,
    Statement,
    Var,
    below,
    walk,
)
from bundle.rego.safety import binds, pattern_names
from bundle.rego.scope import Scope
from keys.record import record


@record
class _Closure:
    """``names`` are declared by it; ``beside`` is what is neither body nor closure."""

    names: frozenset[str]
    body: tuple[Statement, ...]
    beside: object


def late_variables(scope: Scope, rule: Rule) -> list[Var]:
    """Return the places in closures that use a name which is bound beside or below."""
    found: list[Var] = []
    heads = (rule.key, rule.value)
    arguments = frozenset(pattern_names(rule.arguments))
    bodies = [(body.statements, body.value) for body in rule.bodies] or [((), None)]
    for statements, other in bodies:
        closure = _Closure(frozenset(), statements, (*heads, other))
        found += _late(closure, arguments, frozenset())
    return [var for var in found if scope.is_local(var.name)]


def unused_variables(rule: Rule) -> Iterator[tuple[Node, str]]:
    """Yield the names that ``every`` or ``some x`` declares and nothing uses."""
    names = [n.name for n in walk(rule) if isinstance(n, Var)]
    for node in walk(rule):
        if isinstance(node, Every):
            used = {n.name for n in walk(node.body) if isinstance(n, Var)}
            declared = (node.key or "_", node.value)
            yield from ((node, n) for n in declared if n not in used | {"_"})
        elif isinstance(node, SomeVars):
            yield from ((node, name) for name in node.names if name not in names)


def _late(
    closure: _Closure, above: frozenset[str], around: frozenset[str]
) -> list[Var]:
    """Return what closures at one level and below it use too early."""
    own = frozenset(var.name for var in _level((closure.body, closure.beside)))
    mentioned = (around - _declared(closure)) | own
    found: list[Var] = []
    for part in (*closure.body, closure.beside):
        for inner in _closures(part):
            later = mentioned - above - _declared(inner)
            level = _level((inner.body, inner.beside))
            found += [var for var in level if var.name in later]
            found += _late(inner, above | inner.names, mentioned - inner.names)
        if isinstance(part, Statement):
            above |= binds(part)
    return found


def _declared(closure: _Closure) -> frozenset[str]:
    names = set(closure.names)
    for statement in closure.body:
        match statement:
            case SomeVars(names=several):
                names.update(several)
            case SomeIn(key=key, value=value):
                names.update(pattern_names((key, value)))
            case Condition(expr=Assignment(operator=":=", left=left)):
                names.update(pattern_names(left))
            case _:
                continue
    return frozenset(names)


def _closures(node: object) -> Iterator[_Closure]:
    """Yield the outermost closures in a node."""
    match node:
        case Comprehension(head=head, body=body):
            yield _Closure(frozenset(), body, head)
        case Condition(negated=True, expr=expr):
            yield _Closure(frozenset(), (), expr)
        case Every(domain=domain, body=body):
            yield from _closures(domain)
            names = frozenset(n for n in (node.key, node.value) if n is not None)
            yield _Closure(names, body, ())
        case _:
            for part in below(node):
                yield from _closures(part)


def _level(node: object) -> Iterator[Var]:
    """Yield the names in a node that stand in none of its closures."""
    match node:
        case Var(name=name):
            if name != "_":
                yield node
        case Comprehension() | Condition(negated=True):
            return
        case Every(domain=domain):
            yield from _level(domain)
        case _:
            for part in below(node):
                yield from _level(part)
