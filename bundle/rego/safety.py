# SPDX-License-Identifier: Apache-2.0
"""Variables that nothing binds: OPA refuses them, regorus only where it meets them.

regorus looks at a function when it is first called, OPA when it compiles; a rule that
one of them accepts would take the whole bundle down in the other. The order of
statements matters only for names that ``:=`` and ``some`` declare: they have no value
above. Otherwise a body is safe if some order binds each name before its use.

A name is bound by ``:=``, by ``some ... in``, as the step of a reference
(``input.xs[i]``), by unification with something bound, and as an argument of a
function. Nothing below ``not`` binds. A comprehension sees what is bound around it, and
keeps what it binds to itself.
"""

from collections.abc import Iterator, Sequence

from bundle.rego.ast import (
    Assignment,
    Collection,
    Comprehension,
    Condition,
    Every,
    Expr,
    Node,
    ObjectTerm,
    Ref,
    Rule,
    SomeIn,
    SomeVars,
    Statement,
    Var,
    below,
    walk,
)
from bundle.rego.scope import Scope


def unsafe_variables(scope: Scope, rule: Rule) -> list[Var]:
    """Return the places in a rule where a name is used that nothing binds."""
    safety = _Safety(scope)
    arguments = set(pattern_names(rule.arguments))
    steps = rule.name.steps if isinstance(rule.name, Ref) else ()
    found: list[Var] = []
    for statements, value in _bodies(rule):
        safe, unbound = safety.settle(statements, arguments)
        # Where the field is missing, a step in a head is an error of regorus only.
        found += unbound or safety.valued((*steps, rule.key, value), safe)
    return found


def _bodies(rule: Rule) -> Iterator[tuple[tuple[Statement, ...], Expr | None]]:
    if not rule.bodies:
        yield (), rule.value
    for body in rule.bodies:
        yield body.statements, body.value if body.is_else else rule.value


