# SPDX-License-Identifier: Apache-2.0
"""What a module may compute: the same verdict in every engine, at any time."""

from collections.abc import Iterator

from bundle.finding import Finding
from bundle.rego.ast import COMPARISONS, Call, Expr, Operation, Scalar, Statement, walk
from bundle.rego.builtins import ALLOWED, INSTEAD
from bundle.rego.conditions.subject import Subject
from bundle.rego.negation import unportable_negations


def check_changes(subject: Subject) -> Iterator[Finding]:
    """S5: no ``with``: it would let a rule decide about another input."""
    for node in walk(subject.syntax.rules):
        if isinstance(node, Statement) and node.changes:
            yield subject.finding(
                "with-not-allowed",
                node.changes[0],
                "expected no `with` outside tests",
                "write a function that takes the value as its argument",
            )


def check_calls(subject: Subject) -> Iterator[Finding]:
    """S5: own functions, and builtins that are deterministic and equal everywhere."""
    functions = {
        name
        for name, rules in subject.scope.rules.items()
        if all(rule.kind == "function" for rule in rules)
    }
    for node in walk(subject.syntax.rules):
        if not isinstance(node, Call) or node.name in functions:
            continue
        head = node.name.partition(".")[0]
        if node.name not in ALLOWED or head in subject.scope.imports:
            yield subject.finding(
                "builtin-not-allowed",
                node,
                f"expected a builtin of the portable list, got {node.name}",
                INSTEAD.get(node.name) or _nearest(node.name, functions),
            )


def _nearest(name: str, functions: set[str]) -> str:
    """Return what to write instead of a name that is nobody's, often a slip."""
    from difflib import get_close_matches  # noqa: PLC0415 - for a finding only

    close = get_close_matches(name, sorted({*ALLOWED, *functions}), n=1, cutoff=0.8)
    if close:
        return f"did you mean {close[0]}?"
    return "see `trustacks rule explain builtin-not-allowed`"


def check_recursion(subject: Subject) -> Iterator[Finding]:
    """S7: no rule depends on itself."""
    rules = subject.scope.rules
    uses = {
        name: set().union(*(subject.scope.uses(rule) for rule in bodies))
        for name, bodies in rules.items()
    }
    for name in rules:
        seen: set[str] = set()
        ahead = list(uses[name])
        while ahead:
            step = ahead.pop()
            if step not in seen:
                seen.add(step)
                ahead.extend(uses[step])
        if name in seen:
            yield subject.finding(
                "recursion",
                rules[name][0],
                f"expected {name} not to depend on itself",
                "unroll it, or use a comprehension over the collection",
            )


def check_safety(subject: Subject) -> Iterator[Finding]:
    """S7: every name has a value: OPA refuses the whole bundle otherwise."""
    for _, unsafe in subject.unsafe:
        for node in unsafe:
            yield subject.finding(
                "variable-unsafe",
                node,
                f"expected {node.name} to be bound, got no statement that binds it",
                f"bind it: {node.name} := ..., or some {node.name} in ...",
            )


def check_negation(subject: Subject) -> Iterator[Finding]:
    """S7: a negation means the same in every engine."""
    for node in unportable_negations(subject.scope):
        yield subject.finding(
            "negation-not-portable",
            node,
            "expected `not` over a name, a reference or reference == constant",
            "move the condition into a helper rule: `has_x if ...`, then `not has_x`",
        )


def check_operators(subject: Subject) -> Iterator[Finding]:
    """S7: integers only, and one comparison at a time."""
    for node in walk(subject.syntax.rules):
        if isinstance(node, Scalar) and isinstance(node.value, float):
            yield subject.finding(
                "number-not-portable",
                node,
                f"expected an integer, got {node.value}",
                "compare in a smaller unit, such as cents or milliseconds",
            )
        if not isinstance(node, Operation):
            continue
        if node.operator == "/":
            yield subject.finding(
                "number-not-portable",
                node,
                "expected no division: engines round differently",
                "multiply the other side instead",
            )
        if any(_compares(side) for side in (node.left, node.right)):
            yield subject.finding(
                "comparison-chained",
                node,
                "expected one comparison in an expression",
                "write one comparison on each line",
            )


def _compares(expr: Expr) -> bool:
    return isinstance(expr, Operation) and expr.operator in COMPARISONS