class _Safety:
    """What is bound in the rules of one module."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def settle(
        self, statements: Sequence[Statement], bound: set[str]
    ) -> tuple[set[str], list[Var]]:
        """Return what is bound after a body, and the uses that nothing binds."""
        safe, left = set(bound), list(zip(statements, _later(statements), strict=True))
        while ready := [p for p in left if not self._needs(p[0], safe - p[1])]:
            safe = safe.union(*(binds(one) for one, _ in ready))
            left = [pair for pair in left if pair not in ready]
        return safe, [v for one, later in left for v in self._needs(one, safe - later)]

    def _needs(self, statement: Statement, safe: set[str]) -> list[Var]:
        match statement:
            case SomeVars():
                return []
            case SomeIn(key=key, value=value, collection=domain):
                return self._bound(domain, safe) + _again((key, value), domain)
            case Every(domain=domain):
                inner = {statement.key or "_", statement.value}
                _, unbound = self.settle(statement.body, safe | inner)
                return self._bound(domain, safe) + unbound
            case Condition(negated=True, expr=expr):
                return self.valued(expr, safe)
            case Condition(expr=expr):
                return self._condition(expr, safe)

    def _condition(self, expr: Expr, safe: set[str]) -> list[Var]:
        match expr:
            case Assignment(operator=":=", left=left, right=right):
                return self._bound(right, safe) + _again(left, right)
            case Assignment(left=left, right=right):
                return self._unified(left, right, safe | _outputs(expr))
            case _:
                return self._bound(expr, safe)

    def _bound(self, expr: Expr, safe: set[str]) -> list[Var]:
        """Return what is required where references bind their steps."""
        return self.required(expr, safe | _outputs(expr))

    def valued(self, node: object, safe: set[str]) -> list[Var]:
        """Return what is required where nothing binds: steps need a value too."""
        steps = [s for n in _outside(node) if isinstance(n, Ref) for s in n.steps]
        names = tuple(step for step in steps if isinstance(step, Var))
        return self.required((node, names), safe)

    def _unified(self, left: Expr, right: Expr, safe: set[str]) -> list[Var]:
        """Return what keeps ``left = right`` from binding both sides."""
        unbound = self.required(left, safe)
        if not unbound:
            return self.required(right, safe.union(pattern_names(right)))
        if not self.required(right, safe):
            return self.required(left, safe.union(pattern_names(left)))
        match left, right:
            case Collection(kind="array"), Collection(kind="array"):
                pairs = zip(left.items, right.items, strict=False)
                return [v for a, b in pairs for v in self._unified(a, b, safe)]
            case _:
                return unbound

    def required(self, node: object, safe: set[str]) -> list[Var]:
        """Return the names below a node that need a value and have none."""
        match node:
            case Var(name=name):
                if name in safe or not self._scope.is_local(name):
                    return []
                return [node]
            case Ref(root=root, steps=steps):
                inner = tuple(step for step in steps if not isinstance(step, Var))
                return self.required((root, *inner), safe)
            case Comprehension(head=head, body=body):
                inside, unbound = self.settle(body, safe)
                return unbound or self.valued(head, inside)
            case _:
                return [v for part in below(node) for v in self.required(part, safe)]


def _later(statements: Sequence[Statement]) -> list[set[str]]:
    """Return, for each statement, the names that are declared only below it."""
    declared = [set(_declared(statement)) for statement in statements]
    below = [set().union(*declared[n + 1 :]) for n in range(len(declared))]
    above = [set().union(*declared[: n + 1]) for n in range(len(declared))]
    return [later - before for later, before in zip(below, above, strict=True)]


def _declared(statement: Statement) -> Iterator[str]:
    match statement:
        case Condition(negated=False, expr=Assignment(operator=":=") as expr):
            yield from pattern_names(expr.left)
        case SomeIn():
            yield from pattern_names((statement.key, statement.value))
        case SomeVars():
            yield from statement.names
        case _:
            return


def _again(pattern: object, source: object) -> list[Var]:
    """Return the uses of declared names in what they are declared to be, and twice."""
    names = [name for name in pattern_names(pattern) if name != "_"]
    used = [node for node in _outside(source) if isinstance(node, Var)]
    twice = [v for v in _outside(pattern) if isinstance(v, Var)]
    return [v for v in used if v.name in names] + [
        v for v in twice if names.count(v.name) > 1
    ]


def binds(statement: Statement) -> set[str]:
    """Return the names that a statement gives a value to."""
    match statement:
        case Condition(negated=False, expr=Assignment(operator=":=") as expr):
            return {*pattern_names(expr.left), *_outputs(expr.right)}
        case Condition(negated=False, expr=Assignment() as expr):
            return {*pattern_names((expr.left, expr.right)), *_outputs(expr)}
        case Condition(negated=False):
            return _outputs(statement.expr)
        case SomeIn():
            names = pattern_names((statement.key, statement.value))
            return {*names, *_outputs(statement.collection)}
        case _:
            return set()


def pattern_names(node: object) -> Iterator[str]:
    """Yield the names that a pattern binds: through arrays and objects, no further."""
    match node:
        case Var(name=name):
            yield name
        case Collection(kind="array", items=items):
            yield from pattern_names(items)
        case ObjectTerm(fields=fields):
            yield from pattern_names(tuple(value for _, value in fields))
        case tuple():
            for item in node:
                yield from pattern_names(item)
        case _:
            return


def _outputs(node: object) -> set[str]:
    """Return the names that references bind as their steps."""
    refs = [one for one in _outside(node) if isinstance(one, Ref)]
    return {name for ref in refs for step in ref.steps for name in pattern_names(step)}


def _outside(node: object) -> Iterator[Node]:
    """Yield a node and what is below it, but nothing inside a comprehension."""
    inside: set[int] = set()
    for one in walk(node):
        if id(one) in inside:
            continue
        if isinstance(one, Comprehension):
            inside.update(id(part) for part in walk((one.head, one.body)))
        yield one
